// The bank's own page: log in, and see the account, which is a WebSocket.

document.documentElement.dataset.theme = new URLSearchParams(location.search).get("theme") ?? "";

const find = (id) => document.getElementById(id);
const post = async (path) => (await fetch(path, { method: "POST" })).text();

let socket;

/** Says how things are; the lamp beside it says whether the account is open. */
function say(text, state = WebSocket.CLOSED) {
  find("state").textContent = text;
  document.body.dataset.state = state;
}

/** Opens the account in one of four ways; resolves to the first thing that the bank says. */
async function open(way) {
  socket?.close();
  let [path, first] = [`by-${way}`, ""];
  if (way === "ticket") path += `?ticket=${await post("ticket")}`;
  if (way === "query" || way === "message") {
    const token = localStorage.wslabToken = await post("token"); // so that it outlives a reload
    if (way === "query") path += `?token=${token}`;
    else first = JSON.stringify({ token });
  }
  const address = new URL(path, location.href); // behind a proxy the page is not at the root
  address.protocol = address.protocol.replace("http", "ws");
  const mine = socket = new WebSocket(address);
  if (first) mine.onopen = () => mine.send(first);
  return new Promise((resolve) => {
    mine.onmessage = ({ data }) => {
      show(data);
      resolve(data);
    };
    mine.onclose = ({ code }) => {
      if (mine === socket) say(`Not connected: ${code}`);
      resolve(`close ${code}`);
    };
  });
}

function show(text) {
  say("Logged in", WebSocket.OPEN);
  const line = document.createElement("li");
  line.textContent = text;
  find("account").prepend(line);
}

async function logIn() {
  await post(`defend?by=${encodeURIComponent(find("defence").value)}`);
  const said = await open(await post("login"));
  // In a frame of another site some browsers keep no cookie.
  if (said.startsWith("close")) say("The browser has kept no cookie: open this page in a tab");
}

async function logOut() {
  if (!socket) return;
  socket.close();
  socket = undefined;
  delete localStorage.wslabToken;
  await fetch("logout", { method: "POST", keepalive: true }); // also while the page is being left
  say("Nobody has logged in");
}

find("door").addEventListener("submit", (event) => {
  event.preventDefault();
  logIn();
});
find("logout").addEventListener("click", logOut);
find("defence").addEventListener("change", logIn);
addEventListener("pagehide", logOut);
