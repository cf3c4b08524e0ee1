/* Replaces the parts of this page marked data-region, or all of it if there are none, by those of a
   page from the server. */
import { clearFailure } from "./failure.js";

const announce = document.getElementById("announce");

export function say(sentence) {
  announce.textContent = "";
  requestAnimationFrame(() => (announce.textContent = sentence));
}

/* Closes the notice whose button was pressed. */
export function closeNotices() {
  document.addEventListener("click", ({ target }) => {
    if (!target.closest("[data-dismiss]")) return;
    target.closest(".panel").remove();
    document.getElementById("main").focus({ preventScroll: true });
  });
}

/* Announces the page's notice about the last change, if there is one. */
export function sayNews() {
  const url = new URL(location);
  if (url.searchParams.has("done")) {
    // Else the page would say it again when it is reloaded, even if it was undone.
    ["done", "form"].forEach((name) => url.searchParams.delete(name));
    history.replaceState(null, "", url);
  }
  const told = document.querySelector("[data-announce]");
  if (told) say(told.dataset.announce);
}

/* Remembers the focused element, and the part of the page whose place on the screen is to stay. */
function remember() {
  const at = document.activeElement;
  const key = at?.closest("[data-key]")?.dataset.key;
  const [act, target] = key ? [key.split(" ", 1)[0], key.slice(key.indexOf(" ") + 1)] : [];
  const item = at?.closest("[data-item]");
  const isSeen = ({ id, firstElementChild }) =>
    id !== "notice" && firstElementChild && firstElementChild.getBoundingClientRect().bottom > 0;
  const region = item?.closest("[data-region]") ?? [...document.querySelectorAll("[data-region]")].find(isSeen);
  return {
    isNotice: Boolean(at?.closest("#notice, #bulk")),
    isFocused: Boolean(at) && at !== document.body,
    id: at?.id,
    act,
    target,
    item: region && item ? [...region.querySelectorAll("[data-item]")].indexOf(item) : -1,
    region: region?.id,
    top: region?.getBoundingClientRect().top,
  };
}

/* Focuses the same button again, or else that of the row that took the place of its row. */
function restore(kept, region) {
  if (!kept.isFocused || (document.activeElement && document.activeElement !== document.body)) return;
  const find = (within, act) =>
    within?.querySelector(`[data-key="${CSS.escape(`${act} ${kept.target}`)}"]:not(:disabled)`);
  const items = region?.querySelectorAll("[data-item]") ?? [];
  const next = items[Math.min(kept.item, items.length - 1)];
  const place =
    (kept.isNotice && document.querySelector("[data-undo]")) ||
    (kept.id && document.getElementById(kept.id)) ||
    (kept.target && (find(region, kept.act) || find(region, "open"))) ||
    next?.querySelector(`[data-key^="${kept.act} "]:not(:disabled)`) ||
    next?.querySelector("[data-primary]") ||
    (kept.target && find(document, "open")) ||
    document.getElementById("main");
  place.focus({ preventScroll: true });
  if (place.id !== "main") place.scrollIntoView({ block: "nearest" });
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
  const region = kept.region && document.getElementById(kept.region);
  if (region) scrollBy(0, region.getBoundingClientRect().top - kept.top);
  if (urgent) urgent.focus();
  else restore(kept, region);
  sayNews();
  document.dispatchEvent(new CustomEvent("swapped"));
}
