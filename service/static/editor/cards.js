/* Makes the frames that show cards as tall as their contents. */

function fit(frame) {
  const page = frame.contentDocument?.documentElement;
  if (!page) return;
  frame.style.height = `${Math.ceil(page.querySelector("body")?.scrollHeight ?? 0) + 2}px`;
  frame.toggleAttribute("data-cut", page.scrollHeight - page.clientHeight - page.scrollTop > 4);
}

function watch() {
  for (const frame of document.querySelectorAll("[data-cards]")) {
    if (frame.dataset.watched) continue;
    frame.dataset.watched = "yes";
    const follow = () => {
      fit(frame);
      const inside = frame.contentDocument?.body;
      if (inside) new ResizeObserver(() => fit(frame)).observe(inside);
      frame.contentDocument?.addEventListener("scroll", () => fit(frame), { passive: true });
    };
    frame.addEventListener("load", follow);
    if (frame.contentDocument?.readyState === "complete") follow();
  }
}

export function watchFrames() {
  watch();
  document.addEventListener("swapped", watch);
}
