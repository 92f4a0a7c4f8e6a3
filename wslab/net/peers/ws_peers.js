// A server or a client on Node's `ws`, controlled from outside: as `library.py` is in Python.
//
//   node ws_peers.js /path/to/node_modules/ws
//
// With a third argument, "WebSocket", its clients are made with Node's own WebSocket.
//
// It reads orders as lines of JSON from the standard input, and writes one answer for each to the
// standard output. It ends with its input, so that it never outlives the lab that started it.
"use strict";

const readline = require("node:readline");
const { WebSocket, WebSocketServer } = require(process.argv[2]);
const OWN = process.argv[3] === "WebSocket";

const CLOSE_TIMEOUT = 10_000; // milliseconds, as in peers.py
const MAX_SIZE = 64; // bytes, as in peers.py
const SHORT = 20; // as in peers.py

// -- what the server does with a connection ---------------------------------------------------

const BEHAVIOURS = {
  echo(socket) {
    socket.on("message", (data, isBinary) => socket.send(data, { binary: isBinary }));
  },
  listens(socket) {
    socket.on("message", () => {});
  },
  "text-only"(socket) {
    socket.on("message", (data, isBinary) => {
      if (isBinary) socket.close(1003, "text only, please");
    });
  },
  guarded(socket) {
    socket.once("message", (data) => {
      if (String(data) !== "open sesame") socket.close(1008, "wrong password");
    });
  },
  crashes(socket) {
    socket.on("message", (data) => {
      throw new Error(`a bug in the handler, met at '${data}'`);
    });
  },
  "one-at-a-time"(socket) {
    if (served.length > 1) socket.close(1013, "full: come back later");
  },
  gateway(socket, peer, { upstream }) {
    const behind = new WebSocket(upstream);
    behind.on("error", (error) => {
      peer.said.push(`upstream 'error' event: ${named(error)}`);
      socket.close(1014, "bad answer from upstream");
    });
  },
  session(socket) {
    socket.once("message", () => socket.close(3000, "your login has run out"));
  },
};

// -- the peers ---------------------------------------------------------------------------------

const served = [];
const clients = {}; // of `ws`
const own = {}; // clients on Node's own WebSocket
let server = null;
let arrived = signal(); // when the server's first connection is there

function signal() {
  let set;
  const promise = new Promise((resolve) => (set = resolve));
  return { promise, set };
}

class Peer {
  constructor(socket, closeTimeout = CLOSE_TIMEOUT) {
    this.socket = socket;
    this.said = [];
    this.heard = []; // see Peers.hear in peers.py
    this.news = signal();
    socket.on("message", (data, isBinary) => this.note(told(data, isBinary)));
    for (const kind of ["ping", "pong"]) socket.on(kind, (data) => this.note(`${kind} '${data}' (event)`));
    this.code = null;
    this.reason = "";
    this.over = new Promise((resolve) => {
      socket.on("close", (code, reason) => {
        this.code = code;
        this.reason = String(reason);
        this.said.push(`'close' event: code ${code}, reason '${this.reason}'`);
        resolve();
        this.news.set();
      });
    });
    socket.on("error", (error) => this.said.push(`'error' event: ${named(error)}`));
    socket._closeTimeout = closeTimeout; // `ws` 8.18 has no option for it yet
  }

  note(heard) {
    this.heard.push(heard);
    this.news.set();
  }

  async hear(count, patience) {
    const late = new Promise((resolve) => setTimeout(resolve, 1000 * patience, true));
    while (this.heard.length < count && this.socket.readyState !== WebSocket.CLOSED) {
      this.news = signal();
      if (await Promise.race([this.news.promise, late])) break;
    }
    return this.heard;
  }

  /** Makes a call; what it throws is noted, and returned. */
  try(call, text) {
    try {
      call();
    } catch (error) {
      this.said.push(`${text} threw ${named(error)}`);
      return this.said.at(-1);
    }
    return null;
  }

  report() {
    const { _closeFrameReceived: heard, _closeFrameSent: sent } = this.socket;
    return [this.code, this.reason, Boolean(heard && sent), this.said];
  }
}

function named(error) {
  return `${error.name}${error.code ? ` [${error.code}]` : ""}: ${error.message}`.trim();
}

/** A message as this API hands it over. */
function told(data, isBinary) {
  const shown = (text) => (data.length <= SHORT ? text : `of ${data.length.toLocaleString("en-US")} bytes`);
  if (isBinary) return `${`binary ${shown(data.toString("hex").replace(/..(?=.)/g, "$& "))}`.trim()} (Buffer)`;
  return `text ${shown(`'${data}'`)} as bytes (Buffer, isBinary false)`;
}

function bytesOf({ hex, zeros }) {
  return hex ? Buffer.from(hex, "hex") : Buffer.alloc(zeros);
}

function find(who) {
  return who === "server" ? served.at(-1) : clients[who];
}

function close(who, code, reason) {
  const peer = find(who);
  const shown = reason.length > 40 ? `${reason.slice(0, 20)}… (${reason.length} characters)` : reason;
  const call = `close(${code ?? ""}${reason ? `, '${shown}'` : ""})`;
  return peer.try(() => (code === null ? peer.socket.close() : peer.socket.close(code, reason)), call);
}

const ORDERS = {
  serve({ behaviour, upstream, compression, limited }) {
    return new Promise((resolve) => {
      server = new WebSocketServer({
        host: "127.0.0.1", port: 0, perMessageDeflate: compression, ...(limited && { maxPayload: MAX_SIZE }),
      });
      server.on("connection", (socket) => {
        const peer = new Peer(socket);
        served.push(peer);
        arrived.set();
        BEHAVIOURS[behaviour](socket, peer, { upstream });
      });
      server.on("listening", () => resolve(server.address().port));
    });
  },
  async connect({ url, who, close_timeout: seconds, compression }) {
    if (OWN) {
      const peer = await (await import("./web_socket_peer.mjs")).connect(globalThis.WebSocket, { url, compression });
      if (typeof peer === "string" || "problem" in peer) return peer;
      own[who] = peer;
      return null;
    }
    return new Promise((resolve) => {
      const socket = new WebSocket(url, { perMessageDeflate: compression, handshakeTimeout: 10_000 });
      clients[who] = new Peer(socket, 1000 * seconds);
      socket.on("open", () => resolve(null));
      socket.on("close", () => resolve(null));
    });
  },
  send({ who, message }) {
    const peer = find(who);
    const data = typeof message === "string" ? message : bytesOf(message);
    return peer.try(() => peer.socket.send(data), "send()");
  },
  send_fragments({ who, parts }) {
    const { socket } = find(who);
    for (const [place, part] of parts.entries()) socket.send(part, { fin: place === parts.length - 1 });
    return null;
  },
  ping({ who, payload }) {
    find(who).socket.ping(payload);
    return null;
  },
  async hear({ who, count, patience }) {
    if (who === "server") await arrived.promise;
    return find(who).hear(count, patience);
  },
  close({ who, code, reason }) {
    return close(who, code, reason);
  },
  close_plainly({ who }) {
    return close(who, null, "");
  },
  close_both({ client, server: other }) {
    // Both write before the event loop reads again: neither can have seen the other's frame.
    close("client", ...client);
    close("server", ...other);
    return {};
  },
  vanish({ who, reset }) {
    const { socket } = find(who);
    if (reset) socket._socket.resetAndDestroy(); // `ws` has no call for it, Node's TCP socket has
    else socket.terminate();
    return null;
  },
  close_server() {
    server.close();
    return null;
  },
  shut_down({ code, reason }) {
    // server.close() stops listening and leaves the open connections as they are.
    for (const socket of server.clients) socket.close(code, reason);
    return new Promise((resolve) => server.close(() => resolve({})));
  },
  async send_in_each_state({ url, hanging }) {
    const said = {};
    const send = (socket) => {
      const before = socket.bufferedAmount;
      try {
        socket.send("Hello");
      } catch (error) {
        return `throws ${error.name}`;
      }
      if (socket.readyState === WebSocket.OPEN) return "sends";
      const lost = socket.bufferedAmount - before;
      return `nothing, no error either; bufferedAmount grows by ${lost}`;
    };
    const early = new WebSocket(hanging);
    early.on("error", () => {}); // raised when a socket is terminated before the answer
    said.CONNECTING = send(early);
    early.terminate();
    const socket = new WebSocket(url, { perMessageDeflate: false });
    const over = new Promise((resolve) => socket.on("close", resolve));
    await new Promise((resolve) => socket.on("open", resolve));
    said.OPEN = send(socket);
    socket.close();
    said.CLOSING = send(socket);
    await over;
    said.CLOSED = send(socket);
    return said;
  },
  async report({ who, patience }) {
    const peer = find(who);
    if (!peer) return [null, "", false, ["no 'connection' event came"]];
    const late = new Promise((resolve) => setTimeout(resolve, 1000 * patience));
    await Promise.race([peer.over, late]);
    return peer.report();
  },
  reset() {
    for (const peer of [...served, ...Object.values(clients)]) peer.socket.terminate();
    for (const { socket } of Object.values(own)) socket.close(); // it has nothing harder
    served.length = 0;
    arrived = signal();
    for (const table of [clients, own]) for (const who of Object.keys(table)) delete table[who];
    const before = server;
    server = null;
    return before ? new Promise((resolve) => before.close(() => resolve({}))) : {};
  },
};

const lines = readline.createInterface({ input: process.stdin });
lines.on("close", () => process.exit(0));
lines.on("line", async (line) => {
  const { order, ...details } = JSON.parse(line);
  const peer = ["connect", "reset"].includes(order) ? null : own[details.who];
  const answer = await (peer ? peer.obey(order, details) : ORDERS[order](details));
  process.stdout.write(`${JSON.stringify(answer)}\n`);
});
