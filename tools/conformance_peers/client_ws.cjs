// An echo client on ws, in Node.
const WebSocket = require("ws");

function next() {
  const socket = new WebSocket(process.argv[2]);
  socket.on("message", (data, isBinary) => socket.send(data, { binary: isBinary }));
  socket.on("unexpected-response", (request, response) => {
    request.destroy();
    if (response.statusCode !== 410) next();
  });
  socket.on("error", () => {});
  socket.on("close", next);
}
next();
