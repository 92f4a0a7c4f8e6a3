const SCROLL_EVERY = 250; // ms between two movements of the scroll bar under a flood

/**
 * Counts the rows that a list's scroll bar does not include yet.
 *
 * A list that has grown has to be laid out and scrolled again. If all visible rows have been replaced
 * anyway, only the scroll bar needs that, and a few times a second are enough. `paint` is called when
 * it is time.
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

  /** Makes all rows known at once. */
  catchUp() {
    if (this.rows === 0) return;
    this.#knewAllAt = -Infinity;
    this.paint();
  }

  /** Cancels the next painting. */
  stop() {
    clearTimeout(this.#timer);
    this.#timer = null;
  }
}
