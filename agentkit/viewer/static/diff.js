/**
 * Two runs side by side, aligned by step; the first step in which they part is marked.
 * @module
 */

import { foldedPart } from "./call.js";
import { button, fill, h, refill, say } from "./dom.js";
import { toRun, toRuns, toStep } from "./places.js";
import { ask } from "./source.js";
import { oneLine } from "./texts.js";
import { counted, lasted, money, mood, number, short, shortId, status } from "./words.js";

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
    h("div.bar", null, h("h1", { tabindex: "-1" }, "Two runs"), h("span.spacer", null), told.first === null ? null : button("To the first difference", () => toFirst(main))),
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
  const move = (/** @type {number} */ by) => toOther(main, by);
  const first = () => toFirst(main);
  return { keys: { j: () => move(1), k: () => move(-1), n: () => move(1), p: () => move(-1), e: first, Escape: () => (location.hash = toRuns()) } };
}

/** @param {HTMLElement} main */
function toFirst(main) {
  const first = /** @type {HTMLElement | null} */ (main.querySelector(".divergence"));
  first?.scrollIntoView({ block: "start" });
  first?.focus({ preventScroll: true });
}

/** To the next difference, or the one before. @param {HTMLElement} main @param {number} by */
function toOther(main, by) {
  const all = /** @type {HTMLElement[]} */ ([...main.querySelectorAll("article.differs")]);
  const at = all.indexOf(/** @type {HTMLElement} */ (document.activeElement?.closest("article.differs")));
  const next = all[at < 0 ? (by > 0 ? 0 : all.length - 1) : at + by];
  if (!next) say("No other difference");
  next?.focus({ preventScroll: true });
  next?.scrollIntoView({ block: "start" });
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
  const paid = run.money.text ? money(run.money) : "";
  const facts = [run.agent, run.models.join(", "), counted(run.spent.steps, "step"), `${short(usage.input)} in`, `${short(usage.output)} out`, paid, lasted(run.seconds)];
  return h(
    "section.card.run-card",
    { "aria-label": `Run ${name}` },
    h("span.letter", null, name),
    h("h2", null, h("a", { href: toRun(run.run_id) }, oneLine(run.title) || "no prompt")),
    h(`span.status.${mood(run.status)}`, null, status(run.status)),
    h("div.meta", null, h("span.id", null, shortId(run.run_id)), ...facts.filter(Boolean).map((words) => h("span", null, words))),
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
  // The beginning is told by what differs in it.
  const sides = step.n ? h("div.pair", null, sideOf(step, told, "a"), sideOf(step, told, "b")) : null;
  return h(`article.differs${isFirst ? ".divergence" : ""}`, { tabindex: "-1", "aria-label": name }, title, sides, ...differencesOf(step));
}

/** What a step was in one of the runs, in a line. @param {Facts} step @param {Facts} told @param {"a" | "b"} which */
function sideOf(step, told, which) {
  const letter = h("span.letter.small", null, which.toUpperCase());
  if (step.kind === `only in ${which === "a" ? "b" : "a"}`) return h("div.side-line", null, letter, h("span.dim", null, "no such step"));
  const { usage, money, seconds } = step.spent[which];
  const spent = [`${number(usage.output)} out`, money, lasted(seconds)].filter(Boolean).join(" · ");
  return h("div.side-line", null, letter, h("a", { href: toStep(told[which].run_id, step.n) }, step[which] || "no reply"), h("span.dim.num", null, ` ${spent}`));
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
