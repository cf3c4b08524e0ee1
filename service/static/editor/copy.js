/* Shows the buttons that copy a link, and copies it when one is pressed. */
import { say } from "./swap.js";

export function offerCopies() {
  const show = () => {
    for (const button of document.querySelectorAll("[data-copy][hidden]")) button.hidden = false;
  };
  if (!navigator.clipboard) return;
  show();
  new MutationObserver(show).observe(document.getElementById("main"), { childList: true, subtree: true });
  document.addEventListener("click", async (event) => {
    const button = event.target.closest("[data-copy]");
    if (!button) return;
    await navigator.clipboard.writeText(button.dataset.copy);
    say("Copied.");
  });
}
