/**
 * What stands over and beside a run: what came of it, what it took, what waits, what is odd, and what belongs to it.
 * @module
 */

import { approvals, shellWord } from "./deeds.js";
import { button, copier, fill, h } from "./dom.js";
import { forkButton } from "./fork.js";
import { toCall, toDiff, toRun, whole } from "./places.js";
import { ask, isFile } from "./source.js";
import { sentenceOf } from "./call.js";
import { block, oneLine } from "./texts.js";
import { ago, counted, lasted, moment, money, mood, number, short, shortId, status } from "./words.js";

/** @typedef {import("./types.js").Facts} Facts */

/** What the parts of the page want to know about a run, made once. @param {Facts} run @returns {Facts} */
export function prepared(run) {
  /** @type {Record<string, string>} */
  const within = {};
  for (const row of run.related) {
    if (row.relation === "called" && row.parent?.startsWith(`${run.run_id}/`)) within[row.parent.slice(run.run_id.length + 1)] = row.run_id;
  }
  return { ...run, within };
}

/** @param {Facts} run @param {Facts} about @param {HTMLElement | null} follow */
export function header(run, about, follow) {
  const state = run.state || run.status;
  const names = [run.agent, run.models.join(", ")].filter(Boolean);
  const fork = run.forks.at(-1);
  const parent = run.related.find((/** @type {Facts} */ row) => row.place === "above");
  return h(
    "section.run-head",
    null,
    h("div.bar", null, h("h1", { tabindex: "-1", dir: "auto" }, oneLine(run.title, 220) || "no prompt")),
    h(
      "div.meta",
      null,
      h(`span.status.${mood(state)}`, { id: "status" }, status(state)),
      ...names.map((name) => h("span", null, name)),
      h("span", { title: moment(run.began) }, ago(run.began, Date.now() / 1000)),
      h("code.id", { title: run.run_id }, shortId(run.run_id)),
      run.hidden ? h("span", null, `${counted(run.hidden, "text")} with secrets hidden`) : null,
      parent ? h("span", null, relationTo(run), h("a", { href: toRun(parent.run_id) }, shortId(parent.run_id))) : null,
    ),
    run.detail.text && run.status !== "completed" ? h(`p.why.${mood(state)}`, { dir: "auto" }, state === "running" ? "" : run.detail.text) : null,
    run.status === "completed" && run.output.text ? h("div.said.answer", null, h("span.who", null, "Answer"), block(run.run_id, run.output, { prose: true, json: true, lines: 4, label: "Answer" })) : null,
    h(
      "div.actions",
      null,
      follow,
      fork && !isFile ? h("a.button", { href: toDiff(fork.parent, run.run_id) }, "Compare with its parent") : null,
      isFile ? null : forkButton(run, about, null),
      copier("Copy link", () => whole(toRun(run.run_id))),
      isFile ? null : copier("Copy export command", () => `agentkit export ${shellWord(run.run_id)} -o run.html`),
      isFile ? null : button("As a test", () => void showTest(run), { class: "button small" }),
    ),
  );
}

/** The run as the source of a test. @param {Facts} run */
async function showTest(run) {
  const { text } = await ask("text", { id: run.run_id, name: "test", start: 0 });
  const close = button("Close", () => dialog.close());
  const dialog = /** @type {HTMLDialogElement} */ (h(
    "dialog.sheet.wide-sheet",
    { "aria-labelledby": "test-title", onclose: () => dialog.remove() },
    h("h2", { id: "test-title" }, "This run as a test"),
    h("p.note", null, "The test holds the run to what happened, its answer included: correct in it what was wrong, before you keep it."),
    block(run.run_id, text, { lines: 24, label: "The test" }),
    h("div.actions", null, copier("Copy test", () => text), copier("Copy command", () => `agentkit export ${shellWord(run.run_id)} --test tests/test_run.py`), close),
  ));
  document.body.append(dialog);
  dialog.showModal();
  close.focus();
}

/** @param {Facts} run */
function relationTo(run) {
  if (run.parent) return "called by ";
  return run.continues ? "goes on from " : "fork of ";
}

/** @param {Facts} run */
export function totals(run) {
  const { usage, tool_calls: calls, steps } = run.spent;
  const share = usage.input && usage.cached ? ` (${Math.round((100 * usage.cached) / usage.input)} %)` : "";
  const unrun = run.tools.reduce((/** @type {number} */ sum, /** @type {Facts} */ each) => sum + each.unrun, 0);
  const tile = (/** @type {string} */ name, /** @type {string} */ value, /** @type {string} */ more = "", /** @type {string} */ title = "") =>
    h("div.tile", { title: title || null }, h("dt", null, name), h("dd", null, value, more ? h("span.dim", null, more) : null));
  return h(
    "dl.tiles",
    { "aria-label": "Totals" },
    tile("Steps", number(steps)),
    h("div.tile", null, h("dt", null, "Calls"), h("dd", null, number(calls), unrun ? h("span.dim.bad", null, ` ${number(unrun)} not run`) : null)),
    tile("Input", short(usage.input), usage.cached === null ? "" : ` ${short(usage.cached)} cached${share}`),
    tile("Output", short(usage.output), usage.reasoning === null ? "" : ` ${short(usage.reasoning)} reasoning`),
    tile("Cost", steps ? money(run.money) : "–"),
    tile("Took", lasted(run.seconds), "", "From the beginning of the run to the last thing on record: its replies and calls, waits, and what the program did in between"),
  );
}

/** @param {Facts} run @param {Facts} about */
export function waiting(run, about) {
  const within = run.related.filter((/** @type {Facts} */ row) => row.relation === "called" && row.place === "below" && row.status === "waiting");
  if (!run.waiting.length && !within.length) return null;
  return h(
    "section.box.warn",
    { "aria-label": "Waits for a person" },
    ...run.waiting.map((/** @type {Facts} */ call) => approvals(run, call, about)),
    ...within.map((/** @type {Facts} */ row) => h("p", null, "A run within this one waits for a person: ", h("a", { href: toRun(row.run_id) }, shortId(row.run_id)))),
  );
}

/** @param {Facts} run */
export function anomalies(run) {
  if (!run.anomalies.length) return null;
  const where = (/** @type {Facts} */ each) => (each.call_id ? toCall(run.run_id, each.call_id) : each.step ? toRun(run.run_id, { at: each.step }) : null);
  const shown = 4;
  const item = (/** @type {Facts} */ each) => {
    const address = where(each);
    const title = address ? h("a", { href: address }, each.title) : h("span", null, each.title);
    return h(`li.${each.feel}`, { "data-kind": each.kind }, h("span.dot", { "aria-hidden": "true" }), h("div", null, title, each.step ? h("span.dim", null, ` step ${each.step}`) : null, each.detail ? h("p", null, oneLine(each.detail, 400)) : null));
  };
  const items = run.anomalies.map(item);
  const list = h("ul", null, ...items.slice(0, shown));
  const more = items.length > shown ? button(`${items.length - shown} more`, () => { fill(list, ...items.slice(shown)); more?.remove(); }, { class: "button small" }) : null;
  return h("section.anomalies", { "aria-labelledby": "odd" }, h("h2", { id: "odd" }, "What is odd about this run"), list, more);
}

/** @param {string} id @param {string} tab @param {{element: HTMLElement}} finder */
export function tabs(id, tab, finder) {
  const link = (/** @type {string} */ name, /** @type {string} */ label, /** @type {string} */ href) => h("a.tab", { href, "aria-current": tab === name ? "page" : null }, label);
  return h(
    "div.tabs",
    null,
    h("nav", { "aria-label": "Ways to see the run" }, link("conversation", "Conversation", toRun(id)), link("timeline", "Timeline", toRun(id, { tab: "timeline" }))),
    h("span.spacer", null),
    finder.element,
  );
}

/** @param {Facts} run */
export function sideParts(run) {
  const used = [...run.tools].sort((a, b) => b.calls - a.calls);
  const tool = (/** @type {Facts} */ each) =>
    h(`li${each.calls ? "" : ".unused"}`, null, h("code", { title: sentenceOf(run.schemas?.[each.name]) || null }, each.name), h("span.spacer", null), h("span.num", null, each.calls ? `${each.calls} ×` : "not called"), each.failed > each.unrun ? h("span.bad.num", null, `${each.failed - each.unrun} failed`) : null, each.unrun ? h("span.bad.num", null, `${each.unrun} not run`) : null, each.offered ? null : h("span.bad.num", null, "not offered"));
  const related = (/** @type {string} */ name, /** @type {Facts[]} */ rows) => rows.length ? [h("h2", null, name), h("ul.list", null, ...rows.map(relatedRow))] : [];
  const below = run.related.filter((/** @type {Facts} */ row) => row.place === "below");
  return [
    ...(used.length ? [h("h2", null, "Tools"), h("ul.list.tools", null, ...used.map(tool))] : []),
    ...related("Belongs to", run.related.filter((/** @type {Facts} */ row) => row.place === "above")),
    ...related("Runs within", below.filter((/** @type {Facts} */ row) => row.relation === "called")),
    ...related("Forks", below.filter((/** @type {Facts} */ row) => row.relation === "fork")),
    ...related("Goes on in", below.filter((/** @type {Facts} */ row) => row.relation === "goes on")),
  ];
}

/** @param {Facts} row */
function relatedRow(row) {
  return h("li", null, h("a", { href: toRun(row.run_id), title: row.run_id }, oneLine(row.agent && row.relation === "called" ? `${row.agent}: ${row.prompt}` : row.prompt, 60) || row.run_id), h("span.spacer", null), h(`span.status.${mood(row.status)}`, null, status(row.status)));
}
