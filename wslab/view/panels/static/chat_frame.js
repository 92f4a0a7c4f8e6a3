import { h, say } from "../../live/static/elements.js";
import { isPicture } from "../../live/static/page.js";
import { jupyterBase, pageIsLocal } from "./route.js";

/** @import { AnyModel, RenderProps } from "@anywidget/types" */

/** A page of the chat server in a frame, and on a hub the way there. */
class ChatFrame {
  note = h("span", { class: "ws-title" });
  place = h("div");
  /** @type {HTMLIFrameElement | null} */
  frame = null;
  /** @type {URL | null} where the chat's socket is, if this page makes one for the frame */
  bridged = null;
  /** @type {WebSocket | null} */
  socket = null;

  /** @param {AnyModel} model */
  constructor(model) {
    this.model = model;
    this.sandbox = model.get("_sandbox");
    this.root = h("div",
      { class: "wslab ws-frame", "data-wslab": "chat-frame", "data-sandbox": this.sandbox }, this.place);
  }

  /** Shows the frame; returns what takes it away. @param {HTMLElement} el */
  open(el) {
    el.append(this.root);
    if (isPicture(this.model)) {
      // Whoever listens at that port by now, it is not this notebook's chat.
      this.place.append(h("p", {}, "From a saved notebook: run this cell to show the chat's page."));
      return undefined;
    }
    const base = jupyterBase();
    const port = this.model.get("_port");
    const path = this.model.get("_path");
    const onMessage = (/** @type {MessageEvent} */ event) => this.#bridge(event);
    if (pageIsLocal() || base === null) this.#show(`http://127.0.0.1:${port}${path}`);
    else this.#showThroughProxy(`${base.replace(/\/$/, "")}/proxy/${port}`, path, onMessage);
    return () => {
      removeEventListener("message", onMessage);
      this.socket?.close();
    };
  }

  /**
   * On a hub the kernel's machine is another one: only the proxy leads there, from this origin.
   * @param {string} proxy @param {string} path @param {(event: MessageEvent) => void} onMessage
   */
  #showThroughProxy(proxy, path, onMessage) {
    const { model } = this;
    const url = `${proxy}${path}`;
    // The server lets in no page of another origin. This one is the learner's own notebook: the
    // kernel is asked to let it in, and says when that is done.
    const admitted = () => model.get("_admitted") === location.origin && this.#look(url);
    if (this.sandbox) {
      this.bridged = new URL(`${proxy}/chat`, location.href);
      this.bridged.protocol = this.bridged.protocol.replace("http", "ws");
      this.bridged.searchParams.set("name", new URL(url, location.href).searchParams.get("name"));
      addEventListener("message", onMessage);
    }
    model.on("change:_admitted", admitted);
    if (!admitted()) {
      model.set("origin", location.origin);
      model.save_changes();
    }
  }

  /** @param {string} url */
  #look(url) {
    fetch(url, { method: "HEAD" }).then(
      (answer) => (answer.ok ? this.#show(url) : this.#complain(answer.status)),
      (error) => this.#complain(error.message),
    );
    return true;
  }

  /** @param {string} url */
  #show(url) {
    const { bridged, note, sandbox } = this;
    const address = new URL(url, location.href);
    const light = document.body.dataset.jpThemeLight;
    if (light) address.searchParams.set("theme", light === "false" ? "dark" : "light");
    if (bridged) address.searchParams.set("bridged", "");
    this.frame = h("iframe", {
      src: address.href, title: "the chat's page", height: this.model.get("_height"),
      sandbox: sandbox ? "allow-scripts allow-forms" : null, referrerpolicy: "no-referrer",
    });
    const link = bridged ? "" : h(
      "a", { class: "ws-link", href: address.href, target: "_blank", rel: "noopener noreferrer" },
      "open it in a tab ↗",
    );
    say(note, `${address.host}${address.pathname}`);
    this.place.replaceChildren(
      h("div", { class: "ws-bar" }, note, h("span", { class: "ws-gap" }), link), this.frame);
  }

  /**
   * Jupyter lets no page without an origin through its proxy, so this page makes the socket of a
   * page in a sandbox. It goes to the chat and nowhere else, whatever script runs in there.
   * @param {MessageEvent} event
   */
  #bridge({ source, data, ports: [channel] }) {
    if (!this.frame || source !== this.frame.contentWindow || data !== "wslab-chat-socket" || !channel) return;
    this.socket?.close(); // the frame was loaded again
    const socket = this.socket = new WebSocket(this.bridged);
    socket.onmessage = ({ data: text }) => channel.postMessage({ type: "message", data: text });
    socket.onclose = ({ code, reason }) => channel.postMessage({ type: "close", code, reason });
    channel.onmessage = ({ data: text }) => socket.readyState === WebSocket.OPEN && socket.send(String(text));
  }

  /** @param {string | number} why */
  #complain(why) {
    this.place.replaceChildren(
      h("div", { class: "ws-problem", role: "alert" },
        `No way from this page to port ${this.model.get("_port")} of the kernel's machine (${why}): it needs ` +
        "jupyter-server-proxy there. Install it (pip install jupyter-server-proxy), restart " +
        "Jupyter, and run this cell again. The chat widgets above work without it."));
  }
}

/** @param {RenderProps} context */
function render({ model, el }) {
  return new ChatFrame(model).open(el);
}

export default { render };
