// The rows as a page holds them, and which of them are shown.

import assert from "node:assert/strict";
import test from "node:test";

import { BROKEN, FROM_SERVER, Rows, Shown, lastAtMost } from "../../wslab/view/wire/static/rows.js";

const utf8 = new TextEncoder();

/** Rows in the form in which `batches.pack` sends them. */
function packed(rows) {
  const previews = rows.map(({ preview }) => utf8.encode(preview));
  let end = 0;
  const ends = previews.map((bytes) => (end += bytes.length));
  const of = (Type, name) => new Uint8Array(Type.from(rows, (row) => row[name]).buffer);
  const columns = [of(Float64Array, "time"), of(Float64Array, "length"), new Uint8Array(Uint32Array.from(ends).buffer),
    of(Uint32Array, "connection"), of(Uint8Array, "kind"), of(Uint8Array, "flags")];
  const joined = (parts) => Uint8Array.from(parts.flatMap((part) => [...part]));
  return [joined(columns), joined(previews)];
}

const row = (number, more = {}) =>
  ({ time: number / 10, length: number, preview: `Größe ${number}`, connection: 1, kind: number % 3, flags: 0, ...more });
const batch = (start, count, more) => Array.from({ length: count }, (_, place) => row(start + place, more));

function taken(rows, start, fresh) {
  return rows.take({ start, rows: fresh.length }, ...packed(fresh));
}

test("batches are taken in order, and read back", () => {
  const rows = new Rows();
  assert.equal(taken(rows, 0, batch(0, 3)), true);
  assert.equal(taken(rows, 3, batch(3, 2000)), true); // beyond the first capacity
  assert.equal(rows.count, 2003);
  for (const number of [0, 2, 3, 2002]) {
    assert.equal(rows.preview(number), `Größe ${number}`);
    assert.deepEqual([rows.time[number], rows.length[number], rows.kind[number]], [number / 10, number, number % 3]);
  }
});

test("what is known already changes nothing, and an overlap adds what is new", () => {
  const rows = new Rows();
  taken(rows, 0, batch(0, 5));
  assert.equal(taken(rows, 1, batch(1, 3)), false);
  assert.equal(taken(rows, 3, batch(3, 4)), true);
  assert.deepEqual([rows.count, rows.preview(4), rows.preview(5), rows.preview(6)], [7, "Größe 4", "Größe 5", "Größe 6"]);
});

test("a gap is not taken", () => {
  const rows = new Rows();
  assert.equal(taken(rows, 1, batch(1, 1)), null);
  assert.equal(rows.count, 0);
});

test("what a notebook keeps comes back as it was", () => {
  const rows = new Rows();
  taken(rows, 0, batch(0, 1500, { flags: FROM_SERVER | BROKEN, connection: 7 }));
  const kept = JSON.parse(JSON.stringify(rows.saved(1200)));
  const again = Rows.restored(kept);
  assert.equal(again.count, 1200);
  assert.deepEqual(again.saved(1200), kept);
  assert.deepEqual([again.preview(1199), again.flags[1199], again.connection[0]], ["Größe 1199", 5, 7]);
});

test("forgotten rows are gone, and the next ones are the first", () => {
  const rows = new Rows();
  taken(rows, 0, batch(0, 5));
  rows.clear();
  taken(rows, 0, [row(9)]);
  assert.deepEqual([rows.count, rows.preview(0)], [1, "Größe 9"]);
});

test("without a filter a place is a row", () => {
  const rows = new Rows();
  const shown = new Shown(rows);
  taken(rows, 0, batch(0, 10));
  shown.update(8);
  assert.deepEqual([shown.filtering, shown.count, shown.row(5), shown.place(5), shown.place(99)], [false, 8, 5, 5, 8]);
});

test("filters pass kinds, a direction and a connection, and go on with what comes", () => {
  const rows = new Rows();
  const shown = new Shown(rows);
  taken(rows, 0, batch(0, 9));
  taken(rows, 9, batch(9, 9, { flags: FROM_SERVER, connection: 2 }));
  shown.update(rows.count);
  shown.kinds.add(1);
  shown.again();
  assert.deepEqual(Array.from({ length: shown.count }, (_, place) => shown.row(place)), [1, 4, 7, 10, 13, 16]);
  assert.deepEqual([shown.place(4), shown.place(5), shown.place(17)], [1, 2, 6]);
  assert.deepEqual([shown.has(4), shown.has(5), shown.has(17)], [true, false, false]);
  shown.direction = "server";
  shown.again();
  assert.deepEqual([shown.count, shown.row(0)], [3, 10]);
  shown.direction = null;
  shown.connection = 1;
  shown.again();
  assert.deepEqual([shown.count, shown.row(2)], [3, 7]);
  taken(rows, 18, batch(18, 600));
  shown.update(rows.count);
  assert.equal(shown.count, 3 + 200);
});

test("the last place whose value is at most what is wanted", () => {
  const values = [0, 3, 3, 10];
  const at = (wanted) => lastAtMost(values.length, (place) => values[place], wanted);
  assert.deepEqual([at(0), at(2), at(3), at(9), at(10), at(99), at(-1)], [0, 0, 2, 2, 3, 3, 0]);
});

test("what is shown can go back to an earlier row, and on again", () => {
  const rows = new Rows();
  taken(rows, 0, batch(0, 12));
  const shown = new Shown(rows);
  const all = () => Array.from({ length: shown.count }, (_, place) => shown.row(place));
  shown.update(12);
  shown.update(5);
  assert.deepEqual(all(), [0, 1, 2, 3, 4]);
  shown.kinds.add(1);
  shown.again();
  assert.deepEqual(all(), [1, 4]);
  shown.update(12);
  assert.deepEqual(all(), [1, 4, 7, 10]);
  shown.update(8);
  assert.deepEqual(all(), [1, 4, 7]);
  shown.update(0);
  assert.deepEqual(all(), []);
  shown.update(11);
  assert.deepEqual(all(), [1, 4, 7, 10]);
});
