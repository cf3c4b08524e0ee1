/* Replaces the parts of this page marked data-region, or all of it if there are none, by those of a
   page from the server. */
import { clearFailure } from "./failure.js";

const announce = document.getElementById("announce");

export function say(sentence) {
  announce.textContent = "";
  requestAnimationFrame(() => (announce.textContent = sentence));
}

/* Announces the page's notice about the last change, if there is one. */
export function sayNews() {
  const told = document.querySelector("[data-announce]");
  if (told) say(told.dataset.announce);
}

/* Remembers the focused element, so that it can be focused again in the new parts. */
function remember() {
  const at = document.activeElement;
  if (!at || at === document.body) return null;
  const key = at.closest("[data-key]")?.dataset.key;
  return {
    id: at.id,
    key,
    target: key?.slice(key.indexOf(" ") + 1),
    region: at.closest("[data-region]")?.id,
  };
}

function find(key) {
  return key ? document.querySelector(`[data-key="${CSS.escape(key)}"]:not(:disabled)`) : null;
}

function restore(kept) {
  if (!kept || (document.activeElement && document.activeElement !== document.body)) return;
  const place =
    (kept.id && document.getElementById(kept.id)) ||
    find(kept.key) ||
    find(kept.target && `open ${kept.target}`) ||
    (kept.region && document.getElementById(kept.region)?.querySelector("[data-primary]")) ||
    document.getElementById("main");
  place?.focus({ preventScroll: place.id === "main" });
}

/* Whether a page from the server is about the same as this one. */
export function isSamePage(page) {
  const about = (each) => each.querySelector("form#steer")?.elements.article_id.value;
  return page.body.className === document.body.className && about(page) === about(document);
}

export function swap(page) {
  const kept = remember();
  const open = [...document.querySelectorAll("details[data-keep][open]")].map(({ id }) => id);
  const regions = document.querySelectorAll("main [data-region]");
  for (const old of regions.length ? regions : [document.getElementById("main")]) {
    const fresh = page.getElementById(old.id);
    if (fresh && fresh.outerHTML !== old.outerHTML) old.replaceWith(document.adoptNode(fresh));
  }
  for (const id of open) document.getElementById(id)?.setAttribute("open", "");
  document.title = page.title;
  clearFailure();
  const urgent = document.querySelector("[data-focus]");
  if (urgent) urgent.focus();
  else restore(kept);
  sayNews();
  document.dispatchEvent(new CustomEvent("swapped"));
}
