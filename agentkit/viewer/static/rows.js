/**
 * The rows of the list of runs.
 * @module
 */

import { h } from "./dom.js";
import { toRun } from "./places.js";
import { oneLine } from "./texts.js";
import { ago, lasted, moment, money, mood, number, short, status } from "./words.js";

/** @typedef {import("./types.js").Facts} Facts */

/** The columns, and how each is drawn. @type {[string, string][]} */
const HEADS = [
  ["Status", "c-status"],
  ["Run", "c-run"],
  ["Model", "c-model"],
  ["Steps", "c-num"],
  ["Tokens", "c-num"],
  ["Cost", "c-num"],
  ["Took", "c-num"],
  ["Started", "c-when"],
];

const RELATIONS = /** @type {Record<string, string>} */ ({
  called: "called by the run above",
  "goes on": "goes on from the run above",
  fork: "fork of the run above",
});

/** The names of the columns. */
export function headRow() {
  return h("div.row.head", { role: "row" }, ...HEADS.map(([name, kind]) => h(`span.${kind}`, { role: "columnheader" }, name)));
}

/** A row as it is now, with all of the old one that has not changed: somebody may be about to click on it. @param {Element | undefined} old @param {HTMLElement} row */
export function patched(old, row) {
  if (!old) return row;
  old.className = row.className;
  [...row.children].forEach((cell, place) => {
    if (!old.children[place].isEqualNode(cell)) old.children[place].replaceWith(cell);
  });
  return old;
}

/** What stands in the place of rows. @param {number} all */
export function emptyRow(all) {
  const words = all ? "No run fits." : "No run is on record yet; this page shows them as they come.";
  return h("div.row", { role: "row" }, h("span.empty", { role: "cell" }, words));
}

/** @param {Facts} row @param {number} now @param {(id: string) => void} pick */
export function runRow(row, now, pick) {
  const box = h("input.pick", { type: "checkbox", value: row.run_id, tabindex: "-1", "aria-label": "Pick to compare", onchange: () => pick(row.run_id) });
  const feel = mood(row.status);
  const tokens = row.input === null && row.output === null ? null : (row.input ?? 0) + (row.output ?? 0);
  return h(
    `div.row.${feel}${row.odd ? ".has-odd" : ""}`,
    { role: "row", "data-run": row.run_id },
    cell("c-status", box, h(`span.status.${feel}`, null, status(row.status))),
    runCell(row, feel),
    cell("c-model", row.model),
    cell("c-num.n-steps", number(row.steps), h("span.unit", null, row.steps === 1 ? " step" : " steps")),
    cell("c-num.n-tokens", short(tokens), h("span.unit", null, " tokens")),
    cell("c-num.n-cost", cost(row)),
    cell("c-num.n-took", lasted(row.updated - row.started)),
    h("span.c-when", { role: "cell", title: moment(row.started), "data-started": row.started }, ago(row.started, now)),
  );
}

/** Let the times that are told as so long ago go on. @param {Element} list @param {number} now */
export function tick(list, now) {
  for (const each of list.querySelectorAll("[data-started]")) {
    const words = ago(Number(each.getAttribute("data-started")), now);
    if (each.textContent !== words) each.textContent = words;
  }
}

/** @param {string} kind @param {...any} children */
function cell(kind, ...children) {
  return h(`span.${kind}`, { role: "cell" }, ...children);
}

/** @param {Facts} row @param {string} feel */
function runCell(row, feel) {
  const title = oneLine(row.prompt) || "no prompt";
  const about = [row.agent, RELATIONS[row.relation]].filter(Boolean).join(" · ");
  const link = h(
    "a.run",
    { href: toRun(row.run_id), "aria-label": `${title}, ${status(row.status)}` },
    row.depth ? h("span.branch", { "aria-hidden": "true" }, "└") : null,
    h("span.title", null, title),
  );
  const why = row.detail && row.status !== "completed" ? h(`span.under.why.${feel}`, null, oneLine(row.detail, 200)) : null;
  const run = cell("c-run", link, h("span.about", null, about ? h("span.under", null, about) : null, odd(row)), why);
  run.style.setProperty("--depth", String(Math.min(row.depth, 6)));
  return run;
}

/** What is odd about a run beside its status. @param {Facts} row */
function odd(row) {
  if (!row.odd) return null;
  const words = oneLine(row.odd.title, 120);
  return h(`span.tag.${row.odd.feel}`, { title: words }, `${number(row.odd.count)} odd: ${words}`);
}

/** @param {Facts} row */
function cost(row) {
  if (row.steps && !row.money) return h("span.dim", { "aria-label": "not known yet" }, "…");
  return h(row.money?.text ? "span" : "span.dim", null, row.steps ? money(row.money) : "–");
}
