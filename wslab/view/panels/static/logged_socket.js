import { STATES, grouped, hexOf, plural } from "../../live/static/words.js";

const NEWS_EVERY = 50; // ms between two pieces of news at least: the page paints no more often
const PREVIEW = 2_000; // characters kept of a message: the wire view has every byte
const PATIENCE = 10_000; // ms that a connection has to open; a browser alone would wait minutes

const utf8 = new TextEncoder();
const decoder = new TextDecoder();

/** @import { Batch } from "./socket_log.js" */
/** @import { Route } from "./route.js" */

/**
 * @typedef {object} Command what a LoggedSocket is told to do
 * @property {string} do "connect", "send", "close", "binaryType", "complain", "end" or "tell now"
 * @property {number} [number] what has one is obeyed in order, and waits for a connection to open
 * @property {Route} [route] to connect by
 * @property {string} [url] of which the route is still to be found
 * @property {string[]} [protocols]
 * @property {string | Blob | Uint8Array<ArrayBuffer> | number} [data] to send; a number: so many bytes, made up
 * @property {number} [code]
 * @property {string} [reason]
 * @property {BinaryType} [type] of binary messages
 * @property {string | null} [problem]
 * @property {number} [attempt] the connection that the problem is one of
 * @typedef {object} News
 * @property {typeof LoggedSocket.nothing} [state] the properties, live
 * @property {Batch} [batch] new events, each [time, name, text, size, type, code, reason, wasClean]
 * @property {{ attempt: number, route: Route, silent: boolean }} [unopened] a connection that was refused, or died silently
 */

/**
 * The browser's own WebSocket, with a log of all that is called and all that happens. It runs in a
 * worker: `obey` takes commands, and `tell` is given news, some 20 times a second at most.
 */
export class LoggedSocket {
  static nothing = {
    readyState: 3, bufferedAmount: 0, peak: 0, protocol: "", extensions: "", binaryType: "blob", url: "",
    exists: false, route: "direct", problem: /** @type {string | null} */ (null),
    thrown: /** @type {string | null} */ (null), obeyed: 0,
  };

  /** @type {(news: News) => void} */
  #tell;
  /** @type {WebSocket | null} */
  #socket = null;
  /** @type {Route} */
  #route = { kind: "direct", url: "" };
  /** @type {BinaryType} of the next socket too */
  #binaryType = "blob";
  /** @type {string | null} */
  #problem = null;
  /** @type {string | null} name of the exception that `problem` tells about */
  #thrown = null;
  #peak = 0; // the highest bufferedAmount seen on this connection
  #attempt = 0;
  #obeyed = 0; // number of the last command obeyed of those that have one
  /** @type {Command[]} */
  #commands = [];
  #obeying = false;
  /** @type {((value?: unknown) => void) | null} */
  #openedOrFailed = null;
  /** @type {string[]} not told yet, each as JSON */
  #events = [];
  /** @type {ReturnType<typeof setTimeout> | null} */
  #timer = null;
  #toldAt = -Infinity;

  /** @param {(news: News) => void} tell */
  constructor(tell) {
    this.#tell = tell;
    this.#changed();
  }

  // -- what it is told to do ----------------------------------------------------------------

  /** In order; what has a number waits until a connection asked for before has opened or failed. @param {Command} command */
  obey(command) {
    if (command.number === undefined) return this.#do(command);
    this.#commands.push(command);
    return this.#obeyAll();
  }

  async #obeyAll() {
    if (this.#obeying) return;
    this.#obeying = true;
    while (this.#commands.length) {
      const command = this.#commands.shift();
      this.#obeyed = command.number;
      this.#do(command);
      if (command.do === "connect" && this.#socket?.readyState === 0) {
        await new Promise((resolve) => { this.#openedOrFailed = resolve; });
      }
      this.#changed();
    }
    this.#obeying = false;
  }

  /** @param {Command} command */
  #do({ do: what, data, code, reason, type, problem, attempt, protocols, route }) {
    if (what === "connect") this.#connect(route, protocols);
    else if (what === "send") this.#send(typeof data === "number" ? counting(data) : data, data);
    else if (what === "close") this.#close(code ?? undefined, reason ?? undefined);
    else if (what === "binaryType") this.#setBinaryType(type);
    else if (what === "end") this.#end();
    else if (what === "tell now") this.#tellNow();
    // An explanation that took its time is of no use when there is another connection by now.
    else if (attempt === undefined || (attempt === this.#attempt && !this.#problem)) this.#complain(problem);
  }

  /** @param {Route} route @param {string[]} protocols */
  #connect(route, protocols) {
    this.#complain(null);
    this.#route = route;
    this.#leave("another connection is made in its place");
    const offered = protocols.length ? `, ${JSON.stringify(protocols)}` : "";
    this.#note("new WebSocket", `new WebSocket(${JSON.stringify(route.url)}${offered})`);
    let socket;
    try {
      socket = protocols.length ? new WebSocket(route.url, protocols) : new WebSocket(route.url);
    } catch (error) {
      return this.#throws(error);
    }
    const attempt = ++this.#attempt;
    let opened = false;
    let heard = false;
    socket.binaryType = this.#binaryType;
    this.#socket = socket;
    this.#peak = 0;
    const late = setTimeout(() => {
      if (socket.readyState !== 0) return;
      this.#complain(`Nothing answered within ${PATIENCE / 1000} s, so close() was called. ` +
        "Does anything listen at that address?");
      socket.close();
    }, PATIENCE);
    socket.onopen = () => {
      opened = true;
      clearTimeout(late);
      this.#note("open", opening(socket));
      this.#attemptEnded();
    };
    socket.onmessage = ({ data }) => {
      heard = true;
      this.#received(data);
    };
    socket.onerror = () => this.#note("error", "the event tells nothing else: no message, no code");
    socket.onclose = ({ code, reason, wasClean }) => {
      clearTimeout(late);
      const words = `code ${code}, reason ${JSON.stringify(clipped(reason, PREVIEW))}, wasClean ${wasClean}`;
      this.#note("close", words, { code, reason: clipped(reason, PREVIEW), wasClean });
      this.#attemptEnded();
      const silent = route.kind === "proxy" && code === 1006 && opened && !heard;
      if ((silent || !opened) && !this.#problem) this.#tell({ unopened: { attempt, route, silent } });
    };
    return this.#changed();
  }

  /** @param {string | Blob | Uint8Array<ArrayBuffer>} data @param {Command["data"]} given what was asked for */
  #send(data, given) {
    this.#complain(null);
    if (!this.#socket) {
      return this.#complain("There is no socket to send with yet: press new WebSocket first.");
    }
    // Within CLOSING and CLOSED nothing is thrown: the browser counts the bytes and drops them.
    const state = this.#socket.readyState;
    try {
      this.#socket.send(data);
    } catch (error) {
      return this.#throws(error);
    }
    this.#peak = Math.max(this.#peak, this.#socket.bufferedAmount);
    const lost = state > 1 ? `${STATES[state]}: dropped, and no exception: ` : "";
    const type = typeof data === "string" ? "string" : null;
    return this.#note("send", `${lost}send(${named(data, given)})`, { size: sizeOf(data), type });
  }

  /** @param {number | undefined} code @param {string | undefined} reason */
  #close(code, reason) {
    this.#complain(null);
    if (!this.#socket) return this.#complain("There is no socket to close yet.");
    /** @type {[code?: number, reason?: string]} as many as were given: `close(undefined)` is not `close()` */
    const given = reason !== undefined ? [code, reason] : code !== undefined ? [code] : [];
    const call = given.map((value) => value === undefined ? "undefined" : JSON.stringify(value) ?? "NaN");
    this.#note("close()", `close(${clipped(call.join(", "), PREVIEW)})`);
    try {
      this.#socket.close(...given);
    } catch (error) {
      return this.#throws(error);
    }
    return this.#changed();
  }

  /** @param {BinaryType} type */
  #setBinaryType(type) {
    this.#binaryType = type;
    if (this.#socket) this.#socket.binaryType = type;
    this.#changed();
  }

  #end() {
    this.#leave("the panel was taken away");
    clearTimeout(this.#timer);
    this.#tell = () => {};
  }

  /** @param {string} why */
  #leave(why) {
    const socket = this.#socket;
    if (!socket) return;
    socket.onopen = socket.onmessage = socket.onerror = socket.onclose = null;
    if (socket.readyState < 2) socket.close(1000, why);
    this.#socket = null;
  }

  #attemptEnded() {
    this.#openedOrFailed?.();
    this.#openedOrFailed = null;
  }

  // -- what happens -------------------------------------------------------------------------

  /** @param {string | Blob | ArrayBuffer} data */
  #received(data) {
    if (typeof data === "string") {
      this.#note("message", JSON.stringify(clipped(data, PREVIEW)), { size: sizeOf(data), type: "string" });
    } else if (data instanceof Blob) {
      this.#note("message", `Blob of ${plural(data.size, "byte")}`, { size: data.size, type: "Blob" });
    } else {
      this.#note("message", `ArrayBuffer of ${plural(data.byteLength, "byte")}: ${hex(data)}`,
        { size: data.byteLength, type: "ArrayBuffer" });
    }
  }

  /** @param {string} name @param {string} text */
  #note(name, text, { size = null, type = null, code = null, reason = null, wasClean = null } = {}) {
    // Half a surrogate pair would break the way to the kernel, which is UTF-8.
    this.#events.push(JSON.stringify([
      Date.now() / 1000, name, text.toWellFormed(), size, type, code, reason?.toWellFormed() ?? null, wasClean,
    ]));
    this.#changed();
  }

  /** @param {Error} error */
  #throws(error) {
    this.#note("exception", `${error.name}: ${error.message}`);
    this.#thrown = error.name;
    this.#problem = `${error.name}: ${error.message}`;
    this.#changed();
  }

  /** @param {string | null} problem */
  #complain(problem) {
    this.#problem = problem;
    this.#thrown = null;
    this.#changed();
  }

  // -- what it tells ------------------------------------------------------------------------

  #changed() {
    this.#timer ??= setTimeout(() => this.#tellNews(), Math.max(0, this.#toldAt + NEWS_EVERY - performance.now()));
  }

  /** The page is about to paint anyway: what would come soon comes with it, so that it paints once. */
  #tellNow() {
    if (this.#timer === null || performance.now() - this.#toldAt < NEWS_EVERY / 2) return;
    clearTimeout(this.#timer);
    this.#tellNews();
  }

  #tellNews() {
    this.#timer = null;
    this.#toldAt = performance.now();
    /** @type {News} */
    const news = { state: this.#state };
    if (this.#events.length) {
      let end = 0;
      const ends = Uint32Array.from(this.#events, (event) => (end += event.length + 1));
      news.batch = { json: utf8.encode(`[${this.#events.join(",")}]`), ends };
      this.#events = [];
    }
    this.#tell(news);
    if (news.state.bufferedAmount > 0) this.#changed(); // it falls without an event
  }

  get #state() {
    const socket = this.#socket;
    const exists = socket !== null;
    const { readyState, bufferedAmount, protocol, extensions, binaryType, url } =
      socket ?? { ...LoggedSocket.nothing, binaryType: this.#binaryType };
    this.#peak = Math.max(this.#peak, bufferedAmount);
    return {
      readyState, bufferedAmount, protocol, extensions, binaryType, url, exists, peak: this.#peak,
      route: this.#route.kind, problem: this.#problem, thrown: this.#thrown, obeyed: this.#obeyed,
    };
  }
}

/** @param {WebSocket} socket */
function opening({ protocol, extensions }) {
  return [
    protocol ? `subprotocol ${JSON.stringify(protocol)}` : "no subprotocol",
    extensions ? `extensions ${JSON.stringify(extensions)}` : "no extension",
  ].join(", ");
}

/** `data` in a few words; `given` is what was asked for, a number where the bytes are made up. @param {string | Blob | Uint8Array} data @param {Command["data"]} given */
function named(data, given) {
  if (typeof data === "string") return JSON.stringify(clipped(data, PREVIEW));
  if (data instanceof Blob) return `Blob of ${plural(data.size, "byte")}`;
  const size = `Uint8Array of ${plural(data.length, "byte")}`;
  return typeof given === "number" ? size : `${size}: ${hex(data)}`;
}

/** At most `most` characters, as a copy: a slice would keep the whole message in memory. @param {string} text @param {number} most */
export function clipped(text, most) {
  if (text.length <= most) return text;
  return `${decoder.decode(utf8.encode(text.slice(0, most)))}… (${grouped(text.length)} characters)`;
}

/** Bytes on the wire. @param {string | Blob | Uint8Array} data */
function sizeOf(data) {
  if (data instanceof Blob) return data.size;
  if (typeof data !== "string") return data.byteLength;
  if (data.length > 500 || !data.isWellFormed()) return utf8.encode(data).length;
  let bytes = data.length; // short ones counted by hand: there may be ten thousand a second
  for (let at = 0; at < data.length; at++) {
    const unit = data.charCodeAt(at);
    if (unit > 0x7f) bytes += unit < 0x800 || (unit & 0xf800) === 0xd800 ? 1 : 2;
  }
  return bytes;
}

/** The first bytes in hex. @param {Uint8Array | ArrayBuffer} data */
function hex(data) {
  const bytes = (data instanceof ArrayBuffer ? new Uint8Array(data) : data).subarray(0, 24);
  const digits = Array.from(bytes, hexOf).join(" ");
  return digits + (data.byteLength > bytes.length ? " …" : "");
}

/** 00 01 02 … ff 00 …: on the wire one sees at a glance where one is. @param {number} count */
function counting(count) {
  const bytes = new Uint8Array(count);
  for (let at = 0; at < Math.min(256, count); at++) bytes[at] = at;
  for (let done = 256; done < count; done *= 2) bytes.copyWithin(done, 0, done);
  return bytes;
}
