import { Page, grouped, h, plural, say, set } from "../../live/static/elements.js";

const STATES = ["CONNECTING", "OPEN", "CLOSING", "CLOSED"];
const SIGNS = {
  open: "●", sent: "→", message: "←", ping: "→", pong: "←", error: "⚠", close: "✕",
};
const KEPT = 200; // lines of the log, as many as the kernel tells a new page
const LONGEST_URL = 8_000; // characters
const LONGEST_REASON = 123; // bytes: RFC 6455 §5.5 allows 125 in a control frame, two are the code

const utf8 = new TextEncoder();

function render({ model, el }) {
  const page = new Page(model);
  let client = { state: "CLOSED", running: [] };
  let next = 0; // the number of the event that comes next
  let asked = 0;
  let patience = 0;
  const waiting = new Map(); // number of a question -> what to do when it is done

  // -- what there is to see -----------------------------------------------------------------

  const track = Object.fromEntries(
    STATES.map((state) => [
      state,
      h("li", { "data-state": state }, h("span", { class: "ws-lamp", "aria-hidden": "true" }), state),
    ]),
  );
  const present = h("span", { class: "ws-unseen", role: "status" });
  const protocol = h("span", { class: "ws-title" });

  const id = (name) => `ws-${page.name}-${name}`;
  const field = (tag, name, attributes) =>
    h(tag, {
      id: id(name), "data-input": name, spellcheck: "false", autocomplete: "off",
      autocapitalize: "off", ...attributes,
    });
  const label = (name, text) => h("label", { for: id(name) }, text);
  const button = (action, text, listener) =>
    h("button", { type: "button", "data-action": action, onclick: listener }, text);

  const url = field("input", "url", { type: "text", inputmode: "url" });
  const message = field("textarea", "message", {
    rows: "1", "aria-describedby": id("hint"), placeholder: "text to send",
  });
  const code = field("input", "code", { type: "text", inputmode: "numeric" });
  const reason = field("input", "reason", { type: "text", placeholder: "optional" });
  url.value = model.get("_url");
  message.value = "Hello";
  code.value = "1000";

  const connect = button("connect", "Connect", onConnect);
  const send = button("send", "Send", onSend);
  const ping = button("ping", "Ping", () => act({ do: "ping" }, ping));
  const close = button("close", "Close", onClose);

  const problem = h("div", { class: "ws-problem", "data-wslab": "problem", role: "alert" });
  problem.hidden = true;
  const none = h("li", { class: "ws-none" }, "Nothing yet: press Connect.");
  const log = h(
    "ol",
    { class: "ws-log", role: "log", "aria-label": "what happened, newest last", tabindex: "0" },
    none,
  );

  const root = h(
    "section",
    {
      class: "wslab ws-client", "data-wslab": "client-panel", "data-state": client.state,
      "aria-label": "WebSocket client",
      // Keys typed here are ours: else Shift+Enter would run the cell and "b" would insert one.
      "data-lm-suppress-shortcuts": "true",
    },
    h(
      "header",
      { class: "ws-bar" },
      h("span", { class: "ws-title" }, "client"),
      h("span", { class: "ws-gap" }),
      protocol,
      h("ol", { class: "ws-track", "aria-label": "state" }, ...Object.values(track)),
      present,
    ),
    h(
      "div",
      { class: "ws-form" },
      label("url", "URL"), url, connect,
      label("message", "Message"), message, h("div", { class: "ws-buttons" }, send, ping),
      label("code", "Close code"),
      h("div", { class: "ws-ending" }, code, label("reason", "reason"), reason), close,
    ),
    h("span", { class: "ws-unseen", id: id("hint") }, "Enter sends, Shift+Enter starts a new line."),
    problem,
    log,
  );

  // -- what people do -----------------------------------------------------------------------

  url.addEventListener("keydown", (event) => {
    if (event.key === "Enter" && !event.isComposing && !connect.disabled) onConnect();
  });
  message.addEventListener("keydown", (event) => {
    if (event.key !== "Enter" || event.isComposing) return;
    event.preventDefault();
    // JupyterLab forbids line breaks in whatever stands in a cell, so this one is made by hand.
    if (event.shiftKey) {
      message.setRangeText("\n", message.selectionStart, message.selectionEnd, "end");
      grow();
    } else onSend();
  });
  for (const input of [code, reason]) {
    input.addEventListener("keydown", (event) => {
      if (event.key === "Enter" && !event.isComposing && !close.disabled) onClose();
    });
  }
  message.addEventListener("input", grow);
  for (const input of [url, message, code, reason]) {
    input.addEventListener("input", () => set(input, "aria-invalid", null));
  }

  // Laying out 16 MB in a box holds up the page for ten seconds, and they could not be sent anyway.
  for (const kind of ["paste", "drop"]) {
    message.addEventListener(kind, (event) => {
      const text = (event.clipboardData ?? event.dataTransfer)?.getData("text/plain") ?? "";
      const limit = model.get("_max_message");
      if (text.length <= limit) return;
      event.preventDefault();
      refuse(message, `Not pasted: ${grouped(text.length)} characters, and this panel sends at ` +
        `most ${grouped(limit)} bytes. The text is still in your clipboard, and what was in the ` +
        "box still is there. Send more from a cell: client.send(…).");
    });
  }

  /** As many lines as there are, five at most; a huge text is not counted, nor wrapped. */
  function grow() {
    const huge = message.value.length > 20_000;
    const lines = huge ? 5 : message.value.split("\n").length;
    message.style.setProperty("--ws-lines", Math.min(lines, 5));
    message.style.whiteSpace = huge ? "pre" : "";
  }

  function onConnect() {
    const text = url.value.trim();
    if (text === "") return refuse(url, "The URL is empty. Expected ws://host:port/path.");
    if (text.length > LONGEST_URL) {
      return refuse(url, `The URL has ${grouped(text.length)} characters; at most ` +
        `${grouped(LONGEST_URL)} are taken here. Expected ws://host:port/path.`);
    }
    if (!wellFormed(text)) return refuse(url, `The URL ${LONE_SURROGATE}`);
    act({ do: "connect", url: text }, connect);
  }

  function onSend() {
    if (send.disabled) return complain(`Not sent: ${send.title} Your text is still in the box.`);
    const text = message.value;
    const limit = model.get("_max_message");
    // UTF-8 takes at least one byte for each UTF-16 unit: no need to encode 16 MB to refuse it.
    const bytes = text.length > limit ? text.length : utf8.encode(text).length;
    if (bytes > limit) {
      return refuse(message, `Not sent: the message has ${text.length > limit ? "at least " : ""}` +
        `${grouped(bytes)} bytes of UTF-8, and this panel sends at most ${grouped(limit)}. ` +
        "Send more from a cell: client.send(…). Your text is still in the box.");
    }
    if (!wellFormed(text)) return refuse(message, `Not sent: the message ${LONE_SURROGATE}`);
    act({ do: "send", message: text }, send, () => {
      // Kept, so that Enter sends it again; chosen, so that typing replaces it.
      if (root.contains(document.activeElement) && document.activeElement === message
          && message.value === text) message.select();
    });
  }

  function onClose() {
    const text = code.value.trim();
    if (!/^\d{1,5}$/.test(text)) {
      return refuse(code, `The close code ${text ? `"${text.slice(0, 20)}"` : "is empty: it"} ` +
        "must be a whole number such as 1000 (normal closure), or 3000 to 4999.");
    }
    const bytes = reason.value.length > 1e5 ? reason.value.length : utf8.encode(reason.value).length;
    if (bytes > LONGEST_REASON) {
      return refuse(reason, `The reason has ${grouped(bytes)} bytes of UTF-8; at most ` +
        `${LONGEST_REASON} fit: a control frame carries 125, and two are the code (RFC 6455 §5.5).`);
    }
    if (!wellFormed(reason.value)) return refuse(reason, `The reason ${LONE_SURROGATE}`);
    act({ do: "close", code: Number(text), reason: reason.value }, close);
  }

  function act(question, by, whenDone = () => {}) {
    if (by.disabled) return;
    complain(null);
    const number = ++asked;
    waiting.set(number, { whenDone });
    page.ask({ ...question, number: `${page.name}/${number}` });
    clearTimeout(patience);
    patience = setTimeout(() => complain(NO_ANSWER), PATIENCE);
  }

  function refuse(input, text) {
    set(input, "aria-invalid", "true");
    input.focus();
    complain(text);
  }

  function complain(text) {
    problem.hidden = text === null;
    say(problem, text ?? "");
  }

  // -- what the kernel tells ----------------------------------------------------------------

  function onNews(news) {
    clearTimeout(patience);
    if (problem.textContent === NO_ANSWER) complain(null);
    if (news.client) showClient(news.client);
    if (news.events) showEvents(news.first, news.events);
    for (const done of news.done ?? []) {
      const [asker, number] = String(done.number).split("/");
      if (asker !== page.name) continue;
      const task = waiting.get(Number(number));
      waiting.delete(Number(number));
      if (done.problem) complain(done.problem);
      else task?.whenDone();
      if (done.took !== null) {
        addLine(Date.now() / 1000, "ping", `round trip ${(done.took * 1000).toFixed(2)} ms`);
      }
    }
    if (news.failed) complain(`The panel itself failed, the connection did not: ${news.failed}`);
  }

  function showClient(said) {
    client = said;
    const { state, running } = client;
    set(root, "data-state", state);
    for (const [name, item] of Object.entries(track)) {
      set(item, "aria-current", name === state ? "step" : null);
    }
    say(present, state);
    say(protocol, client.subprotocol ? `subprotocol ${client.subprotocol}` : "");

    const busy = (action) => running.includes(action);
    allow(connect, state === "CLOSED" && !busy("connect"),
      "Open the connection.", state === "OPEN" ? "Connected already: close first."
        : `Not now: the connection is ${state}.`);
    const notOpen = `Connect first: a message needs an open connection, this one is ${state}.`;
    allow(send, state === "OPEN", "Send the message as one text frame (Enter).", notOpen);
    allow(ping, state === "OPEN" && !busy("ping"), "Send a ping and time its pong.",
      state === "OPEN" ? "A ping is under way." : notOpen.replace("a message", "a ping"));
    // Close while CONNECTING gives up; a second Close while CLOSING has nothing to add.
    allow(close, (state === "OPEN" && !busy("close")) || (state === "CONNECTING" || busy("connect")),
      state === "OPEN" ? "Start the closing handshake." : "Give up connecting.",
      state === "CLOSED" ? "There is nothing to close: the connection is CLOSED."
        : "Closing: waiting for the other side's close frame.");
    say(close, state === "CONNECTING" || (busy("connect") && state !== "OPEN") ? "Cancel" : "Close");
    connect.classList.toggle("ws-next", state === "CLOSED");
    send.classList.toggle("ws-next", state === "OPEN");
  }

  function allow(control, allowed, title, whyNot) {
    const focused = control === document.activeElement;
    control.disabled = !allowed;
    control.title = allowed ? title : whyNot;
    // A disabled button drops the focus: hand it on to where the next step is.
    if (focused && !allowed) (control === connect ? message : url).focus({ preventScroll: true });
  }

  function showEvents(first, events) {
    if (first > next && next > 0) {
      log.append(h("li", { class: "ws-none" }, `… ${plural(first - next, "event")} not shown …`));
    }
    for (const [index, [time, name, text]] of events.entries()) {
      if (first + index >= next) addLine(time, name, text);
    }
    next = Math.max(next, first + events.length);
  }

  function addLine(seconds, name, text) {
    const atEnd = log.scrollTop + log.clientHeight >= log.scrollHeight - 8;
    none.remove();
    log.append(
      h(
        "li",
        { "data-event": name },
        h("span", { class: "ws-time" }, clock(seconds)),
        h("span", { class: "ws-sign", "aria-hidden": "true" }, SIGNS[name] ?? "·"),
        h("span", { class: "ws-name" }, name),
        h("span", { class: "ws-said", dir: "auto" }, text),
      ),
    );
    while (log.childElementCount > KEPT) log.firstElementChild.remove();
    if (atEnd) log.scrollTop = log.scrollHeight;
  }

  model.on("msg:custom", onNews);
  showClient(client);
  el.append(root);
  page.ask({ do: "hello" });
  return () => {
    page.ask({ do: "bye" });
    clearTimeout(patience);
  };
}

const PATIENCE = 3_000; // ms
const NO_ANSWER =
  "No answer from the kernel yet. Either a cell is running, or the kernel was restarted: then run " +
  "this panel's cell again.";
const LONE_SURROGATE =
  "holds half a surrogate pair, which no UTF-8 can carry (RFC 3629 §3). Nothing was sent.";

/** Local time of day, to the millisecond. */
function clock(seconds) {
  const date = new Date(seconds * 1000);
  const two = (number) => String(number).padStart(2, "0");
  return `${two(date.getHours())}:${two(date.getMinutes())}:${two(date.getSeconds())}` +
    `.${String(date.getMilliseconds()).padStart(3, "0")}`;
}

function wellFormed(text) {
  if (text.isWellFormed) return text.isWellFormed();
  try {
    encodeURIComponent(text);
    return true;
  } catch {
    return false;
  }
}

export default { render };
