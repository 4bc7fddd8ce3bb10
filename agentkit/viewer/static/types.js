/**
 * The shapes of what the page is told.
 * @module
 */

/** @typedef {Record<string, any>} Facts */

/**
 * A text; a long one is cut, and `name` is what the whole is had by.
 * @typedef {{text: string, size?: number, name?: string}} Cut
 */

/**
 * What a view is to the page around it.
 * @typedef {object} View
 * @property {() => Promise<void> | void} [refresh] Called when the journal has changed.
 * @property {Record<string, (event: KeyboardEvent) => void>} [keys]
 * @property {() => void} [leave]
 */

/**
 * A place on the page; `back` when it is come back to.
 * @typedef {{path: string[], query: URLSearchParams, back?: boolean}} Place
 */

export {};
