/* Single-key shortcuts, except while typing; each clicks a button or link of the page. */

const SETTING = "alsolike-single-keys";
const PRESSES = {
  p: "pin",
  h: "hide",
  r: "remove",
  K: "up",
  J: "down",
  "+": "good",
  "-": "bad",
  t: "takedown",
};
const help = document.getElementById("help");

function isOn() {
  try {
    return localStorage.getItem(SETTING) !== "off";
  } catch {
    return true;
  }
}

function isTyping(at) {
  return at.matches?.("input:not([type=checkbox], [type=radio]), select, textarea, [contenteditable]");
}

function items() {
  return [...document.querySelectorAll("[data-item]")].filter((item) => item.offsetParent);
}

function move(step) {
  const all = items();
  if (!all.length) return;
  const at = all.indexOf(document.activeElement?.closest("[data-item]"));
  const next = at < 0 ? all[step > 0 ? 0 : all.length - 1] : all[at + step];
  next?.querySelector("[data-primary]")?.focus();
  next?.scrollIntoView({ block: "nearest" });
}

/* Selects a row for a decision about several, or all rows, or none if all are. */
function select(every) {
  const boxes = every
    ? [...document.querySelectorAll("[data-select]")]
    : [document.activeElement?.closest("[data-item]")?.querySelector("[data-select]")];
  const all = boxes.every((box) => box?.checked);
  for (const box of boxes) if (box) box.checked = !all;
}

/* Clicks a row's button, or that of another row about the same article if the row has none. */
function press(name) {
  if (document.querySelector("[data-select]:checked"))
    return document.querySelector(`#bulk [data-do="${name}"]`)?.click();
  const item = document.activeElement?.closest("[data-item]");
  if (!item) return;
  const button = `[data-do="${name}"]:not(:disabled)`;
  const same = item.dataset.target && `[data-target="${CSS.escape(item.dataset.target)}"] ${button}`;
  const found = item.querySelector(button) ?? (same && document.querySelector(same));
  found?.focus();
  found?.click();
}

/* Picks one of the answers that the notice offers, such as a reason. */
function answer(number) {
  document.querySelectorAll("#notice .more > :is(button, a)")[number - 1]?.click();
}

function onKey(event) {
  if (event.ctrlKey || event.metaKey || event.altKey || !isOn()) return;
  if (isTyping(event.target) || document.querySelector("dialog[open]")) return;
  const { key } = event;
  const words = document.getElementById("words");
  if (key === "/") words ? words.focus() : document.querySelector(".brand").click();
  else if (key === "?") help?.showModal();
  else if (key === "j") move(1);
  else if (key === "k") move(-1);
  else if (key === "x" || key === "X") select(key === "X");
  else if (key === "u") document.querySelector("[data-undo]")?.click();
  else if (key > "0" && key <= "9") answer(Number(key));
  else if (key in PRESSES) press(PRESSES[key]);
  else return;
  event.preventDefault();
}

export function listenToKeys() {
  document.addEventListener("keydown", onKey);
  for (const button of document.querySelectorAll("[data-help]")) {
    button.hidden = false;
    button.addEventListener("click", () => help.showModal());
  }
  const setting = document.querySelector("[data-keys-setting]");
  const box = document.getElementById("single-keys");
  if (!setting || !box) return;
  setting.hidden = false;
  box.checked = isOn();
  box.addEventListener("change", () => localStorage.setItem(SETTING, box.checked ? "on" : "off"));
}
