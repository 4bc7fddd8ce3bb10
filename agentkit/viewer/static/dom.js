/**
 * Elements, made one by one.  Text is always text: nothing here, or anywhere on this page, takes markup from a string.
 * @module
 */

/** @typedef {Node | string | number | null | undefined | false} Child */

const CONTROL = /[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u2028-\u202e\u2066-\u2069]/g;

/** What a control character looks like: it is shown, and not obeyed. @param {string} character */
function picture(character) {
  const code = character.charCodeAt(0);
  if (code < 0x20) return String.fromCharCode(0x2400 + code);
  if (code === 0x7f) return "\u2421";
  return `\u27e8U+${code.toString(16).toUpperCase().padStart(4, "0")}\u27e9`;
}

/** A text as a person may see it: what turns the direction of writing, or would be invisible, is spelled out. @param {string} text */
export function visible(text) {
  return text.replaceAll("\r\n", "\n").replace(CONTROL, picture);
}

/**
 * An element: `h("a.link", {href: "#/"}, "Runs")`.
 * @param {string} tag The tag, with classes behind dots.
 * @param {Record<string, unknown> | null} [given] Attributes; functions under `on…` are listeners.
 * @param {...(Child | Child[])} children
 * @returns {HTMLElement}
 */
export function h(tag, given, ...children) {
  const [name, ...classes] = tag.split(".");
  const element = document.createElement(name || "div");
  if (classes.length) element.className = classes.join(" ");
  for (const [key, value] of Object.entries(given ?? {})) {
    if (value === null || value === undefined || value === false) continue;
    if (typeof value === "function") element.addEventListener(key.slice(2), /** @type {EventListener} */ (value));
    else if (value === true) element.setAttribute(key, "");
    else element.setAttribute(key, String(value));
  }
  fill(element, ...children);
  return element;
}

/** Put children into an element, behind those it has. @param {Element} element @param {...(Child | Child[])} children */
export function fill(element, ...children) {
  for (const child of children.flat()) {
    if (child === null || child === undefined || child === false) continue;
    element.append(child instanceof Node ? child : document.createTextNode(visible(String(child))));
  }
  return element;
}

/** Put children in the place of those that an element has. @param {Element} element @param {...(Child | Child[])} children */
export function refill(element, ...children) {
  element.replaceChildren();
  return fill(element, ...children);
}

/** The element of this id, which the page has. @param {string} id @returns {HTMLElement} */
export function byId(id) {
  const found = document.getElementById(id);
  if (!found) throw new Error(`the page lacks #${id}`);
  return found;
}

/** Say something to those who listen to the page. @param {string} text */
export function say(text) {
  byId("said").textContent = visible(text);
}

/** A button. @param {string} label @param {(event: Event) => void} press @param {Record<string, unknown>} [given] */
export function button(label, press, given) {
  return h("button.button", { type: "button", onclick: press, ...given }, label);
}

/** A button that copies; it is as wide as what it says later. @param {string} label @param {() => string | Promise<string>} text */
export function copier(label, text) {
  const made = button(label, async () => {
    const copied = await copy(await text());
    made.textContent = copied ? "Copied" : "Not copied";
    say(copied ? "Copied" : "The browser did not let this page copy");
    setTimeout(() => (made.textContent = label), 1500);
  });
  made.classList.add("small", "copier");
  made.dataset.label = label;
  return made;
}

/** Copy a text; whether it went. @param {string} text */
async function copy(text) {
  try {
    await navigator.clipboard.writeText(text);
    return true;
  } catch {
    const area = h("textarea.hush", { "aria-hidden": "true", tabindex: "-1" });
    /** @type {HTMLTextAreaElement} */ (area).value = text;
    document.body.append(area);
    /** @type {HTMLTextAreaElement} */ (area).select();
    const copied = document.execCommand("copy");
    area.remove();
    return copied;
  }
}
