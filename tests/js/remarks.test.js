// Remarks between the rows: places of both in one list, filters, replay, consequences.

import assert from "node:assert/strict";
import test from "node:test";

import { Remarks } from "../../wslab/view/wire/static/remarks.js";
import { FROM_SERVER, Shown } from "../../wslab/view/wire/static/rows.js";

const KIND = 3; // of a remark: rows have the kinds 0 to 2

/** `count` rows, whose odd ones come from the server, of the connections 1, 2, 1, 2 … by twos; and the list of both. */
function listed(count) {
  const numbers = Array.from({ length: count }, (_, row) => row);
  const rows = {
    count, kind: numbers.map((row) => row % 3), flags: numbers.map((row) => (row % 2 ? FROM_SERVER : 0)),
    connection: numbers.map((row) => 1 + ((row >> 1) % 2)),
  };
  const shown = new Shown(rows);
  const remarks = new Remarks(shown, KIND);
  const update = (stop = count, until = Infinity) => (shown.update(stop), remarks.update(stop, until));
  const refilter = (change) => (Object.assign(shown, change), shown.again(), remarks.again(), update());
  return { shown, remarks, update, refilter };
}

const remark = (number, row, more = {}) => ({ number, row, time: row, connection: 1, direction: null, ...more });
const all = (remarks) => Array.from({ length: remarks.count }, (_, place) => remarks.row(place));
const take = (remarks, ...fresh) => remarks.take({ all: false, gone: [], fresh });

/** Each number is found at its place, and none twice. */
function agree(remarks) {
  const numbers = all(remarks);
  assert.deepEqual(numbers.map((number) => remarks.place(number)), numbers.map((_, place) => place));
  assert.ok(numbers.every((number) => remarks.has(number)));
  return numbers;
}

test("a remark stands behind its row, and one behind row -1 before all", () => {
  const { remarks, update } = listed(5);
  update();
  assert.deepEqual(agree(remarks), [0, 1, 2, 3, 4]);
  take(remarks, remark(-4, 2), remark(-1, -1), remark(-9, 4));
  update();
  assert.deepEqual(agree(remarks), [-1, 0, 1, 2, -4, 3, 4, -9]);
  assert.deepEqual([remarks.has(-7), remarks.has(5), remarks.has(null)], [false, false, false]);
});

test("several behind one row stand in the order of time", () => {
  const { remarks, update } = listed(3);
  take(remarks, remark(-5, 1, { time: 9 }), remark(-6, 1, { time: 7 }), remark(-7, 1, { time: 8 }));
  update();
  assert.deepEqual(agree(remarks), [0, 1, -6, -7, -5, 2]);
});

test("a remark changes, moves and goes", () => {
  const { remarks, update } = listed(4);
  take(remarks, remark(-1, 0), remark(-2, 1));
  take(remarks, remark(-1, 2, { says: "else" }));
  update();
  assert.deepEqual([agree(remarks), remarks.all.get(-1).says], [[0, 1, -2, 2, -1, 3], "else"]);
  remarks.take({ all: false, gone: [-2], fresh: [] });
  update();
  assert.deepEqual([agree(remarks), remarks.has(-2), remarks.all.size], [[0, 1, 2, -1, 3], false, 1]);
  remarks.take({ all: true, gone: [], fresh: [] });
  update();
  assert.deepEqual(agree(remarks), [0, 1, 2, 3]);
});

test("filters of connection, direction and kind also choose remarks", () => {
  const { remarks, refilter } = listed(8);
  take(remarks, remark(-1, 0, { direction: "client" }), remark(-5, 3, { connection: 2, direction: "server" }), remark(-6, 7));
  refilter({ connection: 2 });
  assert.deepEqual(agree(remarks), [2, 3, -5, 6, 7]);
  refilter({ connection: null, direction: "client" });
  assert.deepEqual(agree(remarks), [0, -1, 2, 4, 6, -6]);
  refilter({ direction: null, kinds: new Set([1]) });
  assert.deepEqual(agree(remarks), [1, 4, 7]);
  refilter({ kinds: new Set([1, KIND]) });
  assert.deepEqual(agree(remarks), [-1, 1, -5, 4, 7, -6]);
  refilter({ kinds: new Set([KIND]) });
  assert.deepEqual(agree(remarks), [-1, -5, -6]);
  refilter({ kinds: new Set() });
  assert.equal(agree(remarks).length, 11);
});

test("a replay hides what stands behind its last row, and what came after it", () => {
  const { remarks, update } = listed(6);
  take(remarks, remark(-1, 1), remark(-2, 3, { time: 60 }), remark(-3, 5, { time: 70 }));
  update(4, 3);
  assert.deepEqual(agree(remarks), [0, 1, -1, 2, 3]);
  update(4); // a pause: what is there stays
  assert.deepEqual(agree(remarks), [0, 1, -1, 2, 3, -2]);
  update(1, 0);
  assert.deepEqual(agree(remarks), [0]);
  update(6);
  assert.deepEqual(agree(remarks), [0, 1, -1, 2, 3, -2, 4, 5, -3]);
});

test("a broken row behind a remark about its own direction is a consequence", () => {
  const { remarks } = listed(6);
  assert.equal(remarks.isConsequence(5, 1, "server"), false);
  take(remarks, remark(-2, 2, { direction: "server" }), remark(-3, 0));
  const is = (row, connection, direction) => remarks.isConsequence(row, connection, direction);
  assert.deepEqual([is(2, 1, "server"), is(3, 1, "server"), is(3, 1, "client"), is(3, 2, "server")], [false, true, false, false]);
});

test("100,000 rows and 10,000 remarks: a screenful costs no look at each", () => {
  const { remarks, update } = listed(100_000);
  take(remarks, ...Array.from({ length: 10_000 }, (_, at) => remark(-1 - at, at * 10)));
  update();
  assert.deepEqual([remarks.count, remarks.row(109_999), remarks.row(1), remarks.row(2)], [110_000, 99_999, -1, 1]);
  let looks = 0;
  const place = Shown.prototype.place;
  Shown.prototype.place = function counted(row) {
    looks++;
    return place.call(this, row);
  };
  try {
    for (let at = 50_000; at < 50_040; at++) remarks.row(at);
  } finally {
    Shown.prototype.place = place;
  }
  assert.ok(looks < 40 * 20, `${looks} looks`);
});
