/**
 * Two runs that are picked in the list to be compared.
 * @module
 */

import { button, refill, h, say } from "./dom.js";
import { toDiff } from "./places.js";

const MOST = 2;

/**
 * @param {string[]} picked The runs that are picked, kept up to date.
 * @param {() => void} changed Called when they have changed.
 */
export function picking(picked, changed) {
  const refusal = h("span.refusal", { role: "alert" });
  const unpick = button("Unpick", () => take([]), { class: "button quiet" });
  const compare = button("Compare", () => go(), { class: "button primary" });
  /** @param {string[]} now */
  function take(now) {
    refill(refusal);
    picked.splice(0, picked.length, ...now);
    changed();
  }
  /** @param {string} id */
  function pick(id) {
    if (picked.includes(id)) {
      take(picked.filter((each) => each !== id));
      say("Not picked any more");
    } else if (picked.length < MOST) {
      take([...picked, id]);
      say("Picked");
    } else {
      refill(refusal, "Two are picked already; unpick one of them first.");
      changed();
    }
  }
  function go() {
    if (picked.length === MOST) location.hash = toDiff(picked[0], picked[1]);
  }
  /** Tick the boxes of what is picked, and offer what can be done with it. @param {Element} list */
  function show(list) {
    for (const box of list.querySelectorAll("input.pick")) {
      const input = /** @type {HTMLInputElement} */ (box);
      input.checked = picked.includes(input.value);
    }
    for (const each of [unpick, compare]) each.hidden = picked.length === 0;
    compare.textContent = picked.length < MOST ? "Pick another one to compare" : "Compare the two";
    compare.toggleAttribute("disabled", picked.length < MOST);
  }
  return { elements: [refusal, unpick, compare], pick, go, show };
}
