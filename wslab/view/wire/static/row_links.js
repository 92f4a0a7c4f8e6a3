// Links in a notebook's prose that lead to an arrow: [your "Hello"](#wire:text=Hello&which=first).

/** @typedef {{ home: HTMLElement, root: HTMLElement, find: (what: string, link: HTMLElement) => void, show: (row: number, link: HTMLElement) => void }} Wire a view that shows arrows */

const MARK = "#wire:";
const LINK = `a[href^="${MARK}"]`;
const WIRES = Symbol.for("wslab: wires"); // each view has a copy of this module, the page one set and one listener

/** Lets links lead to a view; returns what ends that. @param {Wire} wire */
export function linkTo(wire) {
  if (!window[WIRES]) {
    window[WIRES] = new Set();
    // Before JupyterLab, which would go to an address of that name, and edit a cell at Enter.
    window.addEventListener("click", onClick, true);
    window.addEventListener("keydown", onKey, true);
  }
  window[WIRES].add(wire);
  return () => window[WIRES].delete(wire);
}

/** @param {Event} event */
function linkOf({ target }) {
  return target instanceof Element ? /** @type {HTMLElement | null} */ (target.closest(LINK)) : null;
}

/** @param {MouseEvent} event */
function onClick(event) {
  const link = linkOf(event);
  if (!link) return;
  event.preventDefault();
  event.stopPropagation();
  const wire = nearest(link, window[WIRES]);
  if (wire) wire.find(whatOf(link.getAttribute("href")), link);
  else answer(link, "There is no wire here yet: run the cells above first.");
}

/** @param {KeyboardEvent} event */
function onKey(event) {
  if (event.key === "Enter" && linkOf(event)) event.stopPropagation(); // the browser makes it a click
}

/** Leads from a view's button to a row, by its number. @param {number} row @param {HTMLElement} button */
export function showRow(row, button) {
  const wire = nearest(button, window[WIRES] ?? []);
  if (wire) wire.show(row, button);
  else answer(button, "There is no wire here: run lab.wire() first.");
}

/** What a link looks for. @param {string} href */
export function whatOf(href) {
  const what = href.slice(MARK.length);
  try {
    return decodeURIComponent(what);
  } catch {
    return what;
  }
}

/** The docked view of the link's notebook; else the last before the link, or the first after it. @param {Element} link @param {Iterable<Wire>} wires */
function nearest(link, wires) {
  const notebook = link.closest(".jp-Notebook");
  const before = (/** @type {Node} */ node, /** @type {Node} */ other) =>
    Boolean(other.compareDocumentPosition(node) & Node.DOCUMENT_POSITION_PRECEDING);
  const here = [...wires].filter(({ home }) => home.isConnected && home.closest(".jp-Notebook") === notebook)
    .sort((one, other) => (before(one.home, other.home) ? -1 : 1));
  return here.find(({ root }) => root.closest(".ws-dock")) ??
    here.findLast(({ home }) => before(home, link)) ?? here[0];
}

/** Says something beside a link, until the next answer. @param {HTMLElement} link @param {string | null} text */
export function answer(link, text) {
  for (const old of document.querySelectorAll(".ws-link-answer")) old.remove();
  if (text === null) return;
  const said = document.createElement("span");
  said.className = "ws-link-answer";
  said.setAttribute("role", "status");
  link.after(said);
  // Once it is in the page: else a screen reader would not say it.
  requestAnimationFrame(() => said.append(` (${text})`));
}
