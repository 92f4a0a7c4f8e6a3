// The feed page: one feed, got in five ways by what every browser has: fetch, EventSource, WebSocket.
// Each way gets the messages after number `after`, and calls `take` with each until `signal` ends it.

async function polling(after, take, signal) {
  while (!signal.aborted) {
    const answer = await fetch(`poll?after=${after}`, { signal });
    for (const message of await answer.json()) {
      take(message);
      after = message.number; // next time ask for those after this one
    }
    await pause(400);
  }
}

async function longPolling(after, take, signal) {
  while (!signal.aborted) {
    const answer = await fetch(`long-poll?after=${after}`, { signal });
    for (const message of await answer.json()) {
      take(message);
      after = message.number;
    }
  }
}

function serverSentEvents(after, take, signal) {
  const source = new EventSource(`events?after=${after}`);
  source.onmessage = (event) => take(JSON.parse(event.data));
  signal.onabort = () => source.close();
}

async function streamedFetch(after, take, signal) {
  const answer = await fetch(`stream?after=${after}`, { signal });
  const reader = answer.body.pipeThrough(new TextDecoderStream()).getReader();
  for (let rest = ""; ; ) {
    const { value, done } = await reader.read();
    if (done) return;
    const lines = (rest + value).split("\n");
    rest = lines.pop(); // what was read may end within a line
    for (const line of lines) if (line) take(JSON.parse(line));
  }
}

function webSocket(after, take, signal) {
  const address = new URL(`socket?after=${after}`, location.href);
  address.protocol = address.protocol.replace("http", "ws");
  const socket = new WebSocket(address);
  socket.onmessage = (event) => take(JSON.parse(event.data));
  signal.onabort = () => socket.close();
}

const pause = (milliseconds) => new Promise((resolve) => setTimeout(resolve, milliseconds));

const WAYS = {
  "polling": polling,
  "long polling": longPolling,
  "server-sent events": serverSentEvents,
  "streamed fetch": streamedFetch,
  "WebSocket": webSocket,
};

/** Has the server publish 20 messages, gets them in one way, and tells the server how long each took. */
async function get(way) {
  const begun = await fetch("publish", { method: "POST" });
  if (!begun.ok) throw new Error(await begun.text());
  const { after, count } = await begun.json();
  const ended = new AbortController();
  const waits = [];
  await new Promise((resolve, reject) => {
    const take = (message) => {
      waits.push(Math.max(0, Date.now() - 1000 * message.at)); // the clock of one machine
      if (waits.length === count) resolve();
    };
    setTimeout(resolve, 5000);
    WAYS[way](after, take, ended.signal)?.catch((error) => ended.signal.aborted || reject(error));
  });
  ended.abort();
  await fetch("report", { method: "POST", body: JSON.stringify({ way, waits }) });
  waits.sort((a, b) => a - b);
  const half = `half of them within ${Math.round(waits[waits.length >> 1])} ms`;
  add(`${way}: ${waits.length} of ${count} messages, ${waits.length ? half : "in 5 s: does a proxy hold them back?"}`);
}

function show(text) {
  document.getElementById("state").textContent = text;
}

function add(text) {
  const line = document.createElement("li");
  line.textContent = text;
  document.getElementById("ways").append(line);
}

document.forms.feed.onsubmit = () => {
  all();
  return false; // or the browser would leave the page
};

async function all() {
  const { go } = document.forms.feed.elements;
  go.disabled = true;
  document.getElementById("ways").replaceChildren();
  try {
    for (const way of Object.keys(WAYS)) {
      show(`Getting it by ${way} …`);
      await get(way);
    }
    show("Done: the wire shows what crossed");
  } catch (error) {
    show(`It failed: ${error.message}`);
  }
  go.disabled = false;
}

document.documentElement.dataset.theme = new URLSearchParams(location.search).get("theme") ?? "";
