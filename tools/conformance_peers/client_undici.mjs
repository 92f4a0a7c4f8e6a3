// An echo client on Node's own WebSocket, which is undici's. It learns no status: it ends with its
// tool.
function next() {
  const socket = new WebSocket(process.argv[2]);
  socket.binaryType = "arraybuffer";
  socket.onmessage = (event) => socket.send(event.data);
  socket.onclose = next;
}
next();
