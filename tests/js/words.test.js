// Numbers as people read them.

import assert from "node:assert/strict";
import test from "node:test";

import { STATES, grouped, hexOf, plural, size, timeOfDay } from "../../wslab/view/live/static/words.js";

test("digits come in groups of three", () => {
  assert.deepEqual([0, 999, 1000, 1234567].map(grouped), ["0", "999", "1,000", "1,234,567"]);
});

test("a size is exact below 10 kB, and rounded to three digits above", () => {
  assert.deepEqual(
    [0, 9_999, 10_000, 99_949, 123_456, 1_500_000, 2_000_000_000].map(size),
    ["0 B", "9,999 B", "10.0 kB", "99.9 kB", "123 kB", "1.5 MB", "2.0 GB"],
  );
});

test("one row, two rows, no rows", () => {
  assert.deepEqual([1, 2, 0, 1000].map((count) => plural(count, "row")), ["1 row", "2 rows", "0 rows", "1,000 rows"]);
});

test("the time of day has milliseconds, each part its full width", () => {
  const noon = new Date(2026, 0, 2, 3, 4, 5, 6);
  assert.equal(timeOfDay(noon.getTime() / 1000), "03:04:05.006");
});

test("a byte has two digits, and a readyState its name", () => {
  assert.deepEqual([0, 9, 255].map(hexOf), ["00", "09", "ff"]);
  assert.deepEqual([STATES[0], STATES[3]], ["CONNECTING", "CLOSED"]);
});
