// Puts two units field under field, for a reader who compares them.

/** @import { Field } from "./byte_table.js" */
/** @import { Account } from "./detail.js" */

/**
 * @typedef {{ account: Account, bytes: Uint8Array }} Side one of the two units, with its first bytes
 * @typedef {object} Slot what stands at the same place in both
 * @property {string} name
 * @property {(Uint8Array | null)[]} bytes of each side; null: it has no such field
 * @property {(string | null)[]} texts of each side, for the lines of a head
 * @property {boolean} same
 * @property {{ name: string, values: string[] }[]} differences of the fields that share these bytes
 */

const HEADER = ["FIN, RSV, opcode", "MASK, payload length"]; // the two bytes that every frame has
const ALONE = ["extended payload length", "masking key", "payload"];
const UNMASKED = "payload, unmasked";

/** What two units have at the same places; nothing where one is a frame and the other is not. @param {Side} one @param {Side} other @returns {Slot[]} */
export function aligned(one, other) {
  const sides = [one, other];
  const frames = sides.filter(({ account }) => account.opcode !== null);
  if (frames.length === 2) return frameSlots(sides);
  return frames.length === 0 ? lineSlots(sides) : [];
}

/** @param {Side[]} sides @returns {Slot[]} */
function frameSlots(sides) {
  const found = [
    ...HEADER.map((name, byte) => byteSlot(name, sides, ({ bit }) => bit >> 3 === byte)),
    ...ALONE.map((name) => byteSlot(name, sides, (field) => field.name === name)),
  ];
  if (sides.some(({ account }) => account.key)) {
    const bytes = sides.map(unmasked);
    found.push({ name: UNMASKED, bytes, texts: [null, null], same: equal(bytes) && sameLength(sides), differences: [] });
  }
  return found.filter(({ bytes }) => bytes.some((part) => part !== null));
}

/** @param {string} name @param {Side[]} sides @param {(field: Field) => boolean} belongs @returns {Slot} */
function byteSlot(name, sides, belongs) {
  const fields = sides.map(({ account }) => account.fields.filter(belongs));
  const bytes = sides.map(({ bytes: all }, side) => {
    const [first] = fields[side];
    const last = fields[side].at(-1);
    return first ? all.subarray(first.bit >> 3, Math.ceil((last.bit + last.bits) / 8)) : null;
  });
  const shared = fields[0].length > 1
    ? fields[0].flatMap(({ name: each, value }) => {
      const other = fields[1].find((field) => field.name === each);
      return other && other.value !== value ? [{ name: each, values: [value ?? "", other.value ?? ""] }] : [];
    }) : [];
  return {
    name, bytes, texts: [null, null], differences: shared,
    same: equal(bytes) && (name !== "payload" || sameLength(sides)),
  };
}

/** A frame's payload as its sender meant it. @param {Side} side */
function unmasked({ account, bytes }) {
  const payload = account.fields.find(({ name }) => name === "payload");
  if (!payload) return null;
  const { key } = account;
  return bytes.subarray(payload.bit >> 3).map((byte, place) => (key ? byte ^ key[place % 4] : byte));
}

/** Whether both payloads are as long as each other: not all of their bytes need be here. @param {Side[]} sides */
function sameLength(sides) {
  const [one, other] = sides.map(({ account }) => account.fields.find(({ name }) => name === "payload")?.bits);
  return one === other;
}

/** @param {(Uint8Array | null)[]} bytes */
function equal([one, other]) {
  return one !== null && other !== null && one.length === other.length && one.every((byte, place) => byte === other[place]);
}

/** The first lines under each other, then header under header by name. @param {Side[]} sides @returns {Slot[]} */
function lineSlots(sides) {
  /** @type {Map<string, Slot>} */
  const found = new Map();
  for (const [side, { account }] of sides.entries()) {
    /** @type {Map<string, number>} */
    const times = new Map();
    for (const [place, { name, value, bits }] of account.fields.entries()) {
      if (name === "empty line" || bits === 0) continue;
      const word = place === 0 ? "" : name.toLowerCase(); // RFC 9110 §5.1: the case of a name says nothing
      times.set(word, (times.get(word) ?? 0) + 1);
      const key = `${word}#${times.get(word)}`;
      const slot = found.get(key) ??
        { name: place === 0 ? "first line" : name, bytes: [null, null], texts: [null, null], same: false, differences: [] };
      slot.texts[side] = value ?? "";
      slot.same = slot.texts[0] === slot.texts[1];
      found.set(key, slot);
    }
  }
  return [...found.values()];
}
