/**
 * The page: which view is shown, what keeps it up to date, and what it says when something is wrong.
 * @module
 */

import { button, byId, h, refill, say } from "./dom.js";
import { showDiff } from "./diff.js";
import { listen, showKeys } from "./keys.js";
import { here, toRun, toRuns } from "./places.js";
import { showRun } from "./run.js";
import { showRuns } from "./runs.js";
import { ask, isFile, Refused, watch } from "./source.js";
import { showStep } from "./step.js";
import { shortId } from "./words.js";

/** @typedef {import("./types.js").Facts} Facts */
/** @typedef {import("./types.js").Place} Place */
/** @typedef {import("./types.js").View} View */

/** Milliseconds between two refreshes, at least. */
const APART = 300;

/** @type {View | null} */
let view = null;
/** @type {Facts} */
let about = {};
let shown = 0;
/** Where each entry of the history was scrolled to, for those who come back. @type {Map<number, number>} */
const scrolled = new Map();
let entries = 0;

const main = byId("main");

/** The number of this entry of the history; one that has none yet was not here before. @returns {{entry: number, back: boolean}} */
function entered() {
  const known = history.state?.entry;
  if (known !== undefined) return { entry: known, back: true };
  entries = Math.max(entries + 1, Date.now());
  history.replaceState({ entry: entries }, "");
  return { entry: entries, back: false };
}

async function show() {
  const mine = (shown += 1);
  const { entry, back } = entered();
  const place = { ...here(), back };
  view?.leave?.();
  view = null;
  crumbs(place);
  main.setAttribute("aria-busy", "true");
  try {
    const made = await viewOf(place);
    if (mine !== shown) {
      made.leave?.();
      return;
    }
    view = made;
    trouble("");
    arrive(place, entry);
  } catch (error) {
    if (mine !== shown) return;
    refill(main, h("h1", { tabindex: "-1" }, "That did not work"), h("p.empty", null, sentence(error)), isFile ? null : h("p.center", null, h("a.button", { href: toRuns() }, "All runs")));
  } finally {
    main.removeAttribute("aria-busy");
  }
}

/** @param {Place} place @returns {Promise<View>} */
function viewOf(place) {
  const [kind, , part] = place.path;
  if (kind === "run" && part) return showStep(main, place, about);
  if (kind === "run") return showRun(main, place, about);
  if (kind === "diff") return showDiff(main, place);
  if (isFile) {
    location.replace(toRun(about.run_id));
    return new Promise(() => {});
  }
  return showRuns(main, place);
}

/** Go to where one was before, or to the beginning. @param {Place} place @param {number} entry */
function arrive(place, entry) {
  const known = place.back ? scrolled.get(entry) : undefined;
  if (known !== undefined) scrollTo(0, known);
  else if (!place.query.has("at") && place.path[2] !== "call") {
    scrollTo(0, 0);
    /** @type {HTMLElement | null} */ (main.querySelector("h1"))?.focus({ preventScroll: true });
  }
}

/** @param {Place} place */
function crumbs(place) {
  const [kind, id, part, name] = place.path;
  const parts = [];
  if (!isFile) parts.push(h("a", { href: toRuns() }, "Runs"));
  if (kind === "diff") parts.push(h("span", null, "Compare"));
  if (kind === "run" && id) parts.push(part ? h("a", { href: toRun(id) }, shortId(id)) : h("span", { "aria-current": "page" }, shortId(id)));
  if (part) parts.push(h("span", { "aria-current": "page" }, part === "step" ? `Step ${name}` : "Call"));
  refill(byId("crumbs"), ...parts.flatMap((each, place) => (place ? [h("span.slash", { "aria-hidden": "true" }, "/"), each] : [each])));
}

/** @param {unknown} error */
function sentence(error) {
  if (error instanceof Refused) return error.message;
  return `This page has a fault: ${error instanceof Error ? error.message : String(error)}`;
}

/** @param {string} text */
function trouble(text) {
  const banner = byId("banner");
  banner.hidden = !text;
  refill(banner, text);
}

let running = false;
let again = false;

/** Bring the view up to date, not more often than it can be. */
async function refresh() {
  if (running) {
    again = true;
    return;
  }
  running = true;
  const began = performance.now();
  const mine = view;
  try {
    await mine?.refresh?.();
    trouble("");
  } catch (error) {
    if (mine === view) trouble(sentence(error));
  }
  const took = performance.now() - began;
  setTimeout(() => {
    running = false;
    if (again) {
      again = false;
      void refresh();
    }
  }, Math.max(APART, 2 * took));
}

async function start() {
  history.scrollRestoration = "manual";
  byId("help").addEventListener("click", showKeys);
  byId("skip").addEventListener("click", (event) => {
    event.preventDefault();
    main.focus();
  });
  listen(() => view, {
    "?": showKeys,
    g: () => {
      if (!isFile) location.hash = toRuns();
    },
  });
  addEventListener("scroll", () => {
    // What moves while another view is made says nothing of where one was.
    if (!main.hasAttribute("aria-busy") && history.state) scrolled.set(history.state.entry, scrollY);
  }, { passive: true });
  addEventListener("hashchange", () => void show());
  try {
    about = await ask("about");
  } catch (error) {
    refill(main, h("h1", null, "That did not work"), h("p.empty", null, sentence(error)), button("Try again", () => location.reload()));
    return;
  }
  await show();
  watch(() => void refresh(), (state) => {
    const live = byId("live");
    live.textContent = state === "live" ? "Live" : "Not connected";
    live.dataset.state = state;
    if (state === "lost") say("The server does not answer");
  });
}

void start();
