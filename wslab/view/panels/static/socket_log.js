/**
 * @typedef {{ json: Uint8Array<ArrayBuffer>, ends: Uint32Array }} Batch of events: a JSON array in UTF-8, and where in it each ends
 * @typedef {{ time: number, name: string, text: string, size: number | null, type: string | null }} SocketEvent
 */

/** A log of events that came in batches: it drops the oldest, and decodes them when they are read. */
export class SocketLog {
  static KEPT = 100_000; // events
  static #decoder = new TextDecoder();
  dropped = 0; // events that went off the front
  length = 0; // events that are left
  /** @type {(Batch & { first: number, text: string | null })[]} */
  #batches = [];

  /** @param {Batch} batch */
  add({ json, ends }) {
    this.#batches.push({ first: this.dropped + this.length, ends, json, text: null });
    this.length += ends.length;
    while (this.length - this.#batches[0].ends.length >= SocketLog.KEPT) {
      const { ends: gone } = this.#batches.shift();
      this.length -= gone.length;
      this.dropped += gone.length;
    }
  }

  /** The event at a place, 0 being the oldest that is left. @param {number} place @returns {SocketEvent} */
  at(place) {
    const number = this.dropped + place;
    const batch = this.#batches.findLast(({ first }) => first <= number);
    batch.text ??= SocketLog.#decoder.decode(batch.json);
    const index = number - batch.first;
    const start = index ? batch.ends[index - 1] + 1 : 1; // behind the "[" or the ","
    const [time, name, text, size, type] = JSON.parse(batch.text.slice(start, batch.ends[index]));
    return { time, name, text, size, type };
  }
}
