/* Sends forms without leaving the page; those of a single decision, and the sign-in if the session
   has ended meanwhile, open in a dialog. */
import { attempt, clearFailure, fail, load, problemOf } from "./failure.js";
import { isSamePage, swap } from "./swap.js";

const dialog = document.getElementById("dialog");
const body = dialog?.querySelector("[data-dialog-body]");
let isRenewed = false;
let sending = Promise.resolve();

function followEnds(root) {
  const ends = root.querySelector("[data-ends]");
  const until = root.querySelector("[data-until]");
  if (!ends || !until) return;
  const show = () => (until.hidden = ends.value !== "date");
  ends.addEventListener("change", show);
  show();
}

function openDialog(part) {
  body.replaceChildren(document.adoptNode(part));
  followEnds(body);
  if (!dialog.open) dialog.showModal();
  const refused = body.querySelector("[role=alert]") && body.querySelector("textarea");
  const first = "input[type=radio]:checked, input[type=number], input[name=name], button";
  const chosen = refused || body.querySelector(first);
  chosen?.focus();
  if (chosen?.type === "number") chosen.select();
}

function show({ answer, page }) {
  const part = page.querySelector("[data-dialog]");
  const isAsked = part && !answer.redirected && (dialog.open || !answer.ok || part.matches("[data-asks]"));
  if (page.querySelector("[data-problem]")) fail(problemOf(page));
  else if (isAsked && !document.querySelector("main [data-dialog]")) openDialog(part);
  else if (isSamePage(page)) {
    isRenewed = false;
    dialog.close();
    swap(page);
  } else if (answer.redirected) location.assign(answer.url);
  else fail(problemOf(page));
}

/* Folds what two texts share out below a row, or in again. */
async function compare(link) {
  const row = link.closest(".row");
  const open = row.querySelector("#why");
  const found = open ?? (await load(link.href))?.page.getElementById("why");
  document.querySelector("#why")?.remove();
  document.querySelectorAll("[data-why]").forEach((each) => each.setAttribute("aria-expanded", "false"));
  if (open || !found) return;
  row.append(document.adoptNode(found));
  link.setAttribute("aria-expanded", "true");
}

async function send(form, sent) {
  try {
    const seconds = Number(form.dataset.seconds ?? 20);
    const found = await load(form.action, { method: "POST", body: sent, seconds });
    isRenewed ||= dialog.contains(form) && form.matches("[data-sign-in]") && found?.answer.ok;
    if (found) show(found);
  } finally {
    form.removeAttribute("aria-busy");
  }
}

export function followForms() {
  followEnds(document);
  if (!dialog) return;
  // Who signed in anew in the dialog has a new session, of which the page behind knows nothing.
  dialog.addEventListener("close", () => {
    body.replaceChildren();
    if (isRenewed) location.reload();
  });
  document.addEventListener("submit", (event) => {
    const { target: form, submitter } = event;
    if (form.method !== "post" || (form.matches("[data-plain]") && !dialog.contains(form))) return;
    event.preventDefault();
    if (form.getAttribute("aria-busy") === "true") return;
    form.setAttribute("aria-busy", "true");
    clearFailure();
    const sent = new URLSearchParams(new FormData(form, submitter));
    const before = form.dataset.failed ?? "This may not have been saved. ";
    // One after another, so that the page shows what the last one led to.
    sending = sending.catch(() => {}).then(() => attempt(() => send(form, sent), before));
  });
  document.addEventListener("click", (event) => {
    const link = event.target.closest("a");
    if (!link || event.ctrlKey || event.metaKey || event.shiftKey) return;
    if (link.matches("[data-close]") && dialog.contains(link)) {
      event.preventDefault();
      dialog.close();
    } else if (link.matches("[data-why]")) {
      event.preventDefault();
      attempt(() => compare(link));
    } else if (link.matches("[data-leave], [data-decide]")) {
      event.preventDefault();
      attempt(async () => {
        const found = await load(link.href);
        const part = found?.page.querySelector("[data-dialog]");
        if (part) openDialog(part);
        else if (found && isSamePage(found.page)) swap(found.page);
        else if (found) location.assign(link.href);
      });
    }
  });
}
