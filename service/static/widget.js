/* AlsoLike: related articles in any page.
   <script src="https://SERVICE/widget.js" async></script>
   <alsolike-related article="ARTICLE_ID"></alsolike-related>
   See docs/front-ends.md. */
(() => {
  const NAME = "alsolike-related";
  const FILTERS = ["tag", "source", "newer-than"];
  if (customElements.get(NAME)) return; // a second tag
  const script = document.currentScript ?? document.querySelector('script[src*="/widget.js"]');
  const home = script && new URL(".", script.src).href;

  /* Each place's list: what was read, and the section of cards. */
  const lists = new WeakMap();
  let counting; // resolves once clicks.js is loaded

  /* Reads a place's attributes; null without an id. */
  function read(place) {
    const own = place.localName === NAME;
    const get = (name) => place.getAttribute(own ? name : `data-${name}`);
    const id = get(own ? "article" : "alsolike");
    const service = (get("service") || home)?.replace(/\/?$/, "/");
    if (!id) return null;
    const skips = own ? get("keep-links") === null : get("skip-links") !== null;
    const url = new URL("v1/related.html", service);
    url.searchParams.set("id", id);
    for (const name of FILTERS) {
      const value = get(name);
      if (value) url.searchParams.set(name.replace("-", "_"), value);
    }
    const limit = get("limit");
    if (skips) url.searchParams.set("limit", Math.min(50, 3 * (limit || 6)));
    else if (limit) url.searchParams.set("limit", limit);
    return { key: [url, limit, skips].join(), url, service, limit: limit || 6, skips };
  }

  /* The node that gets the cards: the place, or a node of its shadow tree. */
  function inside(place) {
    if (place.localName !== NAME || !place.hasAttribute("shadow")) return place;
    const root = place.shadowRoot ?? place.attachShadow({ mode: "open" });
    if (!root.firstChild) root.innerHTML = "<div><slot></slot></div>";
    return root.firstChild;
  }

  /* Resolves once the stylesheet is loaded, or after two seconds. */
  function addStyle(place, service) {
    const root = inside(place).getRootNode();
    let link = root.querySelector("link[data-alsolike-style]");
    if (!link) {
      link = document.createElement("link");
      link.rel = "stylesheet";
      link.href = new URL("widget.css", service).href;
      link.dataset.alsolikeStyle = "";
      link.settled = new Promise((resolve) => {
        link.onload = link.onerror = resolve;
        setTimeout(resolve, 2000);
      });
      (root.head ?? root).append(link);
    }
    return link.settled;
  }

  const target = (link) =>
    link.host + link.pathname.replace(/\/$/, "") + link.search + link.hash.replace(/^#[^/!].*/, "");

  /* Removes cards that the page links to or that are too many: here, so one address serves all. */
  function skipLinks(content, place, limit) {
    const links = [...document.links].filter(
      (link) => !place.contains(link) && !link.closest(".alsolike"),
    );
    const here = new Set([location, ...links].map(target));
    const cards = [...content.querySelectorAll(".alsolike-card")];
    const link = (card) => document.importNode(card.querySelector("a"));
    const kept = cards.filter((card) => !here.has(target(link(card)))).slice(0, limit);
    for (const card of cards) if (!kept.includes(card)) card.remove();
    if (!kept.length) content.replaceChildren();
  }

  /* Holds room for cards as widget.css makes them, rather much, so that nothing moves later. */
  function reserve(place, limit) {
    const rem = parseFloat(getComputedStyle(document.documentElement).fontSize);
    const width = place.clientWidth / rem;
    const columns = width > 34 ? Math.floor((width + 1.25) / 16.25) : 1;
    const card = width > 34 ? `${(width / columns) * 0.5625}rem + 19em` : "14em";
    place.style.minHeight = `calc(${Math.ceil(limit / columns)} * (${card}) + 8em)`;
  }

  /* Gives back room below the window that cards did not take; in a frame, which has scrolled. */
  function release() {
    for (const place of document.querySelectorAll(NAME)) {
      const { top, bottom } = place.getBoundingClientRect();
      if (bottom > innerHeight && lists.get(place)?.section)
        place.style.minHeight = `${Math.max(0, innerHeight - top)}px`;
    }
  }

  async function fill(place) {
    const list = lists.get(place);
    const box = document.createElement("template");
    try {
      const styled = addStyle(place, list.service);
      const signal = AbortSignal.timeout(5000);
      const answer = await fetch(list.url, { credentials: "omit", signal });
      if (answer.ok) box.innerHTML = await answer.text(); // escaped by the service
      await styled;
      if (document.readyState === "loading") // links below count, too
        await new Promise((resolve) => document.addEventListener("readystatechange", resolve));
    } catch {} // nothing is shown
    if (lists.get(place) !== list) return; // another article's page by now
    if (list.skips) skipLinks(box.content, place, list.limit);
    list.section = box.content.firstElementChild;
    if (list.section) {
      inside(place).replaceChildren(list.section);
      requestAnimationFrame(release);
      if (list.section.dataset.placement) count(list);
    } else if (place.localName === NAME) place.style.minHeight = "";
  }

  /* clicks.js finds a list by itself, but not in a shadow tree. */
  function count({ section, service }) {
    counting ??= new Promise((onload) => {
      const src = new URL("clicks.js", service);
      document.head.append(Object.assign(document.createElement("script"), { src, onload }));
    });
    counting.then(() => document.contains(section) || window.alsolikeClicks?.(section));
  }

  const near = new IntersectionObserver(
    (entries) => {
      for (const { isIntersecting, target: place } of entries) {
        if (!isIntersecting) continue;
        near.unobserve(place);
        if (lists.get(place)) fill(place);
      }
    },
    { rootMargin: "100% 0px" },
  );

  /* Asks for a place's list, but once. */
  function check(place) {
    const last = lists.get(place);
    let list;
    try {
      list = read(place);
    } catch {} // no address
    if (last?.key === list?.key) {
      const { section } = last ?? {};
      if (!section || inside(place).contains(section)) return;
      inside(place).replaceChildren(section); // morphing removed it
      return;
    }
    lists.set(place, list);
    near.unobserve(place);
    if (place.localName === NAME) {
      if (last?.section) place.style.minHeight = list ? `${place.offsetHeight}px` : "";
      else if (list) reserve(place, list.limit);
    }
    last?.section?.remove();
    if (list && place.localName !== NAME) fill(place);
    else if (list) near.observe(place); // calls back later: attributes that change together ask once
  }

  customElements.define(
    NAME,
    class extends HTMLElement {
      static observedAttributes = ["article", "limit", "keep-links", "service", ...FILTERS];
      connectedCallback() {
        this.style.display ||= "flow-root"; // margins stay inside
        check(this);
      }
      attributeChangedCallback() {
        if (this.isConnected) check(this);
      }
    },
  );

  /* Old places come and change; both kinds may lose their cards. */
  const scan = () => document.querySelectorAll(`${NAME}, [data-alsolike]`).forEach(check);
  new MutationObserver(scan).observe(document, {
    subtree: true,
    childList: true,
    attributeFilter: ["data-alsolike", "data-limit", "data-skip-links", "data-service"],
  });
  addEventListener("scroll", release);
  scan();
})();
