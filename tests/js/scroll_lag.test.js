// How many rows a scroll bar does not know of yet.

import assert from "node:assert/strict";
import test from "node:test";

import { ScrollLag } from "../../wslab/view/live/static/scroll_lag.js";

/** A lag on a clock that is turned by hand, and how often it had the list painted. */
function lagOn(t) {
  t.mock.timers.enable({ apis: ["setTimeout"] });
  let now = 1000;
  t.mock.method(performance, "now", () => now);
  const seen = { painted: 0 };
  const lag = new ScrollLag(() => {
    seen.painted += 1;
    lag.grow(0, 1000, 10, true);
  });
  const pass = (milliseconds) => {
    now += milliseconds;
    t.mock.timers.tick(milliseconds);
  };
  return { lag, seen, pass };
}

test("under a flood that is followed the scroll bar moves a few times a second", (t) => {
  const { lag, seen, pass } = lagOn(t);
  lag.grow(100, 100, 10, true);
  assert.equal(lag.rows, 0); // the first time it knows all at once
  pass(50);
  lag.grow(100, 200, 10, true);
  lag.grow(100, 300, 10, true);
  assert.equal(lag.rows, 200);
  assert.equal(seen.painted, 0);
  pass(250);
  assert.deepEqual([lag.rows, seen.painted], [0, 1]);
});

test("a few rows, or a reader elsewhere in the list: nothing lags", (t) => {
  const { lag, pass } = lagOn(t);
  lag.grow(100, 100, 10, true);
  pass(50);
  lag.grow(10, 110, 10, true);
  assert.equal(lag.rows, 0);
  pass(50);
  lag.grow(100, 210, 10, false);
  assert.equal(lag.rows, 0);
});

test("what lags can be had at once, and a list that is gone is painted no more", (t) => {
  const { lag, seen, pass } = lagOn(t);
  lag.grow(100, 100, 10, true);
  pass(50);
  lag.grow(100, 200, 10, true);
  lag.catchUp();
  assert.deepEqual([lag.rows, seen.painted], [0, 1]);
  lag.catchUp(); // nothing lags: nothing to do
  assert.equal(seen.painted, 1);
  lag.grow(100, 300, 10, true);
  lag.stop();
  pass(1000);
  assert.equal(seen.painted, 1);
});
