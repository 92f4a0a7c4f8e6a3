// The bytes of a unit or of a message, its fields, and what the lit one means.

import { h, link, say, set } from "../../live/static/elements.js";
import { grouped, hexOf, plural } from "../../live/static/words.js";
import { lastAtMost } from "./rows.js";

/**
 * @typedef {{ name: string, bit: number, bits: number, value: string | null, meaning: string, rfc: string, url: string | null }} Field
 * @typedef {{ byte: number, field: number, partner?: number }} Spot
 * @typedef {object} Shown what the table needs to know
 * @property {number} length in bytes
 * @property {number} most bytes that the kernel shows
 * @property {string} kind
 * @property {number | null} opcode null: no frame
 * @property {number[] | null} key the masking key
 * @property {Field[]} fields in the order of their bits
 * @property {number} more_fields that are not told
 * @property {{ rfc: string }[]} violations
 * @property {[offset: number, length: number][]} [found] bytes that are looked for
 */

const utf8 = new TextDecoder("utf-8", { fatal: true });

/** Bytes, eight to a group, beside the fields that they make. */
export class ByteTable {
  /** @type {Shown | null} */
  #account = null;
  /** @type {Uint8Array | null} */
  #bytes = null;
  /** @type {string | null} */
  #preview = null;
  /** @type {Spot} where the keyboard is; hovering looks elsewhere for a moment */
  #cursor = { byte: 0, field: 0 };
  /** @type {Spot | null} */
  #lit = null;
  /** @type {{ hex: HTMLElement, all: HTMLElement[] }[]} per byte: its hex cell and its text cells */
  #cells = [];
  /** @type {HTMLElement[]} per field: its item of the list */
  #items = [];
  /** @type {Field | undefined} */
  #payload = undefined;
  #perLine = 16;
  /** @type {HTMLElement | undefined} the one hex cell that the Tab key reaches: arrow keys do the rest */
  #tabStop = undefined;

  /**
   * `name` tells its parts from those of another table; `heading` stands above the bytes; `allBytes` is
   * the code that gives all of them.
   * @param {{ id: string, name: string, heading: string, onMore: (bytes: number) => void, allBytes: () => string }} options
   */
  constructor({ id, name, heading, onMore, allBytes }) {
    this.heading = heading;
    this.onMore = onMore;
    this.allBytes = allBytes;
    this.grid = h("div", {
      class: "ws-bytes", role: "grid", "aria-label": "bytes, eight to a group; left and right " +
        "arrows go through the fields of a byte and on to the next byte, up and down arrows to other " +
        "lines, Home and End along the line, with Shift left and right arrows from field to field",
      "aria-describedby": `${id}-${name}`, "aria-readonly": "true",
      onkeydown: (event) => this.#onGridKey(event),
      onpointerover: (event) => this.#onGridPointer(event, false),
      onclick: (event) => this.#onGridPointer(event, true),
      onpointerleave: () => this.#lightCursor(),
      onfocusin: (event) => this.#onGridFocus(event),
    });
    this.more = h("div", { class: "ws-more ws-quiet" });
    this.keys = h("p", { class: "ws-keys ws-quiet", "aria-hidden": "true" }, // the grid's label says it too
      ...[["←→", "fields of a byte, then the next"], ["↑↓", "lines"], ["Shift ←→", "whole fields"]]
        .flatMap(([key, does]) => [h("kbd", {}, key), ` ${does}  `]));
    this.step = h("span", { class: "ws-unseen", role: "status" });
    this.list = h("div", {
      class: "ws-fields ws-scroll", role: "listbox", "aria-label": "fields, in the order of their bits",
      onkeydown: (event) => this.#onListKey(event),
      onpointerover: (event) => this.#onListPointer(event, false),
      onclick: (event) => this.#onListPointer(event, true),
      onpointerleave: () => this.#lightCursor(),
      onfocusin: (event) => this.#onListFocus(event),
    });
    this.explanation = h("div", {
      class: "ws-explanation ws-scroll", "data-wslab": name, id: `${id}-${name}`,
      onpointerover: (event) => this.#onBitsPointer(event, false),
      onclick: (event) => this.#onBitsPointer(event, true),
      onpointerleave: () => this.#lightCursor(),
    });
    this.element = h(
      "div",
      { class: "ws-body" },
      h("div", { class: "ws-bytes-box ws-scroll" }, this.grid, this.more, this.keys, this.step),
      this.list,
      this.explanation,
    );
    this.resized = new ResizeObserver(() => this.#fit());
    this.resized.observe(this.element);
  }

  dispose() {
    this.resized.disconnect();
  }

  /**
   * Shows bytes and fields. With `stay`, the reader stays where it was.
   * @param {Shown} account @param {Uint8Array} bytes @param {{ preview?: string | null, stay?: boolean }} options
   */
  show(account, bytes, { preview = null, stay = false } = {}) {
    const lookedFor = String(account.found ?? "");
    const moves = lookedFor !== String(this.#account?.found ?? "") && lookedFor !== "";
    this.#account = account;
    this.#bytes = bytes;
    this.#preview = preview;
    if (!stay || moves) this.#cursor = this.#start();
    this.#payload = preview === null ? undefined : account.fields.find((field) => field.name.toLowerCase() === "payload");
    this.#showFields();
    this.#perLine = this.#fitting();
    this.#showBytes();
    this.#lit = null; // its cells are gone
    this.#light(this.#cursor);
    // Once all around the bytes has its size.
    if (account.found?.length && (!stay || moves)) requestAnimationFrame(() => this.#bringBytesInSight(this.#cursor.byte));
  }

  /** The field to begin with: the one that breaks a rule, if there is just one; otherwise the first. */
  #start() {
    const { fields, violations, found: hits } = this.#account;
    if (hits?.length && hits[0][0] < this.#bytes.length) return { byte: hits[0][0], field: this.#fieldAt(8 * hits[0][0]) };
    const found = fields.filter(({ rfc }) => rfc === violations[0]?.rfc);
    if (found.length !== 1 || found[0].bit >> 3 >= this.#bytes.length) return { byte: 0, field: 0 };
    return { byte: found[0].bit >> 3, field: fields.indexOf(found[0]) };
  }

  focus() {
    this.#cells[this.#cursor.byte]?.hex.focus({ preventScroll: true });
  }

  #showFields() {
    const { fields, more_fields: more, found } = this.#account;
    this.#items = fields.map((field, index) => {
      // The payload's hex is shown next to it anyway: say what it means instead.
      const value = field === this.#payload ? this.#preview : field.value ?? "";
      const hit = found?.some(([start, size]) => field.bit < 8 * (start + size) && field.bit + field.bits > 8 * start);
      return h(
        "div",
        {
          class: hit ? "ws-field ws-hit" : "ws-field", role: "option", tabindex: "-1", "data-field": field.name,
          "data-index": index, "data-tone": tone(field, index), "aria-selected": "false",
          title: value,
        },
        h("span", { class: "ws-field-name" }, field.name),
        h("span", { class: "ws-field-value ws-mono ws-wrap", dir: "auto" }, value),
      );
    });
    this.list.replaceChildren(...this.#items);
    if (more) this.list.append(h("p", { class: "ws-hint ws-quiet" }, `… and ${plural(more, "field")} more`));
  }

  /** How many bytes a line has room for. The style sheet's widths, in characters and ems, are repeated here. */
  #fitting() {
    const { key } = this.#account ?? {};
    const style = getComputedStyle(this.element);
    const ch = parseFloat(style.getPropertyValue("--ws-code-size")) * 0.62 || 8;
    const em = parseFloat(style.fontSize);
    const width = this.element.clientWidth;
    if (width < 24 * em) return 4; // as the style sheet has it
    return width >= (key ? 98 : 80) * ch + 20 * em ? 16 : 8; // the list of fields is next to the bytes
  }

  #fit() {
    if (!this.#account || this.#fitting() === this.#perLine) return;
    const focused = this.grid.contains(document.activeElement);
    this.#perLine = this.#fitting();
    this.#showBytes();
    this.#lit = null; // its cells are gone
    this.#light(this.#cursor);
    if (focused) this.focus();
  }

  #showBytes() {
    const { fields, key, length, most } = this.#account;
    const bytes = this.#bytes;
    const payload = this.#payload;
    const payloadAt = payload ? payload.bit >> 3 : Infinity;
    const perLine = this.#perLine;
    this.#cells = [];
    const lines = [
      h("div", { class: "ws-octets ws-columns ws-quiet", role: "row" },
        h("span", { class: "ws-offset", role: "columnheader" }, "byte"),
        h("span", { class: "ws-hexes", role: "columnheader" }, this.heading),
        h("span", { class: "ws-texts", role: "columnheader" }, "text"),
        key ? h("span", { class: "ws-texts", role: "columnheader" }, "unmasked") : null),
    ];
    const hits = new Set();
    for (const [start, size] of this.#account.found ?? []) {
      for (let at = start; at < Math.min(start + size, bytes.length); at++) hits.add(at);
    }
    let field = 0;
    for (let from = 0; from < bytes.length; from += perLine) {
      const hexes = h("span", { class: "ws-hexes", role: "presentation" });
      const texts = h("span", { class: "ws-texts", role: "presentation", "aria-hidden": "true" });
      const plains = key
        ? h("span", { class: "ws-texts ws-plains", role: "presentation", "aria-hidden": "true" })
        : null;
      const stop = Math.min(from + perLine, bytes.length);
      for (let at = from; at < stop; at++) {
        while (field + 1 < fields.length && fields[field + 1].bit <= at * 8) field++;
        const value = bytes[at];
        const digits = value.toString(16).padStart(2, "0");
        // A field ends within this byte: each hex digit, four bits, can be lit by itself.
        const parted = fields[field + 1] && fields[field + 1].bit < (at + 1) * 8;
        const hex = h("span", {
          class: "ws-byte", role: "gridcell", tabindex: "-1", "data-byte": at, "data-at": at,
          "data-tone": tone(fields[field], field),
        });
        if (parted) {
          hex.append(h("i", { "data-nibble": "0" }, digits[0]), h("i", { "data-nibble": "1" }, digits[1]));
        } else hex.append(digits);
        if (at > from && (at - from) % 8 === 0) hex.classList.add("ws-group");
        hexes.append(hex);
        const text = h("span", { class: "ws-char", "data-at": at }, printable(value));
        if (printable(value) === "·") text.classList.add("ws-dot");
        texts.append(text);
        const cells = { hex, all: [hex, text] };
        if (plains) {
          const plain = at >= payloadAt ? printable(value ^ key[(at - payloadAt) % 4]) : " ";
          const cell = h("span", { class: "ws-char", "data-at": at }, plain);
          if (plain === "·") cell.classList.add("ws-dot");
          plains.append(cell);
          cells.all.push(cell);
        }
        if (hits.has(at)) for (const cell of cells.all) cell.classList.add("ws-hit");
        this.#cells.push(cells);
      }
      lines.push(h("div", { class: "ws-octets", role: "row" },
        h("span", { class: "ws-offset ws-quiet", role: "rowheader" }, String(from)), hexes, texts, plains));
    }
    this.grid.style.setProperty("--ws-per-line", String(perLine));
    this.grid.replaceChildren(...lines);
    set(this.grid, "aria-rowcount", lines.length);

    const missing = length - bytes.length;
    this.more.replaceChildren();
    this.more.hidden = missing <= 0;
    if (missing <= 0) return;
    if (bytes.length === 0) {
      say(this.more, "Its bytes are no longer kept: the recording has reached its limit.");
      return;
    }
    const next = Math.min(length, most, bytes.length * 4);
    this.more.append(h("span", {}, `${grouped(bytes.length)} of ${plural(length, "byte")}. `));
    if (next > bytes.length) {
      this.more.append(h("button", {
        type: "button", "data-action": "more", onclick: () => this.onMore(next),
      }, `Show ${grouped(next - bytes.length)} more`));
    } else {
      this.more.append("The rest: ",
        h("code", {}, this.allBytes()));
    }
  }

  // -- lighting a field and a byte of it ----------------------------------------------------

  /** The place of the field that a bit belongs to. @param {number} bit */
  #fieldAt(bit) {
    const { fields } = this.#account;
    return lastAtMost(fields.length, (place) => fields[place].bit, bit);
  }

  #lightCursor() {
    if (this.#account) this.#light(this.#cursor);
  }

  /** @param {Spot} spot */
  #light(spot) {
    const { fields, key } = this.#account;
    const field = fields[spot.field];
    if (!field) {
      this.explanation.replaceChildren();
      return;
    }
    const before = this.#lit;
    if (before && before.byte === spot.byte && before.field === spot.field) return;
    if (before) {
      for (const byte of [before.byte, before.partner]) {
        for (const cell of this.#cells[byte]?.all ?? []) cell.classList.remove("ws-at", "ws-partner");
      }
    }
    if (!before || before.field !== spot.field) {
      if (before) this.#mark(before.field, false);
      this.#mark(spot.field, true);
    }
    const partner = this.#partner(spot.byte);
    for (const cell of this.#cells[spot.byte]?.all ?? []) cell.classList.add("ws-at");
    for (const cell of this.#cells[partner]?.all ?? []) cell.classList.add("ws-partner");
    this.#lit = { ...spot, partner };
    this.#explain(field, spot, key);

    const cursor = this.#cells[this.#cursor.byte]?.hex;
    if (this.#tabStop !== cursor) {
      if (this.#tabStop) this.#tabStop.tabIndex = -1;
      this.#tabStop = cursor;
    }
    if (cursor) cursor.tabIndex = 0;
    for (const [index, item] of this.#items.entries()) {
      item.tabIndex = index === this.#cursor.field ? 0 : -1;
    }
  }

  /** @param {number} index of a field @param {boolean} lit */
  #mark(index, lit) {
    const field = this.#account.fields[index];
    const [from, to] = span(field);
    for (let byte = from; byte <= Math.min(to, this.#cells.length - 1); byte++) {
      for (const cell of this.#cells[byte].all) cell.classList.toggle("ws-lit", lit);
      for (const half of /** @type {Iterable<HTMLElement>} */ (this.#cells[byte].hex.children)) {
        const bit = byte * 8 + 4 * Number(half.dataset.nibble);
        const within = field.bit < bit + 4 && field.bit + field.bits > bit;
        half.classList.toggle("ws-lit-half", lit && within);
      }
    }
    const item = this.#items[index];
    set(item, "aria-selected", lit ? "true" : "false");
    if (lit) keepInSight(this.list, item);
  }

  /** For a masked payload byte, the byte of the masking key that it was masked with; else -1. @param {number} byte */
  #partner(byte) {
    const { key, fields } = this.#account;
    const payload = this.#payload;
    if (!key || !payload || byte < payload.bit >> 3) return -1;
    const keyField = fields[fields.indexOf(payload) - 1]; // RFC 6455 §5.2: it stands right before the payload
    return (keyField.bit >> 3) + ((byte - (payload.bit >> 3)) % 4);
  }

  /** @param {Field} field @param {Spot} spot @param {number[] | null} key */
  #explain(field, spot, key) {
    const { byte } = spot;
    const value = this.#bytes[byte];
    set(this.explanation, "data-field", field.name);
    const parts = [
      h("div", { class: "ws-name" },
        h("b", {}, field.name),
        field.value === null || field === this.#payload ? null
          : h("span", { class: "ws-value ws-wrap", dir: "auto" }, `\u00a0= ${field.value}`),
        h("span", { class: "ws-where ws-quiet" }, where(field))),
      h("p", { class: "ws-meaning" }, field.meaning, " ", reference(field)),
    ];
    const shared = this.#fieldsOf(byte);
    if (shared.length > 1) {
      parts.push(h("p", { class: "ws-shared ws-mono" }, `byte ${byte}: `, ...shared.flatMap((index, place) => {
        const { name, value: is } = this.#account.fields[index];
        return [place ? " · " : "", h(index === spot.field ? "b" : "span", { "data-index": index },
          `${name} ${is ?? ""}`)];
      })));
    }
    if (value === undefined) {
      if (field.bits) parts.push(h("p", { class: "ws-hint ws-quiet" }, "Its bytes are beyond those shown."));
    } else if (key && this.#partner(byte) >= 0) {
      parts.push(this.#sum(byte, value, key));
    } else if (this.#account.opcode !== null || shared.length > 1) {
      parts.push(this.#bits(byte, value, spot.field));
    } else {
      parts.push(h("p", { class: "ws-equation ws-mono" }, equation(byte, value)));
    }
    this.explanation.replaceChildren(...parts);
  }

  /** The fields that have bits of a byte, by their place in the list. @param {number} byte */
  #fieldsOf(byte) {
    const { fields } = this.#account;
    const found = [];
    for (let at = this.#fieldAt(byte * 8); at < fields.length && fields[at].bit < (byte + 1) * 8; at++) {
      found.push(at);
    }
    return found;
  }

  /** The eight bits of a byte, and whose they are. @param {number} byte @param {number} value @param {number} litField */
  #bits(byte, value, litField) {
    const { fields } = this.#account;
    const cells = [];
    const labels = [];
    for (const index of this.#fieldsOf(byte)) {
      const field = fields[index];
      const from = Math.max(field.bit - byte * 8, 0);
      const to = Math.min(field.bit + field.bits - byte * 8, 8);
      labels.push(h("span", {
        class: `ws-bit-label ws-quiet ws-clip ${index === litField ? "ws-lit" : ""}`, "data-index": index,
        style: `grid-column: ${from + 2} / ${to + 2}`,
      }, shortName(field.name, to - from)));
      for (let bit = from; bit < to; bit++) {
        cells.push(h("span", {
          class: `ws-bit ${index === litField ? "ws-lit" : ""}`, "data-index": index,
          style: `grid-column: ${bit + 2}`,
          title: `byte ${byte}, bit ${bit}: ${field.name}`,
        }, String((value >> (7 - bit)) & 1)));
      }
    }
    return h("div", { class: "ws-bits ws-mono", role: "img",
      "aria-label": `byte ${byte}: ${hexOf(value)}, bits ${bitsOf(value)}` },
    h("span", { class: "ws-bit-byte ws-quiet" }, hexOf(value)), ...cells, ...labels);
  }

  /** How a payload byte was masked: the sum, and the sum bit by bit. @param {number} byte @param {number} value @param {number[]} key */
  #sum(byte, value, key) {
    const turn = (byte - (this.#payload.bit >> 3)) % 4;
    const plain = value ^ key[turn];
    const line = (/** @type {string} */ sign, /** @type {number} */ number, /** @type {string} */ text, className = "") =>
      h("div", { class: `ws-sum-line ws-mono ${className}` },
        h("span", { class: "ws-sign" }, sign),
        h("span", { class: "ws-sum-bits" }, bitsOf(number)),
        h("code", {}, hexOf(number)), h("span", { class: "ws-title" }, text));
    return h(
      "div",
      { class: "ws-sum" },
      h("p", { class: "ws-equation ws-mono" },
        h("b", {}, `${hexOf(value)} ⊕ ${hexOf(key[turn])} = ${hexOf(plain)}${this.#glyph(byte)}`)),
      line("", value, `as sent, byte ${byte}`),
      line("⊕", key[turn], `masking key, byte ${turn}`),
      line("=", plain, `payload, byte ${byte - (this.#payload.bit >> 3)}`, "ws-total"),
    );
  }

  /** The character that a masked byte is, or is a part of. @param {number} byte */
  #glyph(byte) {
    const { key, kind } = this.#account;
    const from = this.#payload.bit >> 3;
    const plain = (/** @type {number} */ at) => this.#bytes[at] ^ key[(at - from) % 4];
    const value = plain(byte);
    if (value >= 0x20 && value < 0x7f) return ` "${String.fromCharCode(value)}"`;
    if (value < 0x80 || (kind !== "text" && kind !== "continuation")) return "";
    // A character of several bytes: go back to its first byte, and on to its last.
    let start = byte;
    while (start > from && byte - start < 3 && (plain(start) & 0xc0) === 0x80) start--;
    for (let stop = byte + 1; stop <= Math.min(start + 4, this.#bytes.length); stop++) {
      const parts = Uint8Array.from({ length: stop - start }, (_, index) => plain(start + index));
      try {
        const character = utf8.decode(parts);
        if ([...character].length !== 1) return "";
        return `, byte ${byte - start + 1} of ${stop - start} of "${character}"`;
      } catch { /* not whole yet */ }
    }
    return "";
  }

  // -- moving -------------------------------------------------------------------------------

  /** @param {Spot} spot @param {"bytes" | "fields" | null} focusOn */
  #move(spot, focusOn) {
    this.#cursor = spot;
    this.#light(spot);
    if (focusOn === "bytes") {
      const cell = this.#cells[spot.byte]?.hex;
      if (cell) {
        cell.focus({ preventScroll: true });
        this.#bringBytesInSight(spot.byte);
      }
    }
    if (focusOn === "fields") {
      this.#items[spot.field]?.focus({ preventScroll: true });
      this.#bringBytesInSight(spot.byte);
    }
  }

  /** @param {number} byte */
  #bringBytesInSight(byte) {
    const cell = this.#cells[byte]?.hex;
    if (cell) keepInSight(cell.closest(".ws-bytes-box"), cell, this.keys.offsetHeight);
  }

  /** @param {number} byte @param {"bytes" | "fields" | null} focusOn */
  #toByte(byte, focusOn) {
    const at = Math.max(0, Math.min(this.#cells.length - 1, byte));
    this.#move({ byte: at, field: this.#fieldAt(at * 8) }, focusOn);
  }

  /** @param {number} index @param {"bytes" | "fields" | null} focusOn */
  #toField(index, focusOn) {
    const at = Math.max(0, Math.min(this.#account.fields.length - 1, index));
    const field = this.#account.fields[at];
    this.#move({ byte: field.bit >> 3, field: at }, focusOn);
  }

  /** Moves to the next or previous field: first within the byte, then in the adjacent byte. @param {1 | -1} step */
  #along(step) {
    const { byte, field } = this.#cursor;
    if (this.#fieldsOf(byte).includes(field + step)) {
      this.#move({ byte, field: field + step }, "bytes");
      // The focus stays where it is, so a screen reader would not read out the new text by itself.
      const { name, value } = this.#account.fields[field + step];
      say(this.step, `${name} ${value ?? ""}`);
      this.#name(this.#cells[byte].hex);
    } else if (step > 0) this.#toByte(byte + 1, "bytes");
    else if (byte > 0) this.#move({ byte: byte - 1, field: this.#fieldAt(byte * 8 - 1) }, "bytes");
  }

  /** @param {KeyboardEvent} event */
  #onGridKey(event) {
    const { byte, field } = this.#cursor;
    const line = this.#perLine;
    const toByte = (/** @type {number} */ to) => () => this.#toByte(to, "bytes");
    const toField = (/** @type {number} */ to) => () => this.#toField(to, "bytes");
    const next = toField(field + 1);
    const previous = toField(field - 1);
    pressed(event, {
      ...(event.shiftKey ? { ArrowRight: next, ArrowDown: next, ArrowLeft: previous, ArrowUp: previous } : {
        ArrowRight: () => this.#along(1), ArrowLeft: () => this.#along(-1),
        ArrowDown: toByte(byte + line), ArrowUp: toByte(byte - line),
      }),
      Home: toByte(byte - (byte % line)), End: toByte(byte - (byte % line) + line - 1),
      PageDown: toByte(byte + 8 * line), PageUp: toByte(byte - 8 * line),
    });
  }

  /** @param {KeyboardEvent} event */
  #onListKey(event) {
    const { field } = this.#cursor;
    const to = (/** @type {number} */ index) => () => this.#toField(index, "fields");
    pressed(event, {
      ArrowRight: to(field + 1), ArrowDown: to(field + 1), ArrowLeft: to(field - 1), ArrowUp: to(field - 1),
      Home: to(0), End: to(Infinity),
    });
  }

  /** @param {Event} event @param {boolean} chosen */
  #onGridPointer(event, chosen) {
    const cell = around(event, "[data-at]");
    if (!cell) return;
    const byte = Number(cell.dataset.at);
    const half = around(event, "[data-nibble]");
    const spot = { byte, field: this.#fieldAt(byte * 8 + (half ? 4 * Number(half.dataset.nibble) : 0)) };
    if (chosen) this.#move(spot, "bytes");
    else this.#light(spot);
  }

  /** @param {Event} event */
  #onGridFocus(event) {
    const cell = around(event, "[data-byte]");
    if (cell) this.#name(cell);
  }

  /** Describes a cell for those who cannot see it. @param {HTMLElement} cell */
  #name(cell) {
    const byte = Number(cell.dataset.byte);
    const field = this.#account.fields[this.#cursor.field];
    set(cell, "aria-label", `byte ${byte}, ${hexOf(this.#bytes[byte])}, ${field.name} ` +
      `${field === this.#payload ? "" : field.value ?? ""}${cell.classList.contains("ws-hit") ? ", found" : ""}`);
  }

  /** @param {Event} event @param {boolean} chosen */
  #onListPointer(event, chosen) {
    const item = around(event, "[data-index]");
    if (!item) return;
    const index = Number(item.dataset.index);
    const byte = this.#account.fields[index].bit >> 3;
    if (chosen) this.#toField(index, "fields");
    else {
      this.#light({ byte, field: index });
      this.#bringBytesInSight(byte);
    }
  }

  /** @param {Event} event */
  #onListFocus(event) {
    const item = around(event, "[data-index]");
    if (item && Number(item.dataset.index) !== this.#cursor.field) {
      this.#toField(Number(item.dataset.index), null);
    }
  }

  /** @param {Event} event @param {boolean} chosen */
  #onBitsPointer(event, chosen) {
    const part = around(event, "[data-index]");
    if (!part || around(event, "a")) return;
    const spot = { byte: this.#lit.byte, field: Number(part.dataset.index) };
    if (chosen) this.#move(spot, null);
    else this.#light(spot);
  }
}

/** The element of a kind in which something happened. @param {Event} event @param {string} selector @returns {HTMLElement | null} */
function around({ target }, selector) {
  return target instanceof Element ? target.closest(selector) : null;
}

/** Does what is to be done for a key, if anything is. @param {KeyboardEvent} event @param {Record<string, () => void>} keys */
function pressed(event, keys) {
  if (event.ctrlKey || event.metaKey || event.altKey || !(event.key in keys)) return;
  keys[event.key]();
  event.preventDefault();
  event.stopPropagation();
}

// -- small words --------------------------------------------------------------------------------

/** @param {number} value of a byte */
function bitsOf(value) {
  const bits = value.toString(2).padStart(8, "0");
  return `${bits.slice(0, 4)} ${bits.slice(4)}`;
}

/** @param {number} value of a byte */
function printable(value) {
  return value >= 0x20 && value < 0x7f ? String.fromCharCode(value) : "·";
}

/** @param {number} byte @param {number} value */
function equation(byte, value) {
  const names = { 9: "tab", 10: "line feed", 13: "carriage return", 32: "space" };
  const glyph = names[value] ?? (printable(value) === "·" ? "no ASCII character" : `"${printable(value)}"`);
  return `byte ${byte}: ${hexOf(value)} = ${value} = ${glyph}`;
}

/** The first and the last byte of a field. @param {Field} field */
function span({ bit, bits }) {
  return [bit >> 3, (bit + Math.max(bits, 1) - 1) >> 3];
}

/** @param {Field} field */
function where(field) {
  const { bit, bits } = field;
  const [from, to] = span(field);
  if (bits === 0) return `empty, at byte ${from}`;
  const [low, high] = [bit & 7, (bit + bits - 1) & 7];
  if (from !== to) return `bytes ${grouped(from)} to ${grouped(to)}`;
  if (low === 0 && high === 7) return `byte ${grouped(from)}`;
  return low === high ? `byte ${from}, bit ${low}` : `byte ${from}, bits ${low} to ${high}`;
}

/** Neighbours are told apart by tone; what carries the message has its kind's. @param {Field} field @param {number} index */
function tone(field, index) {
  const name = field.name.toLowerCase();
  if (name === "payload") return "payload";
  if (name.includes("masking")) return "key";
  return index % 2 ? "odd" : "even";
}

/** @param {string} name @param {number} bits of room */
function shortName(name, bits) {
  if (bits >= 4 || name.length <= 4) return name;
  return name.slice(0, 4);
}

/** @param {{ rfc: string, url: string | null }} source */
export function reference({ rfc, url }) {
  return url ? link(url, rfc) : h("span", { class: "ws-title" }, rfc ?? "");
}

/**
 * Scrolls only the box, never the notebook around it. The last `below` pixels of the box are covered.
 * @param {Element | null} box @param {Element} item @param {number} below
 */
function keepInSight(box, item, below = 0) {
  if (!box || box.scrollHeight <= box.clientHeight) return;
  const outer = box.getBoundingClientRect();
  const inner = item.getBoundingClientRect();
  if (inner.top < outer.top) box.scrollTop -= outer.top - inner.top + 4;
  else if (inner.bottom > outer.bottom - below) box.scrollTop += inner.bottom - outer.bottom + below + 4;
}

