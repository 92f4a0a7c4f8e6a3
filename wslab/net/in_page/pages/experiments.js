// What a browser does, found out by doing it. Each function gets the lab (see page.js) and resolves
// to its answers, by question; or to nothing, where another page goes on.

export const EXPERIMENTS = {
  addresses, ports, options, stream, back, cookies, network, workers, background, cover,
};

const STATES = ["CONNECTING", "OPEN", "CLOSING", "CLOSED"];

const wait = (milliseconds) => new Promise((resolve) => setTimeout(resolve, milliseconds));

/** The events of a socket until it is open or closed, in words; "nothing" after `limit` ms. */
function outcome(socket, limit = 3000) {
  return new Promise((resolve) => {
    const before = [];
    socket.addEventListener("open", () => resolve("open"));
    socket.addEventListener("error", () => before.push("error"));
    socket.addEventListener("close", ({ code }) => resolve([...before, `close ${code}`].join(", ")));
    setTimeout(() => resolve("nothing"), limit);
  });
}

/** What comes of `new WebSocket(...)`: an exception, or its URL and the first event. */
async function opened(given, limit = 3000) {
  let socket;
  try {
    socket = new WebSocket(.../** @type {[string]} */ (given));
  } catch (error) {
    return { exception: error.name };
  }
  const came = await outcome(socket, limit);
  const { url, protocol } = socket;
  socket.close();
  return { url: url.replace(location.host, "HOST"), came, protocol };
}

// -- a. Which addresses, and which ports ------------------------------------------------------

async function addresses() {
  const answers = {};
  for (const text of ["/echo", "http://HOST/echo", "https://HOST/echo", "//HOST/echo", "ftp://HOST/echo", "/echo#part"]) {
    const { exception, url, came } = await opened([text.replace("HOST", location.host)]);
    answers[`"${text}"`] = exception ?? `${url} · ${came}`;
  }
  return answers;
}

/** A server listens on a port that the Fetch standard forbids, in `port`. */
async function ports({ query }) {
  return { "this browser": await tried(`ws://127.0.0.1:${query.get("port")}/`) };
}

// -- b. The options that are coming -----------------------------------------------------------

/** An object that notes which names are read from it: so the browser says itself what it knows. */
async function options({ tap }) {
  const read = [];
  const bag = new Proxy({ protocols: ["chat"] }, {
    get(values, name) {
      if (typeof name === "string" && !(name in Object.prototype)) read.push(name);
      return values[name];
    },
  });
  const { exception, came, protocol } = await opened([`${tap}/echo`, bag]);
  return {
    "read from the object": read.sort().join(", ") || "nothing",
    "what came of it": exception ?? `${came}, protocol "${protocol}"`,
  };
}

// -- c. Back-pressure -------------------------------------------------------------------------

/** A server sends as much as it can, and the page reads one message and no more. */
async function stream({ ask, query }) {
  const flood = `ws://127.0.0.1:${query.get("server")}/flood`; // past the tap: nobody wants to keep that
  const answers = { WebSocketStream: "WebSocketStream" in globalThis ? "here" : "not here" };
  if ("WebSocketStream" in globalThis) {
    const source = new globalThis.WebSocketStream(`${flood}/stream`);
    const { readable } = await source.opened;
    const reader = readable.getReader();
    await reader.read();
    const { sent, held } = await ask({ do: "flooded", path: "/flood/stream" });
    answers["a WebSocketStream that is not read"] = told(held);
    answers["MiB sent to it"] = String(sent);
    reader.cancel().catch(() => {});
    source.closed.catch(() => {});
    source.close();
  }
  const socket = new WebSocket(`${flood}/socket`);
  const { held } = await ask({ do: "flooded", path: "/flood/socket" });
  answers["a WebSocket without a listener"] = told(held);
  socket.close();
  return answers;
}

const told = (held) => (held ? "the server has to wait" : "the server sends everything");

// -- d. Back and forward ----------------------------------------------------------------------

/** A page with an open socket is left, and "back" is pressed. */
async function back({ ask, page, tap, query, say }) {
  if (query.has("away")) {
    say("Another page. Now back …");
    history.back();
    return null;
  }
  if (sessionStorage.getItem("left") === query.get("ticket")) {
    // Loaded again: nothing of the page that was left is here.
    return { "after Back": "the page is loaded again: its script starts anew" };
  }
  const socket = new WebSocket(`${tap}/held`);
  await outcome(socket);
  const seen = [];
  socket.addEventListener("error", () => seen.push("error"));
  socket.addEventListener("close", ({ code, wasClean }) => seen.push(`close ${code}, wasClean ${wasClean}`));
  const returned = new Promise((resolve) => addEventListener("pageshow", ({ persisted }) => {
    seen.push(`pageshow, readyState ${STATES[socket.readyState]}`);
    resolve(persisted);
  }));
  sessionStorage.setItem("left", query.get("ticket"));
  location.href = page("/page", { away: "" });
  await returned;
  await wait(300);
  const { ended } = await ask({ do: "ended", path: "/held" });
  return {
    "after Back": "the same page: its script goes on",
    "events on return": seen.join(" · "),
    readyState: STATES[socket.readyState],
    "the server got": ended,
  };
}

// -- e. Cookies -------------------------------------------------------------------------------

const COOKIES = {
  "wslab-Strict": "SameSite=Strict",
  "wslab-Lax": "SameSite=Lax",
  "wslab-None": "SameSite=None; Secure",
  "wslab-plain": "",
};

/** Sets cookies for 127.0.0.1, and opens a socket to there from one page after the other. */
async function cookies({ ask, page, tap, query }) {
  const server = query.get("server");
  const pages = [ // each from where, and at which host
    ["origin", new URL(tap.replace("ws", "http")).host],
    ["port", `127.0.0.1:${server}`],
    ["site", `localhost:${server}`],
  ];
  const step = Number(query.get("step") ?? 0);
  if (step === 0) {
    for (const [name, attributes] of Object.entries(COOKIES)) document.cookie = `${name}=1; path=/; max-age=60; ${attributes}`;
  }
  if (step === pages.length) {
    for (const name of Object.keys(COOKIES)) document.cookie = `${name}=; path=/; max-age=0`;
    return (await ask({ do: "cookies" })).answers;
  }
  if (location.host === pages[step][1]) {
    await opened([`${tap}/cookies/${pages[step][0]}`]);
    const next = pages[step + 1]?.[1] ?? `127.0.0.1:${server}`;
    location.replace(page("/page", { step: step + 1 }, next));
  } else location.replace(page("/page", { step }, pages[step][1]));
  return null;
}

// -- f. Local networks ------------------------------------------------------------------------

/**
 * A page that the browser takes for one from the internet opens a socket to this machine: first in a
 * tab, where the browser may ask the user; then in a frame without and with the user's permission.
 */
async function network({ page, query, say, tap }) {
  if (query.has("framed")) {
    parent.postMessage(await tried(`${tap}/network/${query.get("framed")}`, 3000), "*");
    return null;
  }
  if (!query.has("came")) {
    say("This page counts as one from the internet. It opens a WebSocket to this machine, and your browser may ask you.");
    const [before, came] = [await permission(), await tried(`${tap}/network/tab`, 20_000)];
    location.replace(page("/page", { came: `${came}` , before }));
    return null;
  }
  const frame = (framed, address, attributes = {}) => {
    const node = Object.assign(document.createElement("iframe"), attributes, { src: address({ framed }) });
    document.body.append(node);
    return new Promise((resolve) => addEventListener("message", ({ source, data }) => source === node.contentWindow && resolve(data)));
  };
  const elsewhere = (more) => page("/elsewhere", more, `localhost:${query.get("server")}`);
  return {
    "permission before": query.get("before"),
    "from a tab": query.get("came"),
    "permission after": await permission(),
    "from a frame": await frame("frame", elsewhere),
    "from a frame with allow": await frame("allowed", elsewhere, { allow: "loopback-network; local-network-access" }),
    "from a sandboxed frame of this machine": await frame("sandboxed", (more) => page("/page", more), { sandbox: "allow-scripts" }),
  };
}

/** What comes of a socket, in a word or two. */
async function tried(url, limit = 3000) {
  const { exception, came } = await opened([url], limit);
  return exception ?? came;
}

/** What the user has said about this page and the programs of this machine, as far as it is known. */
async function permission() {
  for (const name of ["loopback-network", "local-network-access"]) {
    try {
      return (await navigator.permissions.query({ name: /** @type {PermissionName} */ (name) })).state;
    } catch { /* this browser does not know it by that name */ }
  }
  return "not known here";
}

// -- g. Workers -------------------------------------------------------------------------------

async function workers({ ask, tap }) {
  const worker = new Worker("worker.js");
  const one = await answerOf(worker, `${tap}/worker/dedicated`);
  worker.terminate();
  const answers = { "a worker's socket": one };
  if (!("SharedWorker" in globalThis)) return { ...answers, "a shared worker": "not here" };
  const ports = [1, 2].map(() => new SharedWorker("worker.js").port);
  const both = await Promise.all(ports.map((port) => answerOf(port, `${tap}/worker/shared`)));
  answers["a shared worker's socket, for two"] = both.join(" · ");
  const { origin, count } = await ask({ do: "visits", path: "/worker/shared" });
  answers["connections of the two"] = String(count);
  answers["Origin that the server reads"] = origin === location.origin ? "the page's own" : String(origin);
  ports[0].postMessage({ close: true });
  return answers;
}

function answerOf(port, url) {
  return new Promise((resolve) => {
    port.onmessage = ({ data }) => resolve(data);
    port.onerror = () => resolve("the worker did not start");
    port.postMessage({ url });
  });
}

// -- h. In the background ---------------------------------------------------------------------

const SECONDS = { hidden: 4, visible: 1 };

/** A tab that hides the page with the experiment, long enough for it. */
async function cover({ say }) {
  say("This tab hides the notebook while the experiment runs in it, and closes itself after 6 seconds.");
  await wait(6000);
  say("Close this tab, to see what came of it.");
  window.close();
  return null;
}

/** How often timers fire, and how soon messages and pings are answered, out of sight and in it. */
async function background({ tap, say }) {
  const socket = new WebSocket(`${tap}/timed`);
  await outcome(socket);
  const worker = new Worker("worker.js");
  const answers = {};
  for (const state of ["hidden", "visible"]) {
    if (!(await until(state))) return { "out of sight": "no: this page stayed in sight all the time" };
    say(`Measuring: ${state} …`);
    const measured = await measure(socket, worker, state);
    for (const [name, value] of Object.entries(measured)) answers[`${name}, ${state}`] = value;
  }
  worker.terminate();
  socket.close();
  return answers;
}

/** Waits until the page is visible, or hidden, at most 5 s; whether it is. */
function until(state) {
  if (document.visibilityState === state) return Promise.resolve(true);
  return new Promise((resolve) => {
    document.addEventListener("visibilitychange", () => document.visibilityState === state && resolve(true));
    setTimeout(() => resolve(false), 8000);
  });
}

async function measure(socket, worker, state) {
  let ticks = 0;
  const timer = setInterval(() => ticks++, 100);
  socket.onmessage = ({ data }) => typeof data === "string" && data.startsWith("{") ? ended(JSON.parse(data)) : socket.send(data);
  let ended;
  const over = new Promise((resolve) => (ended = resolve));
  worker.postMessage({ tick: 100 });
  socket.send(JSON.stringify({ seconds: SECONDS[state] }));
  const { seconds, message, pong } = await over;
  clearInterval(timer);
  const inWorker = await new Promise((resolve) => {
    worker.onmessage = (event) => resolve(event.data);
    worker.postMessage({ ticks: true });
  });
  socket.onmessage = null;
  return {
    "setInterval of 100 ms": rate(ticks / seconds),
    "the same in a worker": rate(inWorker / seconds),
    "a message is answered": speed(message),
    "a ping is answered": speed(pong),
  };
}

const rate = (perSecond) => (perSecond > 5 ? "about 10 times a second" : perSecond > 0.5 ? "about once a second" : "less than once a second");
const speed = (milliseconds) => (milliseconds === null ? "not at all" : milliseconds < 250 ? "at once" : `after ${Math.round(milliseconds)} ms`);
