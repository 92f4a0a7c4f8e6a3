// Two units field under field: what a reader compares, what is missing, what is the same.

import assert from "node:assert/strict";
import test from "node:test";

import { aligned } from "../../wslab/view/wire/static/aligned.js";

const hex = (digits) => Uint8Array.from(digits.split(" "), (pair) => parseInt(pair, 16));
const field = (name, bit, bits, value) => ({ name, bit, bits, value: String(value) });

/** A frame as the kernel describes it. @param {string} digits @param {{ extended?: number, masked?: boolean }} [form] */
function frame(digits, { extended = 0, masked = false } = {}) {
  const bytes = hex(digits);
  const keyAt = 2 + extended;
  const payloadAt = keyAt + (masked ? 4 : 0);
  const bits = ["FIN", "RSV1", "RSV2", "RSV3"].map((name, bit) => field(name, bit, 1, (bytes[0] >> (7 - bit)) & 1));
  return {
    bytes,
    account: {
      opcode: bytes[0] & 15,
      key: masked ? [...bytes.subarray(keyAt, keyAt + 4)] : null,
      fields: [
        ...bits, field("opcode", 4, 4, bytes[0] & 15),
        field("MASK", 8, 1, bytes[1] >> 7), field("payload length", 9, 7, bytes[1] & 127),
        ...(extended ? [field("extended payload length", 16, extended * 8, "?")] : []),
        ...(masked ? [field("masking key", keyAt * 8, 32, "?")] : []),
        field("payload", payloadAt * 8, (bytes.length - payloadAt) * 8, "?"),
      ],
    },
  };
}

const MASKED = frame("81 85 37 fa 21 3d 7f 9f 4d 51 58", { masked: true }); // RFC 6455 §5.7
const PLAIN = frame("81 05 48 65 6c 6c 6f");
const names = (slots) => slots.map(({ name }) => name);
const by = (slots, name) => slots.find((slot) => slot.name === name);

test("a client's Hello and a server's: the same first byte, the same text, and a key that one has not", () => {
  const slots = aligned(MASKED, PLAIN);
  assert.deepEqual(names(slots), ["FIN, RSV, opcode", "MASK, payload length", "masking key", "payload", "payload, unmasked"]);
  assert.deepEqual(slots.map(({ same }) => same), [true, false, false, false, true]);
  assert.deepEqual(by(slots, "masking key").bytes, [hex("37 fa 21 3d"), null]);
  assert.deepEqual(by(slots, "MASK, payload length").bytes, [hex("85"), hex("05")]);
  assert.deepEqual(by(slots, "MASK, payload length").differences, [{ name: "MASK", values: ["1", "0"] }]);
  assert.deepEqual(by(slots, "payload").bytes, [hex("7f 9f 4d 51 58"), hex("48 65 6c 6c 6f")]);
  assert.deepEqual(by(slots, "payload, unmasked").bytes, [hex("48 65 6c 6c 6f"), hex("48 65 6c 6c 6f")]);
});

test("the other way round the gap is on the other side", () => {
  assert.deepEqual(by(aligned(PLAIN, MASKED), "masking key").bytes, [null, hex("37 fa 21 3d")]);
});

test("an extended length stands beside none", () => {
  const long = frame("82 7e 00 7e 01 02", { extended: 2 });
  const slots = aligned(PLAIN, long);
  assert.deepEqual(by(slots, "extended payload length").bytes, [null, hex("00 7e")]);
  assert.deepEqual(by(slots, "FIN, RSV, opcode").differences, [{ name: "opcode", values: ["1", "2"] }]);
  assert.equal(by(slots, "payload, unmasked"), undefined); // nobody masked
});

test("two empty frames have an empty payload each, and a header alone has none", () => {
  const empty = frame("89 00");
  assert.deepEqual(by(aligned(empty, empty), "payload").bytes, [hex("89").subarray(1), hex("89").subarray(1)]);
  assert.equal(by(aligned(empty, empty), "payload").same, true);
  const header = { ...empty, account: { ...empty.account, fields: empty.account.fields.slice(0, -1) } };
  assert.equal(by(aligned(header, header), "payload"), undefined);
});

test("payloads whose shown bytes are the same but whose lengths differ are not the same", () => {
  const longer = { ...PLAIN, account: { ...PLAIN.account, fields: PLAIN.account.fields.map((one) =>
    one.name === "payload" ? { ...one, bits: 80 } : one) } };
  assert.equal(by(aligned(PLAIN, longer), "payload").same, false);
});

test("heads are compared line by line, headers by their name", () => {
  const head = (...lines) => ({ bytes: hex("00"), account: { opcode: null, key: null,
    fields: lines.map(([name, value], place) => field(name, place * 8, 8, value)) } });
  const one = head(["request line", "GET / HTTP/1.1"], ["Host", "a"], ["Cookie", "x=1"], ["Cookie", "y=2"], ["empty line", ""]);
  const other = head(["status line", "HTTP/1.1 101 Switching Protocols"], ["host", "a"], ["Cookie", "x=1"], ["Server", "s"]);
  const slots = aligned(one, other);
  assert.deepEqual(slots.map(({ name, texts, same }) => [name, ...texts, same]), [
    ["first line", "GET / HTTP/1.1", "HTTP/1.1 101 Switching Protocols", false],
    ["Host", "a", "a", true], ["Cookie", "x=1", "x=1", true], ["Cookie", "y=2", null, false], ["Server", null, "s", false],
  ]);
  assert.deepEqual(aligned(one, PLAIN), []);
});
