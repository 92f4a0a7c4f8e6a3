// The echo page. What comes from elsewhere goes into the page with textContent: as text, never as HTML.

const { message, send, close, again } = document.forms.echo.elements;
const address = new URL("echo", location.href); // this server, this port: the path /echo
address.protocol = address.protocol.replace("http", "ws");
let socket;

function connect() {
  socket = new WebSocket(address);
  socket.onopen = () => show(`Connected to ${socket.url}`);
  socket.onmessage = (event) => add("Received", event.data);
  socket.onclose = (event) => show(`Disconnected: ${event.code} ${event.reason}`);
  show("Connecting…");
}

function show(text) {
  document.getElementById("state").textContent = text;
  document.body.dataset.state = socket.readyState; // 0 to 3; the style sheet has a colour for each
  send.disabled = close.disabled = socket.readyState !== WebSocket.OPEN;
  again.disabled = socket.readyState !== WebSocket.CLOSED;
}

function add(what, data) {
  const line = document.createElement("li");
  line.textContent = `${what}: ${typeof data === "string" ? data : `${data.size} bytes`}`;
  line.className = what;
  document.getElementById("messages").prepend(line); // the newest first
}

document.forms.echo.onsubmit = () => {
  if (socket.readyState === WebSocket.OPEN) {
    socket.send(message.value);
    add("Sent", message.value);
    message.value = "";
  }
  return false; // or the browser would leave the page
};
close.onclick = () => {
  socket.close(1000, "Close was pressed");
  show("Closing…");
};
again.onclick = connect;

document.documentElement.dataset.theme = new URLSearchParams(location.search).get("theme") ?? "";
connect();
