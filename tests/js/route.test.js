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
    { kind: "proxy", url: "wss://hub.example/user/ada/proxy/4321/chat?x=1", port: 4321 });
  assert.deepEqual(routeTo("ws://localhost:80", "proxy", here, "/"),
    { kind: "proxy", url: "ws://127.0.0.1:8888/proxy/80/", port: 80 });
});

test("a route through the proxy never leads out of what is the server's", () => {
  const server = "wss://hub.example/user/ada/proxy/4321/";
  const through = (url) => routeTo(url, "proxy", hub, "/user/ada/");
  // Where a browser finds the way itself, it is the browser's: up from the top there is nothing.
  for (const [path, leads] of [
    ["/../../terminals/websocket/1", "terminals/websocket/1"],
    ["/%2e%2e/%2E./terminals/websocket/1", "terminals/websocket/1"],
    ["\\..\\..\\terminals\\websocket\\1", "terminals/websocket/1"],
    ["/a/../b?x=../../c#d", "b?x=../../c"],
    ["//../4322/", "4322/"],
    ["/Gr\u00fc\u00dfe?na me", "Gr%C3%BC%C3%9Fe?na%20me"],
    ["/100%25.x", "100%25.x"],
  ]) {
    assert.deepEqual(through(`ws://127.0.0.1:4321${path}`), { kind: "proxy", url: server + leads, port: 4321 }, path);
  }
  for (const path of [
    "/..%2f..%2fterminals/websocket/1", "/..%5C..%5Cterminals", "/%252e%252e/%252e%252e/terminals",
    "/%25252e%25252e/", "/..%252f", "/..;/..;/terminals", "/%2e%2e%2f", "/%c0%ae%c0%ae/", "/a%00b", "/a%0d%0ab", "/a%7fb",
    "/.\t./.\n./terminals", "/\0", "/x%2Ey",
  ]) assert.match(through(`ws://127.0.0.1:4321${path}`).problem, /leads to/, path);
  for (const url of [
    "ws://ada:secret@127.0.0.1:4321/", "ws://127.0.0.1:4321@hub.example/", "http://127.0.0.1:4321/", "ws://hub.example:4321/",
    "ws://127.0.0.1.hub.example:4321/", "ws://0.0.0.0:4321/", "ws://127.0.0.1:99999/", "ws://127.0.0.1:4321:1/", "/user/ada/", "",
  ]) assert.match(through(url).problem, /leads to/, url);
  for (const host of ["127.1", "2130706433", "0x7f.1", "LOCALHOST", "[::1]"]) {
    assert.equal(through(`ws://${host}:4321/`).url, server, host); // other ways to write the same machine
  }
  assert.equal(through("ws://127.0.0.1:0/").port, 0);
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
