import { h, say, set } from "../../live/static/elements.js";
import { ScrollLag } from "../../live/static/scroll_lag.js";
import { STATES, grouped, timeOfDay } from "../../live/static/words.js";
import { clipped } from "./logged_socket.js";
import { PageSocket } from "./page_socket.js";
import { StateTrack, area, button, choice, field, label, onEnter, panel } from "./panel.js";
import { PROXY_CHANGES } from "./route.js";

/** @import { AnyModel, RenderProps } from "@anywidget/types" */
/** @import { SocketEvent, SocketLog } from "./socket_log.js" */

const SIGNS = {
  open: "●", message: "←", error: "⚠", close: "✕",
  "new WebSocket": "◌", send: "→", "close()": "→", exception: "⚠",
};
const LINE = 24; // px, the height of a line; the same in browser_socket.css
const SHOWN = 400; // characters of a message that a line shows
const MOST_BYTES = 256 * 2 ** 20; // of one message made here

/** The panel: one view of a PageSocket. */
class SocketPanel {
  track = new StateTrack();
  problem = h("div", { class: "ws-problem", "data-wslab": "problem", role: "alert" });
  proxied = h("p", { class: "ws-note", "data-wslab": "proxied" }, PROXY_CHANGES);
  /** @type {Record<string, HTMLElement>} the element with the value of each property */
  values = {};
  typed = { text: "Hello", binary: "48 65 6c 6c 6f", blob: "Hello", size: "100000" };
  shownKind = "text";
  /** @type {number | null} */
  #frame = null;

  /** @param {AnyModel} model @param {PageSocket} socket */
  constructor(model, socket) {
    this.model = model;
    this.socket = socket;
    this.log = new SocketLines(socket.log, () => this.#dirty());
    this.#makeFields();
    this.root = panel(
      { class: "wslab ws-client ws-socket", "data-wslab": "browser-socket", "aria-label": "the browser's own WebSocket" },
      [h("span", { class: "ws-title" }, "browser"), h("span", { class: "ws-gap" }), ...this.track.elements],
      h("div", { class: "ws-form" },
        label(this.url, "URL"),
        h("div", { class: "ws-pair ws-address" }, this.url, label(this.protocols, "subprotocols"), this.protocols),
        this.connect,
        label(this.message, "Message"), h("div", { class: "ws-pair ws-said" }, this.kind, this.message), this.send,
        label(this.code, "Close code"),
        h("div", { class: "ws-ending" }, this.code, label(this.reason, "reason"), this.reason), this.close),
      h("dl", { class: "ws-properties", "aria-label": "properties of the socket" },
        ...["readyState", "bufferedAmount", "protocol", "extensions"].map((name) => this.#property(name)),
        this.#property("binaryType", this.binaryType), this.#property("url")),
      this.proxied, this.problem, this.log.element);
  }

  #makeFields() {
    const { model, socket } = this;
    const id = (/** @type {string} */ name) => `ws-${Math.random().toString(36).slice(2, 12)}-${name}`;
    this.url = field(id("url"), "url", { inputmode: "url" });
    this.protocols = field(id("protocols"), "protocols", { placeholder: "none" });
    this.kind = choice("kind",
      [["text", "text"], ["binary", "bytes, in hex"], ["blob", "Blob"], ["size", "so many bytes"]],
      { "aria-label": "what to send", onchange: () => this.#showKind() });
    this.message = area(id("message"), "message");
    this.code = field(id("code"), "code", { inputmode: "numeric", placeholder: "none" });
    this.reason = field(id("reason"), "reason", { placeholder: "none" });
    this.binaryType = choice("binaryType", [["blob", '"blob"'], ["arraybuffer", '"arraybuffer"']],
      { "aria-label": "binaryType", onchange: () => socket.setBinaryType(/** @type {BinaryType} */ (this.binaryType.value)) });
    this.connect = button("connect", "new WebSocket", () => this.#connect(), { title: "new WebSocket(url, protocols)" });
    this.send = button("send", "send", () => this.#send(), { title: "socket.send(data): Enter" });
    this.close = button("close", "close", () => this.#close(), { title: "socket.close(code, reason)" });
    this.url.value = model.get("_url");
    this.message.value = this.typed.text;
    this.code.value = "1000";
    for (const input of [this.url, this.protocols]) onEnter(input, () => this.#connect());
    for (const input of [this.code, this.reason]) onEnter(input, () => this.#close());
    onEnter(this.message, () => this.#send());
  }

  /** @param {string} name @param {HTMLElement} value */
  #property(name, value = h("span")) {
    this.values[name] = value;
    return h("div", { "data-property": name }, h("dt", { class: "ws-quiet" }, name), h("dd", {}, value));
  }

  /** Shows the panel; returns a function that removes it. @param {HTMLElement} el */
  open(el) {
    // News comes 20 times a second at most: drawing at once has the work done when the next frame of
    // the screen begins. A hidden tab waits for a frame.
    const unwatch = this.socket.watch(() => (document.hidden ? this.#dirty() : this.#paint()));
    const urlChanged = () => { this.url.value = this.model.get("_url"); };
    this.model.on("change:_url", urlChanged);
    this.#paint();
    el.append(this.root);
    return () => {
      unwatch();
      this.model.off("change:_url", urlChanged);
      cancelAnimationFrame(this.#frame);
      this.log.end();
    };
  }

  // -- what people do -----------------------------------------------------------------------

  #connect() {
    const offered = this.protocols.value.split(",").map((one) => one.trim()).filter(Boolean);
    this.socket.connect(this.url.value.trim(), offered);
  }

  #showKind() {
    this.typed[this.shownKind] = this.message.value;
    this.shownKind = this.kind.value;
    this.message.value = this.typed[this.shownKind];
  }

  #send() {
    const { socket } = this;
    const kind = this.kind.value;
    const text = this.message.value;
    if (kind === "text") return socket.send(text);
    if (kind === "blob") return socket.send(new Blob([text]));
    if (kind === "binary") {
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

  #close() {
    // Passed on as typed, even if it is wrong: the point is to see what the browser says to it.
    const code = this.code.value.trim();
    this.socket.close(code === "" ? undefined : Number(code), this.reason.value || undefined);
  }

  // -- what happens -------------------------------------------------------------------------

  #dirty() {
    this.#frame ??= requestAnimationFrame(() => this.#paint());
  }

  #paint() {
    cancelAnimationFrame(this.#frame);
    this.#frame = null;
    this.log.paint(); // first: here the page must be laid out, and as yet nothing else has changed
    const { values, problem, binaryType, socket: { state } } = this;
    const word = STATES[state.readyState];
    set(this.root, "data-state", word);
    this.track.show(word);
    say(values.readyState, state.exists ? `${state.readyState} (${word})` : "no socket yet");
    say(values.bufferedAmount, grouped(state.bufferedAmount) +
      (state.peak ? ` (highest ${grouped(state.peak)})` : ""));
    say(values.protocol, JSON.stringify(state.protocol));
    say(values.extensions, JSON.stringify(state.extensions));
    say(values.url, state.exists ? JSON.stringify(state.url) : "–");
    if (binaryType.value !== state.binaryType) binaryType.value = state.binaryType;
    this.connect.classList.toggle("ws-next", state.readyState === 3);
    this.send.classList.toggle("ws-next", state.readyState === 1);
    this.proxied.hidden = state.route !== "proxy";
    problem.hidden = state.problem === null;
    say(problem, state.problem);
    set(problem, "data-exception", state.thrown);
  }
}

/** The log on the screen: only the lines that are in sight exist as elements. */
class SocketLines {
  #follow = true; // the newest line is in sight
  #top = 0; // px that the log is scrolled; asking for it while painting lays the page out twice
  #viewport = 0; // px of the log that are in sight
  #earlier = 0; // px that the log was high before it grew the last time
  #painted = 0; // lines there were when last painted
  #lag = new ScrollLag(() => this.paint());

  /** @param {SocketLog} events @param {() => void} dirty asks for a painting */
  constructor(events, dirty) {
    this.events = events;
    this.dirty = dirty;
    this.none = h("p", { class: "ws-none" }, "Nothing yet: press new WebSocket.");
    this.lines = h("ol", { class: "ws-lines" });
    this.space = h("div", { class: "ws-space" }, this.lines);
    this.element = h("div", {
      class: "ws-log", role: "log", "aria-label": "calls and events, newest last", tabindex: "0",
      onscroll: () => this.#onScroll(),
    }, this.none, this.space);
    this.resized = new ResizeObserver(() => {
      this.#viewport = this.element.clientHeight;
      this.#top = this.element.scrollTop;
      this.dirty();
    });
    this.resized.observe(this.element);
  }

  end() {
    this.resized.disconnect();
    this.#lag.stop();
  }

  paint() {
    const { events, lines, space } = this;
    const viewport = this.#viewport;
    this.none.hidden = events.length > 0;
    const ever = events.length + events.dropped;
    this.#lag.grow(ever - this.#painted, events.length, viewport / LINE, this.#follow);
    this.#painted = ever;
    const laid = events.length - this.#lag.rows;
    const height = `${laid * LINE}px`;
    if (space.style.height !== height) {
      this.#earlier = parseFloat(space.style.height) || 0;
      space.style.height = height;
    }
    const end = Math.max(0, laid * LINE - viewport);
    if (this.#follow && this.#top !== end) this.#top = this.element.scrollTop = end;
    const first = Math.max(0, Math.floor(this.#top / LINE) - 2);
    const last = Math.min(laid, Math.ceil((this.#top + viewport) / LINE) + 2);
    const move = `translateY(${first * LINE}px)`;
    if (lines.style.transform !== move) lines.style.transform = move;
    while (lines.childElementCount > last - first) lines.lastElementChild.remove();
    while (lines.childElementCount < last - first) lines.append(emptyLine());
    for (let place = first; place < last; place++) {
      fill(lines.children[place - first], events.at(place + this.#lag.rows));
    }
  }

  #onScroll() {
    const { scrollTop } = this.element;
    // Our own scrolling is known; a log that was taken out of the page has no height.
    if (this.#viewport === 0 || Math.abs(scrollTop - this.#top) < 1) return;
    this.#top = scrollTop;
    // At the end, or where the end was a moment ago: under a flood it moves away before a reader is there.
    this.#follow = scrollTop + this.#viewport >= this.#earlier - LINE / 2;
    this.dirty();
  }
}

function emptyLine() {
  return h("li", {},
    h("span", { class: "ws-time" }),
    h("span", { class: "ws-sign", "aria-hidden": "true" }),
    h("span", { class: "ws-name" }),
    h("span", { class: "ws-words ws-clip", dir: "auto" }));
}

/** @param {Element} line @param {SocketEvent} event */
function fill(line, { time, name, text, size, type }) {
  set(line, "data-event", name);
  const [at, sign, word, words] = line.children;
  say(at, timeOfDay(time));
  say(sign, SIGNS[name] ?? "·");
  say(word, name);
  say(words, clipped(text, SHOWN) + (type === "string" && size > 32 ? `   ${grouped(size)} B` : ""));
}

// One socket for each widget on a page, however many views show it; the last view takes it along.
export default () => {
  /** @type {PageSocket | null} */
  let socket = null;
  let views = 0;
  return {
    /** @param {RenderProps} context */
    render({ model, el }) {
      socket ??= new PageSocket(model);
      views += 1;
      const remove = new SocketPanel(model, socket).open(el);
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
