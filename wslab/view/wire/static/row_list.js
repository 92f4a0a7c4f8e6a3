// The list of arrows in the wire view: it makes an element for each visible row and places it.

import { h, say, set } from "../../live/static/elements.js";
import { plural, size } from "../../live/static/words.js";
import { BROKEN, FROM_SERVER, NOT_FINAL } from "./rows.js";
import { ScrollLag } from "../../live/static/scroll_lag.js";
import { shape } from "../../live/static/shapes.js";
import { waits } from "./debugger_bar.js";

/** @import { Remarks } from "./remarks.js" */
/** @import { Rows } from "./rows.js" */

/**
 * @typedef {HTMLElement & { parts: Record<string, HTMLElement> }} RowElement
 * @typedef {object} Hooks what the owner of a list is told
 * @property {(row: number | null) => void} onChoose another row was chosen
 * @property {(row: number) => void} onOpen Enter was pressed on a row
 * @property {() => void} onEscape
 * @property {() => void} onScroll
 * @property {(key: string) => boolean} onOtherKey a key that the list does not use; returns whether the owner used it
 */

const SPARE = 3; // rows kept above and below what is visible, for a reader who scrolls
const TALLEST = 8_000_000; // pixels; beyond 16 to 33 million browsers draw wrongly
const FEW = 6; // up to so many new rows at once move in one by one
const END = 26; // characters at the end of JSON that stay in sight: its beginning is the same in all
const STILL = 4; // pixels that a hand moves while it clicks

/** The list of arrows, and of remarks between them. Only the visible ones exist as elements, however many rows there are. */
export class RowList {
  /** @type {number | null} a row's number, or a remark's, which is below zero */
  chosen = null;
  /** @type {(row: number) => boolean} whether it is looked for */
  isHit = () => false;
  following = true; // the newest stays visible, until the reader scrolls up
  /** @type {Map<number, RowElement>} */
  #elements = new Map();
  #rowHeight = 0;
  #viewport = 0; // pixels
  #painted = 0; // rows there were when last painted, and
  #paintedShown = 0; // how many of them passed the filters
  #lag = new ScrollLag(() => this.paint());
  #scrolledTo = 0; // kept here, because asking the page while painting makes it lay out twice
  /** @type {{ event: MouseEvent, row: number | null } | null} where the pointer went down, and on which row */
  #pressed = null;

  /** @param {{ rows: Rows, shown: Remarks, kinds: string[], labels: Map<number, string>, id: string } & Hooks} options */
  constructor({ rows, shown, kinds, labels, id, ...hooks }) {
    this.rows = rows;
    this.shown = shown;
    this.kinds = kinds;
    this.labels = labels;
    this.id = id;
    this.hooks = hooks;
    this.probe = h("div", { class: "ws-row ws-probe", "aria-hidden": "true" }, "0");
    // Two boxes: one is as high as all rows together, the other holds the rows that exist. If the rows
    // were in the first box, each new row would make the page lay out all of them again.
    this.space = h("div", { class: "ws-space", role: "presentation" });
    this.arrows = h("div", { class: "ws-arrows", role: "presentation" });
    this.element = h(
      "div",
      {
        class: "ws-rows", role: "listbox", tabindex: "0", "aria-label": "what crossed, oldest first",
        onscroll: () => this.#onScroll(),
        onpointerdown: (event) => { this.#pressed = { event, row: rowOf(event) }; },
        onclick: (event) => this.#onClick(event),
        onkeydown: (event) => this.#onKey(event),
      },
      this.probe,
      this.space,
      this.arrows,
    );
    // Also fires when JupyterLab puts a cell that was scrolled away back into the page, which
    // forgets how far a box was scrolled.
    this.resized = new ResizeObserver(() => {
      const seen = !this.following && this.shown.has(this.chosen) && this.#sees(this.shown.place(this.chosen));
      this.#rowHeight = this.probe.getBoundingClientRect().height;
      this.#viewport = this.element.clientHeight;
      if (this.#viewport === 0) return;
      if (seen) this.#bring(this.shown.place(this.chosen)); // the frame that opens below makes the list smaller
      if (this.following) this.#scrolledTo = -1; // no place: so that painting scrolls, wherever it was
      else if (this.element.scrollTop === 0) this.element.scrollTop = this.#scrolledTo;
      this.paint();
    });
    this.resized.observe(this.element);
    this.resized.observe(this.probe);
  }

  /** Draws every row again, because the rows have changed. */
  forget() {
    for (const element of this.#elements.values()) element.remove();
    this.#elements.clear();
    this.#painted = this.#paintedShown = this.#lag.rows = 0;
    this.chosen = null;
    this.following = true;
  }

  dispose() {
    this.resized.disconnect();
    this.#lag.stop();
  }

  // -- where things are ---------------------------------------------------------------------

  get #height() {
    return (this.shown.count - this.#lag.rows) * this.#rowHeight;
  }

  /** How far down we are, in pixels of a list without a limit to its height. */
  get #top() {
    if (this.#height <= TALLEST) return this.#scrolledTo;
    return (this.#scrolledTo / (TALLEST - this.#viewport)) * (this.#height - this.#viewport);
  }

  /** The first row that is in sight. */
  get firstInSight() {
    return Math.max(0, this.shown.row(Math.min(Math.ceil(this.#top / this.#rowHeight) || 0, this.shown.count - 1)) ?? 0);
  }

  get seesNewest() {
    return this.#top + this.#viewport >= this.#height - this.#rowHeight / 2;
  }

  /** @param {number} top in pixels of a list without a limit to its height */
  #scrollTo(top) {
    const height = this.#height;
    const shown = Math.min(height, TALLEST);
    const scaled = height <= TALLEST
      ? top : (top / (height - this.#viewport)) * (TALLEST - this.#viewport);
    const to = Math.round(Math.max(0, Math.min(scaled, shown - this.#viewport)));
    if (to === this.#scrolledTo) return;
    this.#scrolledTo = to;
    this.element.scrollTop = to;
  }

  /** @param {number} place */
  #sees(place) {
    const y = place * this.#rowHeight;
    return y >= this.#top && y < this.#top + this.#viewport;
  }

  /** Scrolls as far as it takes to see a place. @param {number} place */
  #bring(place) {
    const y = place * this.#rowHeight;
    const bottom = y + this.#rowHeight;
    if (y < this.#top) this.#scrollTo(y);
    else if (bottom > this.#top + this.#viewport) this.#scrollTo(bottom - this.#viewport);
  }

  toNewest() {
    this.following = true;
    this.paint();
    this.hooks.onScroll();
  }

  /** Does what puts more or less between the rows: what is in sight stays where it is. @param {() => void} change */
  steadily(change) {
    const place = Math.floor(this.#top / this.#rowHeight);
    const [seen, into] = [this.shown.row(place), this.#top - place * this.#rowHeight];
    change();
    this.paint();
    this.relabel();
    if (this.following || this.#viewport === 0 || !this.shown.has(seen)) return;
    this.#scrollTo(this.shown.place(seen) * this.#rowHeight + into);
    this.paint();
  }

  // -- painting -----------------------------------------------------------------------------

  /** Draws what is visible now. Cheap when little has changed. */
  paint() {
    const { shown, rows } = this;
    const height = this.#rowHeight;
    const viewport = this.#viewport;
    if (viewport === 0 || height === 0) return;
    this.#lag.grow(shown.count - this.#paintedShown, shown.count, viewport / height, this.following);
    const behind = this.#lag.rows;
    // First the space and the scrolling: at this moment they are all there is to lay out.
    const pixels = `${Math.min(this.#height, TALLEST)}px`;
    if (this.space.style.height !== pixels) this.space.style.height = pixels;
    if (this.following) this.#scrollTo(this.#height - viewport);
    else this.#scrolledTo = Math.min(this.#scrolledTo, Math.max(0, parseFloat(pixels) - viewport));

    const top = this.#top;
    const spare = this.following ? 0 : SPARE;
    const first = Math.max(0, Math.floor(top / height) - spare);
    const last = Math.min(shown.count - behind, Math.ceil((top + viewport) / height) + spare);
    const wanted = Array.from({ length: last - first }, (_, place) => shown.row(first + place + behind));
    const free = this.#freeOf(new Set(wanted));
    const moving = this.following && rows.count - this.#painted <= FEW;
    // All arrows move together, and none moves among the others: nothing to lay out, little to paint.
    const y = `translateY(${first * height + this.#scrolledTo - top}px)`;
    if (this.arrows.style.transform !== y) this.arrows.style.transform = y;
    // The elements are in order, for readers of the DOM. Moving an element costs much more than
    // changing its text, so a missing row takes over the free element that is already in its place.
    let next = /** @type {RowElement | null} */ (this.arrows.firstElementChild);
    for (const [place, row] of wanted.entries()) {
      let element = this.#elements.get(row);
      if (element) while (next !== element && free.has(next)) next = /** @type {RowElement | null} */ (next.nextElementSibling);
      else {
        element = free.has(next) ? next : (free.values().next().value ?? this.#newElement());
        free.delete(element);
        this.#fill(element, row);
        element.classList.toggle("ws-new", moving && row >= this.#painted);
        this.#elements.set(row, element);
      }
      if (element === next) next = /** @type {RowElement | null} */ (next.nextElementSibling);
      else this.arrows.insertBefore(element, next);
      const down = `translateY(${place * height}px)`;
      if (element.style.transform !== down) element.style.transform = down;
      set(element, "aria-posinset", first + place + behind + 1);
      set(element, "aria-setsize", shown.count);
      set(element, "aria-selected", row === this.chosen ? "true" : "false");
    }
    for (const element of free) element.remove();
    this.#painted = rows.count;
    this.#paintedShown = shown.count;
    set(this.element, "aria-activedescendant",
      this.#elements.has(this.chosen) ? `${this.id}-row-${this.chosen}` : null);
  }

  /** Forgets the rows that are wanted no more; their elements, in the page's order. @param {Set<number>} wanted */
  #freeOf(wanted) {
    /** @type {Set<RowElement>} */
    const free = new Set();
    for (const element of /** @type {Iterable<RowElement>} */ (this.arrows.children)) {
      const row = numberOf(element);
      if (wanted.has(row)) continue;
      this.#elements.delete(row);
      free.add(element);
    }
    return free;
  }

  /** What is known of these rows has changed. @param {number[]} changed */
  again(changed) {
    for (const row of changed) {
      const element = this.#elements.get(row);
      if (element) this.#fill(element, row);
    }
  }

  /** Connections have been given other names. */
  relabel() {
    this.again([...this.#elements.keys()]);
  }

  #newElement() {
    const part = (name) => h("span", { class: `ws-${name}` });
    const parts = {
      connection: part("connection"), number: part("number"), name: part("whose ws-clip"),
      time: part("time"), label: part("label"),
      start: part("start ws-clip"), end: part("end"), kind: part("kind"), word: part("word"), follows: part("follows"),
      length: part("length ws-quiet ws-numbers"), mark: part("mark"),
      done: part("badge ws-done"), broken: part("badge ws-broken"),
    };
    parts.label.dir = "auto";
    parts.label.append(parts.start, parts.end);
    parts.kind.append(parts.word, parts.follows);
    parts.connection.append(parts.number, parts.name);
    const element = h("div", { class: "ws-row ws-item", role: "option" },
      h("span", { class: "ws-when ws-quiet" }, parts.connection, parts.time),
      h("span", { class: "ws-lane" },
        part("stub"), parts.label, part("line"),
        h("span", { class: "ws-what" }, parts.done, parts.broken, parts.kind, parts.length),
        parts.mark, part("tip")));
    return Object.assign(element, { parts });
  }

  /** @param {RowElement} element @param {number} row or remark */
  #fill(element, row) {
    const { rows } = this;
    const { parts } = element;
    const remark = this.shown.all.get(row);
    element.classList.remove("ws-found");
    element.id = `${this.id}-row-${row}`;
    set(element, "data-wslab-row", remark ? null : row);
    set(element, "data-wslab-remark", remark ? row : null);
    set(element, "data-remark", remark?.tone);
    const hit = !remark && this.isHit(row);
    set(element, "data-hit", hit ? "true" : null);
    set(element, "title", remark ? `${remark.says} ${remark.evidence}` : null);
    if (remark) {
      const { connection: whose, time, says, evidence, tone } = remark;
      for (const part of [parts.done, parts.broken, parts.end]) say(part, "");
      for (const name of ["kind", "direction", "broken", "mark", "waiting", "dropped"]) set(element, `data-${name}`, null);
      say(parts.time, time.toFixed(3));
      say(parts.start, says);
      set(element, "aria-label", `remark, ${time.toFixed(3)} seconds, connection ${this.#sayConnection(parts, whose)}: ` +
        `${tone === "quiet" ? "" : "⚠ "}${says} ${evidence}`);
      return;
    }
    const flags = rows.flags[row];
    const kind = this.kinds[rows.kind[row]];
    const direction = flags & FROM_SERVER ? "server" : "client";
    const other = flags & FROM_SERVER ? "client" : "server";
    const preview = rows.preview(row);
    const more = flags & NOT_FINAL ? ", more" : "";
    const follows = more && " follows";
    if (element.dataset.kind !== kind) parts.mark.replaceChildren(shape(kind));
    set(element, "data-kind", kind);
    set(element, "data-direction", direction);
    const consequence = flags & BROKEN && this.shown.isConsequence(row, rows.connection[row], direction);
    set(element, "data-broken", !(flags & BROKEN) ? null : consequence ? "consequence" : "true");
    const connection = this.#sayConnection(parts, rows.connection[row]);
    say(parts.time, rows.time[row].toFixed(3));
    const split = preview.startsWith('"{') && preview.length > END ? preview.length - END : preview.length;
    say(parts.start, preview.slice(0, split));
    say(parts.end, preview.slice(split));
    say(parts.word, kind + more);
    say(parts.follows, follows);
    set(element, "data-more", more ? "true" : null);
    say(parts.length, size(rows.length[row]));
    say(parts.broken, consequence ? "a consequence" : flags & BROKEN ? "⚠ broken" : "");
    const mark = rows.marks.get(row) ?? "";
    say(parts.done, mark);
    set(element, "data-mark", mark || null);
    set(element, "data-waiting", waits(mark) ? "true" : null);
    set(element, "data-dropped", mark.includes("dropped") ? "true" : null);
    set(element, "aria-label", `${rows.time[row].toFixed(3)} seconds, connection ` +
      `${connection}, ${direction} to ${other}, ` +
      `${kind}${more}${follows}: ${preview}, ${plural(rows.length[row], "byte")}` +
      `${consequence ? ", a consequence of the remark above" : flags & BROKEN ? ", breaks a rule" : ""}${mark && `, ${mark}`}${hit ? ", found" : ""}`);
  }

  /** @param {RowElement["parts"]} parts @param {number} connection */
  #sayConnection(parts, connection) {
    const label = this.labels.get(connection) ?? `#${connection}`;
    const [number] = label.split(" ", 1);
    say(parts.number, number);
    say(parts.name, label.slice(number.length));
    set(parts.connection, "title", label);
    return label;
  }

  // -- choosing -----------------------------------------------------------------------------

  /** Makes `row` the chosen one (null: none) and brings it into sight. @param {number | null} row */
  choose(row) {
    this.#lag.catchUp();
    this.chosen = row;
    if (row !== null) {
      const place = this.shown.place(row);
      this.#bring(place);
      this.following = place >= this.shown.count - 1;
    }
    this.paint();
    this.hooks.onScroll();
    this.hooks.onChoose(row);
  }

  /** Draws the eye to a row that is in sight. @param {number} row */
  flash(row) {
    const element = this.#elements.get(row);
    element?.classList.add("ws-found");
    element?.addEventListener("animationend", () => element.classList.remove("ws-found"), { once: true });
  }

  /** Keeps the chosen row in sight after the filters changed, if it passes them. */
  keep() {
    this.#lag.catchUp();
    if (!this.shown.has(this.chosen)) return;
    this.following = false;
    this.#scrollTo(this.shown.place(this.chosen) * this.#rowHeight - this.#viewport / 2);
    this.paint();
    this.hooks.onScroll();
  }

  /** @param {number} places */
  #step(places) {
    const { shown } = this;
    if (shown.count === 0) return;
    this.#lag.catchUp();
    const present = this.chosen === null ? null : shown.place(this.chosen);
    const bottom = Math.floor((this.#top + this.#viewport) / this.#rowHeight) - 1;
    // Nothing chosen yet: begin with the newest that is in sight.
    const place = present !== null || !Number.isFinite(places)
      ? (present ?? 0) + places : Math.min(bottom, shown.count - 1);
    this.choose(shown.row(Math.max(0, Math.min(shown.count - 1, place))));
  }

  /** @param {KeyboardEvent} event */
  #onKey(event) {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    const page = Math.max(1, Math.floor(this.#viewport / this.#rowHeight) - 1);
    switch (event.key) {
      case "ArrowDown": this.#step(1); break;
      case "ArrowUp": this.#step(-1); break;
      case "PageDown": this.#step(page); break;
      case "PageUp": this.#step(-page); break;
      case "Home": this.#step(-Infinity); break;
      case "End": this.#step(Infinity); break;
      case "Enter":
      case " ":
        if (this.chosen === null) this.#step(0);
        if (this.chosen !== null) this.hooks.onOpen(this.chosen);
        break;
      case "Escape": this.hooks.onEscape(); break;
      default: if (!this.hooks.onOtherKey(event.key)) return;
    }
    event.preventDefault();
    event.stopPropagation();
  }

  /** @param {MouseEvent} event */
  #onClick(event) {
    const pressed = this.#pressed;
    this.#pressed = null;
    // The row that was aimed at counts: the list may have moved while the button was down.
    const still = pressed !== null &&
      Math.hypot(event.clientX - pressed.event.clientX, event.clientY - pressed.event.clientY) < STILL;
    const row = still ? pressed.row : rowOf(event);
    if (row !== null) this.choose(row);
  }

  #onScroll() {
    const { scrollTop, clientHeight, scrollHeight } = this.element;
    // Our own scrolling is known; a list that was taken out of the page has no height.
    if (clientHeight === 0 || Math.abs(scrollTop - this.#scrolledTo) < 1) return;
    this.#scrolledTo = scrollTop;
    this.following = scrollTop + clientHeight >= scrollHeight - this.#rowHeight / 2;
    this.paint();
    this.hooks.onScroll();
  }
}

/** @param {MouseEvent} event */
function rowOf({ target }) {
  const element = target instanceof Element && /** @type {HTMLElement | null} */ (target.closest(".ws-item"));
  return element ? numberOf(element) : null;
}

/** Of the row or the remark that it shows. @param {HTMLElement} element */
function numberOf({ dataset }) {
  return Number(dataset.wslabRow ?? dataset.wslabRemark);
}
