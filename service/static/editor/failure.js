/* Loads pages; where that fails, the page says so in place and offers to try again. */

export class LoadError extends Error {}

/* Fetches a page. Throws a LoadError if there is no answer in time, or only that of a service in
   trouble. If a page can't be opened because the session has ended, goes to the sign-in page. */
export async function load(url, { seconds = 20, signal, ...options } = {}) {
  const limit = AbortSignal.timeout(seconds * 1000);
  let answer, text;
  try {
    const either = signal ? AbortSignal.any([signal, limit]) : limit;
    answer = await fetch(url, { credentials: "same-origin", ...options, signal: either });
    text = await answer.text();
  } catch (error) {
    if (signal?.aborted) throw error;
    throw new LoadError(
      limit.aborted
        ? `The service has not answered for ${seconds} seconds.`
        : "The service can’t be reached.",
    );
  }
  const page = new DOMParser().parseFromString(text, "text/html");
  if (answer.status >= 500 || answer.status === 429) throw new LoadError(problemOf(page));
  if (answer.redirected && new URL(answer.url).pathname.endsWith("/editor/sign-in")) {
    location.assign(answer.url);
    return null;
  }
  return { answer, page };
}

export function problemOf(page) {
  return page.querySelector("[role=alert]")?.textContent.trim() || "Something went wrong.";
}

/* Shows an error, in the open dialog if there is one, beside what was entered there. */
export function fail(sentence, again) {
  clearFailure();
  const panel = document.createElement("div");
  panel.className = "panel bad failure";
  panel.setAttribute("role", "alert");
  panel.append(Object.assign(document.createElement("p"), { textContent: sentence }));
  if (again) {
    const button = document.createElement("button");
    Object.assign(button, { type: "button", textContent: "Try again" });
    button.addEventListener("click", () => {
      clearFailure();
      again();
    });
    panel.append(button);
  }
  const close = Object.assign(document.createElement("button"), { type: "button", textContent: "×" });
  close.dataset.dismiss = "";
  close.setAttribute("aria-label", "Close this message");
  panel.append(close);
  (document.querySelector("#dialog[open] [data-dialog-body]") ?? document.querySelector("#failure")).prepend(panel);
}

export function clearFailure() {
  document.querySelectorAll(".failure").forEach((panel) => panel.remove());
}

/* Runs what loads a page; if that fails, says so and offers to run it again. */
export async function attempt(action, before = "") {
  try {
    await action();
  } catch (error) {
    if (!(error instanceof LoadError)) throw error;
    fail(`${before}${error.message}`, () => attempt(action, before));
  }
}
