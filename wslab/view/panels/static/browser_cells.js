import { h, lamp, say, set } from "../../live/static/elements.js";
import { isPicture } from "../../live/static/page.js";
import { notebookOf, putPicture } from "../../live/static/picture.js";
import { STATES, grouped, plural } from "../../live/static/words.js";
import { fence } from "./fence.js";
import { LentSocket } from "./lent_socket.js";
import { button, panel } from "./panel.js";
import { PROXY_CHANGES, routeTo, whyNotOpened } from "./route.js";

/** @import { AnyModel, RenderProps } from "@anywidget/types" */

const SIGNS = { log: "›", warn: "!", error: "⚠", alert: "▣", note: "·" };
const WORDS = { log: "", warn: "warning", error: "error", alert: "alert", note: "" };
const KEPT = 1_000; // lines shown
const PATIENCE = 2_000; // ms between two looks at whether the code still answers
const SAVED = 50; // lines that the notebook keeps
const REST = 1_000; // ms without a line until the notebook keeps them
const TALLEST = 420; // px of the frame: beyond that it scrolls
const LEFT = "Stopped: the code tried to leave its page, or to load it again. Its sockets are closed; run the cell to start it again.";

// Nothing is loaded, and sockets reach open labs only. Inline script is the whole point of a cell.
const POLICY = [
  "default-src 'none'", "script-src 'unsafe-inline' 'unsafe-eval'", "style-src 'unsafe-inline'",
  "img-src data: blob:", "form-action 'none'", "base-uri 'none'",
].join("; ");

/** A frame in which the code of a cell runs, with its output and the state of its sockets. */
class BrowserCell {
  /** @type {HTMLIFrameElement | null} */
  frame = null;
  /** @type {MessagePort | null} the way to the cell's own document in there, and to no other */
  port = null;
  /** @type {number[]} those that the frame's own policy lets it reach in the beginning */
  granted = [];
  reach = ""; // the part of the policy that names the open labs
  gone = 0; // lines that are not shown any more
  /** @type {boolean | "told"} whether the frame was asked if its code has come to an end, and did not answer */
  asked = false;
  doubted = false; // whether the document in the frame may not be the cell's any more
  /** @type {Map<number, LentSocket>} on a hub, what this page makes for the frame: by the frame's number of it */
  sockets = new Map();

  /** @param {AnyModel} model */
  constructor(model) {
    this.model = model;
    this.route = routeTo(model.get("_url"));
    this.bridged = this.route.kind === "proxy";
    this.lamp = lamp();
    this.word = h("span");
    this.state = h("span", { class: "ws-state", role: "status" }, this.lamp, this.word);
    this.stop = button("stop", "Stop", () => this.#end(
      "Stopped. Its sockets are closed; run the cell to start it again."), { title: "End this code, and close its sockets" });
    this.lines = h("ol");
    this.log = h("div", { class: "ws-output", role: "log", tabindex: "0", "aria-label": "what the code said" }, this.lines);
    this.dropped = h("li", { class: "ws-quiet" });
    this.place = h("div", { class: "ws-frame" });
    this.root = panel(
      { class: "wslab ws-cell", "data-wslab": "browser-cell", "data-state": "CLOSED", "aria-label": "JavaScript in this page" },
      [h("span", { class: "ws-title" }, "in this page"), h("span", { class: "ws-gap" }), this.state, this.stop],
      this.place, this.log);
    this.#showSockets([]);
  }

  /** Shows the cell and starts its code; returns what takes it away. @param {HTMLElement} el */
  open(el) {
    el.append(this.root);
    colourCells(this.model);
    if (isPicture(this.model)) {
      this.stop.disabled = true;
      this.#addLine("note", "From a saved notebook: nothing runs. Run this cell to start its code.");
      return undefined;
    }
    if (this.bridged) {
      this.root.append(h("p", { class: "ws-note ws-small", "data-wslab": "proxied" },
        "The page around this cell makes its sockets. " + PROXY_CHANGES));
    } else this.granted = this.#openPorts();
    const reach = connectSource(this.granted);
    this.frame = fence({
      title: "what the code of this cell makes",
      // Forms: without this the browser would not even tell the code that a form was sent.
      sandbox: "allow-scripts allow-forms",
      srcdoc: documentOf(this.model, this.bridged, reach, this.root),
    }, "'none'", (port) => this.#begin(port), (isSure) => (isSure ? this.#end(LEFT) : this.#doubt()));
    this.place.append(this.frame);
    const onPorts = () => this.#withdraw();
    this.model.on("change:_ports", onPorts);
    this.watch = setInterval(() => this.#look(), PATIENCE);
    return () => {
      this.model.off("change:_ports", onPorts);
      this.#leave();
    };
  }

  #leave() {
    clearInterval(this.watch);
    clearTimeout(this.rests);
    this.frame?.remove(); // and with it go its sockets: the browser closes them with 1001, going away
    this.frame = null;
    this.port = null;
    this.#closeBridged();
  }

  /** @param {string} why */
  #end(why) {
    if (this.frame === null) return;
    this.#leave();
    this.stop.disabled = true;
    this.place.classList.remove("ws-visible");
    this.#showSockets([]);
    this.#addLine("note", why);
  }

  // -- what the frame says ------------------------------------------------------------------

  /** Starts the cell, or starts it again: moving its frame in the notebook reloads it. @param {MessagePort} port */
  #begin(port) {
    this.port = port;
    this.reach = connectSource(this.granted);
    port.onmessage = ({ data }) => (data.leaves ? setTimeout(() => this.#left(port), PATIENCE / 4) : this.#hear(data));
    this.lines.replaceChildren();
    this.gone = 0;
    this.asked = this.doubted = false;
    this.#closeBridged();
    this.#showSockets([]);
    this.#withdraw();
  }

  /** Its document is gone, and the frame was not moved: that would have been a new beginning. @param {MessagePort} port */
  #left(port) {
    if (this.port === port && this.frame?.isConnected) this.#end(LEFT);
  }

  #hear(data) {
    if (this.frame === null) return;
    if (Number.isInteger(data?.socket)) this.#bridge(data);
    if (!Array.isArray(data?.said)) return;
    for (const [what, ...rest] of data.said) {
      if (what === "line") this.#addLine(String(rest[0]), String(rest[1]));
      else if (what === "sockets" && Array.isArray(rest[0])) this.#showSockets(rest[0].map(Number));
      else if (what === "opened") this.#tellOpened(String(rest[0]), Number(rest[1]), Number(rest[2]));
      else if (what === "height") this.#showFrame(Number(rest[0]) || 0);
      else if (what === "ends") this.asked = this.doubted = false;
    }
  }

  /** Code that never ends does not block this page if the browser gives the frame its own process, as
   * Chromium browsers do. But none of its output arrives, not even what it printed before. */
  #look() {
    if (this.asked === true && this.doubted) this.#end(LEFT);
    else if (this.asked === true) {
      this.#addLine("warn", "The code has been busy for seconds, and nothing is heard of it before it comes to an end. " +
        "If it never does: Stop.");
      this.asked = "told";
    } else if (this.asked === false) {
      this.asked = true;
      this.port?.postMessage({ ends: true });
    }
  }

  /** The frame says that it has loaded once more. Whether the same document is in it is known when that answers. */
  #doubt() {
    this.asked = this.doubted = true;
    this.port?.postMessage({ ends: true });
  }

  /** @param {string} kind @param {string} text */
  #addLine(kind, text) {
    const { log, lines, dropped } = this;
    const atEnd = log.scrollTop + log.clientHeight >= log.scrollHeight - 8;
    const name = kind in SIGNS ? kind : "log";
    lines.append(h("li", { "data-line": name },
      h("span", { class: "ws-sign ws-quiet", "aria-hidden": "true" }, SIGNS[name]),
      h("span", { class: "ws-kind ws-quiet" }, WORDS[name]),
      h("span", { class: "ws-words ws-wrap", dir: "auto" }, text)));
    if (lines.childElementCount > KEPT) {
      if (this.gone === 0) lines.prepend(dropped);
      for (; lines.childElementCount > KEPT; this.gone++) dropped.nextElementSibling.remove();
      say(dropped, `… ${plural(this.gone, "line")} before these`);
    }
    if (atEnd) log.scrollTop = log.scrollHeight;
    clearTimeout(this.rests);
    if (!isPicture(this.model)) this.rests = setTimeout(() => this.#keep(), REST);
  }

  /** Puts the output of the code so far into the notebook, for readers without widgets. */
  #keep() {
    const said = [...this.lines.children].map((line) => /** @type {HTMLElement} */ (line).innerText.replace(/\s+/g, " "));
    const lines = said.slice(-SAVED).map((line) => `<li><code>${line.replace(/[&<>]/g, (sign) => `&#${sign.charCodeAt(0)};`)}</code></li>`);
    putPicture(this.model, { model: this.model.get("_output"), data: {
      "text/plain": ["in this page:", ...said.slice(-SAVED)].join("\n"),
      "text/html": `<div data-wslab="browser-cell"><p>in this page:</p><ul>${lines.join("")}</ul>` +
        "<p><small>It runs where a kernel does: run this cell again.</small></p></div>",
    } });
  }

  /** On a hub the browser's clock is not the kernel's. @param {string} url @param {number} made in ms @param {number} opened in ms */
  #tellOpened(url, made, opened) {
    if (this.bridged || !URL.canParse(url)) return;
    this.model.send({ do: "opened", port: Number(new URL(url).port), made, opened });
  }

  /** @param {number[]} states the `readyState` of each socket */
  #showSockets(states) {
    const open = states.filter((one) => one < 3);
    const shown = open.length ? STATES[Math.min(...open)] : "CLOSED";
    set(this.root, "data-state", shown);
    set(this.state, "data-state", shown);
    set(this.root, "data-sockets", states.length);
    this.lamp.hidden = states.length === 0;
    say(this.word, states.length === 0 ? "no socket yet"
      : states.length === 1 ? STATES[states[0]]
        : `${grouped(open.length)} of ${plural(states.length, "socket")} open`);
  }

  /** @param {number} height in px */
  #showFrame(height) {
    // Not display: none, which would stop the code's animations.
    this.frame.style.height = `${Math.min(height, TALLEST)}px`;
    this.place.classList.toggle("ws-visible", height > 0);
  }

  // -- where its sockets may go ---------------------------------------------------------------

  /** The ports of the labs that are open now, as the kernel says; none where there is no kernel. @returns {number[]} */
  #openPorts() {
    return isPicture(this.model) ? [] : this.model.get("_ports");
  }

  /** When a lab is closed, this frame may no longer reach its port. */
  #withdraw() {
    const open = this.#openPorts();
    const policy = connectSource(this.granted.filter((port) => open.includes(port)));
    if (policy === this.reach) return;
    this.reach = policy;
    this.port?.postMessage({ policy });
  }

  // -- on a hub: the sockets that this page makes for the frame --------------------------------

  #bridge({ socket: number, do: action, url, protocols, data, code, reason }) {
    if (action === "open") this.#lend(number, String(url), protocols);
    else if (action === "send") this.sockets.get(number)?.send(data);
    else if (action === "close") this.sockets.get(number)?.close(code, reason);
  }

  /** @param {number} number @param {string} url @param {string[]} protocols */
  #lend(number, url, protocols) {
    const { port } = this;
    if (this.sockets.has(number)) return; // one that nobody could close any more
    const refuse = (/** @type {string} */ why) => {
      if (this.bridged) this.#addLine("error", why); // elsewhere the frame's policy has said so
      const said = { socket: number, readyState: WebSocket.CLOSED, sent: 0 };
      port.postMessage({ ...said, name: "error" });
      port.postMessage({ ...said, name: "close", code: 1006, reason: "", wasClean: false });
    };
    // The page may go wherever its user may; a cell only to its lab.
    const wanted = routeTo(url, "proxy");
    if (!this.bridged || !this.#openPorts().includes(wanted.port)) {
      refuse(`Not allowed: ${url}. A cell's sockets reach the servers of your open labs only, at \`url\`.`);
      return;
    }
    try {
      const lent = new LentSocket(number, port, wanted.url, protocols, (wasOpen) => {
        if (this.sockets.get(number) !== lent) return; // the frame has been loaded anew meanwhile
        this.sockets.delete(number);
        if (!wasOpen) whyNotOpened(wanted).then((why) => this.#addLine("warn", why));
      });
      this.sockets.set(number, lent);
    } catch (error) {
      refuse(`${error.name}: ${error.message}`);
    }
  }

  #closeBridged() {
    for (const socket of this.sockets.values()) socket.close();
    this.sockets.clear();
  }
}

/** The part of a policy that lets sockets reach those ports. @param {number[]} ports */
function connectSource(ports) {
  return `connect-src ${ports.map((port) => `ws://127.0.0.1:${port} ws://localhost:${port}`).join(" ") || "'none'"}`;
}

/** JupyterLab colours a cell in the kernel's language; these cells are not Python. @param {AnyModel} model */
function colourCells(model) {
  for (const cell of notebookOf(model)?.cells ?? []) {
    const code = /^%%browser.*\n\s*(<?)/.exec(cell.sharedModel.source);
    if (code) cell.mimeType = code[1] ? "text/html" : "text/javascript";
  }
}

/**
 * The frame's document: JavaScript runs in an empty page, HTML is the page's body.
 * @param {AnyModel} model @param {boolean} bridged @param {string} reach where its own sockets may go @param {Element} root
 */
function documentOf(model, bridged, reach, root) {
  const code = model.get("_code");
  const html = /^\s*</.test(code); // no JavaScript begins with it
  const data = JSON.stringify({ url: model.get("_url"), bridged, code: html ? null : code }).replaceAll("<", "\\u003c");
  const head =
    `<!doctype html><html lang="en"><head><meta charset="utf-8">` +
    `<meta http-equiv="Content-Security-Policy" content="${POLICY}; ${reach}">` +
    `<style>${styleFor(root)}</style>` +
    `<script type="application/json" id="wslab-cell">${data}</script>` +
    `<script>{${model.get("_frame")}}</script>`; // in braces: its constants are not the cell's
  if (!html) return `${head}</head><body></body></html>`;
  const start = head.split("\n").length;
  // A cell may begin with what belongs into a head: a policy anywhere else is ignored.
  const rest = /^\s*<(!doctype|html|head|meta)\b/i.test(code) ? "" : "</head><body>";
  return `${head}<script>document.documentElement.dataset.wslabStart = ${start}</script>${rest}\n${code}`;
}

/** The colours and type of the notebook, for a page that says nothing of its own. @param {Element} root */
function styleFor(root) {
  const { color, backgroundColor, fontFamily, fontSize } = getComputedStyle(root);
  const light = (document.body.dataset.jpThemeLight ?? "true") === "true";
  return `:root { color-scheme: ${light ? "light" : "dark"} }` +
    `html { background: ${backgroundColor} }` +
    `body { margin: 0; padding: 10px 12px; box-sizing: border-box; color: ${color}; ` +
    `font: ${fontSize}/1.5 ${fontFamily.replaceAll("<", "")} }` +
    ":where(input, button, textarea) { font: inherit; padding: 3px 8px }" +
    ":where(h1, h2, h3, p, ul, form) { margin: 0 0 .5em }";
}

/** @param {RenderProps} context */
function render({ model, el }) {
  return new BrowserCell(model).open(el);
}

export default { render };
