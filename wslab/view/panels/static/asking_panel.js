import { h, set } from "../../live/static/elements.js";
import { View } from "../../live/static/page.js";
import { plural } from "../../live/static/words.js";

/** @import { Attributes } from "../../live/static/elements.js" */

const utf8 = new TextEncoder();
const PATIENCE = 3_000; // ms until a reader is told that the kernel has not answered
const NO_ANSWER =
  "No answer from the kernel yet. Either a cell is running, or the kernel was restarted: then run " +
  "this panel's cell again.";

/** Half a surrogate pair in `text`, as a problem; null: there is none. @param {string} what @param {string} text */
export function loneSurrogate(what, text) {
  return text.isWellFormed() ? null
    : `${what} holds half a surrogate pair, which no UTF-8 can carry (RFC 3629 §3). Nothing was sent.`;
}

/**
 * The length of `text` in UTF-8 bytes; for more than `limit` characters only a lower bound. UTF-8 has
 * at least one byte for each UTF-16 unit, and 16 MB need not be encoded to be refused.
 * @param {string} text @param {number} limit
 */
export function bytesOf(text, limit) {
  return text.length > limit ? text.length : utf8.encode(text).length;
}

/** A list of lines, the newest at its end, or at its head. It keeps at most `kept` lines. */
export class Log {
  next = 0; // the number of the line that comes next, where the kernel numbers them

  /** @param {{ kept: number, none: string, newestFirst?: boolean } & Attributes} options */
  constructor({ kept, none, newestFirst = false, ...attributes }) {
    this.kept = kept;
    this.newestFirst = newestFirst;
    this.none = h("li", { class: "ws-none" }, none);
    this.list = h("ol", {}, this.none);
    this.element = h("div", { role: "log", tabindex: "0", ...attributes }, this.list);
  }

  /**
   * Adds lines that the kernel numbered: skips lines already shown, and reports a gap.
   * @template T @param {number} first @param {T[]} lines @param {(line: T) => void} add
   */
  take(first, lines, add) {
    if (first > this.next && this.next > 0) {
      this.add(h("li", { class: "ws-none" }, `… ${plural(first - this.next, "event")} not shown …`));
    }
    for (const [place, line] of lines.entries()) if (first + place >= this.next) add(line);
    this.next = Math.max(this.next, first + lines.length);
  }

  /** Adds a line; a reader at the end stays at the end. @param {Element} line */
  add(line) {
    const { element, list } = this;
    const atEnd = element.scrollTop + element.clientHeight >= element.scrollHeight - 8;
    this.none.remove();
    list[this.newestFirst ? "prepend" : "append"](line);
    while (list.childElementCount > this.kept) {
      list[this.newestFirst ? "lastElementChild" : "firstElementChild"].remove();
    }
    if (atEnd && !this.newestFirst) element.scrollTop = element.scrollHeight;
  }
}

/** A panel whose clicks the kernel answers, one by one. */
export class AskingPanel extends View {
  #asked = 0;
  #patience = 0;
  /** @type {Map<number, () => void>} what to do when a question was answered without a problem */
  #waiting = new Map();

  /** Asks the kernel to do something. @param {object} question @param {() => void} whenDone */
  act(question, whenDone = () => {}) {
    this.complain(null);
    const number = ++this.#asked;
    this.#waiting.set(number, whenDone);
    this.page.ask({ ...question, number: `${this.page.name}/${number}` });
    clearTimeout(this.#patience);
    this.#patience = setTimeout(() => this.complain(NO_ANSWER), PATIENCE);
  }

  /**
   * Takes the outcomes of clicks out of the kernel's news. Returns those of this page's own.
   * @param {{ done?: { number: string, problem: string | null, took: number | null }[], failed?: string }} news
   */
  hearOutcomes({ done = [], failed }) {
    clearTimeout(this.#patience);
    if (this.problem.textContent === NO_ANSWER) this.complain(null);
    const ours = done.filter(({ number }) => String(number).split("/")[0] === this.page.name);
    for (const { number, problem } of ours) {
      const place = Number(String(number).split("/")[1]);
      const whenDone = this.#waiting.get(place);
      this.#waiting.delete(place);
      if (problem) this.complain(problem);
      else whenDone?.();
    }
    if (failed) this.complain(`The panel itself failed, the connection did not: ${failed}`);
    return ours;
  }

  /** Reports an error in the content of a field, and marks the field. @param {HTMLElement} input @param {string} text */
  refuse(input, text) {
    set(input, "aria-invalid", "true");
    input.focus();
    this.complain(text);
  }

  close() {
    clearTimeout(this.#patience);
  }
}
