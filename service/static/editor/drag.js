/* Lets the articles of a list be dragged to another position by their numbers. */

let dragged = null;

/* The row that something is dragged over, if it is another one of the same list. */
function over(event) {
  const row = event.target.closest?.("[data-place]");
  return dragged && row !== dragged && row?.parentElement === dragged.parentElement ? row : null;
}

function mark(row) {
  document.querySelector("[data-drop]")?.removeAttribute("data-drop");
  if (row) row.dataset.drop = Number(row.dataset.place) > Number(dragged.dataset.place) ? "after" : "before";
}

/* Presses a button that moves an article to a position. */
function press(target, position) {
  const form = document.getElementById("steer");
  const button = document.createElement("button");
  Object.assign(button, { hidden: true, name: "act", value: `place-${position} ${target}` });
  form.append(button);
  form.requestSubmit(button);
}

export function followDrags() {
  document.addEventListener("dragstart", (event) => {
    dragged = event.target.closest?.("[data-place]") ?? null;
    if (!dragged) return;
    event.dataTransfer.effectAllowed = "move";
    event.dataTransfer.setData("text/plain", "");
    event.dataTransfer.setDragImage(dragged, 0, 0);
  });
  document.addEventListener("dragover", (event) => {
    const row = over(event);
    mark(row);
    if (row) event.preventDefault();
  });
  document.addEventListener("drop", (event) => {
    const row = over(event);
    if (!row) return;
    event.preventDefault();
    press(dragged.dataset.target, row.dataset.place);
  });
  document.addEventListener("dragend", () => {
    mark(null);
    dragged = null;
  });
}
