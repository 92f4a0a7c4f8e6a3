import { Page, grouped, h, plural, say, set } from "./elements.js";
import { PROXY_CHANGES, UNREACHED, routeTo, whyNotOpened } from "./route.js";

const STATES = ["CONNECTING", "OPEN", "CLOSING", "CLOSED"]; // the place is the readyState
const SIGNS = {
  open: "●", message: "←", error: "⚠", close: "✕",
  "new WebSocket": "◌", send: "→", "close()": "→", exception: "⚠",
};
const KEPT = 100_000; // lines of the log
const SLACK = 10_000; // lines above that before the oldest go: cutting each one off would cost too much
const LINE = 24; // px, the height of a line; the same in browser_socket.css
const PREVIEW = 2_000; // characters kept of a message: the wire view has every byte
const SHOWN = 400; // characters of it that a line shows
const REPORT_EVERY = 52; // ms: at most 20 messages a second to the kernel
const REPORT_EVENTS = 2_000; // events in one report, and
const REPORT_CHARACTERS = 200_000; // the characters in it: the rest comes with the next
const PATIENCE = 10_000; // ms that a connection has to open; a browser alone would wait minutes
const MOST_BYTES = 256 * 2 ** 20; // of one message made here

const utf8 = new TextEncoder();
const decoder = new TextDecoder();

/** The page's own WebSocket, what happened to it, and the way to tell the kernel. */
class PageSocket {
  events = [];
  dropped = 0; // events that went off the front of `events`
  route = { kind: "direct", url: "" };
  problem = null;
  thrown = null; // name of the exception that `problem` tells about
  peak = 0; // the highest bufferedAmount seen on this connection
  binaryType = "blob"; // of the next socket too
  #socket = null;
  #model;
  #page;
  #watchers = new Set();
  #told = 0; // events reported to the kernel
  #toldState = "";
  #timer = null;
  #last = 0; // number of the last command obeyed
  #commands = [];
  #obeying = false;
  #settled = null;
  #attempt = 0;

  constructor(model) {
    this.#model = model;
    this.#page = new Page(model);
    this.url = model.get("_url");
    this.onMessage = (content, buffers) => this.#kernelSays(content, buffers);
    model.on("msg:custom", this.onMessage);
    this.#page.ask({ do: "hello" });
    this.#report();
  }

  /** Have `watcher` called after any change; it must be quick, this may be every 0.1 ms. */
  watch(watcher) {
    this.#watchers.add(watcher);
    return () => this.#watchers.delete(watcher);
  }

  get count() {
    return this.dropped + this.events.length;
  }

  get state() {
    const socket = this.#socket;
    return {
      readyState: socket ? socket.readyState : 3,
      bufferedAmount: socket ? socket.bufferedAmount : 0,
      protocol: socket ? socket.protocol : "",
      extensions: socket ? socket.extensions : "",
      binaryType: socket ? socket.binaryType : this.binaryType,
      url: socket ? socket.url : "",
      made: socket !== null,
      route: this.route.kind,
    };
  }

  // -- what people do -----------------------------------------------------------------------

  connect(url, protocols) {
    this.complain(null);
    this.url = url;
    const route = routeTo(url, this.#model.get("_route"));
    if (route.problem) return this.complain(route.problem);
    this.route = route;
    this.#leave("another connection is made in its place");
    const offered = protocols.length ? `, ${JSON.stringify(protocols)}` : "";
    this.note("new WebSocket", `new WebSocket(${JSON.stringify(route.url)}${offered})`);
    let socket;
    try {
      socket = protocols.length ? new WebSocket(route.url, protocols) : new WebSocket(route.url);
    } catch (error) {
      return this.throws(error);
    }
    const attempt = ++this.#attempt;
    let opened = false;
    let heard = false;
    socket.binaryType = this.binaryType;
    this.#socket = socket;
    this.peak = 0;
    const late = setTimeout(() => {
      if (socket.readyState !== 0) return;
      this.complain(`Nothing answered within ${PATIENCE / 1000} s, so close() was called. ` +
        "Does anything listen at that address?");
      socket.close();
    }, PATIENCE);
    socket.onopen = () => {
      opened = true;
      clearTimeout(late);
      this.note("open", this.#opening(socket));
      this.#settle();
    };
    socket.onmessage = ({ data }) => {
      heard = true;
      this.#received(data);
    };
    socket.onerror = () => this.note("error", "the event tells nothing else: no message, no code");
    socket.onclose = ({ code, reason, wasClean }) => {
      clearTimeout(late);
      const words = `code ${code}, reason ${JSON.stringify(clipped(reason, PREVIEW))}, wasClean ${wasClean}`;
      this.note("close", words, { code, reason, wasClean });
      this.#settle();
      if (route.kind === "proxy" && code === 1006 && opened && !heard) this.complain(UNREACHED);
      if (opened || this.problem) return;
      whyNotOpened(route).then((why) => {
        if (attempt === this.#attempt && !this.problem) this.complain(why);
      });
    };
    this.#changed();
    return undefined;
  }

  /** Sends text, a Blob or bytes; `what` says in a few words what it is. */
  send(data, what, type) {
    this.complain(null);
    if (!this.#socket) {
      return this.complain("There is no socket to send with yet: press new WebSocket first.");
    }
    // Within CLOSING and CLOSED nothing is thrown: the browser counts the bytes and drops them.
    const lost = this.#socket.readyState > 1;
    try {
      this.#socket.send(data);
    } catch (error) {
      return this.throws(error);
    }
    this.peak = Math.max(this.peak, this.#socket.bufferedAmount);
    this.note("send", what + (lost ? `   (${STATES[this.state.readyState]}: dropped, and no exception)` : ""),
      { size: sizeOf(data), type });
    return undefined;
  }

  close(code, reason) {
    this.complain(null);
    if (!this.#socket) return this.complain("There is no socket to close yet.");
    const given = [code, reason].slice(0, reason !== undefined ? 2 : code !== undefined ? 1 : 0);
    const call = given.map((value) => value === undefined ? "undefined" : JSON.stringify(value) ?? "NaN");
    this.note("close()", `close(${clipped(call.join(", "), PREVIEW)})`);
    try {
      this.#socket.close(...given);
    } catch (error) {
      return this.throws(error);
    }
    this.#changed();
    return undefined;
  }

  setBinaryType(type) {
    this.binaryType = type;
    if (this.#socket) this.#socket.binaryType = type;
    this.#changed();
  }

  /** The last view is gone, and with it whoever would look. */
  end() {
    this.#model.off("msg:custom", this.onMessage);
    this.#leave("the panel was taken away");
    this.#page.ask({ do: "bye" });
    clearTimeout(this.#timer);
    this.#timer = null;
  }

  #leave(why) {
    const socket = this.#socket;
    if (!socket) return;
    socket.onopen = socket.onmessage = socket.onerror = socket.onclose = null;
    if (socket.readyState < 2) socket.close(1000, why);
    this.#socket = null;
  }

  // -- what happens -------------------------------------------------------------------------

  #opening({ protocol, extensions }) {
    const agreed = [
      protocol ? `subprotocol ${JSON.stringify(protocol)}` : "no subprotocol",
      extensions ? `extensions ${JSON.stringify(extensions)}` : "no extension",
    ];
    return agreed.join(", ");
  }

  #received(data) {
    if (typeof data === "string") {
      this.note("message", JSON.stringify(clipped(data, PREVIEW)), { size: sizeOf(data), type: "string" });
    } else if (data instanceof Blob) {
      this.note("message", `Blob of ${plural(data.size, "byte")}`, { size: data.size, type: "Blob" });
    } else {
      this.note("message", `ArrayBuffer of ${plural(data.byteLength, "byte")}: ${hex(data)}`,
        { size: data.byteLength, type: "ArrayBuffer" });
    }
  }

  note(name, text, more = {}) {
    this.events.push({ time: Date.now() / 1000, name, text, ...more });
    if (this.events.length > KEPT + SLACK) {
      this.events.splice(0, SLACK);
      this.dropped += SLACK;
    }
    this.#changed();
  }

  throws(error) {
    this.note("exception", `${error.name}: ${error.message}`);
    this.thrown = error.name;
    this.problem = `${error.name}: ${error.message}`;
    this.#changed();
  }

  complain(text) {
    this.problem = text;
    this.thrown = null;
    this.#changed();
  }

  #changed() {
    for (const watcher of this.#watchers) watcher();
    this.#timer ??= setTimeout(() => this.#report(), REPORT_EVERY);
  }

  // -- the kernel ---------------------------------------------------------------------------

  #report() {
    this.#timer = null;
    this.#told = Math.max(this.#told, this.dropped);
    const events = [];
    let characters = 0;
    while (this.#told < this.count && events.length < REPORT_EVENTS && characters < REPORT_CHARACTERS) {
      const { time, name, text, size, type, code, reason, wasClean } = this.events[this.#told - this.dropped];
      events.push([time, name, wellFormed(text), size ?? null, type ?? null, code ?? null,
        reason === undefined ? null : wellFormed(clipped(reason, PREVIEW)), wasClean ?? null]);
      characters += text.length + (reason?.length ?? 0);
      this.#told += 1;
    }
    const state = { ...this.state, problem: this.problem, obeyed: this.#last };
    const now = JSON.stringify(state);
    if (events.length || now !== this.#toldState) {
      this.#toldState = now;
      this.#page.ask({ do: "report", events, state });
    }
    // Bytes leave the buffer without an event.
    if (this.#told < this.count || state.bufferedAmount > 0) {
      this.#timer ??= setTimeout(() => this.#report(), REPORT_EVERY);
    }
  }

  #kernelSays(content, buffers) {
    if (content.failed) this.complain(`The panel itself failed, the socket did not: ${content.failed}`);
    if (content.to !== this.#page.name) return;
    for (const [number, command] of content.commands ?? []) {
      if (number <= this.#last || this.#commands.some(([queued]) => queued === number)) continue;
      this.#commands.push([number, command, buffers?.[command.buffer]]);
    }
    this.#obey();
  }

  // In order, and the next one only when a connection that was asked for has opened or failed.
  async #obey() {
    if (this.#obeying) return;
    this.#obeying = true;
    while (this.#commands.length) {
      const [number, command, buffer] = this.#commands.shift();
      this.#last = number;
      if (command.do === "connect") {
        this.connect(command.url ?? this.url, command.protocols);
        if (this.state.readyState === 0) await new Promise((resolve) => { this.#settled = resolve; });
      } else if (command.do === "send") {
        this.#sendFor(command, buffer);
      } else if (command.do === "close") {
        this.close(command.code ?? undefined, command.reason ?? undefined);
      } else if (command.do === "binaryType") {
        this.setBinaryType(command.type);
      }
      this.#changed();
    }
    this.#obeying = false;
  }

  #sendFor({ kind, text, size }, buffer) {
    if (kind === "text") return this.sendText(text);
    if (kind === "size") return this.sendBytes(size);
    // A copy: the buffer is a view into the whole message from the kernel.
    const bytes = new Uint8Array(buffer.buffer, buffer.byteOffset, buffer.byteLength).slice();
    return kind === "blob" ? this.sendBlob(new Blob([bytes])) : this.sendBinary(bytes);
  }

  #settle() {
    this.#settled?.();
    this.#settled = null;
  }

  // -- the four kinds of message ------------------------------------------------------------

  sendText(text) {
    return this.send(text, `send(${JSON.stringify(clipped(text, PREVIEW))})`, "string");
  }

  sendBinary(bytes) {
    return this.send(bytes, `send(Uint8Array of ${plural(bytes.length, "byte")}: ${hex(bytes)})`);
  }

  sendBlob(blob) {
    return this.send(blob, `send(Blob of ${plural(blob.size, "byte")})`);
  }

  sendBytes(count) {
    return this.send(counting(count), `send(Uint8Array of ${plural(count, "byte")})`);
  }
}

/** The panel: one view of a PageSocket. */
function panel({ model, el }, socket) {
  const id = (name) => `ws-${Math.random().toString(36).slice(2, 12)}-${name}`;
  const field = (tag, name, attributes) =>
    h(tag, {
      id: id(name), "data-input": name, spellcheck: "false", autocomplete: "off",
      autocapitalize: "off", ...attributes,
    });
  const label = (input, text) => h("label", { for: input.id }, text);
  const button = (action, text, listener, title) =>
    h("button", { type: "button", "data-action": action, onclick: listener, title }, text);
  const choice = (name, options, listener) =>
    h("select", { id: id(name), "data-input": name, onchange: listener },
      ...options.map(([value, text]) => h("option", { value }, text)));

  // -- what there is to see -----------------------------------------------------------------

  const track = STATES.map((state) =>
    h("li", { "data-state": state }, h("span", { class: "ws-lamp", "aria-hidden": "true" }), state));
  const present = h("span", { class: "ws-unseen", role: "status" });

  const url = field("input", "url", { type: "text", inputmode: "url" });
  url.value = socket.url;
  const protocols = field("input", "protocols", { type: "text", placeholder: "none" });
  const kind = choice("kind", [
    ["text", "text"], ["binary", "bytes, in hex"], ["blob", "Blob"], ["size", "so many bytes"],
  ], showKind);
  const message = field("textarea", "message", { rows: "1" });
  message.value = "Hello";
  const typed = { text: "Hello", binary: "48 65 6c 6c 6f", blob: "Hello", size: "100000" };
  let shownKind = "text";
  const code = field("input", "code", { type: "text", inputmode: "numeric", placeholder: "none" });
  const reason = field("input", "reason", { type: "text", placeholder: "none" });
  code.value = "1000";

  const connect = button("connect", "new WebSocket", onConnect, "new WebSocket(url, protocols)");
  const send = button("send", "send", onSend, "socket.send(data): Enter");
  const close = button("close", "close", onClose, "socket.close(code, reason)");

  const property = (name, value) =>
    h("div", { "data-property": name }, h("dt", {}, name), h("dd", {}, value));
  const values = Object.fromEntries(
    ["readyState", "bufferedAmount", "protocol", "extensions", "url"].map((name) => [name, h("span")]));
  const binaryType = choice("binaryType", [["blob", '"blob"'], ["arraybuffer", '"arraybuffer"']],
    () => socket.setBinaryType(binaryType.value));
  set(binaryType, "aria-label", "binaryType");
  const properties = h("dl", { class: "ws-properties", "aria-label": "properties of the socket" },
    property("readyState", values.readyState),
    property("bufferedAmount", values.bufferedAmount),
    property("protocol", values.protocol),
    property("extensions", values.extensions),
    property("binaryType", binaryType),
    property("url", values.url),
  );

  const problem = h("div", { class: "ws-problem", "data-wslab": "problem", role: "alert" });
  const proxied = h("p", { class: "ws-proxied", "data-wslab": "proxied" }, PROXY_CHANGES);
  const none = h("p", { class: "ws-none" }, "Nothing yet: press new WebSocket.");
  const lines = h("ol", { class: "ws-lines" });
  const space = h("div", { class: "ws-space" }, lines);
  const log = h("div", {
    class: "ws-log", role: "log", "aria-label": "calls and events, newest last", tabindex: "0",
    onscroll: () => dirty(),
  }, none, space);

  const root = h(
    "section",
    {
      class: "wslab ws-client ws-socket", "data-wslab": "browser-socket", "data-state": "CLOSED",
      "aria-label": "the browser's own WebSocket",
      // Keys typed here are ours: else Shift+Enter would run the cell and "b" would insert one.
      "data-lm-suppress-shortcuts": "true",
    },
    h(
      "header",
      { class: "ws-bar" },
      h("span", { class: "ws-title" }, "browser"),
      h("span", { class: "ws-gap" }),
      h("ol", { class: "ws-track", "aria-label": "state" }, ...track),
      present,
    ),
    h(
      "div",
      { class: "ws-form" },
      label(url, "URL"),
      h("div", { class: "ws-pair ws-address" }, url, label(protocols, "subprotocols"), protocols),
      connect,
      label(message, "Message"),
      h("div", { class: "ws-pair ws-said" }, kind, message),
      send,
      label(code, "Close code"),
      h("div", { class: "ws-ending" }, code, label(reason, "reason"), reason),
      close,
    ),
    properties, proxied, problem, log,
  );
  set(kind, "aria-label", "what to send");

  // -- what people do -----------------------------------------------------------------------

  const onEnter = (input, act) => input.addEventListener("keydown", (event) => {
    if (event.key !== "Enter" || event.shiftKey || event.isComposing) return;
    event.preventDefault();
    act();
  });
  for (const input of [url, protocols]) onEnter(input, onConnect);
  for (const input of [code, reason]) onEnter(input, onClose);
  onEnter(message, onSend);

  function onConnect() {
    socket.connect(url.value.trim(), protocols.value.split(",").map((one) => one.trim()).filter(Boolean));
  }

  function showKind() {
    typed[shownKind] = message.value;
    shownKind = kind.value;
    message.value = typed[shownKind];
  }

  function onSend() {
    const text = message.value;
    if (kind.value === "text") return socket.sendText(text);
    if (kind.value === "blob") return socket.sendBlob(new Blob([text]));
    if (kind.value === "binary") {
      const digits = text.replace(/[\s,]|0x/gi, "");
      if (!/^([0-9a-f]{2})*$/i.test(digits)) {
        return socket.complain("Expected bytes in hex, two digits each, such as 48 65 6c 6c 6f.");
      }
      return socket.sendBinary(Uint8Array.from(digits.match(/../g) ?? [], (pair) => parseInt(pair, 16)));
    }
    const count = Number(text.replace(/[\s,_]/g, "") || NaN);
    if (!Number.isInteger(count) || count < 0 || count > MOST_BYTES) {
      return socket.complain(`Expected a number of bytes from 0 to ${grouped(MOST_BYTES)}.`);
    }
    return socket.sendBytes(count);
  }

  function onClose() {
    // Handed over as typed, however wrong: what the browser says to it is what is to be seen.
    const given = code.value.trim();
    socket.close(given === "" ? undefined : Number(given), reason.value === "" ? undefined : reason.value);
  }

  // -- what happens -------------------------------------------------------------------------

  let frame = null;
  let follow = true; // the newest line is in sight

  function dirty() {
    frame ??= requestAnimationFrame(paint);
  }

  function paint() {
    frame = null;
    const state = socket.state;
    const word = STATES[state.readyState];
    set(root, "data-state", word);
    for (const item of track) set(item, "aria-current", item.dataset.state === word ? "step" : null);
    say(present, word);
    say(values.readyState, state.made ? `${state.readyState} (${word})` : "no socket yet");
    socket.peak = Math.max(socket.peak, state.bufferedAmount);
    say(values.bufferedAmount, grouped(state.bufferedAmount) +
      (socket.peak ? ` (highest ${grouped(socket.peak)})` : ""));
    say(values.protocol, JSON.stringify(state.protocol));
    say(values.extensions, JSON.stringify(state.extensions));
    say(values.url, state.made ? JSON.stringify(state.url) : "–");
    if (binaryType.value !== state.binaryType) binaryType.value = state.binaryType;
    connect.classList.toggle("ws-next", state.readyState === 3);
    send.classList.toggle("ws-next", state.readyState === 1);
    proxied.hidden = state.route !== "proxy";
    problem.hidden = socket.problem === null;
    say(problem, socket.problem ?? "");
    set(problem, "data-exception", socket.thrown);
    paintLog();
    if (state.bufferedAmount > 0) dirty(); // it falls without an event
  }

  function paintLog() {
    const count = socket.events.length;
    none.hidden = count > 0;
    const height = count * LINE;
    if (space.style.height !== `${height}px`) {
      follow = log.scrollTop + log.clientHeight >= (parseInt(space.style.height) || 0) - LINE / 2;
      space.style.height = `${height}px`;
      if (follow) log.scrollTop = height;
    }
    const first = Math.max(0, Math.floor(log.scrollTop / LINE) - 2);
    const last = Math.min(count, Math.ceil((log.scrollTop + log.clientHeight) / LINE) + 2);
    lines.style.transform = `translateY(${first * LINE}px)`;
    while (lines.childElementCount > last - first) lines.lastElementChild.remove();
    while (lines.childElementCount < last - first) lines.append(emptyLine());
    for (let place = first; place < last; place++) {
      fill(lines.children[place - first], socket.events[place]);
    }
  }

  const unwatch = socket.watch(dirty);
  const resized = new ResizeObserver(dirty);
  resized.observe(log);
  const urlChanged = () => { url.value = model.get("_url"); };
  model.on("change:_url", urlChanged);
  paint();
  el.append(root);
  return () => {
    unwatch();
    resized.disconnect();
    model.off("change:_url", urlChanged);
    if (frame !== null) cancelAnimationFrame(frame);
  };
}

function emptyLine() {
  return h("li", {},
    h("span", { class: "ws-time" }),
    h("span", { class: "ws-sign", "aria-hidden": "true" }),
    h("span", { class: "ws-name" }),
    h("span", { class: "ws-words", dir: "auto" }));
}

function fill(line, { time, name, text, size, type }) {
  set(line, "data-event", name);
  const [at, sign, word, words] = line.children;
  say(at, clock(time));
  say(sign, SIGNS[name] ?? "·");
  say(word, name);
  say(words, clipped(text, SHOWN) + (type === "string" && size > 32 ? `   ${grouped(size)} B` : ""));
}

/** Local time of day, to the millisecond. */
function clock(seconds) {
  const date = new Date(seconds * 1000);
  const two = (number) => String(number).padStart(2, "0");
  return `${two(date.getHours())}:${two(date.getMinutes())}:${two(date.getSeconds())}` +
    `.${String(date.getMilliseconds()).padStart(3, "0")}`;
}

/** At most `most` characters, as a copy: a slice would keep the whole message in memory. */
function clipped(text, most) {
  if (text.length <= most) return text;
  return `${decoder.decode(utf8.encode(text.slice(0, most)))}… (${grouped(text.length)} characters)`;
}

/** Half a surrogate pair would break the way to the kernel, which is UTF-8. */
function wellFormed(text) {
  return text.isWellFormed?.() === false ? text.toWellFormed() : text;
}

function sizeOf(data) {
  if (typeof data !== "string") return data.size ?? data.byteLength;
  if (data.length > 500 || data.isWellFormed?.() === false) return utf8.encode(data).length;
  let bytes = data.length; // short ones counted by hand: there may be ten thousand a second
  for (let at = 0; at < data.length; at++) {
    const unit = data.charCodeAt(at);
    if (unit > 0x7f) bytes += unit < 0x800 || (unit & 0xf800) === 0xd800 ? 1 : 2;
  }
  return bytes;
}

function hex(data) {
  const bytes = new Uint8Array(data.buffer ?? data, data.byteOffset ?? 0, Math.min(data.byteLength, 24));
  const digits = Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join(" ");
  return digits + (data.byteLength > bytes.length ? " …" : "");
}

/** 00 01 02 … ff 00 …: on the wire one sees at a glance where one is. */
function counting(count) {
  const bytes = new Uint8Array(count);
  for (let at = 0; at < Math.min(256, count); at++) bytes[at] = at;
  for (let done = 256; done < count; done *= 2) bytes.copyWithin(done, 0, done);
  return bytes;
}

// One socket for each widget on a page, however many views show it; the last view takes it along.
export default () => {
  let socket = null;
  let views = 0;
  return {
    render(context) {
      socket ??= new PageSocket(context.model);
      views += 1;
      const remove = panel(context, socket);
      return () => {
        remove();
        views -= 1;
        if (views > 0) return;
        socket.end();
        socket = null;
      };
    },
  };
};
