/* Shows the buttons that copy a link, and copies it when one is pressed. */
import { fail } from "./failure.js";
import { say } from "./swap.js";

export function offerCopies() {
  const show = () => {
    for (const button of document.querySelectorAll("[data-copy][hidden]")) button.hidden = false;
  };
  if (!navigator.clipboard) return;
  show();
  new MutationObserver(show).observe(document.body, { childList: true, subtree: true });
  document.addEventListener("click", async (event) => {
    const button = event.target.closest("[data-copy]");
    if (!button) return;
    try {
      await navigator.clipboard.writeText(button.dataset.copy);
    } catch {
      return fail("The link could not be copied. Select and copy the text of the link instead.");
    }
    for (const each of document.querySelectorAll("[data-copy]"))
      each.textContent = each === button ? "Copied" : "Copy";
    say("Copied.");
  });
}
