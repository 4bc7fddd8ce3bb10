/**
 * A run along the clock: each request with its attempts and its first token, each call beside the others of its step.
 * Long times in which nothing happened are drawn short, and say how long they were.
 * @module
 */

import { fill, h, say } from "./dom.js";
import { toCall, toStep } from "./places.js";
import { lasted, mood, moment, status } from "./words.js";

/** @typedef {import("./types.js").Facts} Facts */
/** @typedef {{from: number, to: number}} Span */

const PAGE = 60;
/** Marks on the clock, at most. */
const TICKS = 6;
/** Seconds between two of them, where they are no longer told in tenths. */
const ROUND = [30, 60, 120, 300, 600, 1800, 3600, 7200, 21600, 43200, 86400];
/** Part of the width between two of them, at least. */
const APART = 0.09;
/** Part of the width that a long pause takes. */
const PAUSE = 0.03;

/**
 * @param {Facts} run
 * @param {Facts} told
 */
export function timeline(run, told) {
  const now = run.state === "running" ? Date.now() / 1000 : null;
  const spans = told.steps.flatMap((/** @type {Facts} */ step) => spansOf(step, now));
  if (!spans.length) return h("p.empty", null, "Nothing has taken any time yet.");
  const scale = scaleOf(spans);
  const over = h("div.lanes-track", null, ...scale.pauses.map((pause) => pauseMark(scale, pause)));
  const body = h("div.lanes", null, over);
  const marks = told.steps.flatMap((/** @type {Facts} */ step) => step.marks).filter((/** @type {Facts} */ mark) => mark.kind !== "RunFinished");
  for (const mark of marks) {
    const line = h(`div.cut-line.${mark.kind}`, { title: markName(mark), "aria-hidden": "true" });
    line.style.left = percent(scale.at(mark.time));
    fill(over, line);
  }
  const holder = h("div", null);
  fill(body, holder);
  let shown = 0;
  const later = h("div.later", { "aria-hidden": "true" });
  const grow = () => {
    const next = told.steps.slice(shown, shown + PAGE);
    fill(holder, ...next.flatMap((/** @type {Facts} */ step) => rowsOf(run, step, scale, now)));
    shown += PAGE;
    if (shown >= told.steps.length) {
      watching.disconnect();
      later.remove();
    }
  };
  const watching = new IntersectionObserver((seen) => seen.some((each) => each.isIntersecting) && grow(), { rootMargin: "800px" });
  watching.observe(later);
  grow();
  return h("div.timeline", { role: "group", "aria-label": "Timeline" }, legend(), axis(scale), body, later);
}

/** @param {Facts} step @param {number | null} now @returns {Span[]} */
function spansOf(step, now) {
  const spans = [];
  if (step.began !== undefined) spans.push({ from: step.began, to: step.end });
  else if (step.n > 0) spans.push({ from: step.time, to: now ?? step.time });
  for (const call of step.calls) {
    const [first] = call.starts;
    if (first === undefined) {
      if (call.end !== null) spans.push({ from: call.end, to: call.end });
      continue;
    }
    // A call that was started before a restart did not work in between.
    for (const start of call.starts) spans.push({ from: start, to: start });
    const end = call.end ?? (call.state === "started" ? now : null);
    if (end !== null && end !== undefined) spans.push({ from: call.starts.at(-1), to: end });
  }
  for (const mark of step.marks) spans.push({ from: mark.time, to: mark.time });
  return spans;
}

/**
 * Where each moment is, from 0 to 1.
 * @param {Span[]} spans
 */
function scaleOf(spans) {
  const sorted = [...spans].sort((a, b) => a.from - b.from);
  /** @type {Span[]} */
  const busy = [];
  for (const span of sorted) {
    const last = busy.at(-1);
    if (last && span.from <= last.to) last.to = Math.max(last.to, span.to);
    else busy.push({ ...span });
  }
  const worked = busy.reduce((sum, span) => sum + span.to - span.from, 0);
  const long = Math.max(worked * 0.15, 1);
  /** @type {{from: number, to: number, x: number, width: number, pause: boolean}[]} */
  const pieces = [];
  busy.forEach((span, place) => {
    const before = busy[place - 1];
    if (before) pieces.push({ from: before.to, to: span.from, x: 0, width: 0, pause: span.from - before.to > long });
    pieces.push({ ...span, x: 0, width: 0, pause: false });
  });
  const pauses = pieces.filter((piece) => piece.pause);
  const room = Math.min(pauses.length * PAUSE, 0.4);
  const time = pieces.reduce((sum, piece) => sum + (piece.pause ? 0 : piece.to - piece.from), 0) || 1;
  let x = 0;
  for (const piece of pieces) {
    piece.x = x;
    piece.width = piece.pause ? room / pauses.length : ((piece.to - piece.from) / time) * (1 - room);
    x += piece.width;
  }
  const start = busy[0].from;
  /** @param {number} moment */
  const at = (moment) => {
    let low = 0;
    let high = pieces.length - 1;
    while (low < high) {
      const middle = (low + high + 1) >> 1;
      if (pieces[middle].from <= moment) low = middle;
      else high = middle - 1;
    }
    const piece = pieces[low];
    const span = piece.to - piece.from;
    return Math.min(Math.max(piece.x + (span ? ((moment - piece.from) / span) * piece.width : 0), 0), 1);
  };
  return { start, time, at, pieces, pauses };
}

/** @typedef {ReturnType<typeof scaleOf>} Scale */

/** @param {number} part */
function percent(part) {
  return `${(part * 100).toFixed(3)}%`;
}

/** Seconds between two marks of the clock: 1, 2 or 5 and noughts, or what is round in minutes and hours. @param {number} time */
export function roundStep(time) {
  const least = Math.max(time / TICKS, 0.001);
  const round = ROUND.find((each) => each >= least);
  if (least > 20 && round) return round;
  const [unit, rest] = least > 20 ? [86400, least / 86400] : [1, least];
  const power = 10 ** Math.floor(Math.log10(rest) + 1e-9);
  return unit * power * ([1, 2, 5].find((each) => each * power >= rest * (1 - 1e-9)) ?? 10);
}

/** Where the clock is marked: at round times since the beginning, but for pauses. @param {Scale} scale */
function ticksOf(scale) {
  const step = roundStep(scale.time);
  /** @type {{x: number, label: string}[]} */
  const ticks = [];
  for (const piece of scale.pieces) {
    if (piece.pause) continue;
    const last = Math.floor((piece.to - scale.start) / step + 1e-6);
    for (let count = Math.ceil((piece.from - scale.start) / step - 1e-6); count <= last; count += 1) {
      const [x, label] = [scale.at(scale.start + count * step), count ? lasted(count * step) : "0"];
      const before = ticks.at(-1);
      if (!before || (x - before.x >= APART && label !== before.label)) ticks.push({ x, label });
    }
  }
  return ticks;
}

/** @param {Scale} scale */
function axis(scale) {
  const ticks = ticksOf(scale).map(({ x, label }) => {
    const tick = h("span.tick", null, label);
    tick.style.left = percent(x);
    return tick;
  });
  return h("div.axis", { "aria-hidden": "true" }, h("span.lane-name", null), h("div.track", null, ...ticks));
}

/** @param {Scale} scale @param {Scale["pauses"][number]} pause */
function pauseMark(scale, pause) {
  const mark = h("div.pause", { title: `nothing happened for ${lasted(pause.to - pause.from)}` }, h("span", null, lasted(pause.to - pause.from)));
  mark.style.left = percent(pause.x);
  mark.style.width = percent(pause.width);
  return mark;
}

function legend() {
  const item = (/** @type {string} */ kind, /** @type {string} */ words) => h("span.key", null, h(`span.bar-key.${kind}`, { "aria-hidden": "true" }), words);
  return h("p.legend", null, item("first", "to the first token"), item("model", "reply"), item("attempt", "failed attempt"), item("good", "call"), item("bad", "call that failed or was not run"), item("pause-key", "a long pause, drawn short"));
}

/** @param {Facts} run @param {Facts} step @param {Scale} scale @param {number | null} now */
function rowsOf(run, step, scale, now) {
  const rows = [];
  const id = run.run_id;
  if (step.n > 0) rows.push(lane(h("a", { href: toStep(id, step.n) }, `Step ${step.n}`), run.problems.includes(step.n) && !step.calls.some((/** @type {Facts} */ call) => mood(call.state) === "bad") ? "lane.failed-step" : "lane", ...modelBars(id, step, scale, now)));
  rows.push(...attemptRows(id, step, scale));
  for (const call of step.calls) {
    const name = h("a", { href: toCall(id, call.id), title: call.tool }, call.tool);
    rows.push(lane(name, `lane.call.${mood(call.state)}`, ...callBars(id, call, scale, now)));
  }
  for (const mark of step.marks) {
    if (mark.kind === "RunFinished") continue;
    const point = h("span.point", { title: moment(mark.time) });
    point.style.left = percent(scale.at(mark.time));
    rows.push(lane(h("span", null, markName(mark)), "lane.mark-lane", point));
  }
  return rows;
}

/** @param {HTMLElement} name @param {string} kind @param {...HTMLElement} bars */
function lane(name, kind, ...bars) {
  return h(`div.${kind}`, null, h("span.lane-name", null, name), h("div.track", null, ...bars));
}

/** @param {string} href @param {string} kind @param {number} from @param {number} to @param {Scale} scale @param {string} title */
function bar(href, kind, from, to, scale, title) {
  const made = h(`a.span.${kind}`, { href, title, "aria-label": title, tabindex: "-1" });
  const x = scale.at(from);
  made.style.left = percent(x);
  made.style.width = percent(Math.max(scale.at(to) - x, 0));
  return made;
}

/** Words beside a bar: behind it, or before it where they would not fit. @param {string} words @param {number} from @param {number} to @param {Scale} scale @param {string} [feel] */
function labelOf(words, from, to, scale, feel = "") {
  const label = h(`span.bar-label${feel ? `.${feel}` : ""}`, { "aria-hidden": "true" }, words);
  if (words.length > 9 && scale.at(to) > 0.6) label.style.right = percent(1 - scale.at(from));
  else label.style.left = percent(scale.at(to));
  return label;
}

/** Each attempt that failed before a reply came, on a lane of its own. @param {string} id @param {Facts} step @param {Scale} scale */
function attemptRows(id, step, scale) {
  let at = step.began;
  return (step.attempts ?? []).map((/** @type {Facts} */ attempt) => {
    const title = `attempt ${attempt.number} failed after ${lasted(attempt.after)}: ${attempt.category}: ${attempt.detail}${attempt.wait ? `; waited ${lasted(attempt.wait)}` : ""}`;
    const made = bar(toStep(id, step.n), "attempt", at, at + attempt.after, scale, title);
    const label = labelOf(attempt.category, at, at + attempt.after, scale);
    at += attempt.after + attempt.wait;
    return lane(h("span", null, `attempt ${attempt.number}`), "lane.failed", made, label);
  });
}

/** The reply to a request, from the attempt that it came of. @param {string} id @param {Facts} step @param {Scale} scale @param {number | null} now */
function modelBars(id, step, scale, now) {
  const href = toStep(id, step.n);
  if (step.began === undefined) return [bar(href, "waits", step.time, now ?? step.time, scale, `Step ${step.n}: no reply yet`)];
  const bars = [];
  let at = step.began;
  for (const attempt of step.attempts ?? []) at += attempt.after + attempt.wait;
  const first = step.first === null || step.first === undefined ? null : Math.min(Math.max(step.began + step.first, at), step.end);
  if (first !== null) bars.push(bar(href, "first", at, first, scale, `Step ${step.n}: first token after ${lasted(first - at)}`));
  bars.push(bar(href, "model", first ?? at, step.end, scale, `Step ${step.n}: reply, ${lasted(step.end - at)} in all`));
  bars.push(labelOf(lasted(step.end - at), at, step.end, scale));
  return bars;
}

/** @param {string} id @param {Facts} call @param {Scale} scale @param {number | null} now */
function callBars(id, call, scale, now) {
  const href = toCall(id, call.id);
  const last = call.starts.at(-1);
  if (last === undefined) return call.end === null ? [] : [bar(href, mood(call.state), call.end, call.end, scale, `${call.tool}: ${call.state}`), labelOf(call.state, call.end, call.end, scale, mood(call.state))];
  const bars = call.starts.slice(0, -1).map((/** @type {number} */ start) => bar(href, "attempt", start, start, scale, "started, and its process was gone"));
  const end = call.end ?? (call.state === "started" && now ? now : last);
  bars.push(bar(href, mood(call.state), last, end, scale, `${call.tool}: ${call.state}, ${lasted(end - last)}`));
  bars.push(labelOf(call.state === "done" ? lasted(end - last) : `${call.state} · ${lasted(end - last)}`, last, end, scale, mood(call.state)));
  return bars;
}

/** @param {Facts} mark */
function markName(mark) {
  if (mark.kind === "RunResumed") return "Taken up again";
  if (mark.kind === "RunForked") return "Forked";
  if (mark.kind === "RunSuspended") return status(mark.status);
  return "Unknown event";
}

/** What the keys do: from lane to lane; Enter follows the link that is selected. @param {Element} list */
export function laneKeys(list) {
  const go = (/** @type {string} */ lanes, /** @type {number} */ by, /** @type {string} */ none) => {
    const all = [...list.querySelectorAll(".lane")];
    const now = all.findIndex((each) => each.contains(document.activeElement));
    const rest = by > 0 ? all.slice(now + 1) : all.slice(0, Math.max(now, 0)).reverse();
    const link = rest.find((each) => each.matches(lanes) && each.querySelector(".lane-name a"))?.querySelector(".lane-name a");
    if (!link) return say(none);
    /** @type {HTMLElement} */ (link).focus({ preventScroll: true });
    link.scrollIntoView({ block: "center" });
  };
  return {
    j: () => go(".lane", 1, "No other lane"),
    k: () => go(".lane", -1, "No other lane"),
    n: () => go(".lane.call", 1, "No other call"),
    p: () => go(".lane.call", -1, "No other call"),
    e: () => go(".lane.bad, .lane.failed-step", 1, "No other problem"),
    E: () => go(".lane.bad, .lane.failed-step", -1, "No other problem"),
  };
}
