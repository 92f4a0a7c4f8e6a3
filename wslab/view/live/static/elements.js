// Makes DOM nodes from untrusted data: text is inserted as text, never as markup.

const SVG = "http://www.w3.org/2000/svg";
const OURS = "data-lm-suppress-shortcuts"; // an element in which keys are not JupyterLab's
const LISTENS = Symbol.for("wslab: keys"); // each view has a copy of this module, the page one listener

/**
 * @typedef {string | number | boolean | null | undefined} Value of an attribute; true, false, null: present or not
 * @typedef {Node | string | number | null | undefined} Child
 * @typedef {{ [K in keyof HTMLElementEventMap as `on${K}`]?: (event: HTMLElementEventMap[K]) => unknown }} Listeners
 * @typedef {Listeners & { [name: string]: unknown }} Attributes
 */

/**
 * An element with attributes (`on…`: listeners; true, false, null: present or not) and children.
 * @template {keyof HTMLElementTagNameMap} T
 * @param {T} tag @param {Attributes} attributes @param {Child[]} children
 */
export function h(tag, attributes = {}, ...children) {
  return dressed(document.createElement(tag), attributes, children);
}

/**
 * The same for SVG.
 * @template {keyof SVGElementTagNameMap} T
 * @param {T} tag @param {{ [name: string]: Value }} attributes @param {Child[]} children
 */
export function svg(tag, attributes = {}, ...children) {
  return dressed(document.createElementNS(SVG, tag), attributes, children);
}

/** @template {Element} T @param {T} element @param {Attributes} attributes @param {Child[]} children @returns {T} */
function dressed(element, attributes, children) {
  for (const [name, value] of Object.entries(attributes)) {
    if (typeof value === "function") element.addEventListener(name.slice(2), /** @type {EventListener} */ (value));
    else set(element, name, /** @type {Value} */ (value));
  }
  if (OURS in attributes) keepKeys(element);
  for (const child of children) if (child !== null && child !== undefined) element.append(child instanceof Node ? child : String(child));
  return element;
}

/** Keys pressed in `view` are its own, and not shortcuts of JupyterLab (x would cut the cell). @param {Element} view */
function keepKeys(view) {
  view.addEventListener("beforeinput", keepEnter, true);
  if (window[LISTENS]) return;
  window[LISTENS] = true;
  window.addEventListener("keydown", keepKey, true);
}

/** JupyterLab's shortcuts look at the element that has the focus before they look at what is around
 * it, so the mark has to be there too. Other keys stay JupyterLab's: Shift+Enter on a button
 * runs the cell and does not press the button, and Ctrl+S saves. @param {KeyboardEvent} event */
function keepKey(event) {
  const element = event.target;
  const view = element instanceof Element && element.parentElement?.closest(".wslab");
  if (!view) return;
  const chord = event.ctrlKey || event.metaKey || event.altKey ||
    (event.shiftKey && event.key === "Enter");
  const ours = !chord || element.matches("input, select, textarea");
  for (const marked of [element, view]) set(marked, OURS, ours ? "true" : null);
}

/** JupyterLab 4.6 cancels what Enter does in any field of a cell: a form is not submitted, a text area
 * gets no new line. It listens on the field itself, so the event is stopped before it is there. @param {InputEvent} event */
function keepEnter(event) {
  if (event.inputType === "insertLineBreak") event.stopPropagation();
}

/**
 * Sets an attribute only when it changes: writing the same value costs a style pass.
 * @param {Element} element @param {string} name @param {Value} value
 */
export function set(element, name, value) {
  if (value === null || value === undefined || value === false) {
    if (element.hasAttribute(name)) element.removeAttribute(name);
  } else {
    const text = value === true ? "" : String(value);
    if (element.getAttribute(name) !== text) element.setAttribute(name, text);
  }
}

/**
 * Sets the text only when it changes, and in the existing text node: a new node would make the page
 * compute style and layout again.
 * @param {Element} element @param {string | null | undefined} text
 */
export function say(element, text) {
  const now = text ?? "";
  const node = element.firstChild;
  if (!(node instanceof Text) || node.nextSibling) element.textContent = now;
  else if (node.data !== now) node.data = now;
}

/** A link out of the notebook, to a page we name ourselves. @param {string} url @param {string} text */
export function link(url, text) {
  if (!/^https:\/\//.test(url)) return h("span", {}, text);
  return h(
    "a",
    { href: url, target: "_blank", rel: "noopener noreferrer", class: "ws-link" },
    text,
    h("span", { "aria-hidden": "true" }, " ↗"),
    h("span", { class: "ws-unseen" }, " (opens in a new tab)"),
  );
}

/** The four states of a connection, as a lamp with its word. */
export function stateLamp() {
  const word = h("span", { class: "ws-state-word" });
  const element = h("span", { class: "ws-state", role: "status" }, lamp(), word);
  return {
    element,
    /** @param {string} state @param {string} text */
    show(state, text = state) {
      set(element, "data-state", state);
      say(word, text);
    },
  };
}

export function lamp() {
  return h("span", { class: "ws-lamp", "aria-hidden": "true" });
}
