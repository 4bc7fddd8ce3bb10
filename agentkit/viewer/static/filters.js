/**
 * What narrows the list of runs: words, choices, and words of the form `name:value`.
 * @module
 */

import { button, fill, h, refill } from "./dom.js";
import { status } from "./words.js";

/** @typedef {import("./types.js").Facts} Facts */

/** What can be asked for, as it stands in the address. */
export const NAMES = ["text", "status", "odd", "agent", "model", "tool", "since", "cost"];
const ODD = [["", "Odd or not"], ["yes", "Odd only"]];
const SINCE = [["", "Any time"], ["1h", "Last hour"], ["24h", "Last day"], ["7d", "Last week"], ["30d", "Last month"]];

/** Milliseconds in which somebody who types goes on typing. */
const TYPING = 250;

/**
 * @param {Record<string, string>} asked What is asked for, kept up to date.
 * @param {() => void} changed Called when it has changed.
 */
export function filterBar(asked, changed) {
  let timer = 0;
  /** @param {() => void} read */
  const take = (read) => {
    clearTimeout(timer);
    const before = JSON.stringify(asked);
    read();
    reflect();
    if (JSON.stringify(asked) !== before) changed();
  };
  /** @param {() => void} read */
  const soon = (read) => {
    clearTimeout(timer);
    timer = setTimeout(() => take(read), TYPING);
  };
  const search = searchBox(asked, take, soon);
  const choices = choicesOf(asked, take);
  const inputs = inputsOf(asked, take, soon);
  const trouble = h("p.complaint", { role: "alert" });
  const clear = button("Clear", () => clearAll(), { class: "button small" });
  function clearAll() {
    search.value = "";
    take(() => NAMES.forEach((name) => (asked[name] = "")));
  }
  function reflect() {
    for (const [name, select] of Object.entries(choices)) chosen(select, asked[name], name === "status" ? status(asked[name]) : asked[name]);
    for (const [name, input] of Object.entries(inputs)) if (document.activeElement !== input) input.value = asked[name];
    clear.hidden = !NAMES.some((name) => asked[name]);
  }
  reflect();
  return {
    element: h("div", null, formOf(search, [...Object.values(choices), ...Object.values(inputs)]), trouble),
    search,
    clearer: clear,
    clear: clearAll,
    /** Say why nothing was found out. @param {string} words */
    complain: (words) => (words === trouble.textContent ? null : refill(trouble, words)),
    /** @param {Facts} told */
    offer: (told) => offered(choices, told),
  };
}

/** @param {HTMLInputElement} search @param {HTMLElement[]} others */
function formOf(search, others) {
  const box = h("span.search", null, search, h("kbd", { "aria-hidden": "true" }, "/"));
  return h("form.filters", { role: "search", onsubmit: (/** @type {Event} */ event) => event.preventDefault() }, box, ...others);
}

/** @typedef {(read: () => void) => void} Taking */

/** @param {Record<string, string>} asked @param {Taking} take @param {Taking} soon */
function searchBox(asked, take, soon) {
  const search = /** @type {HTMLInputElement} */ (
    h("input", { type: "search", placeholder: "Search, or status:failed tool:NAME cost:0.1 since:2h", "aria-label": "Search runs", value: asked.text, spellcheck: "false", id: "search" })
  );
  search.addEventListener("input", () => soon(() => typed(asked, search, false)));
  whenDone(search, () => take(() => typed(asked, search, true)));
  return search;
}

/** Enter says that somebody is done with a field, and so does leaving it. @param {HTMLInputElement} input @param {() => void} done */
function whenDone(input, done) {
  input.addEventListener("blur", done);
  input.addEventListener("keydown", (event) => {
    if (event.key === "Enter" && !event.isComposing) done();
  });
}

/** @param {Record<string, string>} asked @param {Taking} take */
function choicesOf(asked, take) {
  const choice = (/** @type {string} */ name, /** @type {string} */ label, /** @type {string[][]} */ options) => {
    const select = /** @type {HTMLSelectElement} */ (
      h("select", { "aria-label": label, onchange: () => take(() => (asked[name] = select.value)) }, ...options.map(([value, words]) => h("option", { value }, words)))
    );
    return select;
  };
  return /** @type {Record<string, HTMLSelectElement>} */ ({
    status: choice("status", "Status", [["", "Any status"]]),
    odd: choice("odd", "Oddities", ODD),
    model: choice("model", "Model", [["", "Any model"]]),
    agent: choice("agent", "Agent", [["", "Any agent"]]),
    since: choice("since", "Time", SINCE),
  });
}

/** @param {Record<string, string>} asked @param {Taking} take @param {Taking} soon */
function inputsOf(asked, take, soon) {
  const field = (/** @type {string} */ name, /** @type {string} */ label) => {
    const input = /** @type {HTMLInputElement} */ (h("input.narrow", { type: "text", placeholder: label, "aria-label": label, value: asked[name], spellcheck: "false" }));
    const read = () => {
      asked[name] = input.value.trim();
    };
    input.addEventListener("input", () => soon(read));
    whenDone(input, () => take(read));
    return input;
  };
  return /** @type {Record<string, HTMLInputElement>} */ ({ tool: field("tool", "Tool"), cost: field("cost", "Cost from") });
}

/** Show a choice, also one that was not offered. @param {HTMLSelectElement} select @param {string} value @param {string} words */
function chosen(select, value, words) {
  if (value && ![...select.options].some((each) => each.value === value)) fill(select, h("option", { value }, words));
  select.value = value;
}

/** @param {Record<string, HTMLSelectElement>} choices @param {Facts} told */
function offered(choices, told) {
  for (const [name, values] of Object.entries({ status: told.statuses, model: told.models, agent: told.agents })) {
    const known = new Set([...choices[name].options].map((each) => each.value));
    for (const value of values) if (!known.has(value)) fill(choices[name], h("option", { value }, name === "status" ? status(value) : value));
  }
}

/**
 * What was typed: words of the form `name:value` say what they mean, the last one only when somebody is done with it.
 * @param {Record<string, string>} asked
 * @param {HTMLInputElement} search
 * @param {boolean} done
 */
function typed(asked, search, done) {
  const rest = `${search.value}${done ? " " : ""}`.replace(/(?:^|\s)(status|odd|agent|model|tool|since|cost)[:>](?:"([^"]*)"|(\S+))(?=\s)/g, (_, name, quoted, plain) => {
    asked[name] = (quoted ?? plain).replace(/^[>=]+/, "");
    return "";
  });
  if (rest.trim() !== search.value.trim()) search.value = done ? rest.trim() : rest.replace(/^\s+/, "");
  asked.text = rest.replace(/(?:^|\s)(status|odd|agent|model|tool|since|cost)[:>]\S*$/, "").trim();
}
