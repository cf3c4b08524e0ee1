/* Sends decision forms without leaving the page; forms with more fields open in a dialog. */
import { load, say, swap } from "./swap.js";

const dialog = document.getElementById("dialog");
const body = dialog?.querySelector("[data-dialog-body]");

function followEnds(root) {
  const ends = root.querySelector("[data-ends]");
  const until = root.querySelector("[data-until]");
  if (!ends || !until) return;
  const show = () => (until.hidden = ends.value !== "date");
  ends.addEventListener("change", show);
  show();
}

function openDialog(page) {
  const form = page.getElementById("decide");
  if (!form) return false;
  body.replaceChildren(document.adoptNode(form));
  followEnds(body);
  if (!dialog.open) dialog.showModal();
  (body.querySelector("[role=alert]") ? body.querySelector("textarea") : null)?.focus();
  const chosen = body.querySelector("input[type=radio]:checked, input[type=number]");
  chosen?.focus();
  chosen?.select?.();
  return true;
}

/* Shows and announces an error in the notice area. */
function tell(page) {
  const sentence = page.querySelector("[role=alert]")?.textContent.trim() || "Something went wrong; reload the page and try again.";
  const panel = document.createElement("p");
  panel.className = "panel bad";
  panel.textContent = sentence;
  document.getElementById("notice")?.replaceChildren(panel);
  say(sentence);
}

async function send(form, submitter) {
  const data = new FormData(form, submitter);
  form.setAttribute("aria-busy", "true");
  try {
    const found = await load(form.action, { method: "POST", body: new URLSearchParams(data) });
    if (!found) return;
    const { answer, page } = found;
    if (answer.status === 422 && openDialog(page)) return;
    if (dialog.open) dialog.close();
    const here = document.querySelector("form#steer");
    const sameList = here?.article_id.value === page.querySelector("form#steer")?.elements.article_id?.value;
    if (page.getElementById("shown") && sameList) swap(page);
    else if (answer.ok) location.assign(answer.url);
    else tell(page);
  } catch {
    form.submit();
  } finally {
    form.removeAttribute("aria-busy");
  }
}

export function followForms() {
  followEnds(document);
  if (!dialog) return;
  document.addEventListener("submit", (event) => {
    const form = event.target;
    if (!form.matches("[data-steer]")) return;
    event.preventDefault();
    if (form.getAttribute("aria-busy") !== "true") send(form, event.submitter);
  });
  document.addEventListener("click", async (event) => {
    const link = event.target.closest("a");
    if (!link || event.ctrlKey || event.metaKey || event.shiftKey) return;
    if (link.matches("[data-close]") && dialog.contains(link)) {
      event.preventDefault();
      dialog.close();
    } else if (link.matches("[data-leave]")) {
      event.preventDefault();
      const found = await load(link.href);
      if (found) swap(found.page);
    } else if (link.matches("[data-decide]")) {
      event.preventDefault();
      const found = await load(link.href);
      if (found && !openDialog(found.page)) location.assign(link.href);
    }
  });
}
