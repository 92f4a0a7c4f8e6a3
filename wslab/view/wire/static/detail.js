// Shows the details of a chosen unit: its bytes, its fields, its bits, and the rules that it breaks.

import { h, say, set } from "../../live/static/elements.js";
import { grouped, plural } from "../../live/static/words.js";
import { ByteTable, reference } from "./byte_table.js";
import { Comparison } from "./comparison.js";
import { InsideView } from "./inside_view.js";
import { TakeMenu } from "./save_menu.js";

/** @import { Side } from "./aligned.js" */
/** @import { Field } from "./byte_table.js" */
/** @import { FrameActions } from "./debugger_bar.js" */
/** @import { Remark } from "./remarks.js" */

/**
 * @typedef {{ rule: string, text: string, rfc: string, url: string | null, close_code: number | null, http_status: number | null }} Violation
 * @typedef {object} Account of a unit, as the kernel gives it
 * @property {number} number of its row
 * @property {string} label of its connection: "#3 Ada"
 * @property {"client" | "server"} direction
 * @property {string} kind
 * @property {number} time in seconds
 * @property {number} offset in bytes, among those of its direction
 * @property {number} length in bytes
 * @property {number | null} opcode null: no frame
 * @property {number[] | null} key the masking key
 * @property {Field[]} fields in the order of their bits
 * @property {number} more_fields that are not told
 * @property {Violation[]} violations
 * @property {{ time: number, name: string, note: string, instead: string }[]} history
 * @property {number} most bytes that the kernel shows
 * @property {Outgoing | null} outgoing
 * @property {[offset: number, length: number][]} [found] bytes that are looked for
 * @property {string} [found_inflated] where the first of them is in its inflated content
 * @typedef {import("./debugger_bar.js").Outgoing} Outgoing
 */
import { icon, shape } from "../../live/static/shapes.js";

const UNREADABLE = /[\0-\x08\x0b\x0c\x0e-\x1f\x7f\ufffd]/;

/** One unit to its last bit: the rules it breaks, its bytes, its fields, and what each means. */
export class Detail {
  /** @type {Account | null} */
  #account = null;
  /** @type {Uint8Array | null} */
  #bytes = null;
  /** @type {Side | null} the unit that the next one is compared with */
  #base = null;

  /**
   * @param {{ id: string, legend: Element, actions: FrameActions, onClose: () => void,
   *   onMore: (bytes: number) => void, onInside: (question: { number: number, as: string | null, bytes?: number }) => void, onTake: (question: { number: number, as: string }) => void, onCompare: () => void, onEscape: () => void }} options
   */
  constructor({ id, legend, actions, onClose, onMore, onInside, onTake, onCompare, onEscape }) {
    this.actions = actions;
    this.heading = h("h3", { class: "ws-heading ws-flow", id: `${id}-heading` });
    this.facts = h("span", { class: "ws-facts ws-quiet ws-small" });
    this.history = h("ul", { class: "ws-history ws-flow ws-small", "aria-label": "what was done to it on its way" });
    this.violations = h("ul", { class: "ws-violations", "aria-label": "rules that are broken" });
    this.table = new ByteTable({
      id, name: "explanation", heading: "as sent", onMore,
      allBytes: () => `capture.index.unit(${this.#account.number}).data`,
    });
    this.inside = new InsideView({ id, ask: onInside });
    this.hint = h("div", {},
      h("p", { class: "ws-hint ws-quiet" }, "Choose an arrow, and its bytes appear here, each explained."),
      legend);
    this.wait = h("p", { class: "ws-hint ws-quiet", role: "status" });
    this.comparison = new Comparison({ id, onEnd: () => this.compare(false) });
    this.asking = h("p", { class: "ws-asking", role: "status", hidden: true },
      "Choose the other row: click it, or go there with ↑ and ↓.");
    this.compareButton = h("button", {
      type: "button", class: "ws-chip", "data-action": "compare", "aria-pressed": "false",
      title: "See this unit and another one with their fields under each other",
      onclick: () => {
        this.compare(this.#base === null);
        onCompare();
      },
    }, "Compare with …");
    this.take = new TakeMenu((as) => onTake({ number: this.#account.number, as }));
    this.filled = h(
      "div",
      { class: "ws-filled-detail" },
      h("div", { class: "ws-detail-head ws-strip" },
        h("div", { class: "ws-detail-title" }, this.heading, this.facts, this.history),
        this.take.status,
        this.take.element,
        this.compareButton,
        h("button", {
          type: "button", class: "ws-bare ws-close", "data-action": "close-detail",
          "aria-label": "close the bytes", title: "Close (Escape)", onclick: onClose,
        }, icon("away"))),
      actions.element,
      this.violations,
      this.table.element,
      this.inside.element,
    );
    this.element = h(
      "div",
      {
        class: "ws-detail", "data-wslab": "detail", role: "group", "aria-labelledby": `${id}-heading`,
        onkeydown: (event) => {
          if (event.key !== "Escape") return;
          event.preventDefault();
          event.stopPropagation();
          if (this.comparing) this.compare(false);
          onEscape();
        },
      },
      this.hint, this.wait, this.asking, this.comparison.element, this.filled,
    );
    this.clear();
  }

  dispose() {
    this.table.dispose();
    this.inside.dispose();
  }

  get number() {
    return this.#account?.number ?? null;
  }

  clear() {
    this.#account = null;
    this.compare(false);
    this.actions.show(null, false);
    this.hint.hidden = false;
    this.wait.hidden = true;
    this.filled.hidden = true;
  }

  /** The kernel has not answered for a while. @param {string} text */
  waitFor(text) {
    this.hint.hidden = true;
    this.wait.hidden = false;
    say(this.wait, text);
  }

  /** @param {Account} account @param {Uint8Array} bytes @param {string} preview of its payload */
  show(account, bytes, preview) {
    const same = this.#account?.number === account.number;
    this.#account = account;
    this.#bytes = bytes;
    this.hint.hidden = true;
    this.wait.hidden = true;
    this.table.element.hidden = bytes.length === 0 && account.kind === "remark";
    this.compareButton.hidden = this.take.element.hidden = account.kind === "remark";
    set(this.violations, "data-remark", null);
    this.#showCompared();
    this.#showHead();
    this.#showHistory();
    this.#showViolations();
    this.table.show(account, bytes, { preview, stay: same });
    this.inside.about(account);
  }

  /** @param {Remark} remark @param {string} label of its connection */
  showRemark(remark, label) {
    const { number, time, direction, says, evidence, tone, hex, length, offset, rfc, url } = remark;
    const bytes = Uint8Array.from(hex.match(/../g) ?? [], (digits) => parseInt(digits, 16));
    const text = new TextDecoder().decode(bytes);
    const field = {
      name: "these bytes", bit: 0, bits: 8 * bytes.length, value: UNREADABLE.test(text) ? null : text, rfc, url,
      meaning: bytes.length < length ? `The first ${bytes.length} of ${plural(length, "byte")}.` : `All ${plural(length, "byte")}.`,
    };
    this.compare(false);
    this.actions.show(null, false);
    this.show({
      number, label, direction, kind: "remark", time, offset, length: bytes.length, opcode: null, key: null,
      fields: [field], more_fields: 0, violations: [], history: [], most: bytes.length, outgoing: null,
    }, bytes, null);
    this.violations.hidden = false;
    set(this.violations, "data-remark", tone);
    this.violations.replaceChildren(h("li", {}, h("b", {}, says), ` ${evidence} `, reference(field)));
    this.heading.replaceChildren(shape("remark"), "remark");
    say(this.facts, `${time.toFixed(6)} s · connection ${label}` + (direction
      ? ` · ${places(offset, length)} that the ${direction} sent` : ""));
  }

  get comparing() {
    return this.#base !== null;
  }

  /** Compares this unit with the one that is chosen next, until this ends. @param {boolean} on */
  compare(on) {
    this.#base = on && this.#account ? { account: this.#account, bytes: this.#bytes } : null;
    set(this.compareButton, "aria-pressed", String(this.comparing));
    this.#showCompared();
  }

  #showCompared() {
    const two = this.#base !== null && this.#account !== null && this.#base.account.number !== this.#account.number;
    this.asking.hidden = this.#base === null || two;
    this.comparison.element.hidden = !two;
    this.filled.hidden = two || this.#account === null;
    if (two) this.comparison.show(this.#base, { account: this.#account, bytes: this.#bytes });
  }

  focus() {
    if (this.filled.hidden) this.comparison.element.focus({ preventScroll: true });
    else this.table.focus();
  }

  // -- the parts ----------------------------------------------------------------------------

  #showHead() {
    const { kind, direction, length, opcode, label, number, time, offset, found_inflated } = this.#account;
    set(this.element, "data-kind", kind);
    const other = direction === "client" ? "server" : "client";
    const what = opcode === null ? kind : `${kind} frame`;
    this.heading.replaceChildren(
      shape(kind), what,
      h("span", {}, `${direction} → ${other}, ${plural(length, "byte")}`));
    say(this.facts, `${found_inflated ? `found in its inflated content, ${found_inflated} · ` : ""}row ${number} · ${time.toFixed(6)} s · connection ${label} · ` +
      `${places(offset, length)} that the ${direction} sent`);
  }

  #showHistory() {
    const { history } = this.#account;
    this.history.hidden = history.length === 0;
    this.history.replaceChildren(...history.map(({ time, name, note, instead }) => h(
      "li", {}, h("span", { class: "ws-title" }, `${time.toFixed(3)} s `), h("b", {}, name),
      note ? ` (${note})` : "", instead ? " to " : "",
      instead ? h("code", {}, instead) : null)));
  }

  #showViolations() {
    const { violations } = this.#account;
    this.violations.hidden = violations.length === 0;
    this.violations.replaceChildren(
      ...violations.map((violation) => {
        const answer = [
          violation.close_code === null ? null : `answer: close code ${violation.close_code}`,
          violation.http_status === null ? null : `answer: HTTP status ${violation.http_status}`,
        ].filter(Boolean).join(", ");
        return h(
          "li",
          { "data-rule": violation.rule },
          h("b", {}, "⚠ broken: "), violation.text, " ", reference(violation), " ",
          h("span", { class: "ws-badge ws-answer" }, answer),
        );
      }),
    );
  }
}

/** Where bytes stand; a gap may be between two. @param {number} offset @param {number} length */
function places(offset, length) {
  return length ? `bytes ${grouped(offset)} to ${grouped(offset + length - 1)}` : `before byte ${grouped(offset)}`;
}
