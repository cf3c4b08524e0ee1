/* AlsoLike: puts related articles into every <div data-alsolike="ARTICLE_ID"> of a page.
   <script src="https://SERVICE/widget.js" defer></script>
   Optional on the div: data-limit="6". Quiet when the service is away. */
(() => {
  const script = document.currentScript;
  const service = new URL(script.src);
  const base = service.pathname.replace(/widget\.js$/, "");

  function addStyle() {
    if (document.querySelector("link[data-alsolike-style]")) return;
    const link = document.createElement("link");
    link.rel = "stylesheet";
    link.href = `${service.origin}${base}widget.css`;
    link.dataset.alsolikeStyle = "";
    document.head.append(link);
  }

  async function fill(place) {
    const query = new URLSearchParams({ id: place.dataset.alsolike });
    if (place.dataset.limit) query.set("limit", place.dataset.limit);
    const signal = AbortSignal.timeout(5000);
    const answer = await fetch(`${service.origin}${base}v1/related.html?${query}`, {
      signal,
      credentials: "omit",
    });
    if (!answer.ok) return;
    place.innerHTML = await answer.text(); // escaped by the service, and it holds no script
  }

  function start() {
    const places = document.querySelectorAll("[data-alsolike]");
    if (places.length) addStyle();
    for (const place of places) fill(place).catch(() => {});
  }

  if (document.readyState === "loading") document.addEventListener("DOMContentLoaded", start);
  else start();
})();
