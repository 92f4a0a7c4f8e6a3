// Puts a view beside its notebook's cells, where it stays in sight, and back into its cell.

import { h, say, set } from "./elements.js";
import { icon } from "./shapes.js";

const BACK = "wslab-back"; // what another view that wants the place asks of the docked one
const DOCKS = "data-wslab-docks"; // marks the cell whose view is docked, also while the cell is run again
const FRAMES = 60; // in which a new view is put into the page
const NARROWEST = 25; // percent of the notebook's panel that the place may have
const BROADEST = 75;
const EDGE_STEP = 2; // percent, by which an arrow key moves its edge

/** The place beside the cells of one notebook, as one view uses it. There is room for one view.
 *
 * It is in JupyterLab's own element for the notebook, and style sheets make room for it: so it comes and goes
 * with the notebook's tab, works in Notebook 7 as well, and needs no extension. */
export class Dock {
  /** @type {HTMLElement | null} beside the cells; null while the view is in its cell */
  #place = null;
  #text = h("span", { class: "ws-roomy" }, "Dock");
  /** @type {HTMLElement} between it and the cells: moves with the pointer and with arrow keys */
  #edge;
  #sized = new ResizeObserver(() => this.#showSize());

  /** @param {{ el: HTMLElement, name: string, onMove: () => void }} options what the view is called */
  constructor({ el, name, onMove }) {
    this.el = el;
    this.name = name;
    this.onMove = onMove;
    this.button = h("button", {
      type: "button", class: "ws-dock-button", "data-action": "dock", "aria-pressed": "false",
      onclick: () => (this.docked ? this.back() : this.dock()),
    }, icon("dock"), this.#text);
    // What stands in the cell meanwhile.
    this.note = h("p", { class: "wslab ws-docked-note", "data-wslab": "docked-note" },
      `The ${name} is docked beside the notebook. `,
      h("button", { type: "button", "data-action": "undock", onclick: () => this.back() }, "Put it back here"));
    this.#edge = h("div", {
      class: "ws-dock-edge", role: "separator", tabindex: "0", "aria-label": `size of the docked ${name}`,
      title: "Drag it, or press an arrow key; a double click puts it back",
      "aria-valuemin": NARROWEST, "aria-valuemax": BROADEST, "data-lm-suppress-shortcuts": "true",
      onpointerdown: ({ pointerId }) => this.#edge.setPointerCapture(pointerId),
      onpointermove: (event) => this.#drag(event),
      ondblclick: () => this.#resize(null),
      onkeydown: (event) => this.#onKey(event),
    });
    this.#name();
  }

  /** @param {Element} root of the view */
  start(root) {
    this.root = root;
    this.#takePlace(FRAMES);
  }

  /** The cell was run again while its view was docked: the new view takes the place of the old one. @param {number} frames */
  #takePlace(frames) {
    if (this.el.closest(`[${DOCKS}]`)) this.dock();
    else if (!this.el.isConnected && frames > 0) requestAnimationFrame(() => this.#takePlace(frames - 1));
  }

  get docked() {
    return this.#place !== null;
  }

  dock() {
    const notebook = this.el.closest(".jp-Notebook");
    if (!notebook || this.docked) return;
    notebook.querySelector(":scope > .ws-dock")?.dispatchEvent(new Event(BACK));
    this.#place = h("div", { class: "ws-dock", role: "region", "aria-label": `${this.name}, docked` }, this.#edge);
    this.#place.addEventListener(BACK, () => this.back());
    // JupyterLab gives the focus to the active cell when it comes to anything else among the cells, or a key does.
    for (const name of ["focusin", "keydown"]) this.#place.addEventListener(name, (event) => event.stopPropagation());
    for (const cell of notebook.querySelectorAll(`[${DOCKS}]`)) cell.removeAttribute(DOCKS);
    this.el.closest(".jp-Cell")?.setAttribute(DOCKS, "");
    this.#move(notebook, () => {
      this.#place.append(this.root);
      this.el.append(this.note);
      notebook.append(this.#place);
    });
    this.#sized.observe(this.#place);
  }

  back() {
    const notebook = this.#place?.closest(".jp-Notebook");
    if (!this.#place) return;
    this.#move(notebook, () => {
      this.el.closest(`[${DOCKS}]`)?.removeAttribute(DOCKS);
      this.note.remove();
      this.el.append(this.root);
      this.#leave();
    });
  }

  /** The view is taken away, for instance because its cell is run again. */
  end() {
    const notebook = this.#place?.closest(".jp-Notebook");
    this.note.remove();
    if (notebook) keepReading(notebook, () => this.#leave());
  }

  #leave() {
    this.#sized.disconnect();
    this.#place.remove();
    this.#place = null;
  }

  /** Moving an element loses the focus in it. @param {Element | null} notebook @param {() => void} move */
  #move(notebook, move) {
    const { activeElement } = document;
    const focused = this.root.contains(activeElement) || this.note.contains(activeElement);
    keepReading(notebook, move);
    this.#name();
    if (focused) this.button.focus({ preventScroll: true });
    this.onMove();
  }

  // -- its size -----------------------------------------------------------------------------

  /** Whether it is below the cells, because there is no room at the side. */
  get #isBelow() {
    return this.#place.offsetLeft === 0;
  }

  /** Of a notebook, with its toolbar: the place has a share of it. */
  get #panel() {
    return this.#place.closest(".jp-NotebookPanel").getBoundingClientRect();
  }

  /** @param {PointerEvent} event */
  #drag({ pointerId, clientX, clientY }) {
    if (!this.#edge.hasPointerCapture(pointerId)) return;
    const { right, bottom, width, height } = this.#panel;
    this.#resize(100 * (this.#isBelow ? (bottom - clientY) / height : (right - clientX) / width));
  }

  /** @param {KeyboardEvent} event */
  #onKey(event) {
    const [more, less] = this.#isBelow ? ["ArrowUp", "ArrowDown"] : ["ArrowLeft", "ArrowRight"];
    const now = this.#size;
    const size = { [more]: now + EDGE_STEP, [less]: now - EDGE_STEP, Home: NARROWEST, End: BROADEST }[event.key];
    if (size === undefined) return;
    event.preventDefault();
    this.#resize(size);
  }

  /** The percent of the panel that it has. */
  get #size() {
    const { width, height } = this.#panel;
    return Math.round(100 * (this.#isBelow ? this.#place.offsetHeight / height : this.#place.offsetWidth / width));
  }

  /** @param {number | null} size in percent of the panel; null: as the style sheet has it */
  #resize(size) {
    const notebook = /** @type {HTMLElement} */ (this.#place.closest(".jp-Notebook"));
    const [name, unit] = this.#isBelow ? ["--ws-dock-height", "cqb"] : ["--ws-dock-width", "cqi"];
    const value = size === null ? "" : `${Math.min(BROADEST, Math.max(NARROWEST, size)).toFixed(2)}${unit}`;
    // On the notebook, so that it stays when the view goes into its cell and comes back.
    keepReading(notebook, () => notebook.style.setProperty(name, value));
  }

  #showSize() {
    if (!this.docked) return;
    set(this.#edge, "aria-valuenow", this.#size);
    set(this.#edge, "aria-orientation", this.#isBelow ? "horizontal" : "vertical");
  }

  #name() {
    set(this.button, "aria-pressed", String(this.docked));
    say(this.#text, this.docked ? "Undock" : "Dock");
    this.button.title = this.docked ? `Put the ${this.name} back into its cell`
      : `Keep the ${this.name} in sight, beside the notebook`;
  }
}

/** Changes the notebook's layout, and leaves the cell that is being read where it is. @param {Element | null} notebook @param {() => void} change */
function keepReading(notebook, change) {
  const scroller = notebook?.querySelector(".jp-WindowedPanel-outer");
  const top = scroller?.getBoundingClientRect().top;
  const cell = [...(scroller?.querySelectorAll(".jp-Cell") ?? [])]
    .find((one) => one.getBoundingClientRect().bottom > top + 40);
  const before = cell?.getBoundingClientRect().top;
  change();
  if (cell) scroller.scrollTop += cell.getBoundingClientRect().top - before;
}
