/**
 * A decision on a call that waits.  Where the page only reads, it tells the command that does it.
 * @module
 */

import { button, copier, fill, h, say } from "./dom.js";
import { toCall } from "./places.js";
import { isFile, wish } from "./source.js";
import { block } from "./texts.js";

/** @typedef {import("./types.js").Facts} Facts */

export const WAIT = "Working…";

/** A text as one word of a shell. @param {string} text */
export function shellWord(text) {
  return /^[\w:.,@%+=/-]+$/.test(text) ? text : `'${text.replaceAll("'", `'"'"'`)}'`;
}

/** @param {(string | null)[]} words */
export function command(...words) {
  return words.filter((each) => each !== null).map((each) => shellWord(/** @type {string} */ (each))).join(" ");
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
