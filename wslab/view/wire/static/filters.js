import { h, say, set } from "../../live/static/elements.js";
import { icon, shape } from "../../live/static/shapes.js";
import { grouped } from "../../live/static/words.js";

/** @import { Rows, Shown } from "./rows.js" */

/** @type {["client" | "server" | null, string][]} */
const WAYS = [[null, "both directions"], ["client", "client → server"], ["server", "server → client"]];

/** The chips that choose kinds and direction, and how many rows there are of each kind. */
export class Filters {
  #word = h("span", {}, "Show: all");
  #counted = 0; // rows in `#counts`

  /** @param {{ id: string, kinds: string[], shown: Shown, onChange: () => void, onOpen: () => void }} options */
  constructor({ id, kinds, shown, onChange, onOpen }) {
    this.kinds = kinds;
    this.shown = shown;
    this.onChange = onChange;
    this.counts = new Uint32Array(kinds.length);
    this.button = h("button", {
      type: "button", "data-action": "filter", "aria-expanded": "false", "aria-controls": `${id}-filters`,
      title: "Choose kinds and direction",
      onclick: () => {
        this.element.hidden = !this.element.hidden;
        set(this.button, "aria-expanded", String(!this.element.hidden));
        onOpen(); // the counts go on, but are written only while they can be seen
      },
    }, icon("filter"), this.#word);
    this.chips = kinds.map((kind, place) => {
      const number = h("span", { class: "ws-chip-count ws-quiet ws-numbers" }, "0");
      const chip = this.#chip({ "data-filter-kind": kind },
        () => shown.kinds.delete(place) || shown.kinds.add(place), shape(kind), kind, number);
      return { chip, number };
    });
    this.ways = WAYS.map(([direction, text]) => ({
      direction,
      chip: this.#chip({ "data-filter-direction": direction ?? "both" }, () => { shown.direction = direction; }, text),
    }));
    const all = this.#chip({ "data-action": "show-all" }, () => this.reset(), "Show everything");
    all.classList.add("ws-bare", "ws-clear");
    set(all, "aria-pressed", null);
    this.element = h("div", { class: "ws-filters ws-strip ws-flow", id: `${id}-filters`, hidden: true },
      h("div", { class: "ws-flow", role: "group", "aria-label": "show only these kinds" },
        h("span", { class: "ws-title" }, "show only"), ...this.chips.map(({ chip }) => chip)),
      h("div", { class: "ws-flow", role: "group", "aria-label": "direction" },
        ...this.ways.map(({ chip }) => chip), all));
    this.show();
  }

  /** @param {object} attributes @param {() => void} change @param {(Element | string)[]} content */
  #chip(attributes, change, ...content) {
    return h("button", {
      type: "button", class: "ws-chip", "aria-pressed": "false",
      onclick: () => {
        change();
        this.onChange();
      },
      ...attributes,
    }, ...content);
  }

  /** Lets everything pass. */
  reset() {
    this.shown.kinds.clear();
    this.shown.direction = null;
  }

  /** Makes the chips show the filters. */
  show() {
    const { shown, kinds } = this;
    for (const [place, { chip }] of this.chips.entries()) set(chip, "aria-pressed", String(shown.kinds.has(place)));
    for (const { direction, chip } of this.ways) set(chip, "aria-pressed", String(shown.direction === direction));
    const words = [...shown.kinds].sort((a, b) => a - b).map((place) => kinds[place]);
    if (shown.direction) words.push(`from the ${shown.direction}`);
    say(this.#word, `Show: ${words.length === 0 ? "all" : words.length < 4 ? words.join(", ") : `${words.length} filters`}`);
    this.button.classList.toggle("ws-active", words.length > 0);
  }

  /** All rows are gone. */
  clear() {
    this.counts.fill(0);
    this.#counted = 0;
  }

  /** Counts the new rows, and the remarks, which are the last of the kinds. @param {Rows} rows @param {number} remarks */
  count(rows, remarks) {
    this.counts[this.kinds.length - 1] = remarks;
    for (; this.#counted < rows.count; this.#counted++) this.counts[rows.kind[this.#counted]]++;
    if (this.element.hidden) return;
    for (const [place, { chip, number }] of this.chips.entries()) {
      say(number, grouped(this.counts[place]));
      // Where HTTP streams nothing, nobody needs to wonder what a chunk is; the same for TLS and SOCKS.
      chip.hidden = ["chunk", "tls", "socks", "gap", "remark"].includes(this.kinds[place]) && !this.counts[place];
    }
  }
}
