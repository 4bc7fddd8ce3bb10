/**
 * Texts that somebody wrote: short ones whole, long ones folded, very long ones a piece at a time.
 * @module
 */

import { button, copier, fill, h } from "./dom.js";
import { ask, isFile } from "./source.js";
import { counted, number } from "./words.js";

/** @typedef {import("./types.js").Cut} Cut */

const LINES = 12;
const CHARACTERS = 1_000;
const PRETTY = 200_000;

/**
 * JSON spread over lines; any other text as it is.
 * @param {string} text
 */
export function pretty(text) {
  if (text.length > PRETTY || !/^\s*[[{]/.test(text)) return text;
  try {
    return JSON.stringify(JSON.parse(text), null, 2);
  } catch {
    return text;
  }
}

/**
 * A block of text.
 * @param {string} run The run that it is in.
 * @param {Cut | string} given
 * @param {{json?: boolean, open?: boolean, label?: string, prose?: boolean, lines?: number}} [how]
 */
export function block(run, given, how = {}) {
  const cut = typeof given === "string" ? { text: given } : given;
  const text = how.json && !cut.size ? pretty(cut.text) : cut.text;
  const body = h(how.prose ? "div.text.prose" : "pre.text", { dir: "auto" }, text);
  const whole = h("div.block", { "aria-label": how.label, role: how.label ? "group" : null }, body);
  if (!text) {
    body.classList.add("nothing");
    fill(body, "nothing");
    return whole;
  }
  const foot = h("div.foot", null);
  const lines = text.split("\n", 2 * LINES + 60).length;
  const most = how.lines ?? LINES;
  if (!how.open && (lines > most || text.length > CHARACTERS)) folded(body, foot, most);
  if (cut.size) growing(run, cut, body, foot);
  else if (text.length > 80 || lines > 1) {
    if (!foot.childNodes.length) foot.classList.add("aside");
    fill(foot, copier("Copy", () => cut.text));
  }
  if (foot.childNodes.length) fill(whole, foot);
  return whole;
}

/** @param {HTMLElement} body @param {HTMLElement} foot @param {number} lines */
function folded(body, foot, lines) {
  body.classList.add("folded");
  body.style.setProperty("--lines", String(lines));
  const more = button("Show more", () => {
    const open = !body.classList.toggle("folded");
    more.textContent = open ? "Show less" : "Show more";
    more.setAttribute("aria-expanded", String(open));
  });
  more.classList.add("small", "unfold");
  more.setAttribute("aria-expanded", "false");
  // Only the width tells whether anything is hidden.
  new ResizeObserver(() => {
    if (!body.classList.contains("folded")) return;
    const fits = body.scrollHeight <= body.clientHeight + 2;
    body.classList.toggle("fits", fits);
    more.hidden = fits;
  }).observe(body);
  fill(foot, more);
}

/** @param {string} run @param {Cut} cut @param {HTMLElement} body @param {HTMLElement} foot */
function growing(run, cut, body, foot) {
  const size = cut.size ?? 0;
  let shown = lengthOf(cut.text);
  const told = h("span.dim", null, `${number(shown)} of ${counted(size, "character")}`);
  const more = button("Load more", async () => {
    more.setAttribute("disabled", "");
    const part = await ask("text", { id: run, name: cut.name, start: shown });
    body.classList.remove("folded");
    fill(body, h("span.piece", null, part.text));
    shown = part.next;
    told.textContent = `${number(shown)} of ${counted(size, "character")}`;
    more.removeAttribute("disabled");
    if (shown >= size) more.remove();
  });
  more.classList.add("small");
  fill(foot, more, copier("Copy all", () => fetched(run, cut)), saver(run, cut), told);
}

/** Letters of a text as its source counts them: a server has no halves of a pair. @param {string} text */
function lengthOf(text) {
  return isFile ? text.length : Array.from(text).length;
}

/** All of a long text. @param {string} run @param {Cut} cut */
async function fetched(run, cut) {
  const pieces = [];
  let have = 0;
  while (have < (cut.size ?? 0)) {
    const part = await ask("text", { id: run, name: cut.name, start: have });
    if (!part.text) break;
    pieces.push(part.text);
    have = part.next;
  }
  return pieces.join("");
}

/** @param {string} run @param {Cut} cut */
function saver(run, cut) {
  const made = button("Save", async () => {
    const address = URL.createObjectURL(new Blob([await fetched(run, cut)], { type: "text/plain" }));
    const link = /** @type {HTMLAnchorElement} */ (h("a", { href: address, download: "text.txt" }));
    link.click();
    setTimeout(() => URL.revokeObjectURL(address), 10_000);
  });
  made.classList.add("small");
  return made;
}

/** Pictures that came with a message. @param {string[] | undefined} urls */
export function pictures(urls) {
  return (urls ?? []).map((url) => h("img.picture", { src: url, alt: "A picture in the message", loading: "lazy" }));
}

/** The first words of a text, in one line. @param {string} text @param {number} [most] */
export function oneLine(text, most = 160) {
  const line = text.slice(0, 2 * most).replace(/\s+/g, " ").trim();
  return line.length > most ? `${line.slice(0, most)}…` : line;
}
