import { h, say, set } from "../../live/static/elements.js";
import { grouped, timeOfDay } from "../../live/static/words.js";
import { AskingPanel, Log, bytesOf, loneSurrogate } from "./asking_panel.js";
import { StateTrack, area, button, field, label, onEnter, panel } from "./panel.js";

/** @import { RenderProps } from "@anywidget/types" */

const SIGNS = {
  open: "●", sent: "→", message: "←", ping: "→", pong: "←", error: "⚠", close: "✕",
};
const LONGEST_URL = 8_000; // characters
const LONGEST_REASON = 123; // bytes: RFC 6455 §5.5 allows 125 in a control frame, two are the code

/**
 * @typedef {{ state: string, running: string[], subprotocol: string | null }} Client what the kernel tells of it
 * @typedef {[seconds: number, name: string, text: string]} LogEvent
 */

/** The panel of a client that lives in the kernel. */
class ClientPanel extends AskingPanel {
  track = new StateTrack();
  protocol = h("span", { class: "ws-title" });
  // As many lines as the kernel tells a new page.
  log = new Log({ kept: 200, none: "Nothing yet: press Connect.", class: "ws-log", "aria-label": "what happened, newest last" });

  /** @param {RenderProps} context */
  constructor(context) {
    super(context);
    this.url = field(this.id("url"), "url", { inputmode: "url" });
    this.message = area(this.id("message"), "message", {
      "aria-describedby": this.id("hint"), placeholder: "text to send",
    });
    this.code = field(this.id("code"), "code", { inputmode: "numeric" });
    this.reason = field(this.id("reason"), "reason", { placeholder: "optional" });
    this.url.value = this.model.get("_url");
    this.message.value = "Hello";
    this.code.value = "1000";
    this.connect = button("connect", "Connect", () => this.#connect());
    this.send = button("send", "Send", () => this.#send());
    this.ping = button("ping", "Ping", () => this.ping.ariaDisabled === "true" || this.act({ do: "ping" }));
    this.closing = button("close", "Close", () => this.#close());
    this.root = panel(
      { class: "wslab ws-client", "data-wslab": "client-panel", "aria-label": "WebSocket client" },
      [h("span", { class: "ws-title" }, "client"), h("span", { class: "ws-gap" }), this.protocol, ...this.track.elements],
      h("div", { class: "ws-form" },
        label(this.url, "URL"), this.url, this.connect,
        label(this.message, "Message"), this.message, h("div", { class: "ws-flow" }, this.send, this.ping),
        label(this.code, "Close code"),
        h("div", { class: "ws-ending" }, this.code, label(this.reason, "reason"), this.reason), this.closing),
      h("span", { class: "ws-unseen", id: this.id("hint") }, "Enter sends, Shift+Enter starts a new line."),
      this.problem, this.log.element);
    this.#listen();
    this.#showClient({ state: "CLOSED", running: [], subprotocol: null });
  }

  // -- what people do -----------------------------------------------------------------------

  #listen() {
    const { url, message, code, reason } = this;
    onEnter(url, () => this.connect.disabled || this.#connect());
    for (const input of [code, reason]) onEnter(input, () => this.closing.disabled || this.#close());
    onEnter(message, () => this.#send());
    message.addEventListener("keydown", (event) => {
      if (event.key !== "Enter" || !event.shiftKey || event.isComposing) return;
      event.preventDefault();
      // JupyterLab forbids line breaks in any text inside a cell, so this one is made by hand.
      message.setRangeText("\n", message.selectionStart, message.selectionEnd, "end");
      this.#grow();
    });
    message.addEventListener("input", () => this.#grow());
    for (const input of [url, message, code, reason]) {
      input.addEventListener("input", () => set(input, "aria-invalid", null));
    }
    message.addEventListener("paste", (event) => this.#refuseHuge(event, event.clipboardData));
    message.addEventListener("drop", (event) => this.#refuseHuge(event, event.dataTransfer));
  }

  /**
   * Refuses huge texts: laying out 16 MB in a box blocks the page for ten seconds, and they could not
   * be sent anyway.
   * @param {Event} event @param {DataTransfer | null} data
   */
  #refuseHuge(event, data) {
    const text = data?.getData("text/plain") ?? "";
    const limit = this.model.get("_max_message");
    if (text.length <= limit) return;
    event.preventDefault();
    this.refuse(this.message, `Not pasted: ${grouped(text.length)} characters, and this panel sends at ` +
      `most ${grouped(limit)} bytes. The text is still in your clipboard, and what was in the ` +
      "box still is there. Send more from a cell: client.send(…).");
  }

  /** As many lines as the text has, five at most; a huge text is neither counted nor wrapped. */
  #grow() {
    const { value, style } = this.message;
    const huge = value.length > 20_000;
    style.setProperty("--ws-lines", String(Math.min(huge ? 5 : value.split("\n").length, 5)));
    style.whiteSpace = huge ? "pre" : "";
  }

  #connect() {
    const text = this.url.value.trim();
    if (text === "") return this.refuse(this.url, "The URL is empty. Expected ws://host:port/path.");
    if (text.length > LONGEST_URL) {
      return this.refuse(this.url, `The URL has ${grouped(text.length)} characters; at most ` +
        `${grouped(LONGEST_URL)} are taken here. Expected ws://host:port/path.`);
    }
    const broken = loneSurrogate("The URL", text);
    if (broken) return this.refuse(this.url, broken);
    return this.act({ do: "connect", url: text });
  }

  #send() {
    const { send, message } = this;
    if (send.disabled) return this.complain(`Not sent: ${send.title} Your text is still in the box.`);
    const text = message.value;
    const limit = this.model.get("_max_message");
    const bytes = bytesOf(text, limit);
    if (bytes > limit) {
      return this.refuse(message, `Not sent: the message has ${text.length > limit ? "at least " : ""}` +
        `${grouped(bytes)} bytes of UTF-8, and this panel sends at most ${grouped(limit)}. ` +
        "Send more from a cell: client.send(…). Your text is still in the box.");
    }
    const broken = loneSurrogate("Not sent: the message", text);
    if (broken) return this.refuse(message, broken);
    return this.act({ do: "send", message: text }, () => {
      // Kept, so that Enter sends it again; chosen, so that typing replaces it.
      if (document.activeElement === message && message.value === text) message.select();
    });
  }

  #close() {
    const text = this.code.value.trim();
    if (!/^\d{1,5}$/.test(text)) {
      return this.refuse(this.code, `The close code ${text ? `"${text.slice(0, 20)}"` : "is empty: it"} ` +
        "must be a whole number such as 1000 (normal closure), or 3000 to 4999.");
    }
    const reason = this.reason.value;
    const bytes = bytesOf(reason, 1e5);
    if (bytes > LONGEST_REASON) {
      return this.refuse(this.reason, `The reason has ${grouped(bytes)} bytes of UTF-8; at most ` +
        `${LONGEST_REASON} fit: a control frame carries 125, and two are the code (RFC 6455 §5.5).`);
    }
    const broken = loneSurrogate("The reason", reason);
    if (broken) return this.refuse(this.reason, broken);
    return this.act({ do: "close", code: Number(text), reason });
  }

  // -- what the kernel tells ----------------------------------------------------------------

  /** @param {{ client?: Client, first: number, events?: LogEvent[], done?: [], failed?: string }} news */
  hear(news) {
    if (news.client) this.#showClient(news.client);
    if (news.events) this.log.take(news.first, news.events, (event) => this.#addLine(...event));
    for (const { took } of this.hearOutcomes(news)) {
      if (took !== null) this.#addLine(Date.now() / 1000, "ping", `round trip ${(took * 1000).toFixed(2)} ms`);
    }
  }

  /** @param {Client} client */
  #showClient({ state, running, subprotocol }) {
    const { connect, send, ping, closing } = this;
    set(this.root, "data-state", state);
    this.track.show(state);
    say(this.protocol, subprotocol ? `subprotocol ${subprotocol}` : "");
    const open = state === "OPEN";
    const busy = (/** @type {string} */ action) => running.includes(action);
    this.#allow(connect, state === "CLOSED" && !busy("connect"),
      "Open the connection.", open ? "Connected already: close first." : `Not now: the connection is ${state}.`);
    const notOpen = `Connect first: a message needs an open connection, this one is ${state}.`;
    this.#allow(send, open, "Send the message as one text frame (Enter).", notOpen);
    // It stays where it is while its pong is awaited: a disabled button would lose the focus.
    this.#allow(ping, open, busy("ping") ? "A ping is under way." : "Send a ping and time its pong.",
      notOpen.replace("a message", "a ping"));
    set(ping, "aria-disabled", busy("ping") ? "true" : null);
    // Close while CONNECTING gives up; a second Close while CLOSING has nothing to add.
    this.#allow(closing, (open && !busy("close")) || state === "CONNECTING" || busy("connect"),
      open ? "Start the closing handshake." : "Give up connecting.",
      state === "CLOSED" ? "There is nothing to close: the connection is CLOSED."
        : "Closing: waiting for the other side's close frame.");
    say(closing, state === "CONNECTING" || (busy("connect") && !open) ? "Cancel" : "Close");
    connect.classList.toggle("ws-next", state === "CLOSED");
    send.classList.toggle("ws-next", open);
  }

  /** @param {HTMLButtonElement} control @param {boolean} allowed @param {string} title @param {string} whyNot */
  #allow(control, allowed, title, whyNot) {
    const focused = control === document.activeElement;
    control.disabled = !allowed;
    control.title = allowed ? title : whyNot;
    // A disabled button drops the focus: hand it on to where the next step is.
    if (focused && !allowed) (control === this.connect ? this.message : this.url).focus({ preventScroll: true });
  }

  /** @param {number} seconds @param {string} name @param {string} text */
  #addLine(seconds, name, text) {
    this.log.add(h("li", { "data-event": name },
      h("span", { class: "ws-time" }, timeOfDay(seconds)),
      h("span", { class: "ws-sign", "aria-hidden": "true" }, SIGNS[name] ?? "·"),
      h("span", { class: "ws-name" }, name),
      h("span", { class: "ws-said ws-wrap", dir: "auto" }, text)));
  }
}

/** @param {RenderProps} context */
function render(context) {
  const view = new ClientPanel(context);
  return view.open(view.root);
}

export default { render };
