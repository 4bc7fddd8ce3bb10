/**
 * Two runs side by side, aligned by step; the first step in which they part is marked.
 * @module
 */

import { foldedPart } from "./call.js";
import { button, fill, h, refill, say } from "./dom.js";
import { toRun, toRuns, toStep } from "./places.js";
import { ask } from "./source.js";
import { counted, lasted, mood, number, short, shortId, status } from "./words.js";

/** @typedef {import("./types.js").Facts} Facts */
/** @typedef {import("./types.js").Place} Place */
/** @typedef {import("./types.js").View} View */

const PAGE = 40;

/**
 * @param {HTMLElement} main
 * @param {Place} place
 * @returns {Promise<View>}
 */
export async function showDiff(main, place) {
  const [a, b] = [place.query.get("a") ?? "", place.query.get("b") ?? ""];
  document.title = "Two runs · agentkit";
  const told = await ask("diff", { a, b, start: 0, count: PAGE });
  let steps = told.steps;
  const list = h("div.pairs", null);
  const more = button("More steps", async () => {
    const next = await ask("diff", { a, b, start: steps.length, count: PAGE });
    steps = [...steps, ...next.steps];
    draw();
  }, { class: "button wide" });
  refill(
    main,
    h("div.bar", null, h("h1", { tabindex: "-1" }, "Two runs"), h("span.spacer", null), told.first === null ? null : button("To the first difference", () => toFirst())),
    h("div.pair.heads", null, runHead("A", told.a), runHead("B", told.b)),
    h("p.verdict", { class: `verdict ${told.same ? "good" : "warn"}` }, verdict(told)),
    list,
    more,
    end(told),
  );
  draw();

  function draw() {
    refill(list, ...grouped(steps).map((group) => (group.length > 1 ? sameSteps(group, told) : stepPair(group[0], told))));
    more.hidden = steps.length >= told.total;
  }

  function toFirst() {
    const first = /** @type {HTMLElement | null} */ (main.querySelector(".divergence"));
    first?.scrollIntoView({ block: "start" });
    first?.focus({ preventScroll: true });
  }

  /** @param {number} by */
  function move(by) {
    const all = /** @type {HTMLElement[]} */ ([...main.querySelectorAll("article.differs")]);
    const at = all.indexOf(/** @type {HTMLElement} */ (document.activeElement?.closest("article.differs")));
    const next = all[at < 0 ? (by > 0 ? 0 : all.length - 1) : at + by];
    if (!next) say("No other difference");
    next?.focus({ preventScroll: true });
    next?.scrollIntoView({ block: "start" });
  }
  return { keys: { j: () => move(1), k: () => move(-1), n: () => move(1), p: () => move(-1), e: toFirst, Escape: () => (location.hash = toRuns()) } };
}

/** Steps in a row that are the same stand together. @param {Facts[]} steps */
function grouped(steps) {
  /** @type {Facts[][]} */
  const groups = [];
  for (const step of steps) {
    const last = groups.at(-1);
    if (last && step.kind === "the same" && last[0].kind === "the same") last.push(step);
    else groups.push([step]);
  }
  return groups;
}

/** @param {Facts} told */
function verdict(told) {
  if (told.same) return "The runs did the same and ended the same way.";
  if (told.first === null) return "Every step is the same, and the end is not.";
  return told.first === 0 ? "The beginning is different." : `The first difference is in step ${told.first}.`;
}

/** @param {string} name @param {Facts} run */
function runHead(name, run) {
  const { usage } = run.spent;
  return h(
    "section.card",
    { "aria-label": `Run ${name}` },
    h("div.bar", null, h("span.letter", null, name), h("a.id", { href: toRun(run.run_id) }, shortId(run.run_id)), h("span.spacer", null), h(`span.status.${mood(run.status)}`, null, status(run.status))),
    h("div.meta", null, ...[run.agent, run.models.join(", "), counted(run.spent.steps, "step"), `${short(usage.input)} in`, `${short(usage.output)} out`, lasted(run.seconds)].filter(Boolean).map((words) => h("span", null, words))),
    ...run.forks.map((/** @type {Facts} */ fork) => h("p.note", null, `Fork of ${shortId(fork.parent)} at step ${fork.step}${fork.change ? `: ${fork.change}` : ""}`)),
  );
}

/** @param {Facts[]} group @param {Facts} told */
function sameSteps(group, told) {
  const [first, last] = [group[0].n, group[group.length - 1].n];
  const name = first === 0 ? (last === 0 ? "The beginning" : last === 1 ? "The beginning and step 1" : `The beginning and steps 1–${last}`) : first === last ? `Step ${first}` : `Steps ${first}–${last}`;
  const lines = group.map((step) => h("li", null, step.n ? h("a", { href: toStep(told.a.run_id, step.n) }, `Step ${step.n}`) : "Beginning", h("span.dim", null, ` ${step.a}`)));
  return h("details.fold.same", null, h("summary", null, `${name} ${group.length === 1 ? "is" : "are"} the same`), h("ul.list", null, ...lines));
}

/** @param {Facts} step @param {Facts} told */
function stepPair(step, told) {
  if (step.kind === "the same") return sameSteps([step], told);
  const isFirst = step.n === told.first;
  const name = step.n === 0 ? "Beginning" : `Step ${step.n}`;
  const title = h("h2", null, name, isFirst ? h("span.tag.bad", null, "first difference") : null, step.kind === "different" ? null : h("span.tag", null, step.kind.replace(/ a$/, " A").replace(/ b$/, " B")));
  const side = (/** @type {"a" | "b"} */ which) => {
    const missing = step.kind === `only in ${which === "a" ? "b" : "a"}`;
    const spent = step.spent[which];
    return h("div.side-line", null, h("span.letter.small", null, which.toUpperCase()), step.n && !missing ? h("a", { href: toStep(told[which].run_id, step.n) }, step[which] || "no reply") : h("span.dim", null, missing ? "no such step" : ""), step.n && !missing ? h("span.dim.num", null, ` ${number(spent.usage.output)} out · ${lasted(spent.seconds)}`) : null);
  };
  return h(`article.differs${isFirst ? ".divergence" : ""}`, { tabindex: "-1", "aria-label": name }, title, h("div.pair", null, side("a"), side("b")), ...differencesOf(step));
}

/** What differs; of a step that one run has alone, only what it came to is in sight. @param {Facts} step */
function differencesOf(step) {
  const all = step.differences.map((/** @type {Facts} */ each) => difference(each));
  if (step.kind === "different") return all;
  return [foldedPart("All of this step", () => h("div", null, ...all))];
}

/** @param {Facts} each */
function difference(each) {
  const name = each.call ? `${each.what} of ` : each.what;
  return h("section.difference", null, h("h3", null, name, each.call ? h("code", null, each.call) : null), linesOf(each.lines));
}

/** Lines of both sides beside each other: those of one side only are marked. @param {string[]} lines */
function linesOf(lines) {
  const [left, right] = [h("pre.text", { "aria-label": "A", dir: "auto" }), h("pre.text", { "aria-label": "B", dir: "auto" })];
  let at = 0;
  while (at < lines.length) {
    if (lines[at][0] === "-" || lines[at][0] === "+") {
      const start = at;
      while (at < lines.length && (lines[at][0] === "-" || lines[at][0] === "+")) at += 1;
      const changed = lines.slice(start, at);
      const [gone, come] = ["-", "+"].map((sign) => changed.filter((line) => line[0] === sign));
      for (let place = 0; place < Math.max(gone.length, come.length); place += 1) {
        fill(left, lineOf(gone[place], "gone"));
        fill(right, lineOf(come[place], "come"));
      }
    } else {
      fill(left, lineOf(lines[at], "both"));
      fill(right, lineOf(lines[at], "both"));
      at += 1;
    }
  }
  return h("div.pair", null, left, right);
}

/** @param {string | undefined} line @param {string} kind */
function lineOf(line, kind) {
  if (line === undefined) return h("span.l.none", { "aria-hidden": "true" }, "\n");
  const sign = kind === "gone" ? "−" : kind === "come" ? "+" : " ";
  return h(`span.l.${kind}`, null, h("span.sign", null, sign), `${line.slice(1)}\n`);
}

/** @param {Facts} told */
function end(told) {
  if (!told.end.length) return null;
  return h("article.differs", { tabindex: "-1" }, h("h2", null, "The end is different"), ...told.end.map((/** @type {Facts} */ each) => difference(each)));
}
