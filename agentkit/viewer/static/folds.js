/**
 * What is folded and what is not.
 * @module
 */

import { say } from "./dom.js";

/** Which parts are unfolded. @param {Element} element */
export function unfolded(element) {
  return [...element.querySelectorAll("details")].map((each) => each.open);
}

/** @param {Element} element @param {boolean[]} open */
export function unfold(element, open) {
  [...element.querySelectorAll("details")].forEach((each, place) => (each.open = open[place] ?? each.open));
}

/** Unfold everything, or fold it where all of it is unfolded. @param {Element} root */
export function toggleAll(root) {
  const details = [...root.querySelectorAll("details")];
  const buttons = /** @type {HTMLElement[]} */ ([...root.querySelectorAll(".unfold")]);
  const open = details.some((each) => !each.open) || buttons.some((each) => each.getAttribute("aria-expanded") === "false");
  for (const each of details) each.open = open;
  for (const each of buttons) if (each.getAttribute("aria-expanded") !== String(open)) each.click();
  say(open ? "Everything is unfolded" : "Everything is folded");
}
