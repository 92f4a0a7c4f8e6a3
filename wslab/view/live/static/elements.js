// Making DOM nodes from data that nobody vouches for: text goes in as text, never as markup.

const SVG = "http://www.w3.org/2000/svg";
const OURS = "data-lm-suppress-shortcuts"; // an element in which keys are not JupyterLab's
const LISTENS = Symbol.for("wslab: keys"); // each view has a copy of this module, the page one listener

/** An element with attributes (`on…`: listeners; true/false/null: present or not) and children. */
export function h(tag, attributes = {}, ...children) {
  return dressed(document.createElement(tag), attributes, children);
}

/** The same for SVG. */
export function svg(tag, attributes = {}, ...children) {
  return dressed(document.createElementNS(SVG, tag), attributes, children);
}

function dressed(element, attributes, children) {
  for (const [name, value] of Object.entries(attributes)) {
    if (name.startsWith("on")) element.addEventListener(name.slice(2), value);
    else set(element, name, value);
  }
  if (OURS in attributes) keepKeys(element);
  element.append(...children.filter((child) => child !== null && child !== undefined));
  return element;
}

/** Keys pressed in `view` are its own, and not shortcuts of JupyterLab (x would cut the cell). */
function keepKeys(view) {
  view.addEventListener("beforeinput", keepEnter, true);
  if (window[LISTENS]) return;
  window[LISTENS] = true;
  window.addEventListener("keydown", keepKey, true);
}

/** JupyterLab's shortcuts look at the element that has the focus before they look at what is around
 * it, so the mark has to be there too. What is no key of ours stays JupyterLab's: Shift+Enter runs the
 * cell from a button, where else it would press the button, and Ctrl+S saves. */
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
 * gets no new line. It listens on the field itself, so the event is stopped before it is there. */
function keepEnter(event) {
  if (event.inputType === "insertLineBreak") event.stopPropagation();
}

/** Sets an attribute only when it changes: writing the same value costs a style pass. */
export function set(element, name, value) {
  if (value === null || value === undefined || value === false) {
    if (element.hasAttribute(name)) element.removeAttribute(name);
  } else {
    const text = value === true ? "" : String(value);
    if (element.getAttribute(name) !== text) element.setAttribute(name, text);
  }
}

/** Sets the text only when it changes, and within the text node that is there: a new one would have
 * the page find its style and place anew. */
export function say(element, text) {
  const now = text ?? "";
  const node = element.firstChild;
  if (node?.nodeType !== Node.TEXT_NODE || node.nextSibling) element.textContent = now;
  else if (node.data !== now) node.data = now;
}

/** A link out of the notebook, to a page we name ourselves. */
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

/** 1234567 as "1,234,567". */
export function grouped(number) {
  return String(number).replace(/\B(?=(\d{3})+(?!\d))/g, ",");
}

/** A size in bytes as people read it, exact below 10 kB. */
export function size(bytes) {
  if (bytes < 10_000) return `${grouped(bytes)} B`;
  const [value, unit] =
    bytes < 1e6 ? [bytes / 1e3, "kB"] : bytes < 1e9 ? [bytes / 1e6, "MB"] : [bytes / 1e9, "GB"];
  return `${value.toFixed(value < 100 ? 1 : 0)} ${unit}`;
}

/** "1 row", "2 rows". */
export function plural(count, noun) {
  return `${grouped(count)} ${noun}${count === 1 ? "" : "s"}`;
}

/** The four states of a connection, as a lamp with its word. */
export function stateLamp() {
  const word = h("span", { class: "ws-state-word" });
  const element = h("span", { class: "ws-state", role: "status" }, lampDot(), word);
  return {
    element,
    show(state, text = state) {
      set(element, "data-state", state);
      say(word, text);
    },
  };
}

function lampDot() {
  return h("span", { class: "ws-lamp", "aria-hidden": "true" });
}

/** Whether this is what a saved notebook shows when it is opened again: no kernel is behind it. */
export function isPicture(model) {
  return model.get("layout")?.comm_live === false;
}

/** Says hello when a page opens, and again whenever asked; bye when it closes. */
/** What a view that paints its news says on the document: what others paint now costs the page little more. */
export const PAINTS = "wslab-paints";

export class Page {
  #way;

  constructor(model) {
    this.model = model;
    this.name = Math.random().toString(36).slice(2, 12);
    this.#way = ownWay(model);
  }

  ask(question, buffers = []) {
    const send = () => this.model.send({ ...question, page: this.name }, undefined, buffers);
    if (this.#way === null) send();
    else this.#way = this.#way.then(send, send); // in the order of asking, whatever became of the last
  }
}

/**
 * JupyterLab makes a subshell for the widgets when the first one comes, and what is said before it
 * is there goes to the main shell: behind the running cell. So the first word waits for it. Null:
 * there is nothing to wait for.
 */
function ownWay(model) {
  const comm = model.get("layout")?.comm?.jsServicesComm; // any widget's: they share the subshell
  if (!comm?.subshellStarted || comm.subshellId || comm.commsOverSubshells === "disabled") return null;
  return Promise.race([
    comm.subshellStarted.catch(() => {}),
    new Promise((resolve) => setTimeout(resolve, 2000)), // a kernel without subshells
  ]);
}
