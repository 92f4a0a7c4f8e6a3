// The page of the chat. Whatever people write goes into the page with textContent: as text, never
// as HTML.

const join = document.forms.join;
const publish = document.forms.publish;
const messages = document.getElementById("messages");
const query = new URLSearchParams(location.search);
let people = [];
let socket = null;

function connect(name) {
  const address = new URL("chat", location.href); // this server, this port: the socket's path
  address.protocol = address.protocol.replace("http", "ws");
  address.search = new URLSearchParams({ name });
  socket = new WebSocket(address);
  socket.onopen = () => show("OPEN", "connected");
  socket.onmessage = (message) => receive(JSON.parse(message.data));
  socket.onclose = (end) => {
    show("CLOSED", `closed: ${end.code} ${end.reason}`);
    people = [];
    showPeople();
  };
  show("CONNECTING", "connecting …");
}

function receive(event) {
  if (event.event === "welcome") {
    show("OPEN", `you are ${event.name}`);
    people = event.people;
    messages.replaceChildren();
  } else if (event.event === "message") {
    add("message", event.from, event.text);
  } else if (event.event === "join") {
    people.push(event.name);
    add("join", event.name, "came in");
  } else if (event.event === "leave") {
    people = people.filter((name) => name !== event.name);
    add("leave", event.name, event.why);
  }
  showPeople();
}

function add(kind, name, text) {
  const item = document.createElement("li");
  const who = document.createElement("bdi"); // isolated: right-to-left text cannot affect the rest
  const what = document.createElement("bdi");
  item.className = kind;
  who.textContent = name;
  what.textContent = text;
  item.append(who, " ", what);
  messages.prepend(item); // newest first
  while (messages.childElementCount > 200) messages.lastElementChild.remove();
}

function showPeople() {
  const names = people.map((name) => `\u2068${name}\u2069`); // isolates, like bdi
  document.getElementById("people").textContent = names.length ? `Here: ${names.join(", ")}` : "";
}

function show(state, text) {
  document.body.dataset.state = state;
  document.getElementById("state").textContent = text;
  join.hidden = state !== "CLOSED";
  publish.hidden = state === "CLOSED";
}

join.onsubmit = () => {
  connect(join.elements.name.value);
  return false;
};

publish.onsubmit = () => {
  const message = publish.elements.message;
  if (socket.readyState === WebSocket.OPEN) {
    socket.send(message.value);
    message.value = "";
  }
  return false;
};

if (query.has("theme")) document.documentElement.dataset.theme = query.get("theme");
if (query.has("name")) {
  join.elements.name.value = query.get("name");
  connect(query.get("name"));
}
