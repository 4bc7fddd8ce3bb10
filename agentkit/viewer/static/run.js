/**
 * One run: what came of it, what is odd about it, and its steps as a conversation or along the clock.
 * @module
 */

import { h, refill } from "./dom.js";
import { findBar } from "./find.js";
import { anomalies, header, prepared, sideParts, tabs, totals, waiting } from "./overview.js";
import { toRun, toRuns } from "./places.js";
import { Scroll } from "./scroll.js";
import { ask, isFile } from "./source.js";
import { oneLine } from "./texts.js";
import { timeline } from "./timeline.js";

/** @typedef {import("./types.js").Facts} Facts */
/** @typedef {import("./types.js").Place} Place */
/** @typedef {import("./types.js").View} View */

/** @typedef {{grow: (run: Facts) => Promise<void>, keys: View["keys"], leave: () => void, goTo: (n: number) => void, follow: (() => HTMLElement) | null}} Body */

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
  const finder = findBar(id, (n) => body.goTo(n));
  const body = tab === "timeline" ? alongTheClock(list) : asConversation(run, place, list);
  const drawTop = () => {
    const follow = run.state === "running" && body.follow ? body.follow() : null;
    refill(top, header(run, about, follow), totals(run), waiting(run, about), anomalies(run));
    refill(side, ...sideParts(run));
  };
  refill(main, top, h("div.columns", null, h("div.main-column", null, tabs(id, tab, finder), list), side));
  drawTop();
  await body.begin(run);
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

/** @param {Facts} run @param {Place} place @param {Element} list @returns {Body & {begin: (run: Facts) => Promise<void>}} */
function asConversation(run, place, list) {
  const at = Number(place.query.get("at") ?? Number.NaN);
  const scroll = new Scroll(run, at, Boolean(place.back));
  return {
    begin: () => scroll.begin(list, at),
    grow: (now) => scroll.grow(now),
    goTo: (n) => void scroll.goTo(n),
    follow: () => scroll.followButton(),
    keys: scroll.keys(),
    leave: () => scroll.growing.disconnect(),
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
    goTo: (n) => (location.hash = toRun(id, { at: n })),
    follow: null,
    keys: {},
    leave: () => {},
  };
}
