/**
 * The list of runs.
 * @module
 */

import { button, fill, h, refill, say } from "./dom.js";
import { filterBar, NAMES } from "./filters.js";
import { become, to, toDiff, toRun } from "./places.js";
import { ask } from "./source.js";
import { oneLine } from "./texts.js";
import { ago, counted, lasted, moment, money, mood, number, short, status } from "./words.js";

/** @typedef {import("./types.js").Facts} Facts */
/** @typedef {import("./types.js").Place} Place */
/** @typedef {import("./types.js").View} View */

const PAGE = 200;

/** Runs that were picked to be compared. @type {string[]} */
let picked = [];

/**
 * @param {HTMLElement} main
 * @param {Place} place
 * @returns {Promise<View>}
 */
export async function showRuns(main, place) {
  document.title = "Runs · agentkit";
  /** @type {Record<string, string>} */
  const asked = {};
  for (const name of NAMES) asked[name] = place.query.get(name) ?? "";
  let count = PAGE;
  const body = h("div", { role: "rowgroup" });
  const summary = h("p.summary", { role: "status" });
  const compare = button("Compare", () => compared(), { class: "button primary", hidden: true });
  const more = button("Show more runs", () => {
    count += PAGE;
    void load();
  });
  const filters = filterBar(asked, () => {
    become(to([], asked));
    count = PAGE;
    void load();
  });
  const head = h("div.row.head", { role: "row" }, ...HEADS.map(([name, kind]) => h(`span.${kind}`, { role: "columnheader" }, name)));
  refill(
    main,
    h("div.bar", null, h("h1", { tabindex: "-1" }, "Runs"), summary, h("span.spacer", null), compare),
    filters.element,
    h("div.table.runs", { role: "table", "aria-label": "Runs" }, h("div", { role: "rowgroup" }, head), body),
    h("p.center", null, more),
  );

  async function load() {
    const mine = JSON.stringify([asked, count]);
    const answer = await ask("runs", { ...asked, count });
    // An answer to what was asked before is of no use any more.
    if (mine !== JSON.stringify([asked, count])) return;
    filters.offer(answer);
    draw(answer);
    // What runs cost takes a while, the first time that somebody looks.
    if (answer.unbilled) setTimeout(() => void load(), 50);
  }

  /** @param {Facts} answer */
  function draw(answer) {
    const focused = document.activeElement?.closest?.("[data-run]")?.getAttribute("data-run");
    const known = new Map([...body.children].map((each) => [each.getAttribute("data-run"), each]));
    const rows = answer.rows.map((/** @type {Facts} */ row) => patched(known.get(row.run_id), runRow(row, answer.now, pick)));
    const kept = new Set(rows);
    for (const each of [...body.children]) if (!kept.has(each)) each.remove();
    rows.forEach((/** @type {Element} */ row, /** @type {number} */ place) => {
      if (body.children[place] !== row) body.insertBefore(row, body.children[place] ?? null);
    });
    if (!answer.rows.length) fill(body, empty(answer.all));
    const narrowed = NAMES.some((name) => asked[name]);
    summary.textContent = narrowed ? `${number(answer.total)} of ${counted(answer.all, "run")}` : counted(answer.all, "run");
    more.hidden = answer.rows.length >= answer.total;
    showPicked();
    if (focused && !body.contains(document.activeElement)) rowOf(focused)?.focus({ preventScroll: true });
  }

  /** @param {string} id @returns {HTMLElement | null} */
  const rowOf = (id) => links().find((each) => each.closest("[data-run]")?.getAttribute("data-run") === id) ?? null;

  /** @param {string} id */
  function pick(id) {
    picked = picked.includes(id) ? picked.filter((each) => each !== id) : [...picked, id].slice(-2);
    showPicked();
    say(picked.includes(id) ? "Picked" : "Not picked any more");
  }

  function showPicked() {
    for (const box of body.querySelectorAll("input.pick")) {
      const input = /** @type {HTMLInputElement} */ (box);
      input.checked = picked.includes(input.value);
    }
    compare.hidden = picked.length === 0;
    compare.textContent = picked.length < 2 ? "Pick another one to compare" : "Compare the two";
    compare.toggleAttribute("disabled", picked.length < 2);
  }

  function compared() {
    if (picked.length !== 2) return;
    const [a, b] = picked;
    picked = [];
    location.hash = toDiff(a, b);
  }

  const links = () => /** @type {HTMLElement[]} */ ([...body.querySelectorAll("a.run")]);
  /** @param {number} by */
  function move(by) {
    const all = links();
    const at = all.indexOf(/** @type {HTMLElement} */ (document.activeElement));
    const next = all[at < 0 ? (by > 0 ? 0 : all.length - 1) : Math.min(Math.max(at + by, 0), all.length - 1)];
    next?.focus();
    next?.scrollIntoView({ block: "nearest" });
  }
  const focusedRun = () => document.activeElement?.closest("[data-run]")?.getAttribute("data-run");
  await load();
  return {
    refresh: load,
    keys: {
      j: () => move(1),
      k: () => move(-1),
      ArrowDown: () => move(1),
      ArrowUp: () => move(-1),
      "/": () => filters.search.focus(),
      x: () => {
        const id = focusedRun();
        if (id) pick(id);
      },
      c: compared,
      e: () => {
        const all = links();
        const at = all.indexOf(/** @type {HTMLElement} */ (document.activeElement));
        const next = all.slice(at + 1).find((each) => each.closest(".bad"));
        next?.focus();
      },
      Escape: () => {
        if (!NAMES.some((name) => asked[name])) return;
        filters.clear();
      },
    },
  };
}

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

/** A row as it is now, with all of the old one that has not changed: somebody may be about to click on it. @param {Element | undefined} old @param {HTMLElement} row */
function patched(old, row) {
  if (!old) return row;
  old.className = row.className;
  [...row.children].forEach((cell, place) => {
    if (!old.children[place].isEqualNode(cell)) old.children[place].replaceWith(cell);
  });
  return old;
}

/** @param {number} all */
function empty(all) {
  const words = all ? "No run fits." : "No run is on record yet; this page shows them as they come.";
  return h("div.row", { role: "row" }, h("span.empty", { role: "cell" }, words));
}

/** @param {Facts} row @param {number} now @param {(id: string) => void} pick */
function runRow(row, now, pick) {
  const box = /** @type {HTMLInputElement} */ (
    h("input.pick", { type: "checkbox", value: row.run_id, tabindex: "-1", "aria-label": "Pick to compare", onchange: () => pick(row.run_id) })
  );
  const title = oneLine(row.prompt) || "no prompt";
  const feel = mood(row.status);
  const cell = (/** @type {string} */ kind, /** @type {any[]} */ ...children) => h(`span.${kind}`, { role: "cell" }, ...children);
  const relation = /** @type {Record<string, string>} */ ({
    called: "called by the run above",
    "goes on": "goes on from the run above",
    fork: "fork of the run above",
  })[row.relation];
  const run = cell(
    "c-run",
    h(
      "a.run",
      { href: toRun(row.run_id), "aria-label": `${title}, ${status(row.status)}` },
      row.depth ? h("span.branch", { "aria-hidden": "true" }, "└") : null,
      h("span.title", null, title),
    ),
    h("span.under", null, [row.agent, relation].filter(Boolean).join(" · ")),
    row.detail && row.status !== "completed" ? h(`span.under.why.${feel}`, null, oneLine(row.detail, 200)) : null,
  );
  run.style.setProperty("--depth", String(Math.min(row.depth, 6)));
  const tokens = row.input === null && row.output === null ? null : (row.input ?? 0) + (row.output ?? 0);
  return h(
    `div.row.${feel}`,
    { role: "row", "data-run": row.run_id },
    cell("c-status", box, h(`span.status.${feel}`, null, status(row.status))),
    run,
    cell("c-model", row.model),
    cell("c-num.n-steps", number(row.steps), h("span.unit", null, row.steps === 1 ? " step" : " steps")),
    cell("c-num.n-tokens", short(tokens), h("span.unit", null, " tokens")),
    cell("c-num.n-cost", cost(row)),
    cell("c-num.n-took", lasted(row.updated - row.started)),
    h("span.c-when", { role: "cell", title: moment(row.started) }, ago(row.started, now)),
  );
}

/** @param {Facts} row */
function cost(row) {
  if (row.steps && !row.money) return h("span.dim", { "aria-label": "not known yet" }, "…");
  return h(row.money?.text ? "span" : "span.dim", null, row.steps ? money(row.money) : "–");
}
