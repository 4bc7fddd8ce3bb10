/**
 * A call beside its result.
 * @module
 */

import { fill, h } from "./dom.js";
import { toCall, toRun } from "./places.js";
import { block, oneLine, pictures } from "./texts.js";
import { lasted, mood, number } from "./words.js";

/** @typedef {import("./types.js").Facts} Facts */

/**
 * @param {string} run
 * @param {Facts} call
 * @param {Record<string, string>} within The runs that calls began, by the id of the call.
 * @param {Record<string, import("./types.js").Cut>} [schemas] What the model was told of each tool.
 */
export function callBlock(run, call, within, schemas = {}) {
  const feel = mood(call.state);
  const took = call.seconds === undefined || call.state === "not run" ? null : lasted(call.seconds);
  const child = within[call.id];
  return h(
    `section.call.${feel}`,
    { "data-call": call.id, "data-tool": call.tool, tabindex: "-1", "aria-label": `Call of ${call.tool}, ${call.state}` },
    h(
      "div.call-head",
      null,
      h("a.tool", { href: toCall(run, call.id), title: "This call by itself" }, call.tool),
      call.state === "done" ? null : h(`span.tag.${feel}`, null, call.state),
      call.doubtful && call.state !== "in doubt" ? h("span.tag.warn", null, "was in doubt") : null,
      call.again ? h("span.tag.warn", null, "started again") : null,
      child ? h("a.tag", { href: toRun(child) }, "its own run") : null,
      h("span.spacer", null),
      took ? h("span.dim.num", null, took) : null,
    ),
    argumentsOf(run, call),
    decisionOf(call),
    ...resultOf(run, call),
    toldOf(run, schemas[call.tool]),
  );
}

/** @param {string} run @param {import("./types.js").Cut | undefined} schema */
function toldOf(run, schema) {
  if (!schema) return null;
  return foldedPart("What the model was told of this tool", () => block(run, schema, { json: true, open: true }), "added");
}

/** The first sentence of what a tool says of itself. @param {import("./types.js").Cut | string | undefined} schema */
export function sentenceOf(schema) {
  const text = typeof schema === "string" ? schema : (schema?.text ?? "");
  const found = /"description":("(?:[^"\\]|\\.)*")/.exec(text);
  if (!found) return "";
  try {
    return oneLine(JSON.parse(found[1]).split(/(?<=[.!?])\s|\n\n/)[0], 300);
  } catch {
    return "";
  }
}

/** @param {string} run @param {Facts} call */
function argumentsOf(run, call) {
  const short = !call.arguments.size && call.shown.length < 120;
  const head = h("span.sign", { "aria-label": "Arguments" }, "→");
  if (short) return h("div.io", null, head, h("code.line", { dir: "auto" }, call.shown || "no arguments"));
  return h("div.io", null, head, block(run, call.arguments, { json: true, lines: 8, label: "Arguments" }));
}

/** @param {Facts} call */
function decisionOf(call) {
  const told = [];
  if (call.why) told.push(`A person is asked: ${call.why}`);
  if (call.given) {
    const { granted, reason, answer, arguments: edited } = call.given;
    const what = !granted ? "Refused by a person" : answer !== null ? "Answered by a person instead of the tool" : edited !== null ? `Granted by a person with other arguments: ${edited}` : "Granted by a person";
    told.push(reason ? `${what}: ${reason}` : what);
  }
  if (call.checked.startsWith("mended")) told.push(`Arguments ${call.checked}`);
  return told.length ? h("p.note", null, told.join(" · ")) : null;
}

/** @param {string} run @param {Facts} call */
function resultOf(run, call) {
  if (!call.result) {
    const words = /** @type {Record<string, string>} */ ({
      waiting: "waits for a person",
      started: "started, no result yet; in doubt, if its process is gone",
      "in doubt": "started, and no result is on record: in doubt",
      "not made": "not made",
      "not begun": "no result yet",
    })[call.state];
    return [h("div.io", null, h("span.sign", null, "←"), h("span.note", null, words))];
  }
  const failed = mood(call.state) === "bad";
  const sign = h(`span.sign${failed ? ".bad" : ""}`, { "aria-label": failed ? "Failed" : "Result" }, "←");
  const parts = [h(`div.io${failed ? ".failed" : ""}`, null, sign, block(run, call.result.text, { json: true, label: "Result" }), ...pictures(call.result.pictures))];
  if (call.whole) {
    const size = call.whole.size ?? call.whole.text.length;
    const seen = call.result.text.size ?? call.result.text.text.length;
    parts.push(foldedPart(`The model saw ${number(seen)} of ${number(size)} characters; the whole result`, () => block(run, call.whole, { open: true })));
  }
  if (call.trace) parts.push(foldedPart("Where it raised", () => block(run, call.trace, { open: true })));
  if (call.spent?.cost || call.spent?.steps) parts.push(h("p.note", null, `Its run took ${number(call.spent.steps)} steps`));
  return parts;
}

/**
 * Something that is made only when it is unfolded.
 * @param {string | Node[]} label
 * @param {() => Node} make
 * @param {string} [kind]
 */
export function foldedPart(label, make, kind = "") {
  const body = h("div", null);
  const details = h(`details.fold${kind ? `.${kind}` : ""}`, null, h("summary", null, label), body);
  const full = () => {
    if (!body.childNodes.length) fill(body, make());
  };
  details.addEventListener("toggle", () => {
    if (/** @type {HTMLDetailsElement} */ (details).open) full();
  });
  // Who looks for words needs what is in it before it is unfolded.
  details.addEventListener("needed", full);
  return details;
}

/** What a call is about, in one line. @param {Facts} call */
export function callInShort(call) {
  return `${call.tool}(${oneLine(call.shown, 80)})`;
}
