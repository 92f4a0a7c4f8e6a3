// The browser's WebSocket with its log, on a socket that is moved by hand.

import assert from "node:assert/strict";
import test from "node:test";

import { LoggedSocket, clipped } from "../../wslab/view/panels/static/logged_socket.js";
import { SocketLog } from "../../wslab/view/panels/static/socket_log.js";

/** A WebSocket without a network: the test says what happens to it. */
class HandSocket {
  static last;
  readyState = 0;
  bufferedAmount = 0;
  protocol = "";
  extensions = "";
  binaryType = "blob";
  sent = [];

  constructor(url, protocols = []) {
    if (url === "ws://bad") throw new DOMException("The URL 'ws://bad' is invalid.", "SyntaxError");
    Object.assign(this, { url, protocols });
    HandSocket.last = this;
  }

  send(data) {
    if (this.readyState === 0) throw new DOMException("Still in CONNECTING state.", "InvalidStateError");
    this.sent.push(data);
  }

  close(...given) {
    this.closed = given;
    this.readyState = 2;
  }

  open() {
    this.readyState = 1;
    this.onopen();
  }

  end(code = 1000, reason = "", wasClean = true) {
    this.readyState = 3;
    this.onclose({ code, reason, wasClean });
  }
}

/** A LoggedSocket, what it told, and its log. */
function logged(t) {
  t.mock.timers.enable({ apis: ["setTimeout"] });
  globalThis.WebSocket = /** @type {any} */ (HandSocket);
  t.after(() => delete globalThis.WebSocket);
  const log = new SocketLog();
  const told = [];
  const socket = new LoggedSocket((news) => {
    told.push(news);
    if (news.batch) log.add(news.batch);
  });
  const settle = async () => {
    for (let turn = 0; turn < 5; turn++) await null;
    t.mock.timers.tick(60);
  };
  const lines = () => Array.from({ length: log.length }, (_, place) => `${log.at(place).name}: ${log.at(place).text}`);
  const connect = (more = {}) => socket.obey({ do: "connect", route: { kind: "direct", url: "ws://x/" }, protocols: [], ...more });
  return { socket, told, log, settle, lines, connect, state: () => told.at(-1).state };
}

test("a connection's life stands in the log, with the properties as they are", async (t) => {
  const { socket, settle, lines, connect, state } = logged(t);
  connect({ protocols: ["chat"] });
  await settle();
  assert.deepEqual([state().readyState, state().exists, state().url], [0, true, "ws://x/"]);
  HandSocket.last.protocol = "chat";
  HandSocket.last.open();
  HandSocket.last.onmessage({ data: "Grüße" });
  HandSocket.last.onmessage({ data: Uint8Array.of(1, 2).buffer });
  socket.obey({ do: "send", data: "Hello" });
  socket.obey({ do: "send", data: 3 });
  socket.obey({ do: "close", code: 1000, reason: "done" });
  HandSocket.last.end(1000, "done");
  await settle();
  assert.deepEqual(lines(), [
    'new WebSocket: new WebSocket("ws://x/", ["chat"])',
    'open: subprotocol "chat", no extension',
    'message: "Grüße"',
    "message: ArrayBuffer of 2 bytes: 01 02",
    'send: send("Hello")',
    "send: send(Uint8Array of 3 bytes)",
    'close(): close(1000, "done")',
    'close: code 1000, reason "done", wasClean true',
  ]);
  assert.deepEqual([...HandSocket.last.sent[1]], [0, 1, 2]);
  assert.deepEqual([state().readyState, HandSocket.last.closed], [3, [1000, "done"]]);
});

test("sizes are bytes of UTF-8, counted without encoding what is short", async (t) => {
  const { settle, log, connect } = logged(t);
  connect();
  HandSocket.last.open();
  const texts = ["Hello", "Grüße", "€", "😀", "\ud800", "x".repeat(600)];
  for (const data of texts) HandSocket.last.onmessage({ data });
  await settle();
  const sizes = texts.map((_, place) => log.at(place + 2).size);
  assert.deepEqual(sizes, texts.map((text) => new TextEncoder().encode(text).length));
});

test("what throws is an event and a problem, and the next call takes the problem away", async (t) => {
  const { socket, settle, lines, state, connect } = logged(t);
  connect({ route: { kind: "direct", url: "ws://bad" } });
  await settle();
  assert.deepEqual([state().thrown, state().exists], ["SyntaxError", false]);
  assert.match(lines().at(-1), /^exception: SyntaxError: The URL/);
  connect();
  socket.obey({ do: "send", data: "too early" });
  await settle();
  assert.match(state().problem, /InvalidStateError/);
  HandSocket.last.open();
  socket.obey({ do: "send", data: "now" });
  await settle();
  assert.deepEqual([state().problem, state().thrown], [null, null]);
});

test("without a socket there is nothing to send with or to close", async (t) => {
  const { socket, settle, state } = logged(t);
  socket.obey({ do: "send", data: "x" });
  await settle();
  assert.match(state().problem, /no socket to send with/);
  socket.obey({ do: "close" });
  await settle();
  assert.match(state().problem, /no socket to close/);
});

test("numbered commands wait for the connection before them", async (t) => {
  const { socket, settle, state } = logged(t);
  socket.obey({ do: "connect", route: { kind: "direct", url: "ws://x/" }, protocols: [], number: 1 });
  socket.obey({ do: "send", data: "a", number: 2 });
  socket.obey({ do: "close", number: 3 });
  await settle();
  assert.deepEqual([HandSocket.last.sent, state().obeyed], [[], 1]);
  HandSocket.last.open();
  await settle();
  assert.deepEqual([HandSocket.last.sent, HandSocket.last.closed, state().obeyed], [["a"], [], 3]);
});

test("a connection that never opens is given up, and one that was refused asks for the reason", async (t) => {
  const { settle, told, state, connect } = logged(t);
  connect();
  await settle();
  t.mock.timers.tick(10_000);
  await settle();
  assert.match(state().problem, /Nothing answered within 10 s/);
  connect();
  HandSocket.last.end(1006, "", false);
  await settle();
  const { unopened } = told.find((news) => news.unopened);
  assert.deepEqual([unopened.route.kind, unopened.silent], ["direct", false]);
});

test("a new connection takes the place of the one before", async (t) => {
  const { settle, connect, state } = logged(t);
  connect();
  const first = HandSocket.last;
  first.open();
  connect();
  await settle();
  assert.deepEqual(first.closed, [1000, "another connection is made in its place"]);
  assert.equal(first.onclose, null);
  assert.equal(state().readyState, 0);
});

test("the log keeps the newest, and says how many went", () => {
  const log = new SocketLog();
  const encoder = new TextEncoder();
  const batch = (from, count) => {
    const events = Array.from({ length: count }, (_, place) => JSON.stringify([1, "message", `${from + place}`, 1, "string"]));
    let end = 0;
    return { json: encoder.encode(`[${events.join(",")}]`), ends: Uint32Array.from(events, (event) => (end += event.length + 1)) };
  };
  for (let from = 0; from < 120_000; from += 10_000) log.add(batch(from, 10_000));
  assert.deepEqual([log.dropped, log.length], [20_000, 100_000]);
  assert.deepEqual([log.at(0).text, log.at(9_999).text, log.at(10_000).text, log.at(99_999).text],
    ["20000", "29999", "30000", "119999"]);
});

test("a long text is clipped, and tells how long it is", () => {
  assert.equal(clipped("short", 10), "short");
  assert.equal(clipped("x".repeat(1500), 3), "xxx… (1,500 characters)");
});
