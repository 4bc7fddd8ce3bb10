/**
 * The keyboard: what the keys do here, and a list of them.
 * @module
 */

import { button, h } from "./dom.js";

/** @typedef {import("./types.js").View} View */

/** What the keys do, for people. @type {[string, string][]} */
const LIST = [
  ["j / k", "the next and the previous run or step"],
  ["Enter", "open what is selected"],
  ["Esc", "back to what this belongs to"],
  ["/", "search"],
  ["o", "unfold or fold everything on the page"],
  ["e / E", "the next and the previous problem"],
  ["n / p", "the next and the previous call; in a step: the next and the previous step"],
  ["t", "conversation or timeline"],
  ["f", "follow a run at work, or pause"],
  ["x, then c", "pick runs, and compare two"],
  ["g", "the list of runs"],
  ["?", "this list"],
];

/** What is typed into, or chosen in by letters: a box to tick is neither. */
const TYPED = "input:not([type=checkbox], [type=radio], [type=button]), textarea, select";

/** @param {() => View | null} current @param {Record<string, (event: KeyboardEvent) => void>} everywhere */
export function listen(current, everywhere) {
  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || event.isComposing) return;
    const open = /** @type {HTMLDialogElement | null} */ (document.querySelector("dialog[open]"));
    if (open) {
      if (event.key === "?" && open.classList.contains("keys")) open.close();
      return;
    }
    const within = /** @type {HTMLElement} */ (event.target);
    if (within.closest(TYPED)) {
      if (event.key === "Escape") within.blur();
      return;
    }
    if (event.key === "Enter" && within.closest("a, button, summary")) return;
    const press = current()?.keys?.[event.key] ?? everywhere[event.key];
    if (!press) return;
    event.preventDefault();
    press(event);
  });
}

/** Show the list of keys. */
export function showKeys() {
  const close = button("Close", () => dialog.close());
  const dialog = /** @type {HTMLDialogElement} */ (
    h(
      "dialog.keys",
      { "aria-labelledby": "keys-title", onclose: () => dialog.remove() },
      h("h2", { id: "keys-title" }, "Keys"),
      h("dl", null, ...LIST.map(([keys, what]) => h("div", null, h("dt", null, h("kbd", null, keys)), h("dd", null, what)))),
      close,
    )
  );
  document.body.append(dialog);
  dialog.showModal();
  close.focus();
}
