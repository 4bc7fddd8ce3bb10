/**
 * Looks for words in a run, and goes from one step that has them to the next.
 * @module
 */

import { h } from "./dom.js";
import { ask } from "./source.js";

/** @param {string} id @param {(n: number) => void} go */
export function findBar(id, go) {
  const told = h("span.dim.num", { role: "status" });
  /** @type {number[]} */
  let found = [];
  let at = -1;
  let asked = "";
  const input = /** @type {HTMLInputElement} */ (h("input", { type: "search", placeholder: "Find in this run", "aria-label": "Find in this run", spellcheck: "false" }));
  const element = h("form.find", {
    role: "search",
    onsubmit: async (/** @type {Event} */ event) => {
      event.preventDefault();
      const text = input.value.trim();
      if (!text) return;
      if (text !== asked) {
        found = (await ask("find", { id, text })).steps;
        asked = text;
        at = -1;
      }
      if (!found.length) {
        told.textContent = "not found";
        return;
      }
      at = (at + 1) % found.length;
      told.textContent = `${at + 1} of ${found.length}`;
      go(found[at]);
    },
  }, input, told);
  return { element, input };
}
