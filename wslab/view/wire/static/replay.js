// The control that moves through a recording: back to any of its rows, and live again.

import { h, say, set } from "../../live/static/elements.js";
import { grouped } from "../../live/static/words.js";

const EVERY = 50; // ms between two moves that the kernel is told

/** A slider over the rows of a recording, and a button back to what is live. */
export class Replay {
  /** @type {number | null} how many rows are shown; null: live */
  rows = null;
  #count = 0;
  /** @type {(row: number) => number | undefined} */
  #timeOf = () => undefined;
  #toldAt = -Infinity;
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  #telling;

  /**
   * @param {{ id: string, onMove: (rows: number | null) => void, tell: (rows: number | null) => void }} options
   *   `onMove` is called at each move of the reader's, `tell` at most 20 times a second
   */
  constructor({ id, onMove, tell }) {
    this.onMove = onMove;
    this.tell = tell;
    this.slider = h("input", {
      type: "range", id: `${id}-replay`, min: 0, max: 0, step: 1, value: 0, "data-input": "replay",
      oninput: () => this.#move(Number(this.slider.value)),
    });
    this.moment = h("span", { class: "ws-moment ws-quiet ws-numbers", "aria-hidden": "true" });
    this.live = h("button", {
      type: "button", class: "ws-chip", "data-action": "live", "aria-pressed": "true",
      title: "Show what crosses now", onclick: () => this.#move(this.#count),
    }, "live");
    this.element = h("div", { class: "ws-replay", "data-wslab": "replay", role: "group", "aria-label": "replay" },
      h("label", { for: `${id}-replay`, class: "ws-title" }, "replay"), this.slider, this.moment, this.live);
  }

  dispose() {
    clearTimeout(this.#telling);
  }

  /**
   * Shows where in the recording we are.
   * @param {number} count of all rows @param {number | null} rows that are shown, null: live
   * @param {(row: number) => number | undefined} timeOf a row, in seconds
   */
  show(count, rows, timeOf) {
    this.#count = count;
    this.#timeOf = timeOf;
    this.rows = rows === null ? null : Math.min(rows, count);
    this.#paint();
  }

  /** @param {number} rows */
  #move(rows) {
    this.rows = rows >= this.#count ? null : rows; // at the end it is live again
    this.#paint();
    this.onMove(this.rows);
    this.#tellSoon();
  }

  #tellSoon() {
    clearTimeout(this.#telling);
    const wait = this.#toldAt + EVERY - performance.now();
    if (wait > 0) {
      this.#telling = setTimeout(() => this.#tellSoon(), wait);
      return;
    }
    this.#toldAt = performance.now();
    this.tell(this.rows);
  }

  #paint() {
    const { slider, rows } = this;
    const count = this.#count;
    slider.max = String(count); // before the value, which it limits
    if (slider.value !== String(rows ?? count)) slider.value = String(rows ?? count);
    slider.disabled = count === 0;
    const time = rows ? this.#timeOf(rows - 1) : undefined;
    const at = rows === 0 ? "before the first row" : time === undefined ? "" : `${time.toFixed(3)} s`;
    set(slider, "aria-valuetext", rows === null ? `live, ${grouped(count)} rows` : `${grouped(rows)} of ${grouped(count)} rows, ${at}`);
    say(this.moment, rows === null ? "" : `${grouped(rows)} of ${grouped(count)} · ${rows === 0 ? "start" : at}`);
    // As wide as its longest text: the slider must not change its length under the hand that drags it.
    this.moment.style.minWidth = `${2 * grouped(count).length + 17}ch`;
    set(this.live, "aria-pressed", String(rows === null));
    set(this.element, "data-rows", rows);
  }
}
