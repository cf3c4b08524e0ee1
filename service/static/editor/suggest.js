/* Suggests articles by their words while an editor types into a field for an article's id. */

const PAUSE = 150;

async function suggest(field) {
  const url = new URL("../v1/articles?limit=10", location);
  url.searchParams.set("q", field.value.slice(0, 200));
  const answer = await fetch(url, { signal: AbortSignal.timeout(5000) });
  if (!answer.ok) return;
  const { items } = await answer.json();
  const options = items.map(({ title, article_id }) => new Option(title, article_id));
  if (url.searchParams.get("q") === field.value) field.list.replaceChildren(...options);
}

export function offerArticles() {
  let timer = 0;
  document.addEventListener("input", ({ target: field }) => {
    if (!field.matches("[data-suggest]")) return;
    clearTimeout(timer);
    const ignore = () => {}; // ids can be typed without suggestions
    if (field.value.trim()) timer = setTimeout(() => suggest(field).catch(ignore), PAUSE);
  });
}
