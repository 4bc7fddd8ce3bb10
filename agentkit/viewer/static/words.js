/**
 * Numbers, times and money in words, the same as at the terminal.
 * @module
 */

const LOCALE = "en-US";

/** @param {number} count @param {string} thing */
export function counted(count, thing) {
  return `${count.toLocaleString(LOCALE)} ${thing}${count === 1 ? "" : "s"}`;
}

/** A number with its thousands apart; what is not known is a dash. @param {number | null | undefined} count */
export function number(count) {
  return count === null || count === undefined ? "–" : count.toLocaleString(LOCALE);
}

/** A number in few letters. @param {number | null | undefined} count */
export function short(count) {
  if (count === null || count === undefined) return "–";
  if (count < 10_000) return count.toLocaleString(LOCALE);
  if (count < 1e6) return `${(count / 1e3).toFixed(count < 1e5 ? 1 : 0)}k`;
  return `${(count / 1e6).toFixed(1)}M`;
}

/** A time as people say it. @param {number | null | undefined} seconds */
export function lasted(seconds) {
  if (seconds === null || seconds === undefined) return "–";
  const span = Math.max(seconds, 0);
  if (span < 1) return `${Math.round(span * 1000)} ms`;
  if (span < 60) return `${span.toFixed(1)} s`;
  const spans = /** @type {[number, string][]} */ ([[86400, "d"], [3600, "h"], [60, "min"], [1, "s"]]);
  const at = spans.findIndex(([size]) => span >= size);
  const [large, small] = [spans[at], spans[at + 1]];
  const whole = Math.floor(span);
  return `${Math.floor(whole / large[0])} ${large[1]} ${Math.floor((whole % large[0]) / small[0])} ${small[1]}`;
}

/** How long ago, in one unit: who wants to know better looks at the moment. @param {number} time @param {number} now */
export function ago(time, now) {
  const span = now - time;
  if (span < 5) return "just now";
  if (span < 60) return `${Math.floor(span)} s ago`;
  if (span < 3600) return `${Math.floor(span / 60)} min ago`;
  if (span < 3600 * 36) return `${Math.floor(span / 3600)} h ago`;
  return day(time);
}

/** A day, in this place's time. @param {number} time */
export function day(time) {
  return new Date(time * 1000).toLocaleDateString("en-GB", { day: "numeric", month: "short", year: "numeric" });
}

/** A date and a time, in this place's time. @param {number} time */
export function moment(time) {
  return new Date(time * 1000).toLocaleString("en-GB", { dateStyle: "medium", timeStyle: "medium" });
}

/** @typedef {{text: string, unpriced: number} | null | undefined} Money */

/** Money.  What nobody has a price for is unpriced, and never 0. @param {Money} cost */
export function money(cost) {
  if (!cost?.text) return "unpriced";
  return cost.unpriced ? `${cost.text} + unpriced` : cost.text;
}

/** The words of a status. @param {string} status */
export function status(status) {
  return status.replaceAll("_", " ") || "unfinished";
}

/** How good or bad a status is. @param {string} status */
export function mood(status) {
  if (status === "completed" || status === "done") return "good";
  if (status === "running" || status === "started") return "busy";
  if (status === "waiting" || status === "stopped" || status === "not begun" || status === "unfinished") return "warn";
  if (status === "cancelled" || status === "not made") return "idle";
  return "bad";
}

/** A name of a run that is not long. @param {string} id */
export function shortId(id) {
  return id.length > 40 ? `${id.slice(0, 18)}…${id.slice(-16)}` : id;
}
