import { PAINTS, Page } from "../../live/static/page.js";
import { Picture } from "../../live/static/picture.js";
import { LoggedSocket } from "./logged_socket.js";
import { SocketLog } from "./socket_log.js";
import { UNREACHED, routeTo, whyNotOpened } from "./route.js";

/** @import { AnyModel } from "@anywidget/types" */
/** @import { Command, News } from "./logged_socket.js" */

const REPORT_EVERY = 200; // ms between two messages to the kernel: for each JupyterLab shows a busy kernel
const FLOOD_REPORT_EVERY = 1_000; // ms, where so much has come meanwhile:
const FLOOD_BYTES = 50_000; // of events
const REPORT_BYTES = 1_000_000; // of events in one report: the rest comes with the next

/** @typedef {Command & { kind?: "text" | "size" | "binary" | "blob", text?: string, size?: number, buffer?: number }} KernelCommand */

/**
 * The page's end of its WebSocket: tells it what people and the kernel want, keeps its log, and
 * passes that on to the kernel. The socket itself lives in a worker of the page.
 */
export class PageSocket {
  log = new SocketLog();
  state = LoggedSocket.nothing;
  #model;
  #page;
  #picture;
  /** @type {(command: Command) => void} takes a command to the socket */
  #tell;
  /** @type {Set<() => void>} */
  #watchers = new Set();
  /** @type {Uint8Array[]} batches of events */
  #unreported = [];
  #unreportedBytes = 0;
  #reportedAt = -Infinity;
  #reportedState = "";
  /** @type {ReturnType<typeof setTimeout> | null} */
  #timer = null;
  #given = 0; // number of the last command handed to the socket

  /** @param {AnyModel} model */
  constructor(model) {
    this.#model = model;
    this.#page = new Page(model);
    this.#picture = new Picture(model, this.#page);
    this.#tell = startedSocket(model.get("_worker"), (news) => this.#socketSays(news));
    this.onMessage = (content, buffers) => this.#kernelSays(content, buffers);
    this.onPaints = () => this.#tell({ do: "tell now" });
    model.on("msg:custom", this.onMessage);
    document.addEventListener(PAINTS, this.onPaints);
    this.#page.ask({ do: "hello" });
    this.#report();
  }

  /** Have `watcher` called after any change. @param {() => void} watcher */
  watch(watcher) {
    this.#watchers.add(watcher);
    return () => this.#watchers.delete(watcher);
  }

  // -- what people do -----------------------------------------------------------------------

  /** @param {string} url @param {string[]} protocols */
  connect(url, protocols) {
    this.#tell(this.#routed({ do: "connect", url, protocols }));
  }

  /** Sends a string, a Blob or bytes; a number: so many bytes, made up there. @param {Command["data"]} data */
  send(data) {
    this.#tell({ do: "send", data });
  }

  /** @param {number} [code] @param {string} [reason] */
  close(code, reason) {
    this.#tell({ do: "close", code, reason });
  }

  /** @param {BinaryType} type */
  setBinaryType(type) {
    this.#tell({ do: "binaryType", type });
  }

  /** @param {string} problem */
  complain(problem) {
    this.#tell({ do: "complain", problem });
  }

  /** The last view is gone, and with it whoever would look. */
  end() {
    this.#model.off("msg:custom", this.onMessage);
    document.removeEventListener(PAINTS, this.onPaints);
    this.#tell({ do: "end" });
    this.#page.ask({ do: "bye" });
    this.#picture.end();
    clearTimeout(this.#timer);
  }

  /** Only the page knows its address, and with it the way to the kernel's machine. @param {Command} command @returns {Command} */
  #routed(command) {
    const route = routeTo(command.url, this.#model.get("_route"));
    if (route.problem) return { do: "complain", problem: route.problem };
    const { url, kind } = route;
    // A worker's own address is no base for an address that is relative to the page.
    const full = !URL.canParse(url) && URL.canParse(url, document.baseURI)
      ? new URL(url, document.baseURI).href : url;
    return { ...command, route: { kind, url: full } };
  }

  // -- what happens -------------------------------------------------------------------------

  /** @param {News} news */
  #socketSays({ batch, state, unopened }) {
    if (state) this.state = state;
    if (batch) {
      this.log.add(batch);
      this.#unreported.push(batch.json);
      this.#unreportedBytes += batch.json.length;
    }
    if (unopened) this.#explain(unopened);
    for (const watcher of this.#watchers) watcher();
    this.#reportSoon();
  }

  /** @param {News["unopened"]} unopened */
  async #explain({ attempt, route, silent }) {
    const problem = silent ? UNREACHED : await whyNotOpened(route);
    this.#tell({ do: "complain", problem, attempt });
  }

  // -- the kernel ---------------------------------------------------------------------------

  #reportSoon() {
    if (this.#timer !== null) return;
    const bytes = this.#unreportedBytes;
    const every = bytes > FLOOD_BYTES && bytes < REPORT_BYTES ? FLOOD_REPORT_EVERY : REPORT_EVERY;
    // A tab that nobody sees has its timers slowed down: what is due goes at once.
    const wait = this.#reportedAt + every - performance.now();
    if (wait <= 0) this.#report();
    else this.#timer = setTimeout(() => { this.#timer = null; this.#reportSoon(); }, Math.min(wait, REPORT_EVERY));
  }

  #report() {
    /** @type {Uint8Array[]} */
    const events = [];
    for (let bytes = 0; this.#unreported.length && bytes < REPORT_BYTES; bytes += events.at(-1).length) {
      events.push(this.#unreported.shift());
      this.#unreportedBytes -= events.at(-1).length;
    }
    const now = JSON.stringify(this.state);
    if (events.length || now !== this.#reportedState) {
      this.#reportedState = now;
      this.#reportedAt = performance.now();
      this.#page.ask({ do: "report", state: this.state }, events);
      this.#picture.soon();
    }
    if (this.#unreported.length) this.#reportSoon();
  }

  /**
   * @param {{ failed?: string, to?: string, commands?: [number: number, command: KernelCommand][] }} content
   * @param {DataView[]} buffers
   */
  #kernelSays(content, buffers) {
    if (content.failed) this.complain(`The panel itself failed, the socket did not: ${content.failed}`);
    if (content.to !== this.#page.name) return;
    for (const [number, command] of content.commands ?? []) {
      if (number <= this.#given) continue;
      this.#given = number;
      this.#tell({ ...this.#translated(command, buffers), number });
    }
  }

  /** A command of the kernel's as one of the page's own. @param {KernelCommand} command @param {DataView[]} buffers @returns {Command} */
  #translated(command, buffers) {
    if (command.do === "connect") return this.#routed(command);
    if (command.do !== "send") return command;
    if (command.kind === "text") return { do: "send", data: command.text };
    if (command.kind === "size") return { do: "send", data: command.size };
    // A copy: the buffer is a view into the whole message from the kernel.
    const { buffer, byteOffset, byteLength } = buffers[command.buffer];
    const bytes = new Uint8Array(buffer, byteOffset, byteLength).slice();
    return { do: "send", data: command.kind === "blob" ? new Blob([bytes]) : bytes };
  }
}

/**
 * Starts a worker with the socket in it, so that the page stays quick under ten thousand messages a
 * second; where the page's security policy allows none, the same in the page itself. Returns the
 * function that takes commands.
 * @param {string} script @param {(news: News) => void} onNews @returns {(command: Command) => void}
 */
function startedSocket(script, onNews) {
  /** @type {{ postMessage(command: Command): void }} */
  let worker;
  /** @type {Command[] | null} commands that a worker which does not start would lose */
  let unheard = [];
  const startHere = () => {
    const socket = new LoggedSocket(onNews);
    worker = { postMessage: (command) => socket.obey(command) };
    unheard?.forEach(worker.postMessage);
    unheard = null;
  };
  try {
    const url = URL.createObjectURL(new Blob([script], { type: "text/javascript" }));
    const started = worker = new Worker(url, { name: "wslab browser socket" });
    started.onmessage = ({ data }) => {
      unheard = null;
      onNews(data);
    };
    started.onerror = () => unheard && startHere();
    URL.revokeObjectURL(url);
  } catch {
    startHere();
  }
  return (command) => {
    unheard?.push(command);
    worker.postMessage(command);
  };
}
