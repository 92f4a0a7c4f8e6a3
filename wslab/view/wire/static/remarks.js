// The remarks between the rows: what bytes are that make no unit, how connections ended. They are no rows, and
// a few beside many rows: where one stands is found by halving, and a row costs nothing.

/** @import { Shown } from "./rows.js" */

/**
 * What the kernel says behind a row (-1: before the first), of bytes of one direction or (null) of an ending.
 * @typedef {{ number: number, row: number, time: number, connection: number, direction: "client" | "server" | null,
 *   tone: "quiet" | "odd" | "wrong", says: string, evidence: string, rfc: string, url: string | null,
 *   offset: number, length: number, hex: string }} Remark its number, below zero, tells whose: as in remarks.py
 */

/** What stands in the list: the shown rows, and the remarks between them, each at a place of its own. */
export class Remarks {
  /** @type {Map<number, Remark>} by number, shown or not */
  all = new Map();
  /** @type {Remark[]} those that pass the filters, in the order of their rows */
  #passed = [];
  #count = 0; // those of `#passed` that are shown
  #shown;

  /** @param {Shown} shown @param {number} kind its place among the kinds, after those of units */
  constructor(shown, kind) {
    this.#shown = shown;
    this.kind = kind;
  }

  /** @param {{ all: boolean, gone: number[], fresh: Remark[] }} news `all`: those before are gone */
  take({ all, gone, fresh }) {
    if (all) this.all.clear();
    for (const number of gone) this.all.delete(number);
    for (const remark of fresh) this.all.set(remark.number, remark);
    this.again();
  }

  /** The filters have changed. */
  again() {
    const { kinds, connection, direction } = this.#shown;
    this.#passed = [...this.all.values()].filter((remark) =>
      (kinds.size === 0 || kinds.has(this.kind)) &&
      (connection === null || remark.connection === connection) &&
      (direction === null || remark.direction === null || remark.direction === direction));
    this.#passed.sort((one, other) => one.row - other.row || one.time - other.time || other.number - one.number);
    this.#count = Math.min(this.#count, this.#passed.length);
  }

  /** Leaves out what stands behind row `stop - 1`, or came later than `until`. @param {number} stop @param {number} until in seconds */
  update(stop, until = Infinity) {
    this.#count = first(this.#passed.length, (at) => this.#passed[at].row >= stop);
    while (this.#count > 0 && this.#passed[this.#count - 1].time > until) this.#count--;
  }

  /** Whether a broken row only follows from what a remark is about. @param {number} row @param {number} connection @param {string} direction */
  isConsequence(row, connection, direction) {
    return row > (this.all.get((direction === "server" ? 1 : 2) - 3 * connection)?.row ?? Infinity);
  }

  // -- places in the list: rows and remarks by number, as `Shown` has rows -------------------------

  get count() {
    return this.#shown.count + this.#count;
  }

  /** The place of a shown remark. @param {number} at among the shown ones */
  #placeAt(at) {
    return this.#shown.place(this.#passed[at].row + 1) + at;
  }

  /** The number of what stands at a place: a row's, or a remark's, below zero. @param {number} place */
  row(place) {
    const before = first(this.#count, (at) => this.#placeAt(at) >= place);
    return before < this.#count && this.#placeAt(before) === place
      ? this.#passed[before].number : this.#shown.row(place - before);
  }

  /** The place of a row or, if it is not shown, of the next one; or that of a shown remark. @param {number} number */
  place(number) {
    if (number < 0) return this.#placeAt(this.#at(number));
    return this.#shown.place(number) + first(this.#count, (at) => this.#passed[at].row >= number);
  }

  /** Whether a row or a remark is shown. @param {number} number */
  has(number) {
    return number !== null && number < 0 ? this.#at(number) >= 0 : this.#shown.has(number);
  }

  /** The place of a remark among the shown ones; -1: it is none of them. @param {number} number */
  #at(number) {
    const at = this.#passed.indexOf(this.all.get(number));
    return at < this.#count ? at : -1;
  }
}

/** The first of `count` places for which `holds`, as it does for all behind that one; else `count`. @param {number} count @param {(place: number) => boolean} holds */
function first(count, holds) {
  let low = 0;
  let high = count;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (holds(middle)) high = middle;
    else low = middle + 1;
  }
  return low;
}
