// What is inside a message: the protocol that rides on top, its fields byte by byte.

import { h, say, set } from "../../live/static/elements.js";
import { icon } from "../../live/static/shapes.js";
import { plural } from "../../live/static/words.js";
import { ByteTable } from "./byte_table.js";

/** @import { Field } from "./byte_table.js" */

/**
 * @typedef {object} InsideAccount of a message, as the kernel gives it
 * @property {number} number of the row that was asked about
 * @property {string | null} as the protocol's name; null: nothing says how to read it
 * @property {string} says what the message is: "MQTT PUBLISH"
 * @property {string} why it is read as that
 * @property {boolean} open whether it is worth opening unasked
 * @property {string} text a learner's decoder's words
 * @property {string} problem
 * @property {Field[]} fields
 * @property {number} more_fields that are not told
 * @property {"text" | "binary"} kind
 * @property {number} frames of the message
 * @property {number} row of its last frame
 * @property {number} length in bytes
 * @property {number} most bytes that the kernel shows
 * @property {[name: string, title: string][]} names of what it can be read as
 * @property {number} buffer
 */

const INSIDE_PATIENCE = 400; // ms until the reader is told that the kernel has not answered yet
const DATA = ["text", "binary", "continuation"];

/** A message as the protocol inside it has it, under the bits of one of its frames. */
export class InsideView {
  /** @type {InsideAccount | null} */
  #account = null;
  #number = -1; // the row asked about
  /** @type {(() => void) | null} fills the table, which waits until somebody looks */
  #fill = null;
  /** @type {string | null} as what the reader wants it read; null: as the handshake says */
  #as = null;
  /** @type {boolean | null} whether the reader opened or closed it; null: neither */
  #wanted = null;
  #patience = 0;

  /** @param {{ id: string, ask: (question: { number: number, as: string | null, bytes?: number }) => void }} options */
  constructor({ id, ask }) {
    this.ask = ask;
    this.table = new ByteTable({
      id, name: "inside-explanation", heading: "message",
      onMore: (bytes) => this.ask({ number: this.#number, as: this.#as, bytes }),
      allBytes: () => `capture.index.message(${this.#account.row}).content`,
    });
    this.says = h("span", {});
    this.toggle = h("button", {
      type: "button", class: "ws-bare ws-inside-toggle", "data-action": "inside", "aria-expanded": "false",
      "aria-controls": `${id}-inside`, onclick: () => {
        this.#wanted = this.toggle.getAttribute("aria-expanded") === "false";
        this.#unfold();
      },
    }, icon("resume"), this.says);
    this.why = h("span", { class: "ws-quiet ws-small", role: "status" });
    this.chooser = h("select", {
      "data-action": "read-as", "aria-label": "read the message as",
      onchange: () => {
        this.#as = this.chooser.value || null;
        this.#wanted = this.chooser.value ? true : null;
        this.#ask();
      },
    });
    this.problem = h("p", { class: "ws-inside-problem", role: "alert", hidden: true });
    this.text = h("pre", { class: "ws-inside-text ws-wrap", hidden: true, dir: "auto" });
    this.body = h("div", { id: `${id}-inside`, hidden: true }, this.problem, this.text, this.table.element);
    this.element = h("div", {
      class: "ws-inside", "data-wslab": "inside", role: "group", "aria-label": "inside the message", hidden: true,
    },
    h("div", { class: "ws-inside-head ws-strip" }, this.toggle, this.why, h("span", { class: "ws-gap" }),
      h("label", { class: "ws-quiet" }, "read as ", this.chooser)),
    this.body);
  }

  dispose() {
    clearTimeout(this.#patience);
    this.table.dispose();
  }

  /** Another unit is shown: asks what is inside its message. @param {{ number: number, kind: string }} unit */
  about({ number, kind }) {
    clearTimeout(this.#patience);
    if (!DATA.includes(kind)) {
      this.#number = -1;
      this.element.hidden = true;
      return;
    }
    this.#number = number;
    this.#ask();
  }

  #ask() {
    this.ask({ number: this.#number, as: this.#as });
    clearTimeout(this.#patience);
    this.#patience = setTimeout(() => say(this.why, "asked the kernel, which is still reading it …"), INSIDE_PATIENCE);
  }

  /** @param {InsideAccount} account @param {Uint8Array} bytes of the message */
  show(account, bytes) {
    if (account.number !== this.#number) return;
    clearTimeout(this.#patience);
    const stay = this.#account?.number === account.number && this.#account.as === account.as;
    this.#account = account;
    const { as, says, why, frames, length, problem, text, kind, names, fields } = account;
    const whole = frames > 1 ? `${plural(frames, "frame")} joined, ${plural(length, "byte")}` : plural(length, "byte");
    this.says.replaceChildren("inside: ", h("b", {}, as === null ? `${whole} of ${kind}` : says));
    say(this.why, as === null ? why : `${whole} · ${why}`);
    this.#showNames(names);
    this.problem.hidden = problem === "";
    say(this.problem, `⚠ ${problem}`);
    this.text.hidden = text === "";
    say(this.text, text);
    this.table.element.hidden = fields.length === 0;
    this.toggle.disabled = as === null;
    this.element.hidden = false;
    set(this.element, "data-as", as ?? "");
    this.#fill = fields.length === 0 ? null
      : () => this.table.show({ ...account, opcode: null, key: null, violations: [] }, bytes, { stay });
    this.#unfold();
  }

  #unfold() {
    const open = this.#account.as !== null && (this.#wanted ?? this.#account.open);
    this.body.hidden = !open;
    if (open) {
      this.#fill?.();
      this.#fill = null;
    }
    set(this.toggle, "aria-expanded", String(open));
  }

  /** @param {[name: string, title: string][]} names */
  #showNames(names) {
    /** @type {[string, string][]} */
    const all = [["", "auto"], ...names];
    if (this.chooser.options.length !== all.length) {
      this.chooser.replaceChildren(...all.map(([name, title]) => h("option", { value: name }, title)));
    }
    this.chooser.value = this.#as ?? "";
  }
}
