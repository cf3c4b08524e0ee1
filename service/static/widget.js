/* AlsoLike: puts related articles into every <div data-alsolike="ARTICLE_ID"> of a page.
   <script src="https://SERVICE/widget.js" defer></script>
   Optional on the div: data-limit="6"; data-skip-links leaves out what the page links to already.
   Shows nothing if the service can't be reached. */
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

  const target = (link) => link.host + link.pathname.replace(/\/$/, "") + link.search;

  /* Removes cards that the page links to, and those beyond the limit. Done here, not by the
     service, so that all readers ask for the same address, which caches keep. */
  function skipLinks(section, limit) {
    const here = new Set(Array.from(document.links, target));
    const cards = [...section.querySelectorAll(".alsolike-card")];
    const href = (card) => new URL(card.querySelector("a").getAttribute("href"), document.baseURI);
    const kept = cards.filter((card) => !here.has(target(href(card)))).slice(0, limit);
    for (const card of cards) if (!kept.includes(card)) card.remove();
    if (!kept.length) section.replaceChildren();
  }

  async function fill(place, styled) {
    const url = new URL("v1/related.html", service);
    const { alsolike, limit, skipLinks: skips } = place.dataset;
    url.searchParams.set("id", alsolike);
    if (skips !== undefined) url.searchParams.set("limit", Math.min(50, 3 * (limit || 6)));
    else if (limit) url.searchParams.set("limit", limit);
    const answer = await fetch(url, { credentials: "omit", signal: AbortSignal.timeout(5000) });
    if (!answer.ok) return;
    const section = await answer.text(); // escaped by the service, contains no script
    await styled;
    const box = document.createElement("template");
    box.innerHTML = section;
    if (skips !== undefined) skipLinks(box.content, limit || 6);
    place.replaceChildren(box.content);
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
