// The same talk by two clients in one process: `ws`, and the WebSocket of Node itself. Each prints
// what it found, one JSON line for a finding.
"use strict";

const ws = require("ws");

function tell(who, what, found) {
  console.log(JSON.stringify([who, what, found]));
}

function attempt(call) {
  try {
    call();
    return "yes";
  } catch (error) {
    return `no: ${error.name}`;
  }
}

function talk(who, Client) {
  const client = new Client(url, { headers: { "X-Client": who } });
  tell(who, "listens by", typeof client.on === "function" ? "on(…), and as a page does" : "onmessage = …, addEventListener(…)");
  tell(who, "an EventTarget", client instanceof EventTarget ? "yes" : "no: an EventEmitter");
  tell(who, "binaryType at first", client.binaryType);
  const got = [];
  const heard = (data) => {
    got.push(data);
    if (got.length === 1) client.send(new Uint8Array([1, 2]));
    if (got.length === 2) finish();
  };
  const finish = () => {
    tell(who, "a text arrives as", kind(got[0]));
    tell(who, "bytes arrive as", kind(got[1]));
    tell(who, "may send a ping", typeof client.ping === "function" ? attempt(() => client.ping()) : "no: there is no ping()");
    tell(who, "may close with 1001", attempt(() => client.close(1001, "going away")));
    client.close(4000, "bye"); // a second close changes nothing
  };
  if (client.on) client.on("message", heard);
  else client.onmessage = (event) => heard(event.data);
  client.onopen = () => client.send("Hello");
}

function kind(data) {
  return typeof data === "string" ? "string" : data.constructor.name;
}

function fail(who, Client) {
  const client = new Client("ws://127.0.0.1:1/"); // nobody listens there
  client.onerror = (event) => tell(who, "an error says", event.message || "nothing");
}

for (const [who, Client] of [["ws", ws.WebSocket], ["own", WebSocket]]) {
  talk(who, Client);
  fail(who, Client);
}
