/* AlsoLike: puts related articles into every <div data-alsolike="ARTICLE_ID"> of a page.
   <script src="https://SERVICE/widget.js" defer></script>
   Optional on the div: data-limit="6". Shows nothing if the service can't be reached. */
(() => {
  const script = document.currentScript ?? document.querySelector('script[src*="/widget.js"]');
  if (!script) return;
  const service = new URL(".", script.src);

  /* Resolves once the stylesheet is loaded, or can't be loaded within two seconds. */
  function addStyle() {
    if (document.querySelector("link[data-alsolike-style]")) return Promise.resolve();
    const link = document.createElement("link");
    link.rel = "stylesheet";
    link.href = new URL("widget.css", service).href;
    link.dataset.alsolikeStyle = "";
    const settled = new Promise((resolve) => {
      link.onload = link.onerror = resolve;
      setTimeout(resolve, 2000);
    });
    document.head.append(link);
    return settled;
  }

  async function fill(place, styled) {
    const url = new URL("v1/related.html", service);
    url.searchParams.set("id", place.dataset.alsolike);
    if (place.dataset.limit) url.searchParams.set("limit", place.dataset.limit);
    const answer = await fetch(url, { credentials: "omit", signal: AbortSignal.timeout(5000) });
    if (!answer.ok) return;
    const section = await answer.text(); // escaped by the service, contains no script
    await styled;
    place.innerHTML = section;
  }

  function start() {
    const places = document.querySelectorAll("[data-alsolike]");
    if (!places.length) return;
    const styled = addStyle();
    for (const place of places) fill(place, styled).catch(() => {});
  }

  if (document.readyState === "loading") document.addEventListener("DOMContentLoaded", start);
  else start();
})();
