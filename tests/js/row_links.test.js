// What a link in the prose asks the kernel for.

import assert from "node:assert/strict";
import test from "node:test";

import { whatOf } from "../../wslab/view/wire/static/row_links.js";

test("a link says what it looks for behind #wire:, as an address writes it", () => {
  assert.equal(whatOf("#wire:text=Hello&which=first"), "text=Hello&which=first");
  assert.equal(whatOf("#wire:text=%22Gr%C3%BC%C3%9Fe%20dich%22"), 'text="Grüße dich"');
  assert.equal(whatOf("#wire:100%"), "100%");
});
