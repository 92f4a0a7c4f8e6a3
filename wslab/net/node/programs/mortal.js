// A server that one can end in every way: its guests may ask it to crash, or to hang.
"use strict";

const { WebSocketServer } = require("ws");

const server = new WebSocketServer({ port: 0 });

server.on("connection", (client) => {
  client.on("message", (data) => {
    const wish = data.toString();
    if (wish === "crash") throw new Error("a bug in the handler");
    if (wish === "hang") for (;;);
    client.send(`you said ${wish}`);
  });
});

process.on("SIGTERM", () => {
  console.log(`SIGTERM: no new guests, and goodbye to ${server.clients.size}`);
  server.close(() => console.log("all have left, and nothing is left to do"));
  for (const client of server.clients) client.close(1001, "the server is going away");
});
