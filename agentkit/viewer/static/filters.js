/**
 * What narrows the list of runs: words, choices, and words of the form `name:value`.
 * @module
 */

import { button, fill, h } from "./dom.js";
import { status } from "./words.js";

/** @typedef {import("./types.js").Facts} Facts */

/** What can be asked for, as it stands in the address. */
export const NAMES = ["text", "status", "agent", "model", "tool", "since", "cost"];
const SINCE = [["", "Any time"], ["1h", "Last hour"], ["24h", "Last day"], ["7d", "Last week"], ["30d", "Last month"]];

/**
 * @param {Record<string, string>} asked
 * @param {() => void} changed
 */
export function filterBar(asked, changed) {
  const search = /** @type {HTMLInputElement} */ (
    h("input", { type: "search", placeholder: "Search, or status:failed tool:NAME cost:0.1 since:2h", "aria-label": "Search runs", value: asked.text, spellcheck: "false", id: "search" })
  );
  let timer = 0;
  const typed = () => {
    clearTimeout(timer);
    timer = setTimeout(() => {
      take(asked, search);
      reflect();
      changed();
    }, 200);
  };
  search.addEventListener("input", typed);
  const choices = /** @type {Record<string, HTMLSelectElement>} */ ({});
  const choice = (/** @type {string} */ name, /** @type {string} */ label, /** @type {string[][]} */ options) => {
    const select = /** @type {HTMLSelectElement} */ (
      h("select", { "aria-label": label, onchange: () => { asked[name] = select.value; reflect(); changed(); } }, ...options.map(([value, words]) => h("option", { value }, words)))
    );
    choices[name] = select;
    return select;
  };
  const text = (/** @type {string} */ name, /** @type {string} */ label) => {
    const input = /** @type {HTMLInputElement} */ (
      h("input.narrow", { type: "text", placeholder: label, "aria-label": label, value: asked[name], spellcheck: "false", oninput: () => {
        clearTimeout(timer);
        timer = setTimeout(() => { asked[name] = input.value.trim(); reflect(); changed(); }, 250);
      } })
    );
    inputs[name] = input;
    return input;
  };
  const inputs = /** @type {Record<string, HTMLInputElement>} */ ({});
  const clear = button("Clear", () => clearAll(), { class: "button quiet" });
  function clearAll() {
    for (const name of NAMES) asked[name] = "";
    search.value = "";
    reflect();
    changed();
  }
  function reflect() {
    for (const [name, select] of Object.entries(choices)) {
      if (asked[name] && ![...select.options].some((each) => each.value === asked[name])) fill(select, h("option", { value: asked[name] }, asked[name]));
      select.value = asked[name];
    }
    for (const [name, input] of Object.entries(inputs)) if (document.activeElement !== input) input.value = asked[name];
    clear.hidden = !NAMES.some((name) => asked[name]);
  }
  const element = h(
    "form.filters",
    {
      role: "search",
      onsubmit: (/** @type {Event} */ event) => {
        event.preventDefault();
        search.value += " ";
        typed();
      },
    },
    h("span.search", null, search, h("kbd", { "aria-hidden": "true" }, "/")),
    choice("status", "Status", [["", "Any status"]]),
    choice("model", "Model", [["", "Any model"]]),
    choice("agent", "Agent", [["", "Any agent"]]),
    choice("since", "Time", SINCE),
    text("tool", "Tool"),
    text("cost", "Cost from"),
    clear,
  );
  reflect();
  return {
    element,
    search,
    clear: clearAll,
    /** @param {Facts} told */
    offer(told) {
      const offered = { status: told.statuses, model: told.models, agent: told.agents };
      for (const [name, values] of Object.entries(offered)) {
        const known = new Set([...choices[name].options].map((each) => each.value));
        for (const value of values) if (!known.has(value)) fill(choices[name], h("option", { value }, name === "status" ? status(value) : value));
      }
      reflect();
    },
  };
}

/** What was typed: words of the form `name:value` say what they mean. @param {Record<string, string>} asked @param {HTMLInputElement} search */
function take(asked, search) {
  let found = false;
  const rest = search.value.replace(/(?:^|\s)(status|agent|model|tool|since|cost)[:>](?:"([^"]*)"|(\S+))(?=\s)/g, (_, name, quoted, plain) => {
    asked[name] = (quoted ?? plain).replace(/^[>=]+/, "");
    found = true;
    return "";
  });
  if (found) search.value = rest.replace(/^\s+/, "");
  asked.text = unfinished(rest).trim();
}

/** The words without a `name:value` that is still being typed. @param {string} text */
function unfinished(text) {
  return text.replace(/(?:^|\s)(status|agent|model|tool|since|cost)[:>]\S*$/, "");
}
