/**
 * A run as a conversation: the beginning, and each step with what was added, thought, said, called and returned.
 * @module
 */

import { h } from "./dom.js";
import { callBlock, foldedPart, sentenceOf } from "./call.js";
import { toRun, toStep } from "./places.js";
import { block, oneLine, pictures } from "./texts.js";
import { counted, lasted, moment, money, mood, short, status } from "./words.js";

/** @typedef {import("./types.js").Facts} Facts */

/**
 * A step, or the beginning.
 * @param {Facts} run
 * @param {Facts} step
 */
export function stepBlock(run, step) {
  const id = run.run_id;
  if (step.n === 0) {
    return h(
      "article.step.first",
      { id: "step-0", "data-step": "0", tabindex: "-1", "aria-label": "The beginning" },
      ...step.messages.map((/** @type {Facts} */ message) => messageBlock(id, message)),
      ...step.marks.map((/** @type {Facts} */ mark) => markBlock(id, mark, run)),
    );
  }
  return h(
    "article.step",
    { id: `step-${step.n}`, "data-step": String(step.n), tabindex: "-1", "aria-labelledby": `step-${step.n}-title` },
    stepHead(id, step),
    ...stepBody(run, step),
    ...step.marks.map((/** @type {Facts} */ mark) => markBlock(id, mark, run)),
  );
}

/** @param {string} id @param {Facts} step */
function stepHead(id, step) {
  const reply = step.reply;
  const model = reply?.model || step.model;
  const told = reply ? [lasted(reply.seconds), ...tokensOf(reply.usage)] : ["no reply yet"];
  if (reply?.money?.text) told.push(money(reply.money));
  return h(
    "header.step-head",
    null,
    h("h2", { id: `step-${step.n}-title` }, h("a", { href: toStep(id, step.n), title: "This step by itself, with its request" }, `Step ${step.n}`)),
    h("span.dim.model", null, model),
    ...tags(step),
    h("span.spacer", null),
    h("span.dim.num", { title: reply ? moment(reply.time) : null }, told.join(" · ")),
  );
}

/** @param {Facts} step */
function tags(step) {
  const reply = step.reply;
  return [
    step.asked > 1 ? h("span.tag.warn", null, `asked ${step.asked} times`) : null,
    reply?.attempts?.length ? h("span.tag.warn", null, counted(reply.attempts.length, "failed attempt")) : null,
    reply?.odd ? h("span.tag.bad", null, reply.finish === "length" ? "cut at its length limit" : `finish reason ${reply.finish}`) : null,
    step.last ? h("span.tag.warn", null, "for an answer only: a limit is reached") : null,
    ...step.forks.map((/** @type {string} */ change) => h("span.tag", null, `forked here${change ? `: ${oneLine(change, 80)}` : ""}`)),
  ];
}

/** @param {Facts} usage */
export function tokensOf(usage) {
  const told = [];
  if (usage.input !== null) told.push(`${short(usage.input)} in`);
  if (usage.cached) told.push(`${short(usage.cached)} cached`);
  if (usage.output !== null) told.push(`${short(usage.output)} out`);
  if (usage.reasoning) told.push(`${short(usage.reasoning)} reasoning`);
  return told;
}

/** @param {Facts} run @param {Facts} step */
function stepBody(run, step) {
  const id = run.run_id;
  const reply = step.reply;
  const parts = [addedPart(id, step), toolsPart(run, step)];
  if (reply?.reasoning) parts.push(reasoningPart(id, reply.reasoning));
  if (reply?.text.text) parts.push(h("div.said", null, h("span.who", null, "Assistant"), block(id, reply.text, { prose: true, lines: 16, label: "What the model said" }), ...pictures(reply.pictures)));
  else if (reply && !step.calls.length) parts.push(h("p.note.bad", null, "no text and no calls"));
  for (const warning of reply?.warnings ?? []) parts.push(h("p.note", null, `Note: ${warning}`));
  for (const call of step.calls) parts.push(callBlock(id, call, run.within, run.schemas));
  if (step.rejected) parts.push(h("div.said.bad", null, h("span.who", null, "Not an answer yet"), block(id, step.rejected)));
  return parts;
}

/** @param {string} id @param {import("./types.js").Cut} cut */
export function reasoningPart(id, cut) {
  const size = cut.size ?? cut.text.length;
  const label = [
    h("span.label", null, `Reasoning · ${counted(size, "character")}`),
    h("span.preview", { dir: "auto" }, oneLine(cut.text, 180)),
  ];
  return foldedPart(label, () => block(id, cut, { prose: true, open: true }), "reasoning");
}

/** What this request had that the one before it had not. @param {string} id @param {Facts} step */
export function addedPart(id, step) {
  if (!step.added || (step.n === 1 && step.added.every((/** @type {Facts} */ each) => each.role === "system" || each.role === "user"))) return null;
  if (!step.added.length) return null;
  return foldedPart(`New in the prompt: ${addedInWords(step)}`, () => h("div", null, ...step.added.map((/** @type {Facts} */ message) => messageBlock(id, message))), "added");
}

/** What is new in a prompt, in words. @param {Facts} step */
function addedInWords(step) {
  const roles = /** @type {Map<string, number>} */ (new Map());
  for (const message of step.added) roles.set(message.role, (roles.get(message.role) ?? 0) + 1);
  const words = [...roles].map(([role, count]) => {
    if (role === "assistant") return count === 1 && step.n > 1 ? `the reply of step ${step.n - 1}` : `${count} replies`;
    if (role === "tool") return counted(count, "tool result");
    if (role === "system") return "the instructions";
    return count === 1 ? `a message of the ${role}` : `${count} messages of the ${role}`;
  });
  return words.length > 1 ? `${words.slice(0, -1).join(", ")} and ${words.at(-1)}` : (words[0] ?? "");
}

/** @param {Facts} run @param {Facts} step */
function toolsPart(run, step) {
  if (!step.tools_new || !step.tools.length) return null;
  return foldedPart(`${counted(step.tools.length, "tool")} offered`, () => toolList(step, run.schemas ?? {}), "added");
}

/**
 * The tools that a step was offered, each with what it says of itself; those that were called are marked.
 * @param {Facts} step
 * @param {Record<string, import("./types.js").Cut | string>} schemas
 */
export function toolList(step, schemas) {
  const calls = new Map(step.calls.map((/** @type {Facts} */ call) => [call.tool, call.state]));
  const item = (/** @type {string} */ name) => {
    const [state, about] = [calls.get(name), sentenceOf(schemas[name])];
    const [kind, word] = state === undefined ? ["", "not called in this step"] : state === "not run" ? [".used.bad", "not run"] : [".used", "called"];
    const chip = h(`span.chip${kind}`, { title: [about, word].filter(Boolean).join(" · ") }, name, state === undefined ? null : state === "not run" ? " · not run" : h("span.hush", null, " (called)"));
    return h("li", null, chip, about ? h("span.about", { dir: "auto" }, about) : null);
  };
  return h("ul.offer", null, ...step.tools.map(item));
}

/** A message as the model sees it. @param {string} id @param {Facts} message */
export function messageBlock(id, message) {
  const who = /** @type {Record<string, string>} */ ({ system: "Instructions", user: "User", assistant: "Assistant", tool: message.tool ? `Result of ${message.tool}` : "Tool result" })[message.role] ?? message.role;
  const calls = message.calls?.length ? h("p.note", null, `calls ${message.calls.join(", ")}`) : null;
  const text = message.text.text || !calls ? block(id, message.text, { prose: message.role !== "tool", lines: message.role === "system" ? 6 : 14, json: message.role === "tool" }) : null;
  return h(`div.said.${message.role}`, null, h("span.who", null, who), text, ...pictures(message.pictures), calls);
}

/** What stands between steps. @param {string} id @param {Facts} mark @param {Facts} run */
export function markBlock(id, mark, run) {
  const when = h("span.dim.num", { title: moment(mark.time) }, mark.after >= 1 ? `after ${lasted(mark.after)}` : "");
  const line = (/** @type {string} */ feel, /** @type {any[]} */ ...words) => h(`div.mark.${feel}`, { "data-mark": mark.kind }, h("span", null, ...words), when);
  if (mark.kind === "RunResumed") return line("warn", `Taken up again${mark.process ? ` by process ${mark.process}` : ""}`);
  if (mark.kind === "RunForked") return line("idle", "Fork of ", h("a", { href: toRun(mark.parent) }, mark.parent), mark.change.text ? `: ${oneLine(mark.change.text)}` : "");
  if (mark.kind === "RunSuspended") return line(mood(mark.status), `Stopped: ${status(mark.status)}${mark.detail.text ? ` · ${mark.detail.text}` : ""}`);
  if (mark.kind !== "RunFinished") return line("idle", `An event of a kind that this version does not know: ${mark.unknown}`);
  const harmed = mark.status === "completed" && run.anomalies.some((/** @type {Facts} */ each) => each.severity === "error");
  const ended = line(harmed ? "warn" : mood(mark.status), `Ended: ${status(mark.status)}${mark.detail.text ? ` · ${mark.detail.text}` : ""}`);
  // An answer is the text of the last step as well, but where a tool was called with it.
  if (!mark.output.text || run.answered === mark.output.text) return ended;
  return h("div", null, ended, h("div.said.output", null, h("span.who", null, "Output"), block(id, mark.output, { json: true })));
}
