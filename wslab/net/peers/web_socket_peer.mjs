// A client on the WebSocket API that browsers have (WHATWG), controlled from outside: `library.py` is the same in
// Python. It runs in a page (`page.py`) and, for Node's own WebSocket, in `ws_peers.js`.

const SHORT = 20; // as in peers.py

const NO_PING = "the API has no call for a ping: the browser would send one, not a script (WHATWG WebSockets §6)";
const NO_FRAGMENTS = "send() takes a whole message; frames are not a script's (WHATWG WebSockets §3.1)";
const NO_ABORT = "the API has close() and nothing harder (WHATWG WebSockets §3.1)";
const NO_OPTION = "the constructor has no option for extensions (WHATWG WebSockets §3.1)";

/** A message as this API hands it over. @param {string | Blob | ArrayBuffer} data */
async function told(data) {
  if (typeof data === "string") {
    return `text ${data.length <= SHORT ? `'${data}'` : `of ${grouped(data.length)} characters`} (string)`;
  }
  const bytes = new Uint8Array("arrayBuffer" in data ? await data.arrayBuffer() : data);
  const hex = Array.from(bytes.slice(0, SHORT), (byte) => byte.toString(16).padStart(2, "0")).join(" ");
  const shown = bytes.length <= SHORT ? hex : `of ${grouped(bytes.length)} bytes`;
  return `${`binary ${shown}`.trim()} (${data.constructor.name})`;
}

function grouped(number) {
  return number.toLocaleString("en-US");
}

export class WebSocketPeer {
  said = [];
  heard = [];
  #end = null;
  #waiting = new Set();
  #news = Promise.resolve(); // reading a Blob takes its time: in order all the same

  /** @param {WebSocket} socket */
  constructor(socket) {
    this.socket = socket;
    this.opened = new Promise((resolve) => {
      socket.addEventListener("open", resolve);
      socket.addEventListener("close", resolve);
    });
    socket.addEventListener("message", ({ data }) => {
      this.#news = this.#news.then(async () => {
        this.heard.push(await told(data));
        this.#wake();
      });
    });
    socket.addEventListener("error", () => this.said.push("error event, which says nothing else"));
    socket.addEventListener("close", ({ code, reason, wasClean }) => {
      this.said.push(`close event: code ${code}, reason '${reason}', wasClean ${wasClean}`);
      this.#end = [code, reason, wasClean];
      this.#wake();
    });
  }

  #wake() {
    for (const wake of this.#waiting) wake();
  }

  /** Waits until `enough()`, or for `patience` seconds. */
  async #until(enough, patience) {
    const end = performance.now() + 1000 * patience;
    for (let left = 1000 * patience; left > 0 && !enough(); left = end - performance.now()) {
      let wake;
      const late = await new Promise((resolve) => {
        wake = () => resolve(false);
        this.#waiting.add(wake);
        setTimeout(() => resolve(true), left);
      });
      this.#waiting.delete(wake);
      if (late) return;
    }
  }

  #try(call, text) {
    try {
      call();
    } catch (error) {
      this.said.push(`${text} threw ${error.name}: ${error.message}`);
      return this.said.at(-1);
    }
    return null;
  }

  /** Carries out one order of `peers.py`. @param {string} order @param {any} details */
  async obey(order, details) {
    const { socket } = this;
    switch (order) {
      case "send": {
        const { message } = details;
        const data = typeof message === "string" ? message : bytesOf(message);
        return this.#try(() => socket.send(data), "send()");
      }
      case "close": {
        const { code, reason } = details;
        const call = `close(${code ?? ""}${reason ? `, '${reason}'` : ""})`;
        return this.#try(() => (code === null ? socket.close() : socket.close(code, reason)), call);
      }
      case "close_plainly":
        return this.#try(() => socket.close(), "close()");
      case "hear":
        await this.#until(() => this.heard.length >= details.count || this.#end, details.patience);
        return this.heard;
      case "report":
        await this.#until(() => this.#end, details.patience);
        return [...(this.#end ?? [null, "", false]), this.said];
      case "ping":
        return NO_PING;
      case "send_fragments":
        return NO_FRAGMENTS;
      case "vanish":
        return NO_ABORT;
    }
    throw new Error(`no such order: ${order}`);
  }
}

function bytesOf({ hex, zeros }) {
  return hex ? new Uint8Array(hex.match(/../g).map((digits) => parseInt(digits, 16))) : new Uint8Array(zeros);
}

/**
 * Opens a client at `url` and waits until it is open, or is not.
 * @param {typeof WebSocket | undefined} Socket @param {{ url: string, compression: boolean }} wanted
 * @returns {Promise<WebSocketPeer | string | { problem: string }>} or why this API cannot do it, or is not here
 */
export async function connect(Socket, { url, compression }) {
  if (!Socket) return { problem: "this Node has no WebSocket of its own: that takes version 22 or newer" };
  if (!compression) return NO_OPTION;
  const peer = new WebSocketPeer(new Socket(url));
  await peer.opened;
  return peer;
}
