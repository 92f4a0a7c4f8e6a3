import { grouped, h, isPicture, plural, say, set } from "../../live/static/elements.js";
import { PROXY_CHANGES, routeTo, whyNotOpened } from "./route.js";

const STATES = ["CONNECTING", "OPEN", "CLOSING", "CLOSED"];
const SIGNS = { log: "›", warn: "!", error: "⚠", alert: "▣", note: "·" };
const WORDS = { log: "", warn: "warning", error: "error", alert: "alert", note: "" };
const KEPT = 1_000; // lines shown
const PATIENCE = 2_000; // ms between two looks at whether the code still answers
const TALLEST = 420; // px of the frame: beyond that it scrolls

// Nothing is loaded, and sockets reach this machine only. Inline script is the whole point of a cell.
const POLICY = [
  "default-src 'none'", "script-src 'unsafe-inline' 'unsafe-eval'", "style-src 'unsafe-inline'",
  "img-src data: blob:", "connect-src ws://127.0.0.1:* ws://localhost:*", "form-action 'none'",
  "base-uri 'none'",
].join("; ");

function render({ model, el }) {
  const lamp = h("span", { class: "ws-lamp", "aria-hidden": "true" });
  const word = h("span");
  const state = h("span", { class: "ws-state", role: "status" }, lamp, word);
  const stop = h("button", {
    type: "button", "data-action": "stop", title: "End this code, and close its sockets", onclick: end,
  }, "Stop");
  const log = h("ol", { class: "ws-output", role: "log", "aria-label": "what the code said" });
  const place = h("div", { class: "ws-frame" });
  const root = h(
    "section",
    { class: "wslab ws-cell", "data-wslab": "browser-cell", "data-lm-suppress-shortcuts": "true",
      "data-state": "CLOSED", "aria-label": "JavaScript in this page" },
    h(
      "header",
      { class: "ws-bar" },
      h("span", { class: "ws-title" }, "in this page"),
      h("span", { class: "ws-gap" }),
      state,
      stop,
    ),
    place,
    log,
  );

  let frame = null;
  let gone = 0; // lines that are not shown any more
  const dropped = h("li", { class: "ws-dropped" });

  function onMessage(event) {
    if (frame === null || event.source !== frame.contentWindow) return;
    if (Number.isInteger(event.data?.wslabSocket)) bridge(event.data);
    if (!Array.isArray(event.data?.wslab)) return;
    for (const [what, ...rest] of event.data.wslab) {
      if (what === "start") begin();
      else if (what === "line") addLine(...rest.map(String));
      else if (what === "sockets" && Array.isArray(rest[0])) showSockets(rest[0].map(Number));
      else if (what === "height") showFrame(Number(rest[0]) || 0);
      else if (what === "ends") asked = false;
    }
  }

  // Code that never ends leaves this page alone where the browser gives the frame a process of its
  // own, as Chrome and its kin do. But nothing that it says gets out, not even what it said before.
  let asked = false;
  const watch = setInterval(() => {
    if (asked === true) {
      addLine("warn", "The code has been busy for seconds, and nothing is heard of it before it comes to an end. " +
        "If it never does: Stop.");
      asked = "told";
    } else if (asked === false) {
      asked = true;
      frame.contentWindow?.postMessage({ wslabEnds: true }, "*");
    }
  }, PATIENCE);

  function begin() {
    // The same frame again: it was moved about in the notebook, which loads it anew.
    log.replaceChildren();
    gone = 0;
    asked = false;
    closeBridged();
    showSockets([]);
  }

  // -- on a hub: the sockets that this page makes for the frame --------------------------------

  const route = routeTo(model.get("_url"));
  const sockets = new Map(); // the frame's number of a socket -> the socket

  function bridge({ wslabSocket: number, do: action, url, protocols, data, code, reason }) {
    if (route.kind !== "proxy") return;
    if (action === "open") openFor(number, String(url), protocols);
    const socket = sockets.get(number);
    if (action === "send" && socket?.readyState === 1) socket.send(data);
    if (action === "close") socket?.close(...[code, reason].slice(0, reason !== undefined ? 2 : code !== undefined ? 1 : 0));
  }

  function openFor(number, url, protocols) {
    const mine = frame;
    const tell = (name, said = {}) => {
      if (frame === mine) frame?.contentWindow?.postMessage({ socket: number, name, ...said }, "*");
    };
    const refused = (why) => {
      addLine("error", why);
      tell("error");
      tell("close", { code: 1006, reason: "", wasClean: false });
    };
    // The page may go wherever its owner may; a cell goes to its lab.
    const wanted = routeTo(url, "proxy");
    const server = route.url.replace(/(\/proxy\/\d+\/).*/, "$1");
    if (!wanted.url?.startsWith(server)) {
      refused(`Not allowed: ${url}. A cell's sockets reach the servers of your labs only, at \`url\`.`);
      return;
    }
    let opened = false;
    let socket;
    try {
      socket = new WebSocket(wanted.url, protocols);
    } catch (error) {
      refused(`${error.name}: ${error.message}`);
      return;
    }
    sockets.set(number, socket);
    socket.binaryType = "arraybuffer";
    socket.onopen = () => {
      opened = true;
      tell("open", { url: socket.url, protocol: socket.protocol, extensions: socket.extensions });
    };
    socket.onmessage = (event) => tell("message", { data: event.data });
    socket.onerror = () => tell("error");
    socket.onclose = (event) => {
      sockets.delete(number);
      tell("close", { code: event.code, reason: event.reason, wasClean: event.wasClean });
      if (!opened) whyNotOpened(wanted).then((why) => addLine("warn", why));
    };
  }

  function closeBridged() {
    for (const socket of sockets.values()) socket.close();
    sockets.clear();
  }

  function addLine(kind, text) {
    const atEnd = log.scrollTop + log.clientHeight >= log.scrollHeight - 8;
    const name = kind in SIGNS ? kind : "log";
    log.append(h("li", { "data-line": name },
      h("span", { class: "ws-sign", "aria-hidden": "true" }, SIGNS[name]),
      h("span", { class: "ws-kind" }, WORDS[name]),
      h("span", { class: "ws-words", dir: "auto" }, text)));
    if (log.childElementCount > KEPT) {
      if (gone === 0) log.prepend(dropped);
      while (log.childElementCount > KEPT) {
        dropped.nextElementSibling.remove();
        gone += 1;
      }
      say(dropped, `… ${plural(gone, "line")} before these`);
    }
    if (atEnd) log.scrollTop = log.scrollHeight;
  }

  function showSockets(states) {
    const open = states.filter((one) => one < 3);
    const shown = open.length ? STATES[Math.min(...open)] : "CLOSED";
    set(root, "data-state", shown);
    set(state, "data-state", shown);
    set(root, "data-sockets", states.length);
    lamp.hidden = states.length === 0;
    say(word, states.length === 0 ? "no socket yet"
      : states.length === 1 ? STATES[states[0]]
        : `${grouped(open.length)} of ${plural(states.length, "socket")} open`);
  }

  function showFrame(height) {
    // Not display: none, which would stop the code's animations.
    frame.style.height = `${Math.min(height, TALLEST)}px`;
    place.classList.toggle("ws-visible", height > 0);
  }

  function end() {
    if (frame === null) return;
    clearInterval(watch);
    frame.remove(); // and with it go its sockets: the browser closes them with 1001, going away
    closeBridged();
    frame = null;
    stop.disabled = true;
    place.classList.remove("ws-visible");
    showSockets([]);
    addLine("note", "Stopped. Its sockets are closed; run the cell to start it again.");
  }

  showSockets([]);
  el.append(root);
  if (isPicture(model)) {
    clearInterval(watch);
    stop.disabled = true;
    addLine("note", "From a saved notebook: nothing runs. Run this cell to start its code.");
    return undefined;
  }
  addEventListener("message", onMessage);
  const bridged = route.kind === "proxy";
  if (bridged) {
    root.append(h("p", { class: "ws-proxied", "data-wslab": "proxied" },
      "The page around this cell makes its sockets. " + PROXY_CHANGES));
  }
  // In the page before it is filled, so that `source` can be compared from the first message on.
  frame = h("iframe", {
    title: "what the code of this cell makes",
    // Forms, because without it the browser does not even tell the code that one was sent.
    sandbox: "allow-scripts allow-forms",
    srcdoc: documentOf(model.get("_code"), model.get("_url"), model.get("_frame"), bridged, root),
  });
  place.append(frame);
  return () => {
    removeEventListener("message", onMessage);
    clearInterval(watch);
    frame?.remove();
    frame = null;
    closeBridged();
  };
}

/** The frame's document: JavaScript runs in an empty page, HTML is the page's body. */
function documentOf(code, url, first, bridged, root) {
  const html = /^\s*</.test(code); // no JavaScript begins with it
  const data = JSON.stringify({ url, bridged, code: html ? null : code }).replaceAll("<", "\\u003c");
  const head =
    `<!doctype html><html lang="en"><head><meta charset="utf-8">` +
    `<meta http-equiv="Content-Security-Policy" content="${POLICY}">` +
    `<style>${styleFor(root)}</style>` +
    `<script type="application/json" id="wslab-cell">${data}</script>` +
    `<script>${first}</script>`;
  if (!html) return `${head}</head><body></body></html>`;
  const start = head.split("\n").length;
  return `${head}<script>document.documentElement.dataset.wslabStart = ${start}</script></head><body>\n${code}`;
}

/** The colours and type of the notebook, for a page that says nothing of its own. */
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

export default { render };
