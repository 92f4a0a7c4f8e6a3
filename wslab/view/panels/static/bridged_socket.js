// The WebSocket of a %%browser cell on a hub. The proxy refuses a frame without an origin, so the page
// around the frame makes the sockets (lent_socket.js), and this class stands for them in the frame: the
// WHATWG standard's interface, connected by messages to a socket of the browser's own.

const TOKEN = /^[!#$%&'*+\-.^_`|~0-9A-Za-z]+$/; // RFC 9110 §5.6.2, which RFC 6455 §4.1 wants of a subprotocol
const STATES = ["CONNECTING", "OPEN", "CLOSING", "CLOSED"];
const MEMBERS = [
  "url", "readyState", "bufferedAmount", "extensions", "protocol", "binaryType", "send", "close",
  "onopen", "onmessage", "onerror", "onclose",
];

/**
 * Makes the class, whose objects talk to the page around over the port `around`. It is a constant, as
 * functions in a script of the frame would be seen by the code of the cell.
 */
export const bridgedSocket = (/** @type {MessagePort} */ around) => {
  /** @type {Map<number, WebSocket>} those that are not CLOSED, by their numbers */
  const sockets = new Map();
  let made = 0;

  class WebSocket extends EventTarget {
    #number = ++made;
    #url;
    #readyState = 0;
    #extensions = "";
    #protocol = "";
    #binaryType = "blob";
    #given = 0; // bytes that send() got
    #sent = 0; // of these, the bytes that the page's socket has passed on to the network
    /** @type {Map<string, { handler: object, listener: (event: Event) => void }>} the values of onopen and so on */
    #handlers = new Map();

    /** @param {string | URL} url @param {string | string[]} [protocols] */
    constructor(url, protocols = []) {
      if (arguments.length === 0) throw tooFew("construct 'WebSocket'");
      super();
      this.#url = addressOf(`${url}`);
      this.#post({ do: "open", url: this.#url, protocols: subprotocolsOf(protocols) });
      sockets.set(this.#number, this);
    }

    get url() { return this.#url; }
    get readyState() { return this.#readyState; }
    get bufferedAmount() { return this.#given - this.#sent; }
    get extensions() { return this.#extensions; }
    get protocol() { return this.#protocol; }
    get binaryType() { return this.#binaryType; }

    set binaryType(type) {
      this.#binaryType = ["blob", "arraybuffer"].find((one) => one === `${type}`) ?? this.#binaryType;
    }

    get onopen() { return this.#handler("open"); }
    get onmessage() { return this.#handler("message"); }
    get onerror() { return this.#handler("error"); }
    get onclose() { return this.#handler("close"); }

    set onopen(handler) { this.#handle("open", handler); }
    set onmessage(handler) { this.#handle("message", handler); }
    set onerror(handler) { this.#handle("error", handler); }
    set onclose(handler) { this.#handle("close", handler); }

    /** @param {string | Blob | ArrayBufferLike | ArrayBufferView} data */
    send(data) {
      const call = "execute 'send' on 'WebSocket'";
      if (arguments.length === 0) throw tooFew(call);
      const message = messageOf(data);
      if (this.#readyState === 0) throw failure(call, "InvalidStateError", "Still in CONNECTING state.");
      this.#given += sizeOf(message); // and never sent, if it is closed
      if (this.#readyState === 1) this.#post({ do: "send", data: message });
    }

    // Without names in the parentheses: their number is the function's length, 0 in the standard.
    close(...args) {
      const before = this.#readyState; // first of all: what is no socket has none, and throws
      const [code, reason] = [closeCodeOf(args[0]), closeReasonOf(args[1])];
      if (before > 1) return;
      this.#readyState = 2;
      this.#post({ do: "close", code, reason });
    }

    #post(what) {
      around.postMessage({ socket: this.#number, ...what });
    }

    #hear({ name, readyState, sent, data, ...said }) {
      const before = this.#readyState;
      this.#readyState = Math.max(before, readyState); // the page may not have heard of a close() yet
      this.#sent = sent;
      if (name === "open" && before === 0) {
        this.#protocol = said.protocol;
        this.#extensions = said.extensions;
        this.dispatchEvent(new Event("open"));
      } else if (name === "message" && before === 1) { // after close() no more messages come
        const isBinary = data instanceof ArrayBuffer;
        this.dispatchEvent(new MessageEvent("message", {
          data: isBinary && this.#binaryType === "blob" ? new Blob([data]) : data,
          origin: new URL(this.#url).origin,
        }));
      } else if (name === "error") {
        this.dispatchEvent(new Event("error"));
      } else if (name === "close") {
        sockets.delete(this.#number);
        this.dispatchEvent(new CloseEvent("close", said));
      }
    }

    #handler(type) {
      return this.#handlers.get(type)?.handler ?? null;
    }

    /** Sets `onopen` and so on: a listener that stays in its place among the others while it is replaced. */
    #handle(type, value) {
      const handler = Object(value) === value ? value : null;
      const before = this.#handlers.get(type);
      if (before && handler) {
        before.handler = handler;
      } else if (before) {
        this.removeEventListener(type, before.listener);
        this.#handlers.delete(type);
      } else if (handler) {
        const added = { handler, listener: (/** @type {Event} */ event) => {
          if (typeof added.handler === "function" && added.handler.call(this, event) === false) event.preventDefault();
        } };
        this.#handlers.set(type, added);
        this.addEventListener(type, added.listener);
      }
    }

    static {
      around.addEventListener("message", ({ data }) => {
        const socket = sockets.get(data.socket);
        if (socket) socket.#hear(data);
      });
      // As Web IDL has it, and not as classes do: members can be enumerated, and constants not be changed.
      for (const name of MEMBERS) Object.defineProperty(this.prototype, name, { enumerable: true });
      for (const [value, name] of STATES.entries()) {
        for (const place of [this, this.prototype]) Object.defineProperty(place, name, { value, enumerable: true });
      }
      Object.defineProperty(this.prototype, Symbol.toStringTag, { value: "WebSocket", configurable: true });
    }
  }

  return WebSocket;

  // -- what the arguments mean, and which are wrong: with Chromium's words ---------------------

  /** @param {string} call @param {string} name @param {string} text */
  function failure(call, name, text) {
    return new DOMException(`Failed to ${call}: ${text}`, name);
  }

  /** @param {string} call */
  function tooFew(call) {
    return new TypeError(`Failed to ${call}: 1 argument required, but only 0 present.`);
  }

  /** @param {string} text */
  function addressOf(text) {
    const wrong = (/** @type {string} */ why) => failure("construct 'WebSocket'", "SyntaxError", why);
    if (!URL.canParse(text, document.baseURI)) throw wrong(`The URL '${text}' is invalid.`);
    const url = new URL(text, document.baseURI);
    if (/^https?:$/.test(url.protocol)) url.protocol = url.protocol.replace("http", "ws");
    if (!/^wss?:$/.test(url.protocol)) {
      throw wrong(`The URL's scheme must be either 'http', 'https', 'ws', or 'wss'. '${url.protocol.slice(0, -1)}' is not allowed.`);
    }
    if (url.href.includes("#")) {
      throw wrong(`The URL contains a fragment identifier ('${url.hash.slice(1)}'). Fragment identifiers are not allowed in WebSocket URLs.`);
    }
    return url.href;
  }

  /** @param {unknown} given a text or a sequence of texts */
  function subprotocolsOf(given) {
    const all = Object(given) === given && Symbol.iterator in /** @type {object} */ (given)
      ? Array.from(/** @type {Iterable<unknown>} */ (given), (one) => `${one}`) : [`${given}`];
    const wrong = all.find((one, place) => !TOKEN.test(one) || all.indexOf(one) < place);
    if (wrong !== undefined) {
      throw failure("construct 'WebSocket'", "SyntaxError",
        `The subprotocol '${wrong}' is ${TOKEN.test(wrong) ? "duplicated" : "invalid"}.`);
    }
    return all;
  }

  /** Text as UTF-8 can carry it, a Blob, or a copy of exactly the bytes. @param {unknown} data */
  function messageOf(data) {
    if (data instanceof Blob || data instanceof ArrayBuffer) return data;
    if (ArrayBuffer.isView(data)) return data.buffer.slice(data.byteOffset, data.byteOffset + data.byteLength);
    return `${data}`.toWellFormed();
  }

  /** In bytes. @param {string | Blob | ArrayBufferLike} message */
  function sizeOf(message) {
    if (typeof message === "string") return new TextEncoder().encode(message).length;
    return message instanceof Blob ? message.size : message.byteLength;
  }

  /** @param {unknown} given */
  function closeCodeOf(given) {
    if (given === undefined) return undefined;
    // Web IDL's [Clamp]: to the nearest number, and from the middle between two to the even one.
    const number = Math.min(Math.max(Number(given), 0), 65535) || 0;
    const code = number % 1 === 0.5 ? 2 * Math.round(number / 2) : Math.round(number);
    if (code !== 1000 && !(code >= 3000 && code <= 4999)) {
      throw failure("execute 'close' on 'WebSocket'", "InvalidAccessError",
        `The close code must be either 1000, or between 3000 and 4999. ${code} is neither.`);
    }
    return code;
  }

  /** @param {unknown} given */
  function closeReasonOf(given) {
    if (given === undefined) return undefined;
    const reason = `${given}`.toWellFormed();
    if (sizeOf(reason) > 123) {
      throw failure("execute 'close' on 'WebSocket'", "SyntaxError",
        "The close reason must not be greater than 123 UTF-8 bytes.");
    }
    return reason;
  }
};
