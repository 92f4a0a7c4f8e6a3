const SCROLL_EVERY = 250; // ms between two movements of the scroll bar under a flood

/**
 * How many rows a list's scroll bar does not know of yet.
 *
 * A list that has grown is laid out and scrolled anew. Where all that is in sight has gone by anyway,
 * that is to no purpose but the scroll bar's: a few times a second will do. `paint` is called when
 * that time has come.
 */
export class ScrollLag {
  rows = 0;
  #knewAllAt = -Infinity;
  /** @type {ReturnType<typeof setTimeout> | null} */
  #timer = null;

  /** @param {() => void} paint */
  constructor(paint) {
    this.paint = paint;
  }

  /**
   * Before painting: `fresh` rows have come, and there are `count`, of which `inSight` are seen.
   * @param {number} fresh @param {number} count @param {number} inSight @param {boolean} following the newest
   */
  grow(fresh, count, inSight, following) {
    const wait = this.#knewAllAt + SCROLL_EVERY - performance.now();
    if (following && fresh > inSight && wait > 0 && this.rows + fresh < count) {
      this.rows += fresh;
      this.#timer ??= setTimeout(() => {
        this.#timer = null;
        this.catchUp();
      }, wait);
      return;
    }
    this.rows = 0;
    this.#knewAllAt = performance.now();
    this.stop();
  }

  /** Has all rows known at once. */
  catchUp() {
    if (this.rows === 0) return;
    this.#knewAllAt = -Infinity;
    this.paint();
  }

  /** No painting that is still to come. */
  stop() {
    clearTimeout(this.#timer);
    this.#timer = null;
  }
}
