import { PAINTS, Page, grouped, h, say, set } from "../../live/static/elements.js";
import { LoggedSocket, STATES, SocketLog, clipped } from "./logged_socket.js";
import { PROXY_CHANGES, UNREACHED, routeTo, whyNotOpened } from "./route.js";
import { ScrollLag } from "../../live/static/scroll_lag.js";

const SIGNS = {
  open: "●", message: "←", error: "⚠", close: "✕",
  "new WebSocket": "◌", send: "→", "close()": "→", exception: "⚠",
};
const LINE = 24; // px, the height of a line; the same in browser_socket.css
const SHOWN = 400; // characters of a message that a line shows
const REPORT_EVERY = 200; // ms between two messages to the kernel: for each JupyterLab shows a busy kernel
const FLOOD_REPORT_EVERY = 1_000; // ms, where so much has come meanwhile:
const FLOOD_BYTES = 50_000; // of events
const REPORT_BYTES = 1_000_000; // of events in one report: the rest comes with the next
const MOST_BYTES = 256 * 2 ** 20; // of one message made here

/**
 * The page's end of its WebSocket: tells it what people and the kernel want, keeps its log, and
 * passes that on to the kernel. The socket itself lives in a worker of the page.
 */
class PageSocket {
  log = new SocketLog();
  state = LoggedSocket.nothing;
  #model;
  #page;
  #tell; // takes a command to the socket
  #watchers = new Set();
  #unreported = []; // batches of events
  #unreportedBytes = 0;
  #reportedAt = -Infinity;
  #reportedState = "";
  #timer = null;
  #given = 0; // number of the last command handed to the socket

  constructor(model) {
    this.#model = model;
    this.#page = new Page(model);
    this.#tell = startedSocket(model.get("_worker"), (news) => this.#socketSays(news));
    this.onMessage = (content, buffers) => this.#kernelSays(content, buffers);
    this.onPaints = () => this.#tell({ do: "tell now" });
    model.on("msg:custom", this.onMessage);
    document.addEventListener(PAINTS, this.onPaints);
    this.#page.ask({ do: "hello" });
    this.#report();
  }

  /** Have `watcher` called after any change. */
  watch(watcher) {
    this.#watchers.add(watcher);
    return () => this.#watchers.delete(watcher);
  }

  // -- what people do -----------------------------------------------------------------------

  connect(url, protocols) {
    this.#tell(this.#routed({ do: "connect", url, protocols }));
  }

  /** Sends a string, a Blob or bytes; a number: so many bytes, made up there. */
  send(data) {
    this.#tell({ do: "send", data });
  }

  close(code, reason) {
    this.#tell({ do: "close", code, reason });
  }

  setBinaryType(type) {
    this.#tell({ do: "binaryType", type });
  }

  complain(problem) {
    this.#tell({ do: "complain", problem });
  }

  /** The last view is gone, and with it whoever would look. */
  end() {
    this.#model.off("msg:custom", this.onMessage);
    document.removeEventListener(PAINTS, this.onPaints);
    this.#tell({ do: "end" });
    this.#page.ask({ do: "bye" });
    clearTimeout(this.#timer);
  }

  /** Only the page knows its address, and with it the way to the kernel's machine. */
  #routed(command) {
    const route = routeTo(command.url, this.#model.get("_route"));
    if (route.problem) return { do: "complain", problem: route.problem };
    const { url, kind } = route;
    // A worker's own address is no base for an address that is relative to the page.
    const full = !URL.canParse(url) && URL.canParse(url, document.baseURI)
      ? new URL(url, document.baseURI).href : url;
    return { ...command, route: { kind, url: full } };
  }

  // -- what happens -------------------------------------------------------------------------

  #socketSays({ batch, state, unopened }) {
    if (state) this.state = state;
    if (batch) {
      this.log.add(batch);
      this.#unreported.push(batch.json);
      this.#unreportedBytes += batch.json.length;
    }
    if (unopened) this.#explain(unopened);
    for (const watcher of this.#watchers) watcher();
    this.#reportSoon();
  }

  async #explain({ attempt, route, silent }) {
    const problem = silent ? UNREACHED : await whyNotOpened(route);
    this.#tell({ do: "complain", problem, attempt });
  }

  // -- the kernel ---------------------------------------------------------------------------

  #reportSoon() {
    if (this.#timer !== null) return;
    const bytes = this.#unreportedBytes;
    const every = bytes > FLOOD_BYTES && bytes < REPORT_BYTES ? FLOOD_REPORT_EVERY : REPORT_EVERY;
    // A tab that nobody sees has its timers slowed down: what is due goes at once.
    const wait = this.#reportedAt + every - performance.now();
    if (wait <= 0) this.#report();
    else this.#timer = setTimeout(() => { this.#timer = null; this.#reportSoon(); }, Math.min(wait, REPORT_EVERY));
  }

  #report() {
    const events = [];
    for (let bytes = 0; this.#unreported.length && bytes < REPORT_BYTES; bytes += events.at(-1).length) {
      events.push(this.#unreported.shift());
      this.#unreportedBytes -= events.at(-1).length;
    }
    const now = JSON.stringify(this.state);
    if (events.length || now !== this.#reportedState) {
      this.#reportedState = now;
      this.#reportedAt = performance.now();
      this.#page.ask({ do: "report", state: this.state }, events);
    }
    if (this.#unreported.length) this.#reportSoon();
  }

  #kernelSays(content, buffers) {
    if (content.failed) this.complain(`The panel itself failed, the socket did not: ${content.failed}`);
    if (content.to !== this.#page.name) return;
    for (const [number, command] of content.commands ?? []) {
      if (number <= this.#given) continue;
      this.#given = number;
      this.#tell({ ...this.#translated(command, buffers), number });
    }
  }

  /** A command of the kernel's as one of the page's own. */
  #translated(command, buffers) {
    if (command.do === "connect") return this.#routed(command);
    if (command.do !== "send") return command;
    if (command.kind === "text") return { do: "send", data: command.text };
    if (command.kind === "size") return { do: "send", data: command.size };
    // A copy: the buffer is a view into the whole message from the kernel.
    const { buffer, byteOffset, byteLength } = buffers[command.buffer];
    const bytes = new Uint8Array(buffer, byteOffset, byteLength).slice();
    return { do: "send", data: command.kind === "blob" ? new Blob([bytes]) : bytes };
  }
}

/**
 * Starts a worker with the socket in it, so that the page stays quick under ten thousand messages a
 * second; where the page's security policy allows none, the same in the page itself. Returns the
 * function that takes commands.
 */
function startedSocket(script, onNews) {
  let worker = null;
  let unheard = []; // commands that a worker which does not start would lose
  const startHere = () => {
    const socket = new LoggedSocket(onNews);
    worker = { postMessage: (command) => socket.obey(command) };
    unheard?.forEach(worker.postMessage);
    unheard = null;
  };
  try {
    const url = URL.createObjectURL(new Blob([script], { type: "text/javascript" }));
    worker = new Worker(url, { name: "wslab browser socket" });
    worker.onmessage = ({ data }) => {
      unheard = null;
      onNews(data);
    };
    worker.onerror = () => unheard && startHere();
    URL.revokeObjectURL(url);
  } catch {
    startHere();
  }
  return (command) => {
    unheard?.push(command);
    worker.postMessage(command);
  };
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
  url.value = model.get("_url");
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
    onscroll: () => onScroll(),
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
    if (kind.value === "text") return socket.send(text);
    if (kind.value === "blob") return socket.send(new Blob([text]));
    if (kind.value === "binary") {
      const digits = text.replace(/[\s,]|0x/gi, "");
      if (!/^([0-9a-f]{2})*$/i.test(digits)) {
        return socket.complain("Expected bytes in hex, two digits each, such as 48 65 6c 6c 6f.");
      }
      return socket.send(Uint8Array.from(digits.match(/../g) ?? [], (pair) => parseInt(pair, 16)));
    }
    const count = Number(text.replace(/[\s,_]/g, "") || NaN);
    if (!Number.isInteger(count) || count < 0 || count > MOST_BYTES) {
      return socket.complain(`Expected a number of bytes from 0 to ${grouped(MOST_BYTES)}.`);
    }
    return socket.send(count);
  }

  function onClose() {
    // Handed over as typed, however wrong: what the browser says to it is what is to be seen.
    const given = code.value.trim();
    socket.close(given === "" ? undefined : Number(given), reason.value === "" ? undefined : reason.value);
  }

  // -- what happens -------------------------------------------------------------------------

  let frame = null;
  let follow = true; // the newest line is in sight
  let top = 0; // px that the log is scrolled; asking for it while painting lays the page out twice
  let viewport = 0; // px of the log that are in sight
  let earlier = 0; // px that the log was high before it grew the last time
  let painted = 0; // lines there were when last painted
  const lag = new ScrollLag(paint);

  function dirty() {
    frame ??= requestAnimationFrame(paint);
  }

  function paint() {
    cancelAnimationFrame(frame);
    frame = null;
    paintLog(); // first: here the page must be laid out, and as yet nothing else has changed
    const { state } = socket;
    const word = STATES[state.readyState];
    set(root, "data-state", word);
    for (const item of track) set(item, "aria-current", item.dataset.state === word ? "step" : null);
    say(present, word);
    say(values.readyState, state.made ? `${state.readyState} (${word})` : "no socket yet");
    say(values.bufferedAmount, grouped(state.bufferedAmount) +
      (state.peak ? ` (highest ${grouped(state.peak)})` : ""));
    say(values.protocol, JSON.stringify(state.protocol));
    say(values.extensions, JSON.stringify(state.extensions));
    say(values.url, state.made ? JSON.stringify(state.url) : "–");
    if (binaryType.value !== state.binaryType) binaryType.value = state.binaryType;
    connect.classList.toggle("ws-next", state.readyState === 3);
    send.classList.toggle("ws-next", state.readyState === 1);
    proxied.hidden = state.route !== "proxy";
    problem.hidden = state.problem === null;
    say(problem, state.problem);
    set(problem, "data-exception", state.thrown);
  }

  function paintLog() {
    const { length } = socket.log;
    none.hidden = length > 0;
    const ever = length + socket.log.dropped;
    lag.grow(ever - painted, length, viewport / LINE, follow);
    painted = ever;
    const laid = length - lag.rows;
    const height = `${laid * LINE}px`;
    if (space.style.height !== height) {
      earlier = parseFloat(space.style.height) || 0;
      space.style.height = height;
    }
    const end = Math.max(0, laid * LINE - viewport);
    if (follow && top !== end) top = log.scrollTop = end;
    const first = Math.max(0, Math.floor(top / LINE) - 2);
    const last = Math.min(laid, Math.ceil((top + viewport) / LINE) + 2);
    const move = `translateY(${first * LINE}px)`;
    if (lines.style.transform !== move) lines.style.transform = move;
    while (lines.childElementCount > last - first) lines.lastElementChild.remove();
    while (lines.childElementCount < last - first) lines.append(emptyLine());
    for (let place = first; place < last; place++) {
      fill(lines.children[place - first], socket.log.at(place + lag.rows));
    }
  }

  function onScroll() {
    const { scrollTop } = log;
    // Our own scrolling is known; a log that was taken out of the page has no height.
    if (viewport === 0 || Math.abs(scrollTop - top) < 1) return;
    top = scrollTop;
    // At the end, or where that was a moment ago: under a flood it runs away from whoever goes there.
    follow = top + viewport >= earlier - LINE / 2;
    dirty();
  }

  // News comes 20 times a second at most: drawing at once has the work done when the next frame of
  // the screen begins. A tab that nobody sees waits for one.
  const unwatch = socket.watch(() => (document.hidden ? dirty() : paint()));
  const resized = new ResizeObserver(() => {
    viewport = log.clientHeight;
    top = log.scrollTop;
    dirty();
  });
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
    lag.stop();
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
