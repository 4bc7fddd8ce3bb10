/**
 * One run: what came of it, what is odd about it, and its steps as a conversation or along the clock.
 * @module
 */

import { h, refill } from "./dom.js";
import { findBar, unmarked } from "./find.js";
import { anomalies, header, prepared, sideParts, tabs, totals, waiting } from "./overview.js";
import { toRun, toRuns } from "./places.js";
import { Scroll } from "./scroll.js";
import { ask, isFile } from "./source.js";
import { oneLine } from "./texts.js";
import { laneKeys, timeline } from "./timeline.js";

/** @typedef {import("./types.js").Facts} Facts */
/** @typedef {import("./types.js").Place} Place */
/** @typedef {import("./types.js").View} View */

/** @typedef {{grow: (run: Facts) => Promise<void>, keys: View["keys"], leave: () => void, find: (n: number, text: string) => void, follow: (() => HTMLElement) | null}} Body */

/**
 * @param {HTMLElement} main
 * @param {Place} place
 * @param {Facts} about
 * @returns {Promise<View>}
 */
export async function showRun(main, place, about) {
  const id = place.path[1];
  const tab = place.query.get("tab") === "timeline" ? "timeline" : "conversation";
  let run = prepared(await ask("run", { id }));
  document.title = `${oneLine(run.title, 60) || id} · agentkit`;
  const [top, list] = [h("div", null), h("div.steps", null)];
  const side = h("aside.side", { "aria-label": "Tools and other runs" });
  const finder = findBar(id, (n, text) => body.find(n, text));
  const body = tab === "timeline" ? alongTheClock(list) : asConversation(run, place, list);
  const drawTop = () => {
    const follow = run.state === "running" && body.follow ? body.follow() : null;
    refill(top, header(run, about, follow), totals(run), waiting(run, about), anomalies(run));
    refill(side, ...sideParts(run));
  };
  refill(main, top, h("div.columns", null, h("div.main-column", null, tabs(id, tab, finder), list), side));
  drawTop();
  await body.begin(run);
  if (tab === "conversation") await goOn(finder, place);
  return {
    leave: body.leave,
    async refresh() {
      const ended = run.ended && run.state !== "running";
      run = prepared(await ask("run", { id }));
      // Of a run that has ended, only what belongs to it can change.
      if (ended) refill(side, ...sideParts(run));
      else {
        drawTop();
        await body.grow(run);
      }
    },
    keys: {
      ...body.keys,
      t: () => (location.hash = toRun(id, tab === "timeline" ? {} : { tab: "timeline" })),
      "/": () => finder.input.focus(),
      Escape: () => {
        if (!isFile) location.hash = toRuns();
      },
    },
  };
}

/** Find what the address says. @param {import("./find.js").Finder} finder @param {Place} place */
async function goOn(finder, place) {
  const words = place.query.get("find");
  if (words) await finder.begin(words, Number(place.query.get("at")));
}

/** @param {Facts} run @param {Place} place @param {Element} list @returns {Body & {begin: (run: Facts) => Promise<void>}} */
function asConversation(run, place, list) {
  const at = Number(place.query.get("at") ?? Number.NaN);
  const scroll = new Scroll(run, at, Boolean(place.back));
  return {
    begin: () => scroll.begin(list, at),
    grow: (now) => scroll.grow(now),
    find: (n, text) => void scroll.show(n, text),
    follow: () => scroll.followButton(),
    keys: scroll.keys(),
    leave() {
      unmarked();
      scroll.growing.disconnect();
    },
  };
}

/** @param {Element} list @returns {Body & {begin: (run: Facts) => Promise<void>}} */
function alongTheClock(list) {
  let shown = "";
  let id = "";
  const draw = async (/** @type {Facts} */ run) => {
    id = run.run_id;
    const told = await ask("timeline", { id });
    const now = JSON.stringify(told);
    if (now === shown) return;
    shown = now;
    refill(list, timeline(run, told));
  };
  return {
    begin: draw,
    grow: draw,
    find: (n, text) => (location.hash = toRun(id, { at: n, find: text })),
    follow: null,
    keys: laneKeys(list),
    leave: () => {},
  };
}
