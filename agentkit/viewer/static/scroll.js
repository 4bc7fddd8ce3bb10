/**
 * The steps of a run, as many of them on the page as somebody has come to; and the ways to go through them.
 * @module
 */

import { stepBlock } from "./conversation.js";
import { button, fill, h, say } from "./dom.js";
import { reveal } from "./find.js";
import { toggleAll, unfold, unfolded } from "./folds.js";
import { become, toCall, toRun, toStep } from "./places.js";
import { ask } from "./source.js";

/** @typedef {import("./types.js").Facts} Facts */

const PAGE = 40;
/** Steps that are put on the page at most to get to one further down. */
const NEAR = 400;
/** Pixels of the window that are behind its head. */
const HEAD = 80;

/** How much of each run was on the page, for those who come back. @type {Map<string, {start: number, end: number}>} */
const left = new Map();

/** Steps from `start` to before `end` are on the page. */
export class Scroll {
  /**
   * @param {Facts} run
   * @param {number} at The step to begin with; not a number where none is named.
   * @param {boolean} back Whether somebody comes back.
   */
  constructor(run, at, back) {
    this.run = run;
    this.id = run.run_id;
    const before = back ? left.get(this.id) : undefined;
    this.start = Number.isFinite(at) ? Math.max(0, at - 5) : (before?.start ?? 0);
    this.end = this.start;
    this.total = 0;
    this.wanted = Number.isFinite(at) ? at + PAGE / 2 : (before?.end ?? PAGE);
    this.follow = run.state === "running" && !Number.isFinite(at) && !before;
    this.earlier = button("Earlier steps", () => void this.loadEarlier(), { class: "button wide" });
    this.later = h("div.later", { "aria-hidden": "true" });
    this.holder = h("div", null);
    this.growing = new IntersectionObserver(
      (seen) => seen.some((each) => each.isIntersecting) && this.end < this.total && void this.load(this.end + PAGE),
      { rootMargin: "1200px" },
    );
  }

  /** Put the first steps into an element, and go to one if it is named. @param {Element} list @param {number} at */
  async begin(list, at) {
    fill(list, this.earlier, this.holder, this.later);
    await this.load(this.wanted);
    this.growing.observe(this.later);
    if (Number.isFinite(at)) this.select(this.step(at));
    else if (this.follow) await this.toEnd();
  }

  /** Put steps on the page, up to before one. @param {number} wanted */
  async load(wanted) {
    const from = this.end;
    const answer = await ask("steps", { id: this.id, start: from, count: Math.max(wanted - from, 1) });
    // Somebody else was quicker.
    if (from !== this.end) return;
    fill(this.holder, ...this.blocks(answer.steps));
    this.has(this.start, from + answer.steps.length, answer.total);
  }

  async loadEarlier() {
    const from = Math.max(0, this.start - PAGE);
    const answer = await ask("steps", { id: this.id, start: from, count: this.start - from });
    const height = document.documentElement.scrollHeight;
    this.holder.prepend(...this.blocks(answer.steps));
    scrollBy(0, document.documentElement.scrollHeight - height);
    this.has(from, this.end, answer.total);
  }

  /** @param {Facts[]} steps */
  blocks(steps) {
    return steps.map((step) => stepBlock(this.run, step));
  }

  /** @param {number} start @param {number} end @param {number} total */
  has(start, end, total) {
    [this.start, this.end, this.total] = [start, end, total];
    this.earlier.hidden = start === 0;
    this.later.hidden = end >= total;
    left.set(this.id, { start, end });
  }

  /** Bring what is on the page up to date: the last step may have grown, and others may have come. @param {Facts} run */
  async grow(run) {
    this.run = run;
    const last = this.end < this.total ? this.end : Math.max(this.end - 1, this.start);
    const answer = await ask("steps", { id: this.id, start: last, count: this.follow ? run.steps + 2 : PAGE });
    if (this.end < this.total) this.has(this.start, this.end, answer.total);
    else this.take(answer.steps, last, answer.total);
    if (this.follow) await this.toEnd();
  }

  /** Steps from the last one on. @param {Facts[]} steps @param {number} last @param {number} total */
  take(steps, last, total) {
    const [first, ...others] = this.blocks(steps);
    const shown = first ? this.step(Number(first.dataset.step)) : null;
    if (shown && first && shown.textContent !== first.textContent) {
      const open = unfolded(shown);
      const had = shown === document.activeElement;
      shown.replaceWith(first);
      unfold(first, open);
      if (had) first.focus({ preventScroll: true });
    }
    fill(this.holder, ...(shown ? others : [first, ...others]));
    this.has(this.start, last + steps.length, total);
  }

  async toEnd() {
    if (this.end < this.total) await this.load(this.total);
    scrollTo(0, document.documentElement.scrollHeight);
  }

  /** A button that says whether the end is kept in sight. */
  followButton() {
    const made = button("", () => {
      this.follow = !this.follow;
      tell();
      if (this.follow) void this.toEnd();
    }, { id: "follow" });
    const tell = () => {
      made.textContent = this.follow ? "Pause" : "Follow";
      made.setAttribute("aria-pressed", String(this.follow));
    };
    tell();
    return made;
  }

  /** The step of a number, where it is on the page. @param {number} n @returns {HTMLElement | null} */
  step(n) {
    return this.holder.querySelector(`[data-step="${n}"]`);
  }

  /** The number of the step that is selected; null where none is. */
  selected() {
    const focused = document.activeElement?.closest("[data-step]");
    return focused ? Number(focused.getAttribute("data-step")) : null;
  }

  /** @param {HTMLElement | null} element */
  select(element) {
    if (!element) return;
    if (this.follow) document.getElementById("follow")?.click();
    element.focus({ preventScroll: true });
    element.scrollIntoView({ block: "start" });
    // What comes into sight above it is not as high as it was taken for.
    requestAnimationFrame(() => element.scrollIntoView({ block: "start" }));
    const n = element.closest("[data-step]")?.getAttribute("data-step");
    if (n) become(toRun(this.id, { at: n }));
  }

  /** Put a step on the page. @param {number} n */
  async reach(n) {
    if (n < this.start || n > this.end + NEAR) {
      // Far away: only what is near it is put on the page.
      this.holder.replaceChildren();
      this.start = this.end = Math.max(0, n - 5);
    }
    // Meanwhile what is scrolled to may have come, and then it is asked again.
    for (let before = -1; n >= this.end && before !== this.end; ) {
      before = this.end;
      await this.load(n + PAGE / 2);
    }
  }

  /** @param {number} n */
  async goTo(n) {
    await this.reach(n);
    this.select(this.step(n));
  }

  /** Show where words stand in a step; whoever types them keeps typing. @param {number} n @param {string} text */
  async show(n, text) {
    if (this.follow) document.getElementById("follow")?.click();
    await this.reach(n);
    const step = this.step(n);
    if (!step) return;
    for (const each of this.holder.querySelectorAll(".found")) each.classList.remove("found");
    step.classList.add("found");
    step.scrollIntoView({ block: "start" });
    become(toRun(this.id, { at: n, find: text }));
    // What comes into sight is not as high as it was taken for.
    requestAnimationFrame(() => (reveal(step, text) ?? step).scrollIntoView({ block: "center" }));
  }

  /** @param {number} by */
  async move(by) {
    const inSight = [...this.holder.children].find((each) => each.getBoundingClientRect().bottom > HEAD);
    const first = Number(inSight?.getAttribute("data-step") ?? this.start);
    const now = this.selected() ?? (by > 0 ? first - 1 : first);
    await this.goTo(Math.min(Math.max(now + by, 0), this.total - 1));
  }

  /** To the next call; of the same tool, where one is selected. @param {number} by */
  async moveCall(by) {
    const all = /** @type {HTMLElement[]} */ ([...this.holder.querySelectorAll("[data-call]")]);
    const now = /** @type {HTMLElement | null} */ (document.activeElement?.closest("[data-call]"));
    const place = now ? all.indexOf(now) : all.findIndex((each) => each.getBoundingClientRect().bottom > HEAD);
    const rest = by > 0 ? all.slice(now ? place + 1 : Math.max(place, 0)) : all.slice(0, Math.max(place, 0)).reverse();
    const next = rest.find((each) => !now || each.dataset.tool === now.dataset.tool);
    if (next) this.select(next);
    else if (by > 0 && this.end < this.total) {
      await this.load(this.end + PAGE);
      await this.moveCall(by);
    } else say(now ? `No other call of ${now.dataset.tool}` : "No other call");
  }

  /** @param {number} by */
  async problem(by) {
    const now = this.selected() ?? (by > 0 ? -1 : Number.POSITIVE_INFINITY);
    const known = /** @type {number[]} */ (this.run.problems);
    const next = by > 0 ? known.find((n) => n > now) : known.findLast((n) => n < now);
    if (next === undefined) say("No other problem");
    else await this.goTo(next);
  }

  open() {
    const call = document.activeElement?.closest("[data-call]")?.getAttribute("data-call");
    const n = this.selected();
    if (call) location.hash = toCall(this.id, call);
    else if (n) location.hash = toStep(this.id, n);
  }

  /** What the keys do. */
  keys() {
    return {
      j: () => void this.move(1),
      k: () => void this.move(-1),
      n: () => void this.moveCall(1),
      p: () => void this.moveCall(-1),
      e: () => void this.problem(1),
      E: () => void this.problem(-1),
      o: () => toggleAll(this.holder),
      f: () => document.getElementById("follow")?.click(),
      Enter: () => this.open(),
    };
  }
}
