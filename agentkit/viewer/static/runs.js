/**
 * The list of runs.
 * @module
 */

import { button, fill, h, refill } from "./dom.js";
import { filterBar, NAMES } from "./filters.js";
import { picking } from "./picks.js";
import { become, to } from "./places.js";
import { emptyRow, headRow, patched, runRow, tick } from "./rows.js";
import { ask, Refused } from "./source.js";
import { counted, number } from "./words.js";

/** @typedef {import("./types.js").Facts} Facts */
/** @typedef {import("./types.js").Place} Place */
/** @typedef {import("./types.js").View} View */

const PAGE = 200;

/** Milliseconds after which times that are told as so long ago are told again. */
const TICK = 1_000;

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
  const picked = ["a", "b"].map((name) => place.query.get(name) ?? "").filter(Boolean);
  let left = false;
  // Who leaves a field by leaving the list is somewhere else already.
  const keep = () => (left ? null : become(to([], { ...asked, a: picked[0], b: picked[1] })));
  const picks = picking(picked, () => {
    keep();
    picks.show(list.body);
  });
  const filters = filterBar(asked, () => {
    keep();
    if (!left) void loading.again();
  });
  const list = listOf(asked, picks, () => void loading.more());
  const loading = loader(asked, filters, list, () => left);
  refill(
    main,
    h("div.bar.over-list", null, h("h1", { tabindex: "-1" }, "Runs"), list.summary, filters.clearer, h("span.spacer", null), ...picks.elements),
    filters.element,
    list.element,
  );
  await loading.load();
  const ticking = setInterval(list.tick, TICK);
  const leave = () => {
    left = true;
    clearInterval(ticking);
  };
  return { refresh: loading.load, leave, keys: keysOf(list.body, filters, picks, asked) };
}

/** @typedef {ReturnType<typeof filterBar>} Filters */
/** @typedef {ReturnType<typeof picking>} Picks */
/** @typedef {ReturnType<typeof listOf>} List */

/**
 * Fetches what is asked for, and says why where there is nothing to be had.
 * @param {Record<string, string>} asked
 * @param {Filters} filters
 * @param {List} list
 * @param {() => boolean} left
 */
function loader(asked, filters, list, left) {
  let count = PAGE;
  async function load() {
    const mine = JSON.stringify([asked, count]);
    // An answer to what was asked before is of no use any more.
    const late = () => left() || mine !== JSON.stringify([asked, count]);
    try {
      const answer = await ask("runs", { ...asked, count });
      if (late()) return;
      filters.complain("");
      filters.offer(answer);
      list.draw(answer);
      // To look at every run takes a while, the first time.
      if (answer.unseen) setTimeout(() => (late() ? null : void load()), 50);
    } catch (error) {
      if (!(error instanceof Refused)) throw error;
      if (late()) return;
      filters.complain(error.message);
      list.fade();
    }
  }
  /** @param {number} now */
  const asking = (now) => {
    count = now;
    return load();
  };
  return { load, again: () => asking(PAGE), more: () => asking(count + PAGE) };
}

/**
 * The rows, and how many there are.
 * @param {Record<string, string>} asked
 * @param {Picks} picks
 * @param {() => void} further
 */
function listOf(asked, picks, further) {
  let ahead = 0;
  const body = h("div", { role: "rowgroup" });
  const summary = h("p.summary", { role: "status" });
  const more = button("Show more runs", further, { hidden: true });
  const table = h("div.table.runs", { role: "table", "aria-label": "Runs" }, h("div", { role: "rowgroup" }, headRow()), body);
  /** @param {Facts} answer */
  function draw(answer) {
    ahead = answer.now - Date.now() / 1000;
    const focused = document.activeElement?.closest?.("[data-run]")?.getAttribute("data-run");
    const known = new Map([...body.children].map((each) => [each.getAttribute("data-run"), each]));
    const rows = answer.rows.map((/** @type {Facts} */ row) => patched(known.get(row.run_id), runRow(row, answer.now, picks.pick)));
    put(body, rows);
    if (!rows.length) fill(body, emptyRow(answer.all));
    const narrowed = NAMES.some((name) => asked[name]);
    summary.textContent = narrowed ? `${number(answer.total)} of ${counted(answer.all, "run")}` : counted(answer.all, "run");
    more.hidden = rows.length >= answer.total;
    table.classList.remove("stale");
    picks.show(body);
    if (focused && !body.contains(document.activeElement)) linkOf(body, focused)?.focus({ preventScroll: true });
  }
  /** Rows that are still there, and are not what is asked for. */
  function fade() {
    table.classList.add("stale");
    summary.textContent = "";
  }
  return { element: h("div", null, table, h("p.center", null, more)), body, summary, draw, fade, tick: () => tick(body, Date.now() / 1000 + ahead) };
}

/** Make these the children, without moving those that are in their place. @param {Element} body @param {Element[]} rows */
function put(body, rows) {
  const kept = new Set(rows);
  for (const each of [...body.children]) if (!kept.has(each)) each.remove();
  rows.forEach((row, place) => {
    if (body.children[place] !== row) body.insertBefore(row, body.children[place] ?? null);
  });
}

/** @param {Element} body */
function links(body) {
  return /** @type {HTMLElement[]} */ ([...body.querySelectorAll("a.run")]);
}

/** @param {Element} body @param {string} id @returns {HTMLElement | null} */
function linkOf(body, id) {
  return links(body).find((each) => each.closest("[data-run]")?.getAttribute("data-run") === id) ?? null;
}

/**
 * @param {HTMLElement} body
 * @param {Filters} filters
 * @param {Picks} picks
 * @param {Record<string, string>} asked
 * @returns {View["keys"]}
 */
function keysOf(body, filters, picks, asked) {
  const row = () => document.activeElement?.closest("[data-run]");
  /** Where one is: a row's box belongs to its row. @param {HTMLElement[]} all */
  const place = (all) => all.findIndex((each) => each.closest("[data-run]") === (row() ?? null));
  /** @param {number} by */
  function move(by) {
    const all = links(body);
    const at = place(all);
    const next = all[at < 0 ? (by > 0 ? 0 : all.length - 1) : Math.min(Math.max(at + by, 0), all.length - 1)];
    next?.focus();
    next?.scrollIntoView({ block: "nearest" });
  }
  /** The next run, or the one before, of which something is odd. @param {1 | -1} by */
  function problem(by) {
    const all = links(body);
    const at = place(all);
    const rest = by > 0 ? all.slice(at + 1) : all.slice(0, Math.max(at, 0)).reverse();
    rest.find((each) => each.closest(".bad, .has-odd"))?.focus();
  }
  return {
    j: () => move(1),
    k: () => move(-1),
    ArrowDown: () => move(1),
    ArrowUp: () => move(-1),
    "/": () => filters.search.focus(),
    x: () => {
      const id = row()?.getAttribute("data-run");
      if (id) picks.pick(id);
    },
    c: picks.go,
    e: () => problem(1),
    E: () => problem(-1),
    Escape: () => (NAMES.some((name) => asked[name]) ? filters.clear() : null),
  };
}
