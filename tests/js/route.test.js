// How a page gets to a server on the kernel's machine.

import assert from "node:assert/strict";
import test from "node:test";

import { UNREACHED, jupyterBase, pageIsLocal, routeTo, whyNotOpened } from "../../wslab/view/panels/static/route.js";

const here = { hostname: "127.0.0.1", host: "127.0.0.1:8888", protocol: "http:", origin: "http://127.0.0.1:8888" };
const hub = { hostname: "hub.example", host: "hub.example", protocol: "https:", origin: "https://hub.example" };
const SERVER = "ws://127.0.0.1:4321/chat?x=1";

/** A page with Jupyter's configuration in it, or with the base that notebooks of old had. */
const page = (config, base) => /** @type {any} */ ({
  getElementById: (id) => (id === "jupyter-config-data" && config !== undefined ? { textContent: config } : null),
  body: { dataset: base === undefined ? {} : { baseUrl: base } },
});

test("a page of this machine goes straight, whatever base it has", () => {
  assert.equal(pageIsLocal(here), true);
  assert.deepEqual(routeTo(SERVER, "auto", here, "/"), { kind: "direct", url: SERVER });
});

test("a hub's page goes through its proxy, over TLS where the page came so", () => {
  assert.equal(pageIsLocal(hub), false);
  assert.deepEqual(routeTo(SERVER, "auto", hub, "/user/ada/"),
    { kind: "proxy", url: "wss://hub.example/user/ada/proxy/4321/chat?x=1" });
  assert.deepEqual(routeTo("ws://localhost:80", "proxy", here, "/"),
    { kind: "proxy", url: "ws://127.0.0.1:8888/proxy/80/" });
});

test("what is wanted counts", () => {
  assert.equal(routeTo(SERVER, "direct", hub, "/").kind, "direct");
  assert.equal(routeTo("wss://echo.example/", "auto", hub, "/").kind, "direct"); // no server of this machine
});

test("where no proxy leads, the route says so", () => {
  assert.match(routeTo("wss://echo.example/", "proxy", hub, "/").problem, /leads to ws:\/\/127\.0\.0\.1:PORT/);
  assert.match(routeTo(SERVER, "proxy", hub, null).problem, /does not come from a Jupyter server/);
});

test("the base is what Jupyter says on the page", () => {
  assert.equal(jupyterBase(page('{"baseUrl": "/user/ada/"}')), "/user/ada/");
  assert.equal(jupyterBase(page("{}")), null);
  assert.equal(jupyterBase(page("not JSON")), null);
  assert.equal(jupyterBase(page(undefined, "/old/")), "/old/");
  assert.equal(jupyterBase(page(undefined)), null);
});

test("why a connection did not open is told for each way", async (t) => {
  const asked = [];
  let status = 404;
  t.mock.method(globalThis, "fetch", async (url) => {
    asked.push(url);
    return { status };
  });
  assert.match(await whyNotOpened({ kind: "proxy", url: "" }, hub, "/user/ada/"), /pip install jupyter-server-proxy/);
  assert.deepEqual(asked, ["https://hub.example/user/ada/proxy/1/"]);
  status = 599;
  assert.equal(await whyNotOpened({ kind: "proxy", url: "" }, hub, "/"), UNREACHED);
  assert.match(await whyNotOpened({ kind: "direct", url: SERVER }, hub, "/"), /Local Network Access/);
  assert.match(await whyNotOpened({ kind: "direct", url: SERVER }, here, "/"), /a page is never told why/);
});
