// Which browser this is, and what a table of browsers says of it.

import assert from "node:assert/strict";
import test from "node:test";

import { browserOf, isSupported, told } from "../../wslab/view/panels/static/support.js";

const CHROME = "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/156.0.0.0 Safari/537.36";

test("a browser is known by what it says of itself, though it names others too", () => {
  assert.deepEqual(browserOf(CHROME), { key: "chrome", version: "156.0.0.0" });
  assert.deepEqual(browserOf(CHROME.replace("Chrome", "HeadlessChrome")), { key: "chrome", version: "156.0.0.0" });
  assert.deepEqual(browserOf(`${CHROME} Edg/156.0.1`), { key: "edge", version: "156.0.1" });
  assert.deepEqual(browserOf("Mozilla/5.0 (X11; Linux x86_64; rv:153.0) Gecko/20100101 Firefox/153.0"), { key: "firefox", version: "153.0" });
  const mac = "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/26.4 Safari/605.1.15";
  assert.deepEqual(browserOf(mac), { key: "safari", version: "26.4" });
  const phone = "Mozilla/5.0 (iPhone; CPU iPhone OS 17_3_1 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) CriOS/120.0 Mobile/15E148 Safari/604.1";
  assert.deepEqual(browserOf(phone), { key: "safari_ios", version: "17.3.1" });
  assert.equal(browserOf("Lynx/2.9"), null);
});

test("a version is compared part by part", () => {
  for (const [added, version, can] of [
    ["114", "99", false], ["17.3", "17.10", true], ["17.3", "17", false], ["5", "156.0.0.0", true],
    ["≤37", "37", true], ["preview", "999", false], [false, "999", false],
  ]) assert.equal(isSupported({ added }, version), can, `${added} ${version}`);
});

test("what needs a flag, or was removed, a page cannot have", () => {
  assert.equal(isSupported({ added: "100", flag: "x" }, "156"), false);
  assert.equal(isSupported({ added: "4", removed: "15" }, "14.9"), true);
  assert.equal(isSupported({ added: "4", removed: "15" }, "15"), false);
});

test("a statement is said in a word or two", () => {
  assert.equal(told({ added: false }), "no");
  assert.equal(told({ added: "4", removed: "15" }), "4 to 15");
  assert.equal(told({ added: "4", flag: "x" }), "4 (flag)");
  assert.equal(told({ added: "4", partial: true }), "4 (partly)");
});
