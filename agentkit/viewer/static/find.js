/**
 * Looks for words in a run, goes from one step that has them to the next, and shows them there.
 * @module
 */

import { h } from "./dom.js";
import { ask } from "./source.js";
import { number } from "./words.js";

/** @typedef {{element: HTMLElement, input: HTMLInputElement, begin: (text: string, n: number) => Promise<void>}} Finder */

/** @param {string} id @param {(n: number, text: string) => void} go @returns {Finder} */
export function findBar(id, go) {
  const told = h("span.dim.num", { role: "status" });
  /** @type {number[]} */
  let found = [];
  let at = -1;
  let asked = "";
  const input = /** @type {HTMLInputElement} */ (h("input", { type: "search", placeholder: "Find in this run", "aria-label": "Find in this run", spellcheck: "false" }));
  const look = async (/** @type {string} */ text) => {
    if (text === asked) return;
    found = (await ask("find", { id, text })).steps;
    asked = text;
    at = -1;
  };
  const show = () => {
    told.textContent = found.length ? `step ${at + 1} of ${number(found.length)} that ${found.length === 1 ? "matches" : "match"}` : "not found";
    if (found.length) go(found[at], asked);
  };
  const element = h("form.find", {
    role: "search",
    onsubmit: async (/** @type {Event} */ event) => {
      event.preventDefault();
      const text = input.value.trim();
      if (!text) return;
      await look(text);
      at = found.length ? (at + 1) % found.length : -1;
      show();
    },
  }, input, told);
  /** Go on with words that are in the address. @param {string} text @param {number} n */
  const begin = async (text, n) => {
    input.value = text;
    await look(text);
    at = Math.max(found.indexOf(n), 0);
    input.focus({ preventScroll: true });
    show();
  };
  return { element, input, begin };
}

/** Unfold what has these words in it, and mark them; the first place where they stand. @param {Element} root @param {string} text @returns {HTMLElement | null} */
export function reveal(root, text) {
  const wanted = text.toLowerCase();
  const has = (/** @type {Element} */ element) => element.textContent.toLowerCase().includes(wanted);
  for (const each of root.querySelectorAll("details")) {
    each.dispatchEvent(new Event("needed"));
    if ([...each.children].some((part) => part.localName !== "summary" && has(part))) each.open = true;
  }
  for (const each of root.querySelectorAll(".folded")) {
    if (has(each)) /** @type {HTMLElement | null} */ (each.parentElement?.querySelector(".unfold"))?.click();
  }
  const ranges = rangesOf(root, wanted);
  if (globalThis.Highlight) CSS.highlights.set("found", new Highlight(...ranges));
  return ranges[0]?.startContainer.parentElement ?? null;
}

/** Nothing is marked any more. */
export function unmarked() {
  if (globalThis.Highlight) CSS.highlights.delete("found");
}

/** @param {Element} root @param {string} wanted @returns {Range[]} */
function rangesOf(root, wanted) {
  const ranges = [];
  const texts = document.createTreeWalker(root, NodeFilter.SHOW_TEXT);
  for (let node = texts.nextNode(); node; node = texts.nextNode()) {
    // The first words of what is folded stand under it once more, where nobody sees them.
    if (node.parentElement?.closest(".preview, .hush")) continue;
    const text = (node.nodeValue ?? "").toLowerCase();
    // A few letters are more in small: then nothing can be marked where it stands.
    if (text.length !== node.nodeValue?.length) continue;
    for (let place = text.indexOf(wanted); place >= 0; place = text.indexOf(wanted, place + wanted.length)) {
      const range = new Range();
      range.setStart(node, place);
      range.setEnd(node, place + wanted.length);
      ranges.push(range);
    }
  }
  return ranges;
}
