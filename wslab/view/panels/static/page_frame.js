import { h, say, set } from "../../live/static/elements.js";
import { isPicture } from "../../live/static/page.js";
import { fence } from "./fence.js";
import { jupyterBase, pageIsLocal } from "./route.js";

/** @import { AnyModel, RenderProps } from "@anywidget/types" */

/** A frame with a page of a server; on a hub it also finds the route there. */
class PageFrame {
  note = h("span", { class: "ws-title" });
  place = h("div");
  /** @type {URL | null} where the socket is that this page makes for the frame, if it does */
  bridged = null;
  /** @type {WebSocket | null} */
  socket = null;

  /** @param {AnyModel} model */
  constructor(model) {
    this.model = model;
    this.sandbox = model.get("_sandbox");
    this.root = h("div",
      { class: "wslab ws-frame", "data-wslab": "page-frame", "data-sandbox": this.sandbox }, this.place);
  }

  /** Shows the frame; returns what takes it away. @param {HTMLElement} el */
  open(el) {
    el.append(this.root);
    if (isPicture(this.model)) {
      // Another program may listen at that port by now: it is not this notebook's server.
      this.place.append(h("p", {}, "From a saved notebook: run this cell to show the page."));
      return undefined;
    }
    const base = jupyterBase();
    const port = this.model.get("_port");
    const path = this.model.get("_path");
    const host = this.model.get("_same_host") && location.hostname === "localhost" ? "localhost" : "127.0.0.1";
    if (pageIsLocal() || base === null) this.#show(`http://${host}:${port}${path}`);
    else this.#showThroughProxy(`${base.replace(/\/$/, "")}/proxy/${port}`, path);
    return () => this.socket?.close();
  }

  /**
   * On a hub the kernel's machine is another one: only the proxy leads there, from this origin.
   * @param {string} proxy @param {string} path
   */
  #showThroughProxy(proxy, path) {
    const { model } = this;
    const url = `${proxy}${path}`;
    // The server lets no page of another origin in. This one is the learner's own notebook: the
    // kernel is asked to let it in, and says when that is done.
    const admitted = () => model.get("_admitted") === location.origin && this.#look(url);
    if (this.sandbox) {
      this.bridged = new URL(`${proxy}${model.get("_socket")}`, location.href);
      this.bridged.protocol = this.bridged.protocol.replace("http", "ws");
      this.bridged.searchParams.set("name", new URL(url, location.href).searchParams.get("name"));
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
    const page = { src: address.href, title: this.model.get("_title"), referrerpolicy: "no-referrer" };
    const frame = sandbox
      ? fence({ ...page, sandbox: "allow-scripts allow-forms" }, sourceOf(address), (port) => this.#bridge(port), () => this.#left())
      : h("iframe", page);
    set(frame, "height", this.model.get("_height"));
    const link = bridged ? "" : h(
      "a", { class: "ws-link", href: address.href, target: "_blank", rel: "noopener noreferrer" },
      "open it in a tab ↗",
    );
    say(note, `${address.host}${address.pathname}`);
    this.place.replaceChildren(
      h("div", { class: "ws-bar" }, note, h("span", { class: "ws-gap" }), link), frame);
  }

  /**
   * Jupyter lets no page without an origin through its proxy, so this page makes the socket of a
   * page in a sandbox. The socket connects only to that server, whatever script runs in the page.
   * @param {MessagePort} channel
   */
  #bridge(channel) {
    if (!this.bridged) return;
    this.socket?.close(); // the frame was moved about in the notebook, which loads it anew
    const socket = this.socket = new WebSocket(this.bridged);
    socket.onmessage = ({ data: text }) => channel.postMessage({ type: "message", data: text });
    socket.onclose = ({ code, reason }) => channel.postMessage({ type: "close", code, reason });
    channel.onmessage = ({ data: text }) => socket.readyState === WebSocket.OPEN && socket.send(String(text));
  }

  /** Only the page that this cell has shown is kept in here. */
  #left() {
    this.socket?.close();
    this.place.lastElementChild.replaceWith(h("p", { class: "ws-note", role: "status" },
      "Taken away: the page was loaded again, or a script in it tried to leave. Run this cell again to show it."));
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

/** A page as a policy names it. @param {URL} address */
function sourceOf({ origin, pathname }) {
  return origin + pathname.replace(/[;,]/g, encodeURIComponent);
}

/** @param {RenderProps} context */
function render({ model, el }) {
  return new PageFrame(model).open(el);
}

export default { render };
