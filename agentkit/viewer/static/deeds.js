/**
 * What can be done with a run: a fork from one of its steps, and a decision on a call that waits.  Where the page only reads,
 * it tells the command that does it.
 * @module
 */

import { button, copier, fill, h, refill, say } from "./dom.js";
import { toCall, toRun } from "./places.js";
import { isFile, wish } from "./source.js";
import { block } from "./texts.js";

/** @typedef {import("./types.js").Facts} Facts */

const WAIT = "Working…";

/** A text as one word of a shell. @param {string} text */
export function shellWord(text) {
  return /^[\w:.,@%+=/-]+$/.test(text) ? text : `'${text.replaceAll("'", `'"'"'`)}'`;
}

/** @param {(string | null)[]} words */
function command(...words) {
  return words.filter((each) => each !== null).map((each) => shellWord(/** @type {string} */ (each))).join(" ");
}

/** @param {Facts} run @param {Facts} about @param {Facts | null} step */
export function forkButton(run, about, step) {
  return button(step ? "Fork from here" : "Fork", () => showFork(run, about, step), { id: "fork" });
}

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
function showFork(run, about, step) {
  const calls = step ? step.calls : [];
  const at = /** @type {HTMLInputElement} */ (h("input", { type: "number", min: 1, max: run.steps + 1, value: step ? step.n : Math.max(run.steps, 1), "aria-label": "Step" }));
  const kinds = CHANGES.filter(([name]) => name !== "result" || calls.length);
  const kind = /** @type {HTMLSelectElement} */ (h("select", { "aria-label": "What is changed" }, ...kinds.map(([value, label]) => h("option", { value }, label))));
  const call = /** @type {HTMLSelectElement} */ (h("select", { "aria-label": "Call" }, ...calls.map((/** @type {Facts} */ each) => h("option", { value: each.id }, `${each.tool} (${each.id})`))));
  const text = /** @type {HTMLTextAreaElement} */ (h("textarea", { rows: 5, "aria-label": "The change", spellcheck: "false" }));
  const shown = h("pre.text.command", { id: "fork-command", tabindex: "0" });
  const told = h("p.note", { role: "status" });
  const go = button("Fork", () => void begin(), { class: "button primary" });
  const dialog = /** @type {HTMLDialogElement} */ (h("dialog.sheet", { "aria-labelledby": "fork-title", onclose: () => dialog.remove() }));

  function words() {
    const name = kind.value;
    const change = name === "" ? [] : name === "result" ? ["--result", `${call.value}=${text.value}`] : [`--${name}`, text.value];
    return command("agentkit", "fork", run.run_id, "--at", at.value || "1", ...change);
  }
  function draw() {
    const [, , hint] = CHANGES.find(([name]) => name === kind.value) ?? CHANGES[0];
    text.placeholder = hint;
    text.hidden = kind.value === "";
    call.hidden = kind.value !== "result";
    refill(shown, words());
  }
  async function begin() {
    go.setAttribute("disabled", "");
    told.textContent = WAIT;
    try {
      const { run_id: made } = await wish("fork", { run: run.run_id, at: Number(at.value), change: kind.value, call: call.value, text: text.value });
      dialog.close();
      location.hash = toRun(made);
    } catch (error) {
      told.textContent = error instanceof Error ? error.message : String(error);
      go.removeAttribute("disabled");
    }
  }
  for (const field of [at, kind, call, text]) field.addEventListener("input", draw);
  fill(
    dialog,
    h("h2", { id: "fork-title" }, "Fork this run"),
    h("p.note", null, "Another run that begins as this one did, up to a step, with one thing changed."),
    h("label", null, "At step ", at),
    h("label", null, "Change ", kind, " ", call),
    text,
    shown,
    told,
    h("div.actions", null, about.write ? go : null, copier("Copy command", words), button("Close", () => dialog.close())),
    about.write ? null : h("p.note", null, "This page only reads: run the command, or start the page with `agentkit ui --write`."),
  );
  draw();
  document.body.append(dialog);
  dialog.showModal();
  kind.focus();
}

/** A call that waits for a person. @param {Facts} run @param {Facts} call @param {Facts} about */
export function approvals(run, call, about) {
  const id = run.run_id;
  const told = h("p.note", { role: "status" });
  const head = h("h2", null, "Waits for a person: ", h("a", { href: toCall(id, call.id) }, call.tool));
  const shown = [head, call.why ? h("p", null, call.why) : null, block(id, call.arguments, { json: true, label: "Arguments" })];
  if (isFile) return h("div.approval", null, ...shown);
  if (!about.write) {
    const approve = command("agentkit", "approve", id, call.id);
    return h("div.approval", null, ...shown, h("pre.text.command", { tabindex: "0" }, approve), h("div.actions", null, copier("Copy command", () => approve), copier("Copy refusal", () => `${approve} --deny 'WHY'`)));
  }
  const edit = /** @type {HTMLTextAreaElement} */ (h("textarea", { rows: 3, "aria-label": "Arguments to call with", spellcheck: "false" }));
  edit.value = call.arguments.text;
  const why = /** @type {HTMLInputElement} */ (h("input", { type: "text", placeholder: "Why not, or the answer", "aria-label": "Why not, or the answer" }));
  const buttons = h("div.actions", null);
  const decide = async (/** @type {Facts} */ decision) => {
    for (const each of buttons.querySelectorAll("button")) each.setAttribute("disabled", "");
    told.textContent = WAIT;
    try {
      const done = await wish("decide", { run: id, call: call.id, ...decision });
      told.textContent = done.told;
      say(done.told);
    } catch (error) {
      told.textContent = error instanceof Error ? error.message : String(error);
      for (const each of buttons.querySelectorAll("button")) each.removeAttribute("disabled");
    }
  };
  const granted = () => (call.arguments.size || edit.value.trim() === call.arguments.text.trim() ? { granted: true } : { granted: true, arguments: edit.value });
  fill(buttons, button("Approve", () => void decide(granted()), { class: "button primary" }), button("Refuse", () => void decide({ granted: false, reason: why.value })), button("Answer instead", () => void decide({ granted: true, answer: why.value })));
  return h("div.approval", null, ...shown.slice(0, call.arguments.size ? 3 : 2), call.arguments.size ? null : edit, why, buttons, told);
}
