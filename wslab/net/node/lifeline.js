// Loaded before a program of a lesson: it ends the process with the kernel that started it, says
// where a server listens, and lets it listen on this machine alone.
//
//   node --require lifeline.js program.js
//
// The kernel holds the other end of the standard input. When the kernel ends, however it ends, the
// system closes that end; even a program whose event loop is blocked is then stopped, because a
// thread of its own looks.
"use strict";

const fs = require("node:fs");
const net = require("node:net");
const path = require("node:path");
const { Worker, isMainThread } = require("node:worker_threads");

const OURS = /wslab-node-\w+$/;

// It also removes the folder of a program: the kernel can no longer do that.
const watch = `
  const folder = require("node:worker_threads").workerData;
  const input = new (require("node:net").Socket)({ fd: 0, readable: true, writable: false });
  const end = () => {
    if (${OURS}.test(folder)) require("node:fs").rmSync(folder, { recursive: true, force: true });
    process.kill(process.pid, "SIGKILL");
  };
  input.on("error", end).on("close", end).resume();
`;
if (isMainThread) { // a thread loads this file as well
  const folder = path.dirname(path.resolve(process.argv[1]));
  // Also where it ends by itself at that moment, because nobody reads what it prints.
  if (OURS.test(folder)) process.on("exit", () => fs.rmSync(folder, { recursive: true, force: true }));
  new Worker(watch, { eval: true, workerData: folder }).unref(); // it alone keeps nothing running
}

// What is printed arrives even if the program then dies, or never lets its event loop run.
for (const stream of [process.stdout, process.stderr]) stream._handle?.setBlocking?.(true);

if (process.env.WSLAB_URL) globalThis.url = process.env.WSLAB_URL; // the lab's server

const listen = net.Server.prototype.listen;
net.Server.prototype.listen = function (...given) {
  const [first] = given;
  const options = typeof first === "object" && first !== null ? first : { port: first };
  const done = given.findLast((one) => typeof one === "function");
  if (done) this.once("listening", done);
  this.once("listening", () => fs.writeSync(1, `\0listening ${this.address().port}\n`));
  const port = done === first ? 0 : (options.port ?? 0);
  return listen.call(this, { ...options, port, host: "127.0.0.1" });
};

// The kernel calls a connection on the wire by the name of the program: it knows it by its ports.
const connect = net.Socket.prototype.connect;
net.Socket.prototype.connect = function (...given) {
  let ports = "";
  this.once("connect", () => {
    if (!this.remotePort) return; // not TCP
    ports = `${this.localPort} ${this.remotePort}`;
    fs.writeSync(1, `\0connected ${ports}\n`);
  });
  this.once("close", () => ports && fs.writeSync(1, `\0closed ${ports}\n`));
  return connect.apply(this, given);
};
