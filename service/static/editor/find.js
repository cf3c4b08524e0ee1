/* Searches while the editor types: a new search cancels the last one and updates the URL. */
import { attempt, load } from "./failure.js";
import { say, swap } from "./swap.js";

const PAUSE = 150;

export function followFind() {
  const form = document.querySelector("[data-find]");
  if (!form) return;
  let timer = 0;
  let running = null;

  async function search() {
    running?.abort();
    running = new AbortController();
    const url = new URL(form.action);
    for (const [name, value] of new FormData(form)) if (value) url.searchParams.append(name, value);
    try {
      await attempt(async () => {
        const found = await load(url, { signal: running.signal });
        if (!found) return;
        history.replaceState(null, "", url);
        swap(found.page);
        say(document.getElementById("results-title")?.textContent ?? "");
      });
    } catch (error) {
      if (error.name !== "AbortError") throw error;
    }
  }

  form.addEventListener("input", (event) => {
    clearTimeout(timer);
    timer = setTimeout(search, event.target.type === "search" ? PAUSE : 0);
  });
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    clearTimeout(timer);
    search();
  });
  const words = form.querySelector("[type=search]");
  if (words.value !== words.defaultValue) search(); // typed before this script was loaded
}
