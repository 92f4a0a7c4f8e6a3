// Runs in a worker: opens a socket when told to, and counts the ticks of a timer.

let socket = null;
let made = 0;
let ticks = 0;
let timer = null;

function hear(port, { url, tick, ticks: asked, close }) {
  if (url) {
    if (!socket) {
      socket = new WebSocket(url);
      made++;
    }
    const tell = () => port.postMessage(`${["CONNECTING", "open", "CLOSING", "CLOSED"][socket.readyState]}, ${made} made`);
    if (socket.readyState === 0) for (const name of ["open", "close"]) socket.addEventListener(name, tell);
    else tell();
  }
  if (tick) {
    clearInterval(timer);
    ticks = 0;
    timer = setInterval(() => ticks++, tick);
  }
  if (asked) port.postMessage(ticks);
  if (close) socket.close();
}

onmessage = ({ data }) => hear(globalThis, data); // a dedicated worker
/** @type {any} */ (globalThis).onconnect = ({ ports: [port] }) => (port.onmessage = ({ data }) => hear(port, data)); // a shared one
