// Runs first in the frame of a %%browser cell, before the learner's own code: it reports the output of
// the code, its errors and the states of its sockets to the page around it. It is a plain script, and
// is put into the frame's document unchanged.
(() => {
  const LONGEST = 20_000; // characters of one line
  const EVERY = 20; // ms between two messages to the page around
  const STATES = ["CONNECTING", "OPEN", "CLOSING", "CLOSED"];
  const { url, code, bridged } = JSON.parse(document.getElementById("wslab-cell").textContent);
  const { port1: around, port2 } = new MessageChannel();
  // First of all, before any code of the cell runs: the page around listens to this document only.
  parent.postMessage("wslab: hello", "*", [port2]); // "*": a frame without an origin, told to its parent only
  const ownConsole = { ...console };

  // -- telling the page around --------------------------------------------------------------

  let waiting = [];
  let timer = null;
  let before = -Infinity;

  function tell(...what) {
    waiting.push(what);
    if (timer === null && performance.now() - before > EVERY) flush();
    else timer ??= setTimeout(flush, EVERY);
  }

  function flush() {
    clearTimeout(timer);
    timer = null;
    before = performance.now();
    around.postMessage({ said: waiting });
    waiting = [];
  }

  function line(kind, text) {
    text = String(text);
    tell("line", kind, text.length > LONGEST ? `${text.slice(0, LONGEST)}… (${text.length} characters)` : text);
  }

  around.onmessage = ({ data }) => {
    // The page around asks whether the code has ended, and gets no answer while it is still running.
    if (data.ends) around.postMessage({ said: [["ends"]] });
    if (data.policy) tighten(data.policy);
  };
  addEventListener("pagehide", () => {
    flush();
    around.postMessage({ leaves: true });
  });

  /** A policy can be made stricter, never looser. */
  function tighten(content) {
    const policy = Object.assign(document.createElement("meta"), { httpEquiv: "Content-Security-Policy", content });
    (document.head ?? document.documentElement.appendChild(document.createElement("head"))).append(policy);
  }

  // -- what the code says -------------------------------------------------------------------

  for (const kind of ["debug", "log", "info", "warn", "error"]) {
    console[kind] = (...values) => {
      ownConsole[kind](...values);
      line(kind === "debug" || kind === "info" ? "log" : kind, values.map(shown).join(" "));
    };
  }
  window.alert = (value = "") => line("alert", value);
  window.confirm = (value = "") => {
    line("alert", `${value} (a cell has no dialogs: confirm() gave true)`);
    return true;
  };
  window.prompt = (value = "", preset = null) => {
    line("alert", `${value} (a cell has no dialogs: prompt() gave ${JSON.stringify(preset)})`);
    return preset;
  };

  /** A value as a console would show it, in a line. */
  function shown(value) {
    return typeof value === "string" ? value : inspected(value, 2, new Set());
  }

  function inspected(value, depth, above) {
    if (typeof value === "string") return JSON.stringify(value);
    if (typeof value === "function") return `function ${value.name || "(nameless)"}`;
    if (typeof value === "bigint") return `${value}n`;
    if (typeof value !== "object" || value === null) return String(value);
    if (above.has(value)) return "(itself)";
    const name = value.constructor?.name ?? "";
    if (value instanceof Error || value instanceof DOMException) return `${value.name}: ${value.message}`;
    if (value instanceof WebSocket) return `WebSocket ${STATES[value.readyState]} ${value.url}`;
    if (value instanceof Blob) return `Blob(${value.size} bytes)`;
    if (value instanceof ArrayBuffer || ArrayBuffer.isView(value)) {
      const bytes = ArrayBuffer.isView(value)
        ? new Uint8Array(value.buffer, value.byteOffset, value.byteLength) : new Uint8Array(value);
      const digits = Array.from(bytes.subarray(0, 32), (byte) => byte.toString(16).padStart(2, "0"));
      return `${name}(${bytes.length} bytes${digits.length ? ": " : ""}${digits.join(" ")}${bytes.length > 32 ? " …" : ""})`;
    }
    if (value instanceof Element) return value.outerHTML.slice(0, 200);
    if (value instanceof Node) return value.nodeName;
    if (depth === 0) return `${name} {…}`;
    above.add(value);
    const inner = (one) => inspected(one, depth - 1, above);
    let text;
    if (Array.isArray(value)) text = `[${value.slice(0, 100).map(inner).join(", ")}]`;
    else {
      // The useful information about these events is in getters.
      const keys = value instanceof Event
        ? ["type", "data", "code", "reason", "wasClean"].filter((key) => key in value)
        : Object.keys(value).slice(0, 100);
      const body = keys.map((key) => `${key}: ${inner(value[key])}`).join(", ");
      text = `${name === "Object" ? "" : `${name} `}{${body}}`;
    }
    above.delete(value);
    return text;
  }

  // -- what goes wrong ----------------------------------------------------------------------

  addEventListener("error", (event) => {
    const at = placeOf(event);
    // The code is inserted by a script of ours; if the browser cannot parse it, it blames that script.
    const text = event.message.replace("Failed to execute 'append' on 'Element': ", "");
    line("error", `${text}${at ? ` (line ${at} of the cell)` : ""}`);
  });
  addEventListener("unhandledrejection", ({ reason }) => line("error", `Uncaught (in promise) ${shown(reason)}`));
  addEventListener("securitypolicyviolation", ({ blockedURI, effectiveDirective }) => line("error",
    effectiveDirective === "connect-src"
      ? `Not allowed: ${blockedURI}. A cell's sockets reach the servers of your open labs only, at \`url\`.`
      : blockedURI === "inline" // a cell may run such a script, if its own policy lets it
        ? `Stopped by this page's own policy (${effectiveDirective}): a script within the page.`
        : `Not allowed: ${blockedURI}. A cell loads nothing from outside.`));

  /** The line of the notebook's cell, whose first one is %%browser. 0: not in the learner's code. */
  function placeOf({ filename, lineno }) {
    if (code !== null) return filename === "cell.js" ? lineno + 1 : 0;
    const start = Number(document.documentElement.dataset.wslabStart);
    return lineno > start ? lineno - start + 1 : 0;
  }

  // A form that is sent would leave the page: here it would load the cell again and again.
  addEventListener("submit", (event) => {
    if (event.defaultPrevented) return;
    event.preventDefault();
    line("warn", "The form was submitted, and a browser would leave the page now. To stay, let the " +
      "handler call event.preventDefault(), or return false.");
  });

  // -- its sockets --------------------------------------------------------------------------

  const sockets = [];
  const ended = new Set(); // those that had their close event
  const states = () => tell("sockets", sockets.map(({ readyState }) => readyState));
  const Bridged = bridge();
  const Base = /** @type {typeof window.WebSocket} */ (bridged ? Bridged : window.WebSocket);
  window.WebSocket = class WebSocket extends Base {
    constructor(/** @type {[url: string | URL, protocols?: string | string[]]} */ ...args) {
      const made = Date.now();
      let socket;
      try {
        super(...args);
        socket = this;
      } catch (error) {
        // Firefox throws what by the standard is a connection that fails: the policy forbids the address.
        if (error.name !== "NS_ERROR_CONTENT_BLOCKED") throw error;
        socket = new Bridged(...args);
        setTimeout(() => socket.fail());
      }
      sockets.push(socket);
      states();
      // By these two times the recording knows which connection it is.
      socket.addEventListener("open", () => tell("opened", socket.url, made, Date.now()));
      for (const name of ["open", "close"]) socket.addEventListener(name, states);
      socket.addEventListener("close", () => ended.add(socket));
      return socket;
    }

    close(...args) {
      super.close(...args);
      states();
    }
  };

  // What the policy forbids ends with an error, and in Chrome without the close that always comes last.
  addEventListener("securitypolicyviolation", () => setTimeout(() => {
    for (const socket of sockets) {
      if (socket.readyState === 3 && !ended.has(socket)) socket.dispatchEvent(new CloseEvent("close", { code: 1006 }));
    }
  }, 100));

  /**
   * On a hub the proxy refuses a frame without an origin. There the page around the frame makes the
   * sockets, and this code replaces them: the same interface, connected by messages.
   */
  function bridge() {
    const all = [];
    const fail = (call, name, text) => {
      throw new DOMException(`Failed to ${call}: ${text}`, name);
    };
    around.addEventListener("message", ({ data }) => all[data.socket]?.take(data));

    class Bridged extends EventTarget {
      #state = 0;
      #number = all.push(this) - 1;
      #handlers = {};
      protocol = "";
      extensions = "";
      bufferedAmount = 0; // the page around has it, and does not tell
      binaryType = "blob";

      /** @param {string | URL} address @param {string | string[]} [protocols] */
      constructor(address, protocols = []) {
        super();
        let parsed;
        try {
          parsed = new URL(address);
        } catch {
          fail("construct 'WebSocket'", "SyntaxError", `The URL '${address}' is invalid.`);
        }
        if (!/^wss?:$/.test(parsed.protocol)) {
          fail("construct 'WebSocket'", "SyntaxError",
            `The URL's scheme must be either 'ws' or 'wss'. '${parsed.protocol.slice(0, -1)}' is not allowed.`);
        }
        this.url = parsed.href;
        this.#post({ do: "open", url: this.url, protocols: [].concat(protocols).map(String) });
      }

      get readyState() {
        return this.#state;
      }

      send(data) {
        if (this.#state === 0) {
          fail("execute 'send' on 'WebSocket'", "InvalidStateError", "Still in CONNECTING state.");
        }
        const bytes = typeof data === "object" && data !== null;
        if (this.#state === 1) this.#post({ do: "send", data: bytes ? data : String(data) });
      }

      close(code, reason) {
        const call = "execute 'close' on 'WebSocket'";
        const clamped = code === undefined ? undefined : Math.max(0, Math.min(65535, Math.round(Number(code)) || 0));
        if (clamped !== undefined && clamped !== 1000 && !(clamped >= 3000 && clamped <= 4999)) {
          fail(call, "InvalidAccessError",
            `The close code must be either 1000, or between 3000 and 4999. ${clamped} is neither.`);
        }
        if (reason !== undefined && new TextEncoder().encode(String(reason)).length > 123) {
          fail(call, "SyntaxError", "The close reason must not be greater than 123 UTF-8 bytes.");
        }
        if (this.#state > 1) return;
        this.#state = 2;
        this.#post({ do: "close", code: clamped, reason: reason === undefined ? undefined : String(reason) });
      }

      take({ name, ...said }) {
        if (name === "message") {
          if (this.#state !== 1) return; // after close() no more messages come
          const binary = said.data instanceof ArrayBuffer;
          const data = binary && this.binaryType === "blob" ? new Blob([said.data]) : said.data;
          this.#tell(new MessageEvent("message", { data, origin: new URL(this.url).origin }));
        } else if (name === "open" && this.#state === 0) {
          this.#state = 1;
          Object.assign(this, { url: said.url, protocol: said.protocol, extensions: said.extensions });
          this.#tell(new Event("open"));
        } else if (name === "error") {
          this.#tell(new Event("error"));
        } else if (name === "close") {
          this.#state = 3;
          this.#tell(new CloseEvent("close", said));
        }
      }

      /** The end of a connection that never opened. */
      fail() {
        this.take({ name: "error" });
        this.take({ name: "close", code: 1006, reason: "", wasClean: false });
      }

      #tell(event) {
        this.dispatchEvent(event);
      }

      #post(what) {
        around.postMessage({ socket: this.#number, ...what });
      }

      handler(name, listener) {
        if (listener !== undefined) {
          const before = this.#handlers[name];
          if (before) this.removeEventListener(name, before);
          this.#handlers[name] = typeof listener === "function" ? listener : null;
          if (this.#handlers[name]) this.addEventListener(name, this.#handlers[name]);
        }
        return this.#handlers[name] ?? null;
      }
    }
    for (const name of ["open", "message", "error", "close"]) {
      Object.defineProperty(Bridged.prototype, `on${name}`, {
        get() { return this.handler(name); },
        set(listener) { this.handler(name, listener ?? null); },
      });
    }
    STATES.forEach((name, value) => {
      Object.defineProperty(Bridged, name, { value });
      Object.defineProperty(Bridged.prototype, name, { value });
    });
    return Bridged;
  }

  // -- what the code makes visible ----------------------------------------------------------

  function measure() {
    const { body } = document;
    const visible = [...body.childNodes].some((node) => (node instanceof Text ? node.data.trim() !== ""
      : node instanceof Element && !["SCRIPT", "STYLE", "LINK", "META", "TEMPLATE"].includes(node.tagName)));
    tell("height", visible ? Math.ceil(body.getBoundingClientRect().height) : 0);
  }

  // -- the code -----------------------------------------------------------------------------

  // Can be deleted, so that a script may declare a `url` of its own.
  Object.defineProperty(window, "url", { value: url, writable: true, configurable: true });
  // WebRTC talks to any address, and browsers have no policy against it. A frame within this one
  // would have its own, so there are none: taken out before anything runs in them.
  for (const name of ["RTCPeerConnection", "webkitRTCPeerConnection"]) delete window[name];
  const guard = new MutationObserver((changes) => {
    for (const { addedNodes } of changes) addedNodes.forEach(takeOutFrames);
  });
  const guarded = (root) => {
    guard.observe(root, { childList: true, subtree: true });
    return root;
  };
  guarded(document);
  const { attachShadow } = Element.prototype;
  Element.prototype.attachShadow = function (init) {
    return guarded(attachShadow.call(this, init));
  };

  function takeOutFrames(node) {
    if (!(node instanceof Element)) return;
    for (const one of [node, ...node.querySelectorAll("*")]) {
      if (one.shadowRoot) guarded(one.shadowRoot).childNodes.forEach(takeOutFrames); // made by the parser
      if (!one.isConnected || !one.matches("iframe, frame, object, embed, fencedframe")) continue;
      one.remove();
      line("error", `Not allowed: a frame in a frame (<${one.localName}>). A cell is one page.`);
    }
  }

  addEventListener("DOMContentLoaded", () => {
    new ResizeObserver(measure).observe(document.body);
    new MutationObserver(measure).observe(document.body, { childList: true, characterData: true });
    if (code === null) return;
    const script = document.createElement("script");
    script.textContent = `${code}\n//# sourceURL=cell.js`;
    document.body.append(script);
  });
})();
