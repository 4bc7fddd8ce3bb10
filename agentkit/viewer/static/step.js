/**
 * One step by itself: what went over the wire, and every call with its arguments, what became of them, and its result.
 * @module
 */

import { copier, fill, h, refill } from "./dom.js";
import { callBlock, foldedPart } from "./call.js";
import { messageBlock, reasoningPart, tokensOf, toolList } from "./conversation.js";
import { forkButton } from "./fork.js";
import { toggleAll } from "./folds.js";
import { toCall, toRun, toStep, whole } from "./places.js";
import { prepared } from "./overview.js";
import { ask, isFile, Refused } from "./source.js";
import { block, oneLine, pictures } from "./texts.js";
import { counted, lasted, moment, money } from "./words.js";

/** @typedef {import("./types.js").Facts} Facts */
/** @typedef {import("./types.js").Place} Place */
/** @typedef {import("./types.js").View} View */

/** The step or the call that an address names. @param {Place} place @returns {{ call: string } | { n: number }} */
function wanted({ path: [, id, kind, name] }) {
  if (kind === "call" && name) return { call: name };
  if (kind === "step" && /^[0-9]+$/.test(name ?? "")) return { n: Number(name) };
  throw new Refused(`This address names neither a step nor a call of the run. A step has the address ${toStep(id, 1)}`);
}

/**
 * @param {HTMLElement} main
 * @param {Place} place
 * @param {Facts} about
 * @returns {Promise<View>}
 */
export async function showStep(main, place, about) {
  const id = place.path[1];
  const asked = { id, ...wanted(place) };
  const [told, answer] = await Promise.all([ask("step", asked), ask("run", { id })]);
  const run = prepared(answer);
  let now = told;
  const n = told.step.n;
  document.title = `Step ${n} · ${oneLine(run.title, 40)} · agentkit`;
  const draw = () => {
    refill(main, head(run, now, about, place.path[2] === "call" ? place.path[3] : null), ...parts(run, now, place.path[3]));
  };
  draw();
  const call = place.path[2] === "call" ? main.querySelector(`[data-call="${CSS.escape(place.path[3])}"]`) : null;
  if (call) {
    call.classList.add("chosen");
    /** @type {HTMLElement} */ (call).focus({ preventScroll: true });
    call.scrollIntoView({ block: "center" });
  }
  const go = (/** @type {number} */ by) => {
    if (n + by >= 1 && n + by <= run.steps) location.hash = toStep(id, n + by);
  };
  return {
    async refresh() {
      const next = await ask("step", asked);
      if (JSON.stringify(next) === JSON.stringify(now)) return;
      now = next;
      draw();
    },
    keys: {
      n: () => go(1),
      p: () => go(-1),
      j: () => go(1),
      k: () => go(-1),
      e: () => {
        const next = run.problems.find((/** @type {number} */ each) => each > n);
        if (next) location.hash = toStep(id, next);
      },
      E: () => {
        const next = run.problems.findLast((/** @type {number} */ each) => each < n);
        if (next) location.hash = toStep(id, next);
      },
      o: () => toggleAll(main),
      Escape: () => (location.hash = toRun(id, { at: n })),
    },
  };
}

/** @param {Facts} run @param {Facts} told @param {Facts} about @param {string | null} chosen */
function head(run, told, about, chosen) {
  const { step } = told;
  const id = run.run_id;
  const call = step.calls.find((/** @type {Facts} */ each) => each.id === chosen);
  const link = (/** @type {string} */ words, /** @type {number} */ n) =>
    n >= 1 && n <= run.steps ? h("a.button", { href: toStep(id, n) }, words) : h("span.button", { "aria-disabled": "true" }, words);
  return h(
    "section.run-head",
    null,
    h("div.bar", null, h("h1", { tabindex: "-1" }, call ? `Call of ${call.tool}, in step ${step.n} of ${run.steps}` : `Step ${step.n} of ${run.steps}`), h("span.spacer", null), link("Previous", step.n - 1), link("Next", step.n + 1)),
    facts(step),
    h(
      "div.actions",
      null,
      isFile ? null : forkButton(run, about, step),
      copier("Copy link", () => whole(toStep(id, step.n))),
      h("a.button", { href: toRun(id, { at: step.n }) }, "In the conversation"),
    ),
  );
}

/** @param {Facts} step */
function facts(step) {
  const reply = step.reply;
  const told = reply
    ? [reply.model || step.model, lasted(reply.seconds), reply.first === null || reply.first === undefined ? "" : `first token after ${lasted(reply.first)}`, ...tokensOf(reply.usage), money(reply.money), `finish reason ${reply.finish}`, reply.request_id ? `request ${reply.request_id}` : "", moment(reply.time)]
    : [step.model, "no reply yet"];
  return h("div.meta", null, ...told.filter(Boolean).map((words) => h("span", null, words)));
}

/** @param {Facts} run @param {Facts} told @param {string} chosen */
function parts(run, told, chosen) {
  const { step } = told;
  const id = run.run_id;
  const reply = step.reply;
  const made = [];
  if (reply?.attempts?.length) made.push(section("Failed attempts", attempts(reply.attempts)));
  made.push(section("Prompt", request(run, told)));
  if (reply) made.push(section("Reply", response(id, told)));
  if (step.calls.length) made.push(section("Calls", h("div", null, ...step.calls.map((/** @type {Facts} */ call) => callInFull(run, told, call, call.id === chosen)))));
  if (step.rejected) made.push(section("Not an answer yet", block(id, step.rejected)));
  made.push(section("On the wire", told.wire ? wirePart(id, told.wire) : h("p.note", null, told.unwired || "The request cannot be made again from this record.")));
  return made;
}

/** @param {string} name @param {...Node} children */
function section(name, ...children) {
  return h("section.part", { "aria-label": name }, h("h2", null, name), ...children);
}

/** @param {Facts[]} attempts */
function attempts(attempts) {
  return h("ol.attempts", null, ...attempts.map((each) => h("li", null, h("span.tag.bad", null, each.category), ` after ${lasted(each.after)}: ${each.detail}`, each.wait ? h("span.dim", null, ` · waited ${lasted(each.wait)}`) : null)));
}

/** @param {Facts} run @param {Facts} told */
function request(run, told) {
  const { step } = told;
  const id = run.run_id;
  const added = step.added ?? [];
  const old = step.messages === null ? 0 : step.messages - added.length;
  return h(
    "div",
    null,
    step.last ? h("p.note", null, "For an answer only: a limit is reached.") : null,
    step.messages === null ? null : h("p.note", null, old > 0 ? `${counted(step.messages, "message")}, ${added.length} of them new in this step.` : `${counted(step.messages, "message")}${step.messages > 1 ? ", all of them new" : ""}.`),
    old > 0 ? foldedPart(`${counted(old, "message")} that the step before had too`, () => olderMessages(id, step, old)) : null,
    ...added.map((/** @type {Facts} */ message) => messageBlock(id, message)),
    step.tools.length ? h("div.offered", null, h("h3", null, "Tools offered"), toolList(step, told.schemas ?? {})) : null,
    told.settings ? h("div.offered", null, h("h3", null, "Settings"), block(id, told.settings, { json: true })) : null,
  );
}

/** What a request had that was said before: each of it was new in a step before. @param {string} id @param {Facts} step @param {number} count */
function olderMessages(id, step, count) {
  const holder = h("div.older", null, h("p.note", null, "…"));
  void ask("steps", { id, start: 1, count: Math.max(step.n - 1, 1) }).then(({ steps }) => {
    const before = steps.filter((/** @type {Facts} */ each) => each.n < step.n).flatMap((/** @type {Facts} */ each) => each.added ?? []);
    if (before.length === count) refill(holder, ...before.map((/** @type {Facts} */ message) => messageBlock(id, message)));
    else refill(holder, h("p.note", null, "What was said before has been changed since; all of it stands under “On the wire”."));
  });
  return holder;
}

/** @param {string} id @param {Facts} wire */
function wirePart(id, wire) {
  const forms = /** @type {[string, string, Facts][]} */ (
    [[wire.exact ? "As it was sent" : "As far as it is on record", "request", wire.request], ["curl", "curl", wire.curl], ["Python", "python", wire.python]].filter(([, , text]) => text)
  );
  const body = h("div", { role: "tabpanel" });
  const tabs = forms.map(([label, name, text], place) =>
    h("button.tab", { type: "button", role: "tab", "aria-selected": String(place === 0), "data-form": name, onclick: (/** @type {Event} */ event) => choose(event.currentTarget, text, name) }, label),
  );
  const choose = (/** @type {EventTarget | null} */ tab, /** @type {Facts} */ text, /** @type {string} */ name) => {
    for (const each of tabs) each.setAttribute("aria-selected", String(each === tab));
    refill(body, block(id, /** @type {any} */ (text), { json: name === "request", lines: 24, label: name }));
  };
  choose(tabs[0], forms[0][2], forms[0][1]);
  return h("div.wire", null, wire.note ? h("p.note", null, `Made again from the record; ${wire.note}.`) : null, h("div.tabs.small", { role: "tablist", "aria-label": "The request as" }, ...tabs), body);
}

/** @param {string} id @param {Facts} told */
function response(id, told) {
  const { reply } = told.step;
  const made = h("div", null);
  if (reply.reasoning) fill(made, reasoningPart(id, reply.reasoning));
  if (reply.text.text) fill(made, h("div.said", null, h("span.who", null, "Assistant"), block(id, reply.text, { prose: true, lines: 30 }), ...pictures(reply.pictures)));
  for (const warning of reply.warnings) fill(made, h("p.note", null, `Note: ${warning}`));
  if (told.wire?.response) fill(made, foldedPart("The reply as it was read", () => block(id, told.wire.response, { json: true, open: true })));
  return made;
}

/** @param {Facts} run @param {Facts} told @param {Facts} call @param {boolean} chosen */
function callInFull(run, told, call, chosen) {
  const id = run.run_id;
  const schema = told.schemas?.[call.tool];
  const made = callBlock(id, call, run.within, schema ? { [call.tool]: { text: schema } } : {});
  if (chosen) made.classList.add("chosen");
  const rows = [
    ["Arguments", call.checked],
    ["Call", call.id],
    ["Key", call.key],
    ["Started", call.starts.map(moment).join(", ")],
  ].filter(([, value]) => value);
  fill(
    made,
    h("dl.facts", null, ...rows.map(([name, value]) => h("div", null, h("dt", null, name), h("dd", null, value)))),
    h("div.foot", null, copier("Copy link", () => whole(toCall(id, call.id)))),
  );
  return made;
}
