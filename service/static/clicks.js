/* AlsoLike: reports which items of lists are seen and clicked. No cookies, no identifiers. */
(() => {
  if (window.alsolikeClicks || navigator.doNotTrack === "1" || navigator.globalPrivacyControl) return;
  const url = new URL("v1/events", document.currentScript.src);
  const roots = [document]; // and lists in shadow trees
  const known = new Set();
  let news = {};

  function note(item, kind) {
    const placement = item.closest("[data-placement]")?.dataset.placement;
    const { position } = item.dataset;
    if (!placement || known.has(placement + kind + position)) return;
    known.add(placement + kind + position);
    news[placement] ??= { placement, seen: [], clicked: [], again: known.has(placement) };
    news[placement][kind].push(+position);
  }

  /* Seen: half of it for a second. */
  const observer = new IntersectionObserver(
    (entries) => {
      for (const { target, intersectionRatio } of entries) {
        clearTimeout(target.timer);
        if (intersectionRatio >= 0.5)
          target.timer = setTimeout(() => document.hidden || note(target, "seen"), 1000);
      }
    },
    { threshold: 0.5 },
  );

  function look() {
    for (const root of roots)
      for (const item of root.querySelectorAll("[data-position]")) observer.observe(item);
  }

  function click(event) {
    const path = event.composedPath();
    const item = path.find((node) => node.dataset?.position);
    if (event.button > 1 || !item || !path.some((node) => node.href)) return;
    note(item, "seen");
    note(item, "clicked");
  }

  function turn() {
    if (!document.hidden) {
      observer.disconnect();
      return look();
    }
    const events = Object.values(news);
    news = {};
    for (const { placement } of events) known.add(placement);
    while (events.length) {
      const body = JSON.stringify({ events: events.splice(0, 20) });
      fetch(url, { method: "POST", body, keepalive: true, credentials: "omit" }).catch(() => {});
    }
  }

  window.alsolikeClicks = (list) => look(roots.push(list));
  addEventListener("click", click, true);
  addEventListener("auxclick", click, true);
  document.addEventListener("visibilitychange", turn);
  new MutationObserver(look).observe(document, { subtree: true, childList: true });
  look();
})();
