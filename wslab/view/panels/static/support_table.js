import { h, say, set } from "../../live/static/elements.js";
import { isPicture } from "../../live/static/page.js";
import { plural } from "../../live/static/words.js";
import { routeTo } from "./route.js";
import { browserOf, isSupported, told } from "./support.js";

/** @import { AnyModel, RenderProps } from "@anywidget/types" */
/** @import { Support } from "./support.js" */
/** @typedef {{ key: string, name: string, mdn: string, support: { [browser: string]: Support } }} Feature */

const PATIENCE = 5_000; // ms that an answer may take

// What this page asks its browser. The source of each is shown beside its answer.
const ASKED = {
  "WebSocket": () => "WebSocket" in self,
  "WebSocket.WebSocket": () => typeof WebSocket === "function",
  "WebSocket.binaryType": () => "binaryType" in WebSocket.prototype,
  "WebSocket.bufferedAmount": () => "bufferedAmount" in WebSocket.prototype,
  "WebSocket.close": () => "close" in WebSocket.prototype,
  "WebSocket.close_event": () => "onclose" in WebSocket.prototype,
  "WebSocket.error_event": () => "onerror" in WebSocket.prototype,
  "WebSocket.extensions": () => "extensions" in WebSocket.prototype,
  "WebSocket.message_event": () => "onmessage" in WebSocket.prototype,
  "WebSocket.open_event": () => "onopen" in WebSocket.prototype,
  "WebSocket.protocol": () => "protocol" in WebSocket.prototype,
  "WebSocket.readyState": () => "readyState" in WebSocket.prototype,
  "WebSocket.send": () => "send" in WebSocket.prototype,
  "WebSocket.url": () => "url" in WebSocket.prototype,
  "WebSocketStream": () => "WebSocketStream" in self,
  "WebTransport": () => "WebTransport" in self,
  "EventSource": () => "EventSource" in self,
};

/** What needs a connection, or a worker. */
const TRIED = {
  "WebSocket.WebSocket.url_parameter_http_https_relative": {
    words: 'new WebSocket("http:…")',
    ask: (/** @type {string} */ url) => connects(url.replace(/^ws/, "http")),
  },
  "WebSocket.protocol_rfc_6455": { words: "it connects to the lab", ask: connects },
  "WebSocket.worker_support": { words: '"WebSocket" in self, in a Worker', ask: worksInWorker },
};

/** The table, with a column for the browser that shows it. */
class SupportTable {
  /** @type {Map<string, { row: HTMLElement, answer: HTMLElement, support: Feature["support"] }>} by the feature's key */
  #rows = new Map();
  #run = 0; // an older run's answers are not shown

  /** @param {AnyModel} model */
  constructor(model) {
    this.model = model;
    const { browsers, features, source, version, date, licence } = model.get("_data");
    this.browser = browserOf(navigator.userAgent);
    this.summary = h("strong", { role: "status" });
    this.secure = h("p", { class: "ws-note", hidden: isSecureContext },
      "This page comes from another machine without https. To such a page a browser does not show all that it has: WebTransport is missing.");
    const heading = (/** @type {string} */ text) => h("th", { scope: "col" }, text);
    const body = h("tbody");
    for (const feature of /** @type {Feature[]} */ (features)) body.append(this.#rowOf(feature, browsers));
    this.root = h("div", { class: "wslab ws-support", "data-wslab": "support", "data-lm-suppress-shortcuts": "true" },
      h("div", { class: "ws-bar" },
        h("span", { class: "ws-title" }, "who can what"), h("span", { class: "ws-gap" }), this.summary,
        h("button", { type: "button", "data-action": "again", onclick: () => this.#ask() }, "Ask again")),
      this.secure,
      h("p", { class: "ws-from ws-quiet" }, `From which version on, by MDN's ${source} ${version} of ${date} (${licence}). `,
        "In the column “this browser” is what this page has just asked its own browser."),
      h("div", { class: "ws-scroll", tabindex: "0", role: "region", "aria-label": "the table of browsers" },
        h("table", {},
          h("caption", { class: "ws-unseen" }, "Which browser can what, from which version on"),
          h("thead", {}, h("tr", {}, heading("feature"), heading("what the page asks"), heading("this browser"),
            ...Object.values(browsers).map(heading))),
          body)));
  }

  /** @param {Feature} feature @param {{ [key: string]: string }} browsers */
  #rowOf({ key, name, mdn, support }, browsers) {
    const inside = key.includes(".");
    const words = ASKED[key]?.toString().replace("() => ", "") ?? TRIED[key]?.words ?? "";
    const answer = h("td", { class: "ws-answer" });
    const row = h("tr", { "data-feature": key, class: inside ? "ws-inside" : "" },
      h("th", { scope: "row" }, mdn ? h("a", { class: "ws-link", href: mdn, target: "_blank", rel: "noopener noreferrer" }, name) : name),
      h("td", {}, words ? h("code", {}, words) : h("span", { class: "ws-quiet" }, "nothing: it takes a page of another site")),
      answer,
      ...Object.keys(browsers).map((browser) => h("td",
        { "data-browser": browser, class: browser === this.browser?.key ? "ws-own" : "" }, told(support[browser]))));
    this.#rows.set(key, { row, answer, support });
    return row;
  }

  /** Shows the table and asks; returns what takes it away. @param {HTMLElement} el */
  open(el) {
    el.append(this.root);
    if (isPicture(this.model)) say(this.summary, "from a saved notebook: run this cell to ask your browser");
    else this.#ask();
    return () => { this.#run += 1; };
  }

  async #ask() {
    const run = ++this.#run;
    const { url } = routeTo(this.model.get("_url"));
    say(this.summary, "asking …");
    /** @type {[string, Promise<boolean | null>][]} */
    const asked = [
      ...Object.entries(ASKED).map(([key, ask]) => /** @type {[string, Promise<boolean>]} */ ([key, Promise.resolve(ask())])),
      ...Object.entries(TRIED).map(([key, { ask }]) => /** @type {[string, Promise<boolean | null>]} */ ([key, url ? ask(url) : Promise.resolve(null)])),
    ];
    const answers = new Map(await Promise.all(asked.map(async ([key, answer]) => /** @type {const} */ ([key, await answer]))));
    if (run !== this.#run) return;
    let compared = 0, differing = 0;
    for (const [key, { row, answer, support }] of this.#rows) {
      const can = answers.get(key) ?? null;
      const says = this.browser && can !== null ? isSupported(support[this.browser.key], this.browser.version) : null;
      if (says !== null) compared += 1;
      if (says !== null && says !== can) differing += 1;
      set(row, "data-can", can === null ? "unknown" : String(can));
      set(row, "data-agrees", says === null ? null : String(says === can));
      say(answer, (can === null ? "? no answer" : can ? "✓ yes" : "✗ no") +
        (says === null || says === can ? "" : ` ⚠ the table says ${says ? "yes" : "no"}`));
    }
    const name = this.browser ? `${this.model.get("_data").browsers[this.browser.key]} ${this.browser.version.split(".")[0]}` : "a browser that the table does not have";
    say(this.summary, `${name}: ${plural(compared, "answer")}, ` +
      (differing ? `${differing} not as the table says` : "all as the table says"));
  }
}

/** Whether a socket to that address opens; it is closed at once. @param {string} url @returns {Promise<boolean | null>} */
function connects(url) {
  return new Promise((resolve) => {
    let socket;
    try {
      socket = new WebSocket(url);
    } catch {
      resolve(false);
      return;
    }
    const late = setTimeout(() => socket.close(), PATIENCE);
    socket.onopen = () => {
      resolve(true);
      socket.close(1000);
    };
    socket.onclose = () => {
      clearTimeout(late);
      resolve(null); // nobody answered; an answer that was given stays
    };
  });
}

/** Whether a worker has sockets too. @returns {Promise<boolean | null>} */
function worksInWorker() {
  return new Promise((resolve) => {
    const url = URL.createObjectURL(new Blob(['postMessage("WebSocket" in self)']));
    const worker = new Worker(url);
    /** @param {boolean | null} answer */
    const end = (answer) => {
      clearTimeout(late);
      worker.terminate();
      URL.revokeObjectURL(url);
      resolve(answer);
    };
    const late = setTimeout(() => end(null), PATIENCE);
    worker.onmessage = ({ data }) => end(data === true);
    worker.onerror = () => end(null);
  });
}

/** @param {RenderProps} context */
function render({ model, el }) {
  return new SupportTable(model).open(el);
}

export default { render };
