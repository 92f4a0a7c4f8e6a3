// Holds the rows in a page: columns in typed arrays, previews as undecoded UTF-8. A hundred thousand
// rows cost a few megabytes, and no work until they are shown.

export const FROM_SERVER = 1, NOT_FINAL = 2, BROKEN = 4; // a row's flags, as in batches.py

const decoder = new TextDecoder();

export class Rows {
  count = 0;
  /** @type {Map<number, string>} row -> what a debugger did to it, in words */
  marks = new Map();
  /** @type {{ from: number, start: number, ends: Uint32Array, text: Uint8Array }[]} the previews of each batch */
  #chunks = [];
  #capacity = 0;

  constructor() {
    this.#grow(1024);
  }

  /** @param {number} capacity in rows */
  #grow(capacity) {
    const { time = [], length = [], connection = [], kind = [], flags = [] } = this;
    (this.time = new Float64Array(capacity)).set(time); // seconds
    (this.length = new Float64Array(capacity)).set(length); // bytes
    (this.connection = new Uint32Array(capacity)).set(connection);
    (this.kind = new Uint8Array(capacity)).set(kind);
    (this.flags = new Uint8Array(capacity)).set(flags);
    this.#capacity = capacity;
  }

  /**
   * Takes rows `start` to `start + rows`. True: something new; false: known; null: a gap before.
   * @param {{ start: number, rows: number }} batch @param {Uint8Array} columns as `batches.pack` puts them
   * @param {Uint8Array} previews
   */
  take({ start, rows }, columns, previews) {
    if (start > this.count) return null;
    const stop = start + rows;
    if (stop <= this.count) return false;
    while (stop > this.#capacity) this.#grow(this.#capacity * 2);

    const skip = this.count - start; // what we have already
    let at = 0;
    const column = (/** @type {number} */ bytes) => columns.slice(at, (at += rows * bytes)).buffer;
    this.time.set(new Float64Array(column(8)).subarray(skip), this.count);
    this.length.set(new Float64Array(column(8)).subarray(skip), this.count);
    const ends = new Uint32Array(column(4));
    this.connection.set(new Uint32Array(column(4)).subarray(skip), this.count);
    this.kind.set(new Uint8Array(column(1)).subarray(skip), this.count);
    this.flags.set(new Uint8Array(column(1)).subarray(skip), this.count);
    this.#chunks.push({ from: this.count, start, ends, text: previews.slice() });
    this.count = stop;
    return true;
  }

  /**
   * @typedef {[time: number, length: number, connection: number, kind: number, flags: number, preview: string]} SavedRow
   */

  /** The first rows, at most `most`, as JSON: for the notebook to keep. @param {number} most @returns {SavedRow[]} */
  saved(most) {
    const { time, length, connection, kind, flags } = this;
    return Array.from({ length: Math.min(most, this.count) }, (_, row) =>
      [time[row], length[row], connection[row], kind[row], flags[row], this.preview(row)]);
  }

  /** A store that holds what `saved` gave. @param {SavedRow[]} saved */
  static restored(saved) {
    const rows = new Rows();
    while (rows.#capacity < saved.length) rows.#grow(rows.#capacity * 2);
    const previews = saved.map((row) => new TextEncoder().encode(row[5]));
    let end = 0;
    const ends = Uint32Array.from(previews, (preview) => (end += preview.length));
    const text = new Uint8Array(end);
    for (const [row, preview] of previews.entries()) text.set(preview, ends[row] - preview.length);
    for (const [row, [time, length, connection, kind, flags]] of saved.entries()) {
      rows.time[row] = time;
      rows.length[row] = length;
      rows.connection[row] = connection;
      rows.kind[row] = kind;
      rows.flags[row] = flags;
    }
    rows.#chunks.push({ from: 0, start: 0, ends, text });
    rows.count = saved.length;
    return rows;
  }

  /** Forget everything. */
  clear() {
    this.count = 0;
    this.#chunks = [];
  }

  /** A row's preview, at most 80 characters. @param {number} row */
  preview(row) {
    const { start, ends, text } = this.#chunks[lastAtMost(this.#chunks.length, (place) => this.#chunks[place].from, row)];
    const place = row - start;
    return decoder.decode(text.subarray(place ? ends[place - 1] : 0, ends[place]));
  }
}

/**
 * The last of `count` places whose value, which grows from place to place, is at most `wanted`; 0 if none is.
 * @param {number} count @param {(place: number) => number} valueAt @param {number} wanted
 */
export function lastAtMost(count, valueAt, wanted) {
  let low = 0;
  let high = count - 1;
  while (low < high) {
    const middle = (low + high + 1) >> 1;
    if (valueAt(middle) <= wanted) low = middle;
    else high = middle - 1;
  }
  return low;
}

/** Which rows are shown, in order: all of them, or those that pass the filters. */
export class Shown {
  /** @type {Set<number>} none chosen: every kind */
  kinds = new Set();
  /** @type {"client" | "server" | null} null: both */
  direction = null;
  /** @type {number | null} null: all */
  connection = null;
  #rows;
  #seen = 0; // rows looked at
  #passed = new Uint32Array(256);
  #count = 0;

  /** @param {Rows} rows */
  constructor(rows) {
    this.#rows = rows;
  }

  /** All rows are gone. */
  clear() {
    this.#seen = 0;
    this.#count = 0;
  }

  get filtering() {
    return this.kinds.size > 0 || this.direction !== null || this.connection !== null;
  }

  get count() {
    return this.filtering ? this.#count : this.#seen;
  }

  /** The filters changed: look at every row again. */
  again() {
    const seen = this.#seen;
    this.#seen = 0;
    this.#count = 0;
    this.update(seen);
  }

  /** Take in the rows up to `stop`, or leave out those from there on. @param {number} stop */
  update(stop) {
    if (stop < this.#seen) this.#count = this.filtering ? this.place(stop) : 0;
    else if (this.filtering) {
      for (let row = this.#seen; row < stop; row++) {
        if (!this.passes(row)) continue;
        if (this.#count === this.#passed.length) {
          const passed = new Uint32Array(this.#count * 2);
          passed.set(this.#passed);
          this.#passed = passed;
        }
        this.#passed[this.#count++] = row;
      }
    }
    this.#seen = stop;
  }

  /** Whether the filters let a row pass. @param {number} row */
  passes(row) {
    const { kind, flags, connection } = this.#rows;
    if (this.kinds.size && !this.kinds.has(kind[row])) return false;
    const server = (flags[row] & FROM_SERVER) !== 0;
    if (this.direction !== null && server !== (this.direction === "server")) return false;
    return this.connection === null || connection[row] === this.connection;
  }

  /** The row at a place of the list. @param {number} place */
  row(place) {
    return this.filtering ? this.#passed[place] : place;
  }

  /** The place of the first shown row that is `row` or comes after it. @param {number} row */
  place(row) {
    if (!this.filtering) return Math.min(row, this.#seen);
    let low = 0;
    let high = this.#count;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (this.#passed[middle] < row) low = middle + 1;
      else high = middle;
    }
    return low;
  }

  /** Whether a row is shown. @param {number} row */
  has(row) {
    const place = this.place(row);
    return place < this.count && this.row(place) === row;
  }
}
