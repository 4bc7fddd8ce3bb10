/**
 * Where on the page one is, all of it in the address.
 * @module
 */

/** @typedef {import("./types.js").Place} Place */

/** The place that the address names. @returns {Place} */
export function here() {
  const hash = location.hash.replace(/^#\/?/, "");
  const mark = hash.indexOf("?");
  const path = mark < 0 ? hash : hash.slice(0, mark);
  const query = mark < 0 ? "" : hash.slice(mark + 1);
  return { path: path.split("/").filter(Boolean).map(decoded), query: new URLSearchParams(query) };
}

/** @param {string} part */
function decoded(part) {
  try {
    return decodeURIComponent(part);
  } catch {
    return part;
  }
}

/**
 * The address of a place.
 * @param {(string | number)[]} path
 * @param {Record<string, string | number | null | undefined>} [query]
 */
export function to(path, query = {}) {
  const asked = new URLSearchParams();
  for (const [name, value] of Object.entries(query)) {
    if (value !== null && value !== undefined && value !== "") asked.set(name, String(value));
  }
  const behind = asked.size ? `?${asked}` : "";
  return `#/${path.map((part) => encodeURIComponent(wellFormed(String(part)))).join("/")}${behind}`;
}

/** Half of a surrogate pair has no place in an address. @param {string} text */
function wellFormed(text) {
  return text.replace(/[\ud800-\udbff](?![\udc00-\udfff])|(?<![\ud800-\udbff])[\udc00-\udfff]/g, "\ufffd");
}

export const toRuns = () => to([]);
/** @param {string} id @param {Record<string, string | number | null | undefined>} [query] */
export const toRun = (id, query) => to(["run", id], query);
/** @param {string} id @param {number} step */
export const toStep = (id, step) => to(["run", id, "step", step]);
/** @param {string} id @param {string} call */
export const toCall = (id, call) => to(["run", id, "call", call]);
/** @param {string} a @param {string} b */
export const toDiff = (a, b) => to(["diff"], { a, b });

/** Change the address without going anywhere. @param {string} address */
export function become(address) {
  history.replaceState(history.state, "", address);
}

/** The address of this place as others can open it. @param {string} hash */
export function whole(hash) {
  return `${location.href.split("#")[0]}${hash}`;
}
