// Runs first in the frame of a %%browser cell, before the learner's own code: it reports the output of
// the code, its errors and the states of its sockets to the page around it.

import { bridgedSocket } from "./bridged_socket.js";

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
  const Bridged = bridgedSocket(around);
  const Base = /** @type {typeof window.WebSocket} */ (bridged ? Bridged : window.WebSocket);
  const { prototype } = Base;
  const { close } = prototype;

  // Not a subclass: a socket's members are to be where they are in every other page.
  window.WebSocket = new Proxy(Base, {
    construct(_, args, newTarget) {
      const made = Date.now();
      const socket = constructed(args, newTarget);
      sockets.push(socket);
      states();
      // By these two times the recording knows which connection it is.
      socket.addEventListener("open", () => tell("opened", socket.url, made, Date.now()));
      for (const name of ["open", "close"]) socket.addEventListener(name, states);
      socket.addEventListener("close", () => ended.add(socket));
      return socket;
    },
  });
  Object.defineProperty(prototype, "constructor", { value: window.WebSocket });
  prototype.close = function (...args) {
    close.apply(this, args);
    states();
  };
  Object.defineProperty(prototype.close, "name", { value: "close" });

  if (bridged) Reflect.deleteProperty(window, "WebSocketStream"); // it would ask the proxy, which refuses it

  function constructed(args, newTarget) {
    try {
      return Reflect.construct(Base, args, newTarget);
    } catch (error) {
      // Firefox throws what by the standard is a connection that fails: the policy forbids the address.
      if (error.name !== "NS_ERROR_CONTENT_BLOCKED") throw error;
      return Reflect.construct(Bridged, args);
    }
  }

  // What the policy forbids ends with an error, and in Chrome without the close that always comes last.
  addEventListener("securitypolicyviolation", () => setTimeout(() => {
    for (const socket of sockets) {
      if (socket.readyState === 3 && !ended.has(socket)) socket.dispatchEvent(new CloseEvent("close", { code: 1006 }));
    }
  }, 100));

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
