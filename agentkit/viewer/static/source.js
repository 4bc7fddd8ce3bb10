/**
 * Where the page has its facts from: the server that it came from, or the file that it is.
 * @module
 */

/** @typedef {import("./types.js").Facts} Facts */

const inline = document.getElementById("data");

/** Whether this is a file that somebody was handed, with one run in it. */
export const isFile = inline !== null;

/** @type {Record<string, any> | null} */
const held = inline ? JSON.parse(inline.textContent ?? "{}") : null;

const PART = 200_000;

/** An answer that is a sentence about why there is none. */
export class Refused extends Error {}

/**
 * @param {string} question
 * @param {Record<string, string | number | null | undefined>} [asked]
 * @returns {Promise<any>}
 */
export async function ask(question, asked = {}) {
  if (held) return fromFile(held, question, asked);
  const query = new URLSearchParams();
  for (const [name, value] of Object.entries(asked)) {
    if (value !== null && value !== undefined && value !== "") query.set(name, String(value));
  }
  return answered(await reach(`api/${question}?${query}`));
}

/** Ask for something to be done. @param {string} deed @param {Record<string, unknown>} wish @returns {Promise<any>} */
export async function wish(deed, wish) {
  const headers = { "content-type": "application/json", "x-agentkit": "1" };
  return answered(await reach(`api/${deed}`, { method: "POST", headers, body: JSON.stringify(wish) }));
}

/** @param {string} address @param {RequestInit} [how] */
async function reach(address, how) {
  try {
    return await fetch(address, how);
  } catch {
    throw new Refused("The server of this page has ended; start it again with: agentkit ui");
  }
}

/** @param {Response} response */
async function answered(response) {
  const isJson = response.headers.get("content-type")?.startsWith("application/json");
  const told = isJson ? await response.json() : { error: (await response.text()).trim() };
  if (!response.ok) throw new Refused(told.error || `The server answered ${response.status}.`);
  return told;
}

/** @param {Record<string, any>} held @param {string} question @param {Record<string, any>} asked */
function fromFile(held, question, asked) {
  const start = Number(asked.start ?? 0);
  switch (question) {
    case "about":
      return held.about;
    case "run":
      if (asked.id !== held.run.run_id) throw new Refused("This file holds another run.");
      return held.run;
    case "timeline":
      return held.timeline;
    case "steps":
      return { steps: held.steps.slice(start, start + Number(asked.count ?? 40)), start, total: held.steps.length };
    case "step":
      return detail(held, asked);
    case "find":
      return find(held, String(asked.text));
    case "text": {
      const text = held.texts[asked.name] ?? "";
      return { text: text.slice(start, start + PART), next: start + PART, size: text.length };
    }
  }
  throw new Refused("This file holds one run only; the rest is shown by: agentkit ui");
}

/** @param {Record<string, any>} held @param {Record<string, any>} asked */
function detail(held, asked) {
  const has = (/** @type {any} */ step) => step.calls?.some((/** @type {any} */ call) => call.id === asked.call);
  const step = held.steps.find((/** @type {any} */ each) => (asked.call ? has(each) : each.n === Number(asked.n)));
  if (!step) throw new Refused("There is no such step in this run.");
  return { step, ...held.details[step.n] };
}

/** @param {Record<string, any>} held @param {string} text */
function find(held, text) {
  const wanted = text.toLowerCase();
  const names = Object.keys(held.texts).filter((name) => held.texts[name].toLowerCase().includes(wanted));
  const inLong = new Set(names.map((name) => Number.parseInt(name, 10)));
  const found = held.steps.filter(
    (/** @type {any} */ step) => inLong.has(step.n) || JSON.stringify(step).toLowerCase().includes(wanted),
  );
  return { steps: found.map((/** @type {any} */ step) => step.n) };
}

/**
 * Be told when anything has changed.
 * @param {() => void} changed
 * @param {(state: "live" | "lost") => void} stands
 */
export function watch(changed, stands) {
  if (held) return;
  let fresh = true;
  /** @type {EventSource | null} */
  let events = null;
  const open = () => {
    events = new EventSource("api/live");
    // The first one says only that from now on changes are told; after an interruption there may have been some.
    events.addEventListener("change", () => (fresh ? (fresh = false) : changed()));
    events.addEventListener("open", () => stands("live"));
    events.addEventListener("error", () => stands("lost"));
  };
  // A browser has few connections for one server: a page that nobody looks at leaves them to the others.
  document.addEventListener("visibilitychange", () => {
    if (document.visibilityState === "hidden") {
      events?.close();
      events = null;
    } else if (!events) open();
  });
  open();
}
