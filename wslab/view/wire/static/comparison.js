// Shows two units with their fields under each other: what is the same is quiet, what differs is marked.

import { h, say, set } from "../../live/static/elements.js";
import { icon, shape } from "../../live/static/shapes.js";
import { grouped, hexOf, plural } from "../../live/static/words.js";
import { aligned } from "./aligned.js";

/** @import { Side, Slot } from "./aligned.js" */

const LINE = 8; // bytes under bytes
const MOST = 256; // bytes of a field
const NAMES = ["A", "B"];

/** The reader's two units, A above B. */
export class Comparison {
  #sides = h("ul", { class: "ws-sides ws-small" });
  #verdict = h("p", { class: "ws-quiet", role: "status" });
  #slots = h("ul", { class: "ws-slots", "aria-label": "the fields of both" });

  /** @param {{ id: string, onEnd: () => void }} options */
  constructor({ id, onEnd }) {
    this.heading = h("h3", { class: "ws-compared-heading", id: `${id}-compared` }, "Two units compared");
    this.element = h("div", {
      class: "ws-comparison ws-scroll", "data-wslab": "comparison", role: "group", tabindex: "0", hidden: true,
      "aria-labelledby": `${id}-compared`,
    },
    h("div", { class: "ws-detail-head ws-strip" },
      h("div", { class: "ws-detail-title" }, this.heading, this.#sides),
      h("button", {
        type: "button", class: "ws-bare ws-close", "data-action": "end-comparison",
        "aria-label": "end the comparison", title: "End the comparison (Escape)", onclick: onEnd,
      }, icon("away"))),
    this.#verdict, this.#slots);
  }

  /** @param {Side} one @param {Side} other */
  show(one, other) {
    const slots = aligned(one, other);
    const different = slots.filter(({ same }) => !same).length;
    this.#sides.replaceChildren(...[one, other].map(({ account }, side) => h("li", { "data-kind": account.kind },
      h("b", { class: "ws-mono" }, NAMES[side]), shape(account.kind),
      h("span", {}, `row ${account.number}: ${account.kind}, ${account.direction} → ` +
        `${account.direction === "client" ? "server" : "client"}, ${plural(account.length, "byte")}`))));
    say(this.#verdict, slots.length === 0
      ? "One is a frame and the other is a part of the opening handshake: they have no field in common."
      : `${plural(different, "field")} ${different === 1 ? "differs" : "differ"}, ${slots.length - different} the same.`);
    this.#slots.replaceChildren(...slots.map(slotItem));
    set(this.element, "data-different", different);
  }
}

/** @param {Slot} slot */
function slotItem(slot) {
  const { name, same, differences, bytes, texts } = slot;
  return h("li", { "data-slot": name, "data-same": String(same), class: texts.some((text) => text !== null) ? "ws-lines" : null },
    h("div", { class: "ws-slot-name" }, h("span", {}, name),
      h("span", { class: "ws-badge" }, same ? "= same" : "≠ differs")),
    ...(bytes.some((part) => part !== null) ? byteLines(slot) : texts.map((text, side) => textLine(name, text, side, same))),
    differences.length
      ? h("div", { class: "ws-small" }, ...differences.map(({ name: field, values: [one, other] }) =>
        h("span", { class: "ws-difference" }, `${field}: `, h("b", {}, one), " ≠ ", h("b", {}, other))))
      : null);
}

/** Eight bytes of A, under them the eight of B, and so on. @param {Slot} slot */
function byteLines({ name, bytes }) {
  const longest = Math.min(MOST, Math.max(...bytes.map((part) => part?.length ?? 0)));
  const parts = [];
  for (let from = 0; from < Math.max(longest, 1); from += LINE) {
    parts.push(h("div", { class: "ws-pair" }, ...bytes.map((part, side) => h("div", { class: "ws-mono" },
      h("span", { class: "ws-quiet" }, `${NAMES[side]} `),
      ...byteCells(name, bytes, side, from)))));
  }
  const more = Math.max(...bytes.map((part) => part?.length ?? 0)) > MOST;
  return [h("div", { class: "ws-pairs-flow" }, ...parts),
    more ? h("p", { class: "ws-quiet ws-small" }, `The first ${grouped(MOST)} bytes of each.`) : null];
}

/** @param {string} name @param {(Uint8Array | null)[]} bytes @param {number} side @param {number} from @returns {HTMLElement[]} */
function byteCells(name, bytes, side, from) {
  const mine = bytes[side];
  const other = bytes[1 - side];
  if (mine === null) return from === 0 ? [gap(`no ${name}`)] : [];
  if (mine.length === 0) return [gap("empty")];
  return [...mine.subarray(from, Math.min(from + LINE, MOST))].map((byte, place) =>
    h("span", { class: "ws-compared", "data-differs": other !== null && other[from + place] !== byte }, text(name, byte, bytes)));
}

/** A byte as hex, or as its character where both payloads are plain text. @param {string} name @param {number} byte @param {(Uint8Array | null)[]} bytes */
function text(name, byte, bytes) {
  const plain = name.endsWith("unmasked") && bytes.every((part) => part?.every((one) => one >= 0x20 && one < 0x7f));
  return plain ? String.fromCharCode(byte) : hexOf(byte);
}

/** @param {string} name @param {string | null} value @param {number} side @param {boolean} same */
function textLine(name, value, side, same) {
  return h("div", { class: "ws-mono" }, h("span", { class: "ws-quiet" }, `${NAMES[side]} `),
    value === null ? gap(`no ${name}`)
      : h("span", { class: "ws-compared ws-wrap", dir: "auto", "data-differs": !same }, value || "(empty)"));
}

/** @param {string} words */
function gap(words) {
  return h("span", { class: "ws-gap-said" }, words);
}
