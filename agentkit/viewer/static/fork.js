/**
 * A fork from one of the steps of a run, with one thing changed.  Where the page only reads, it tells the command that makes it.
 * @module
 */

import { command, WAIT } from "./deeds.js";
import { button, copier, fill, h, refill } from "./dom.js";
import { toRun } from "./places.js";
import { ask, wish } from "./source.js";

/** @typedef {import("./types.js").Cut} Cut */
/** @typedef {import("./types.js").Facts} Facts */

/** @type {[string, string, string][]} */
const CHANGES = [
  ["", "Nothing: ask once more", ""],
  ["model", "The model", "The id of another model"],
  ["prompt", "What the user says", "At step 1 instead of the prompt, later in addition to what was said"],
  ["instructions", "The instructions", "Instead of the instructions"],
  ["reply", "The reply of the model", "An answer in words, or {\"calls\": [{\"tool\": \"…\", \"arguments\": {…}}]}"],
  ["result", "The result of a call", "What the tool should have returned"],
];

/** @param {Facts} run @param {Facts} about @param {Facts | null} step */
export function forkButton(run, about, step) {
  return button(step ? "Fork from here" : "Fork", () => new Fork(run, about, step ? step.n : Math.max(run.steps, 1)).open(), { id: "fork" });
}

class Fork {
  /** @param {Facts} run @param {Facts} about @param {number} n */
  constructor(run, about, n) {
    this.run = run;
    this.about = about;
    /** @type {Facts} */
    this.beginning = { messages: [] };
    /** @type {Facts | null} */
    this.step = null;
    this.was = "";
    const [move, choose, draw] = [() => void this.move(), () => void this.choose(false), () => this.draw()];
    this.at = /** @type {HTMLInputElement} */ (h("input", { type: "number", min: 1, max: run.steps + 1, value: n, "aria-label": "Step", oninput: move }));
    this.kind = /** @type {HTMLSelectElement} */ (h("select", { "aria-label": "What is changed", oninput: choose }));
    this.call = /** @type {HTMLSelectElement} */ (h("select", { "aria-label": "Call", oninput: choose }));
    this.text = /** @type {HTMLTextAreaElement} */ (h("textarea", { rows: 5, "aria-label": "The change", spellcheck: "false", oninput: draw }));
    this.shown = h("pre.text.command", { id: "fork-command", tabindex: "0" });
    this.told = h("p.note", { role: "status" });
    this.go = button("Fork", () => void this.begin(), { class: "button primary" });
    this.copy = copier("Copy command", () => this.words());
    this.dialog = /** @type {HTMLDialogElement} */ (h("dialog.sheet", { "aria-labelledby": "fork-title", onclose: () => this.dialog.remove() }));
  }

  open() {
    fill(
      this.dialog,
      h("h2", { id: "fork-title" }, "Fork this run"),
      h("p.note", null, "Another run that begins as this one did, up to a step, with one thing changed."),
      h("label", null, "At step ", this.at),
      h("label", null, "Change ", this.kind, " ", this.call),
      this.text,
      this.shown,
      this.told,
      h("div.actions", null, this.about.write ? this.go : null, this.copy, button("Close", () => this.dialog.close())),
      this.about.write ? null : h("p.note", null, "This page only reads: run the command, or start the page with ", h("code", null, "agentkit ui --write"), "."),
    );
    this.offer();
    this.draw();
    document.body.append(this.dialog);
    this.dialog.showModal();
    this.kind.focus();
    void this.move();
  }

  /** The step that is written in the dialog; not a number where it is none that there is. */
  get n() {
    const n = Number(this.at.value);
    return this.at.value && Number.isInteger(n) && n >= 1 && n <= this.run.steps + 1 ? n : Number.NaN;
  }

  /** To another step: it has other calls. */
  async move() {
    const n = this.n;
    this.draw();
    if (Number.isNaN(n)) return;
    const id = this.run.run_id;
    const [first, here] = await Promise.all([ask("steps", { id, start: 0, count: 1 }), ask("steps", { id, start: n, count: 1 })]);
    if (n !== this.n) return;
    this.beginning = first.steps[0];
    this.step = here.steps.find((/** @type {Facts} */ each) => each.n === n) ?? null;
    this.offer();
    await this.choose(true);
  }

  /** What can be changed at this step. */
  offer() {
    const [kind, call, calls] = [this.kind.value, this.call.value, this.step?.calls ?? []];
    const there = CHANGES.filter(([name]) => (name !== "result" || calls.length) && (name !== "reply" || this.step));
    refill(this.kind, ...there.map(([value, label]) => h("option", { value }, label)));
    refill(this.call, ...calls.map((/** @type {Facts} */ each) => h("option", { value: each.id }, `${each.tool} (${each.id})`)));
    this.kind.value = there.some(([name]) => name === kind) ? kind : "";
    if (calls.some((/** @type {Facts} */ each) => each.id === call)) this.call.value = call;
  }

  /** Another thing to change: it is written as it is now, unless something else was. @param {boolean} kept */
  async choose(kept) {
    const [kind, call, n] = [this.kind.value, this.call.value, this.n];
    const now = await this.whole(this.current());
    if (kind !== this.kind.value || call !== this.call.value || !Object.is(n, this.n)) return;
    if (!kept || this.text.value === this.was) this.text.value = now;
    this.was = now;
    this.draw();
  }

  /** What is there now. @returns {Cut | string} */
  current() {
    const said = (/** @type {string} */ role) => this.beginning.messages.findLast((/** @type {Facts} */ each) => each.role === role)?.text ?? "";
    switch (this.kind.value) {
      case "model":
        return this.step?.model || this.run.models.at(-1) || "";
      case "prompt":
        return this.n === 1 ? said("user") : "";
      case "instructions":
        return said("system");
      case "reply":
        return replyOf(this.step);
      case "result":
        return this.step?.calls.find((/** @type {Facts} */ each) => each.id === this.call.value)?.result?.text ?? "";
    }
    return "";
  }

  /** All of a text; nothing of one that is too long to be written by hand. @param {Cut | string} cut */
  async whole(cut) {
    if (typeof cut === "string" || !cut.size) return typeof cut === "string" ? cut : cut.text;
    const part = await ask("text", { id: this.run.run_id, name: cut.name, start: 0 });
    return part.next >= cut.size ? part.text : "";
  }

  /** Why there can be no such fork; empty where there can. */
  wrong() {
    const last = this.run.steps + (this.kind.value === "reply" || this.kind.value === "result" ? 0 : 1);
    if (!(this.n <= last)) return `There is no step ${this.at.value || "without a number"} to fork at: it can be 1 to ${last}.`;
    const [, label] = CHANGES.find(([name]) => name === this.kind.value) ?? CHANGES[0];
    return this.kind.value && !this.text.value.trim() ? `${label} is empty: write what it is to be.` : "";
  }

  words() {
    const name = this.kind.value;
    const change = name === "" ? [] : name === "result" ? ["--result", `${this.call.value}=${this.text.value}`] : [`--${name}`, this.text.value];
    return command("agentkit", "fork", this.run.run_id, "--at", this.at.value || "1", ...change);
  }

  draw() {
    const [, , hint] = CHANGES.find(([name]) => name === this.kind.value) ?? CHANGES[0];
    const wrong = this.wrong();
    this.text.placeholder = hint;
    this.text.hidden = this.kind.value === "";
    this.call.hidden = this.kind.value !== "result";
    this.told.classList.toggle("bad", wrong !== "");
    const same = this.kind.value !== "" && this.was !== "" && this.text.value === this.was;
    this.told.textContent = wrong || (same ? "This is how it was: write what is to be another." : "");
    for (const each of [this.go, this.copy]) each.toggleAttribute("disabled", wrong !== "");
    refill(this.shown, this.words());
    this.shown.hidden = wrong !== "";
  }

  async begin() {
    this.go.setAttribute("disabled", "");
    this.told.textContent = WAIT;
    try {
      const { run_id: made } = await wish("fork", { run: this.run.run_id, at: this.n, change: this.kind.value, call: this.call.value, text: this.text.value });
      this.dialog.close();
      location.hash = toRun(made);
    } catch (error) {
      this.told.textContent = error instanceof Error ? error.message : String(error);
      this.go.removeAttribute("disabled");
    }
  }
}

/** A reply as it is written by hand. @param {Facts | null} step @returns {Cut | string} */
function replyOf(step) {
  if (!step?.reply) return "";
  if (!step.calls.length || step.reply.text.size) return step.reply.text;
  if (step.calls.some((/** @type {Facts} */ each) => each.arguments.size)) return "";
  const calls = step.calls.map((/** @type {Facts} */ each) => ({ tool: each.tool, arguments: parsed(each.arguments.text) }));
  return JSON.stringify(step.reply.text.text ? { text: step.reply.text.text, calls } : { calls }, null, 2);
}

/** @param {string} text */
function parsed(text) {
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
}
