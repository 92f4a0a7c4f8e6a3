// Looks for rows by what they are and what they say: the kernel searches, and goes on as rows come.

import { h, say, set } from "../../live/static/elements.js";
import { icon } from "../../live/static/shapes.js";
import { grouped } from "../../live/static/words.js";
import { lastAtMost } from "./rows.js";

/** @typedef {{ what: string, start: number, looked: number, problem: string }} Hits rows that were found: from the `start`th on */

/**
 * @typedef {object} Owner of the bar
 * @property {(what: string) => void} ask the kernel for what is looked for
 * @property {(row: number) => void} onGo to a row that was found
 * @property {() => void} onChange other rows are found
 * @property {() => void} onClose
 * @property {() => number | null} chosen the row
 * @property {() => number} first the row from which on to look where none is chosen
 * @property {(row: number) => boolean} isShown whether a row passes the filters
 */

const TYPING = 150; // ms without a key until the kernel is asked
const HELP = [
  ["Hello world", "this text, unmasked, inflated and joined; letters of either case"],
  ["re:id=\\d+", "a regular expression; its letters have their case"],
  ["hex:81 05", "bytes, as they crossed or in the content"],
  ["opcode=ping", "a field: also kind, from, connection, fin, mask, rsv1, length, close_code, reason, status, rule, broken=1"],
  ["Origin=null", "a header of a request or response"],
  ["Hello from=client", "all of them; in quotes what is no term: \"a=b\""],
];

/** The bar with what is looked for, how often it was found, and the way to the next. */
export class FindBar {
  /** @type {number[]} rows, in order */
  hits = [];
  #what = "";
  #taken = 0; // how many of the kernel's have come
  #looked = 0; // rows
  #problem = "";
  /** @type {number | null} the row from which on the first hit is shown, once it comes */
  #from = null;
  #said = true; // the count, to those who cannot see it
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  #typing;

  /** @param {{ id: string } & Owner} options */
  constructor({ id, ...owner }) {
    this.owner = owner;
    this.button = h("button", {
      type: "button", "data-action": "find", "aria-expanded": "false", "aria-controls": `${id}-find`,
      "aria-label": "find", title: "Find rows: text, re:…, hex:…, opcode=ping (/ or Ctrl+F)",
      onclick: () => (this.element.hidden ? this.open() : this.close()),
    }, icon("find"));
    this.input = h("input", {
      type: "text", "data-input": "find", "aria-label": "find", placeholder: "text, re:…, hex:81 05, opcode=ping",
      spellcheck: "false", autocomplete: "off", "aria-describedby": `${id}-found`,
      oninput: () => {
        clearTimeout(this.#typing);
        this.#typing = setTimeout(() => this.#search(), TYPING);
      },
      onkeydown: (event) => {
        if (event.key !== "Enter") return;
        event.preventDefault();
        if (this.input.value.trim() === this.#what) this.step(event.shiftKey ? -1 : 1);
        else this.#search();
      },
    });
    this.count = h("span", { class: "ws-find-count ws-numbers", id: `${id}-found`, "data-wslab": "found" });
    this.status = h("span", { class: "ws-unseen", role: "status" }); // not each time that live traffic adds a hit
    const way = (/** @type {1 | -1} */ step, sign, name, key) => h("button", {
      type: "button", class: "ws-bare", "data-action": `${name}-hit`, "aria-label": `${name} hit`, title: `To the ${name} one (${key})`,
      onclick: () => this.step(step),
    }, icon(sign));
    this.help = h("details", {
      class: "ws-menu",
      onfocusout: ({ relatedTarget }) => {
        if (relatedTarget instanceof Node && !this.help.contains(relatedTarget)) this.help.open = false;
      },
    },
    h("summary", { "aria-label": "what can be looked for", title: "What can be looked for" }, "?"),
    h("dl", { class: "ws-menu-list ws-find-help" }, ...HELP.flatMap(([what, says]) => [h("dt", {}, h("code", {}, what)), h("dd", { class: "ws-quiet" }, says)])));
    this.element = h("div", {
      class: "ws-find ws-strip ws-flow", id: `${id}-find`, role: "search", hidden: true,
      onkeydown: (event) => {
        if (event.key !== "Escape") return;
        event.preventDefault();
        event.stopPropagation();
        if (this.help.open) this.help.open = false;
        else {
          this.close();
          owner.onClose();
        }
      },
    },
    this.input,
    h("span", { class: "ws-find-ways" }, way(-1, "up", "previous", "Shift+Enter"), way(1, "down", "next", "Enter")),
    this.help, this.count, this.status);
  }

  open() {
    this.element.hidden = false;
    set(this.button, "aria-expanded", "true");
    this.input.focus({ preventScroll: true });
    this.input.select();
    this.#search();
  }

  close() {
    this.element.hidden = true;
    set(this.button, "aria-expanded", "false");
    this.#begin("");
  }

  #search() {
    clearTimeout(this.#typing);
    const what = this.input.value.trim();
    if (what !== this.#what) this.#begin(what);
  }

  /** @param {string} what */
  #begin(what) {
    this.#what = what;
    this.#from = this.owner.chosen() ?? this.owner.first();
    this.#ask();
  }

  /** Nothing is found yet. */
  #ask() {
    this.hits = [];
    this.#taken = this.#looked = 0;
    this.#problem = "";
    this.#said = false;
    this.owner.ask(this.#what); // before the open unit is asked for again, with its marks
    this.owner.onChange();
  }

  /** @param {Hits} news @param {Uint32Array} rows @param {number} total rows that there are */
  take({ what, start, looked, problem }, rows, total) {
    if (what !== this.#what) return;
    if (start !== this.#taken) { // a message was lost
      this.#ask();
      return;
    }
    const { hits } = this;
    let sorted = true;
    for (const row of rows) {
      if (hits.length && row < hits[hits.length - 1]) sorted = false;
      hits.push(row);
    }
    if (!sorted) hits.sort((one, other) => one - other);
    this.#taken += rows.length;
    this.#looked = looked;
    this.#problem = problem;
    if (rows.length) this.owner.onChange();
    if (this.#from !== null && (hits.length && hits[hits.length - 1] >= this.#from || looked >= total)) {
      const from = this.#from;
      this.#from = null;
      this.#go(this.#place(from - 1) + 1, 1);
    }
  }

  /** The place of the last hit up to a row; -1: there is none. @param {number} row */
  #place(row) {
    const { hits } = this;
    return hits.length === 0 || hits[0] > row ? -1 : lastAtMost(hits.length, (place) => hits[place], row);
  }

  /** @param {number} row */
  has(row) {
    return this.hits[this.#place(row)] === row;
  }

  /** To the next hit, or to the previous one. @param {1 | -1} step */
  step(step) {
    const row = this.owner.chosen() ?? this.owner.first() - 1;
    const place = this.#place(row);
    this.#go(step > 0 ? place + 1 : place - Number(this.hits[place] === row), step);
  }

  /** To the first hit from a place on that can be seen; behind the last one comes the first. @param {number} place @param {1 | -1} step */
  #go(place, step) {
    this.#said = false;
    const { length } = this.hits;
    for (let tried = 0; tried < length; tried++) {
      const row = this.hits[(place + step * tried + length) % length];
      if (!this.owner.isShown(row)) continue;
      this.owner.onGo(row);
      return;
    }
  }

  /** Says how many there are. @param {number} total rows @param {string} hides what may hide some of them */
  show(total, hides) {
    if (this.element.hidden) return;
    const { hits } = this;
    const place = this.#place(this.owner.chosen() ?? -1);
    const at = hits[place] === this.owner.chosen() ? `${grouped(place + 1)} of ${grouped(hits.length)}` : `${grouped(hits.length)} found`;
    const hidden = hides ? hits.reduce((sum, row) => sum + Number(!this.owner.isShown(row)), 0) : 0;
    const searching = this.#looked < total && total - this.#looked > total / 50 ? ` · looked at ${Math.floor((this.#looked / total) * 100)} %` : "";
    say(this.count, this.#what === "" ? "" : this.#problem ? `⚠ ${this.#problem}`
      : `${hits.length || searching ? at : "nothing found"}${hidden ? ` · ${grouped(hidden)} hidden by the ${hides}` : ""}${searching}`);
    if (this.#from === null && !searching) {
      if (!this.#said) say(this.status, this.count.textContent);
      this.#said = true;
    }
    set(this.element, "data-problem", this.#problem ? "true" : null);
    set(this.element, "data-hits", hits.length);
  }
}
