// The chat of lesson 09 in Node: the same page, the same events, on the package `ws`.
"use strict";

const fs = require("node:fs");
const http = require("node:http");
const path = require("node:path");
const { WebSocket, WebSocketServer } = require("ws");

const FILES = {
  "/": { file: "chat_page/index.html", type: "text/html; charset=utf-8" },
  "/chat.js": { file: "chat_page/chat.js", type: "text/javascript; charset=utf-8" },
  "/page.css": { file: "page.css", type: "text/css; charset=utf-8" },
};

const clients = new Map(); // step 1: who is here, and each one's name
const history = []; // the last messages, for those who come late
const sockets = new WebSocketServer({ noServer: true, maxPayload: 10_000 }); // bytes, then 1009

// -- HTTP: the page, and the door to the WebSocket ------------------------------------------------

const server = http.createServer((request, response) => {
  const found = FILES[request.url.split("?")[0]];
  if (!found) return response.writeHead(404).end("Nothing is here.\n");
  response.writeHead(200, { "Content-Type": found.type });
  return response.end(fs.readFileSync(path.join(process.env.PAGES, found.file)));
});

server.on("upgrade", (request, socket, head) => {
  const { pathname, searchParams } = new URL(request.url, "http://here");
  if (pathname !== "/chat") return refuse(socket, "404 Not Found");
  if (!isOwn(request.headers)) return refuse(socket, "403 Forbidden");
  const name = searchParams.get("name") ?? "guest";
  return sockets.handleUpgrade(request, socket, head, (client) => comeIn(client, name));
});

function isOwn({ origin, host }) {
  // A browser names the page's origin; a program names none (RFC 6455 §10.2).
  return origin === undefined || origin === `http://${host}`;
}

function refuse(socket, status) {
  socket.end(`HTTP/1.1 ${status}\r\nConnection: close\r\nContent-Length: 0\r\n\r\n`);
}

// -- The room --------------------------------------------------------------------------------------

function comeIn(client, name) {
  client.send(JSON.stringify({ event: "welcome", name, people: [...clients.values()] }));
  for (const text of history) client.send(text);
  clients.set(client, name); // step 2: one more
  say({ event: "join", name });

  client.on("message", (data, isBinary) => {
    if (isBinary) return client.close(1003, "expected text, got a binary message");
    return say({ event: "message", from: name, text: data.toString() });
  });

  client.on("error", (error) => console.error(`${name}: ${error.message}`));

  client.on("close", (code) => {
    clients.delete(client); // step 4: one less
    say({ event: "leave", name, why: code === 1006 ? "vanished" : "said goodbye" });
  });
}

function say(event) {
  const text = JSON.stringify(event);
  console.log(text);
  if (event.event === "message" && history.push(text) > 50) history.shift();
  for (const client of clients.keys()) {
    if (client.readyState === WebSocket.OPEN) client.send(text); // step 3: to everybody
  }
}

// -- The end ---------------------------------------------------------------------------------------

process.on("SIGTERM", () => {
  server.close();
  for (const client of clients.keys()) client.close(1001, "the server is going away");
});

server.listen(0);
