// What runs first in the frame of a %%browser cell, before the learner's own code: it tells the page
// around it what the code says, what goes wrong, and how its sockets stand. A plain script: it is put
// into the frame's document as it is.
(() => {
  const LONGEST = 20_000; // characters of one line
  const EVERY = 20; // ms between two messages to the page around
  const STATES = ["CONNECTING", "OPEN", "CLOSING", "CLOSED"];
  const { url, code } = JSON.parse(document.getElementById("wslab-cell").textContent);
  const around = parent;
  const ownConsole = { ...console };

  // -- telling the page around --------------------------------------------------------------

  let waiting = [];
  let timer = null;
  let before = 0;

  function tell(...what) {
    waiting.push(what);
    // At once where it can be: code that never ends would else never be heard.
    if (timer === null && performance.now() - before > EVERY) flush();
    else timer ??= setTimeout(flush, EVERY);
  }

  function flush() {
    clearTimeout(timer);
    timer = null;
    before = performance.now();
    around.postMessage({ wslab: waiting }, "*"); // "*": a frame without an origin, told to its parent only
    waiting = [];
  }

  function line(kind, text) {
    text = String(text);
    tell("line", kind, text.length > LONGEST ? `${text.slice(0, LONGEST)}… (${text.length} characters)` : text);
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
      const bytes = new Uint8Array(value.buffer ?? value, value.byteOffset ?? 0, value.byteLength);
      const digits = Array.from(bytes.subarray(0, 32), (byte) => byte.toString(16).padStart(2, "0"));
      return `${name}(${bytes.length} bytes${digits.length ? ": " : ""}${digits.join(" ")}${bytes.length > 32 ? " …" : ""})`;
    }
    if (value instanceof Node) return value.outerHTML?.slice(0, 200) ?? value.nodeName;
    if (depth === 0) return `${name} {…}`;
    above.add(value);
    const inner = (one) => inspected(one, depth - 1, above);
    let text;
    if (Array.isArray(value)) text = `[${value.slice(0, 100).map(inner).join(", ")}]`;
    else {
      // What is worth knowing about these events stands in getters.
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
    // The code is put in by a script of ours, and a browser says so where it cannot be read at all.
    const text = event.message.replace("Failed to execute 'append' on 'Element': ", "");
    line("error", `${text}${at ? ` (line ${at} of the cell)` : ""}`);
  });
  addEventListener("unhandledrejection", ({ reason }) => line("error", `Uncaught (in promise) ${shown(reason)}`));
  addEventListener("securitypolicyviolation", ({ blockedURI, effectiveDirective }) => line("error",
    effectiveDirective === "connect-src"
      ? `Not allowed: ${blockedURI}. A cell's sockets reach the servers of your labs only, at \`url\`.`
      : `Not allowed: ${blockedURI}. A cell loads nothing from outside.`));

  /** The line of the notebook's cell, whose first one is %%browser. 0: not in the learner's code. */
  function placeOf({ filename, lineno }) {
    if (code !== null) return filename === "cell.js" ? lineno + 1 : 0;
    const start = Number(document.documentElement.dataset.wslabStart);
    return lineno > start ? lineno - start + 1 : 0;
  }

  // A form that nobody stops would leave the page, here: load the cell again, and again.
  addEventListener("submit", (event) => {
    if (event.defaultPrevented) return;
    event.preventDefault();
    line("warn", "The form was submitted, and a browser would leave the page now. To stay, let the " +
      "handler call event.preventDefault(), or return false.");
  });

  // -- its sockets --------------------------------------------------------------------------

  const sockets = [];
  const states = () => tell("sockets", sockets.map(({ readyState }) => readyState));
  window.WebSocket = class WebSocket extends window.WebSocket {
    constructor(...args) {
      super(...args);
      sockets.push(this);
      states();
      for (const name of ["open", "close"]) this.addEventListener(name, states);
    }

    close(...args) {
      super.close(...args);
      states();
    }
  };

  // -- what the code makes visible ----------------------------------------------------------

  function measure() {
    const { body } = document;
    const visible = [...body.childNodes].some((node) =>
      node.nodeType === Node.TEXT_NODE ? node.data.trim() !== ""
        : node.nodeType === Node.ELEMENT_NODE && !["SCRIPT", "STYLE", "LINK", "META", "TEMPLATE"].includes(node.tagName));
    tell("height", visible ? Math.ceil(body.getBoundingClientRect().height) : 0);
  }

  // -- the code -----------------------------------------------------------------------------

  // Deletable, so that a script may declare a `url` of its own.
  Object.defineProperty(window, "url", { value: url, writable: true, configurable: true });
  tell("start");

  addEventListener("DOMContentLoaded", () => {
    new ResizeObserver(measure).observe(document.body);
    new MutationObserver(measure).observe(document.body, { childList: true, characterData: true });
    if (code === null) return;
    const script = document.createElement("script");
    script.textContent = `${code}\n//# sourceURL=cell.js`;
    document.body.append(script);
  });
})();
