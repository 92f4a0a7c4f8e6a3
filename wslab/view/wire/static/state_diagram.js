import { h, link, say, set, stateLamp, svg } from "../../live/static/elements.js";
import { View } from "../../live/static/page.js";
import { showRow } from "./row_links.js";
import { Replay } from "./replay.js";

/** @import { RenderProps } from "@anywidget/types" */

/**
 * @typedef {"client" | "server"} PeerName
 * @typedef {{ before: string, event: string, after: string, text: string, rfc: string, url: string | null }} Edge
 * @typedef {{ state: string | null, tcp: string | null, says: Record<string, string>, edge?: [string, string], row?: number | null }} Now
 * @typedef {object} Line of the time line: a step of the connection, or what a program says of itself
 * @property {number} time in seconds
 * @property {PeerName} peer
 * @property {string} state
 * @property {string} [source] who says it
 * @property {string} [text]
 * @property {string} [event]
 * @property {boolean} [moved]
 * @property {number | null} [row]
 * @typedef {{ connection: number | null, connections: [number, string][], following: boolean, now: Record<PeerName, Now>, lines: Line[],
 *   rows: number, moment: { rows: number | null, by: string }, time: number | null }} Story
 */

// The positions of things in a peer's drawing, in its own units.
const WIDTH = 530;
const BOX = { x: 216, width: 118, height: 34, first: 26, step: 92 };
const LINE = 16; // between two lines of labels
const LONGEST = 24; // characters of a label on one line, left of the boxes; a longer one takes two
const SKIPS = { 2: 196, 3: 180 }; // where the arrows that pass one or two states go down
const INNER_SKIP = 205; // where the one from the first state to the third does
const SKIP_LABELS = SKIPS[3] - 8; // left of both arrows, so that no line runs through the words

/** A long label in two lines, the first one the longer. @param {string} text */
function inLines(text) {
  if (text.length <= LONGEST) return [text];
  const cut = text.indexOf(" ", text.length / 2);
  return cut < 0 ? [text] : [text.slice(0, cut), text.slice(cut + 1)];
}

/** One arrow of a drawing, with a label for each event that takes it. */
class Arrow {
  /** @param {string[]} states @param {Edge[]} edges which all lead from one state to one other */
  constructor(states, edges) {
    const { before, after } = edges[0];
    const from = states.indexOf(before);
    const to = states.indexOf(after);
    const lines = edges.map(({ text }) => (to - from > 1 ? inLines(text) : [text]));
    const { line, head, x, y, anchor } = Arrow.#place(from, to, lines.flat().length);
    this.name = `${before}>${after}`;
    this.parts = [svg("path", { class: "ws-edge", d: line }), svg("path", { class: "ws-tip", d: head })];
    this.labels = edges.map(({ event, rfc }, place) => {
      const above = lines.slice(0, place).flat().length;
      const words = lines[place].map((text, number) => svg("tspan", { x, dy: number ? LINE : 0 }, text));
      return svg("text",
        { class: "ws-edge-label", x, y: y + above * LINE, "text-anchor": anchor, "data-event": event },
        svg("title", {}, rfc), ...words);
    });
  }

  /** Where it goes, and where its `count` lines of labels stand. @param {number} from @param {number} to @param {number} count */
  static #place(from, to, count) {
    const top = (/** @type {number} */ place) => BOX.first + place * BOX.step;
    const middle = BOX.x + BOX.width / 2;
    const right = BOX.x + BOX.width;
    const up = ((count - 1) * LINE) / 2;
    if (from === to) {
      const at = top(from) + BOX.height / 2;
      return {
        line: `M${right} ${at - 9} h14 a9 9 0 0 1 0 18 h-9`, head: `M${right} ${at + 9} l9 -4.5 v9 z`,
        x: right + 28, y: at + 4 - up, anchor: "start",
      };
    }
    if (to === from + 1) {
      const [start, end] = [top(from) + BOX.height, top(to)];
      return {
        line: `M${middle} ${start} V${end - 8}`, head: `M${middle} ${end} l-5 -9 h10 z`,
        x: middle + 12, y: (start + end) / 2 + 4 - up, anchor: "start",
      };
    }
    const inner = from === 0 && to === 2; // inside the arrow that begins one state later
    const skip = inner ? INNER_SKIP : SKIPS[to - from];
    const start = top(from) + BOX.height / 2 + (to - from === 2 ? 4 : 0);
    const end = top(to) + BOX.height / 2 + (to - from === 2 ? -7 : 7);
    return {
      line: `M${BOX.x} ${start} H${skip + 10} q-10 0 -10 10 V${end - 10} q0 10 10 10 H${BOX.x - 8}`,
      head: `M${BOX.x} ${end} l-9 -5 v10 z`,
      x: SKIP_LABELS, y: to - from === 3 ? start + 26 : end - (inner ? 10 : 24) - up * 2, anchor: "end",
    };
  }

  /** @param {Edge | undefined} taken the edge that was taken last */
  show(taken) {
    const lit = taken !== undefined && this.name === `${taken.before}>${taken.after}`;
    for (const part of this.parts) part.classList.toggle("ws-taken", lit);
    for (const label of this.labels) label.classList.toggle("ws-taken", lit && label.dataset.event === taken.event);
  }
}

/** The states of one peer, drawn from the table, the present one lit. */
class Peer {
  lamp = stateLamp();
  says = h("p", { class: "ws-quiet" });
  tcp = h("p", { class: "ws-tcp ws-quiet" });
  cause = h("p");

  /** @param {PeerName} name @param {string[]} states @param {Edge[]} edges @param {Record<string, string>} tcpWords */
  constructor(name, states, edges, tcpWords) {
    this.edges = edges;
    this.tcpWords = tcpWords;
    const between = Map.groupBy(edges, ({ before, after }) => `${before}>${after}`);
    this.arrows = [...between.values()].map((group) => new Arrow(states, group));
    this.nodes = states.map((state, place) => {
      const y = BOX.first + place * BOX.step;
      return svg("g", { class: "ws-node", "data-node": state },
        svg("rect", { x: BOX.x, y, width: BOX.width, height: BOX.height, rx: 6 }),
        svg("text", { x: BOX.x + BOX.width / 2, y: y + BOX.height / 2 + 4.5, "text-anchor": "middle" }, state));
    });
    const height = BOX.first + BOX.step * (states.length - 1) + BOX.height + 14;
    this.element = h("div", { class: "ws-peer-states", "data-peer": name, "data-state": "", role: "group", "aria-label": name },
      h("div", { class: "ws-peer-head" }, h("b", {}, name), this.lamp.element),
      drawing(name,
        svg("svg", { viewBox: `0 0 ${WIDTH} ${height}`, role: "img", "aria-label": `the states of the ${name}` },
          ...this.arrows.flatMap(({ parts, labels }) => [...parts, ...labels]), ...this.nodes)),
      this.cause, this.says, this.tcp);
  }

  /** @param {Now} now @param {(row: number) => Element} rowButton */
  show({ state, tcp, says, edge, row }, rowButton) {
    const [before, event] = edge ?? [];
    const taken = this.edges.find((one) => one.before === before && one.event === event);
    set(this.element, "data-state", state ?? "");
    set(this.element, "data-tcp", tcp ?? "");
    set(this.element, "data-edge", taken ? `${before}:${event}` : null);
    this.lamp.show(state ?? "CLOSED", state ?? "no connection yet");
    for (const node of this.nodes) node.classList.toggle("ws-here", node.dataset.node === state);
    for (const arrow of this.arrows) arrow.show(taken);
    const cause = taken
      ? ["last: ", h("b", {}, taken.text), row === null || row === undefined ? null : rowButton(row),
        taken.url ? link(taken.url, taken.rfc) : null]
      : [state ? "nothing has crossed yet" : "connect, and it begins"];
    this.cause.replaceChildren(...cause.filter(Boolean).flatMap((part) => [part, " "]));
    const words = Object.entries(says ?? {});
    set(this.element, "data-says", words.map(([, said]) => said).join(" ") || null);
    this.says.replaceChildren(...words.flatMap(([source, said]) =>
      [h("span", {}, `${source} says `), h("b", {}, said), " "]));
    say(this.tcp, tcp ? `TCP: ${tcp.replace("_", "-")}, ${this.tcpWords[tcp]}` : "");
  }
}

/** A box that a page too narrow for the drawing scrolls: by keyboard as well. @param {string} name @param {SVGElement} picture */
function drawing(name, picture) {
  const box = h("div", { class: "ws-drawing", role: "group", "aria-label": `drawing of the ${name}'s states` }, picture);
  new ResizeObserver(() => set(box, "tabindex", box.scrollWidth > box.clientWidth ? "0" : null)).observe(box);
  return box;
}

/** Both peers side by side, the time line, and the bytes of a row of it. */
class StateDiagram extends View {
  /** @type {Story | null} */
  #story = null;
  /** @type {number | null} the row whose bytes are on show */
  #detail = null;

  /** @param {RenderProps} context */
  constructor(context) {
    super(context);
    const { model, page } = this;
    const peer = (/** @type {PeerName} */ name) =>
      new Peer(name, model.get("_states"), model.get("_edges")[name], model.get("_tcp"));
    this.peers = { client: peer("client"), server: peer("server") };
    this.chooser = h("select", {
      "data-action": "connection", "aria-label": "connection", hidden: true,
      onchange: () => page.ask({ do: "connection", number: Number(this.chooser.value) }),
    });
    this.replay = new Replay({
      id: this.id("states"), onMove: () => {}, tell: (rows) => page.ask({ do: "moment", rows }),
    });
    this.body = h("tbody");
    this.scroller = h("div", { class: "ws-timeline", tabindex: "0", role: "group", "aria-label": "time line" },
      h("table", {},
        h("thead", {}, h("tr", {}, ...["seconds", "client", "server", "bytes"].map((name) => h("th", { scope: "col" }, name)))),
        this.body));
    this.bytes = h("div", {
      class: "ws-bytes", "data-wslab": "cause", role: "group", "aria-label": "the bytes that caused it", hidden: true,
    });
    this.root = h("div", {
      class: "wslab ws-states", "data-wslab": "state-diagram", role: "group", "aria-label": "the states of both peers",
      "data-lm-suppress-shortcuts": "true",
    },
    h("div", { class: "ws-bar" }, h("span", { class: "ws-title" }, "state"), h("span", { class: "ws-gap" }), this.chooser),
    this.problem,
    h("div", { class: "ws-both" }, this.peers.client.element, this.peers.server.element),
    this.replay.element, this.bytes, this.scroller);
    for (const one of Object.values(this.peers)) one.show({ state: null, tcp: null, says: {} }, () => null);
  }

  hear({ story, detail, failed }) {
    if (story) {
      this.#story = story;
      this.#paint();
    }
    if (detail?.page === this.page.name) this.#showDetail(detail);
    this.complain(failed ? `The view failed, the traffic did not: ${failed}` : null);
  }

  close() {
    this.replay.dispose();
  }

  #paint() {
    if (!this.#story) return;
    const { now, connections, connection, following, lines, rows, moment, time } = this.#story;
    // While its own reader drags it, the answers to earlier moves are still on their way.
    const mine = moment.by === this.page.name;
    this.replay.show(rows, mine ? this.replay.rows : moment.rows, (row) => (row + 1 === moment.rows ? time : undefined));
    const rowButton = (/** @type {number} */ row) => this.#rowButton(row);
    for (const [name, peer] of Object.entries(this.peers)) peer.show(now[name], rowButton);
    this.body.replaceChildren(...lines.map((line) => this.#line(line)));
    this.scroller.scrollTop = this.scroller.scrollHeight;
    this.chooser.hidden = connections.length < 2;
    const options = [["0", "the newest connection"], ...connections.map(([number, label]) => [String(number), label])];
    this.chooser.replaceChildren(...options.map(([value, text]) => h("option", { value }, text)));
    this.chooser.value = following ? "0" : String(connection);
  }

  /** @param {Line} line */
  #line({ time, peer, state, source, text, event, moved, row }) {
    const words = source ? h("td", { class: "ws-word ws-quiet" }, `${source} says ${state}`)
      : h("td", {}, text, moved ? h("b", {}, ` → ${state}`) : null);
    return h("tr", { "data-peer": peer, "data-event": event, "data-state": state, "data-source": source ?? "wire" },
      h("td", {}, time.toFixed(3)),
      ...(peer === "client" ? [words, h("td")] : [h("td"), words]),
      h("td", {}, row === null || row === undefined ? null : this.#rowButton(row)));
  }

  // -- the bytes of a row -------------------------------------------------------------------

  /** @param {number} row */
  #rowButton(row) {
    return h("button", {
      type: "button", class: "ws-row-link", "data-row": row, "aria-expanded": String(this.#detail === row),
      title: `Show the bytes of row ${row}`, onclick: () => this.#onRow(row),
    }, `row ${row}`);
  }

  /** @param {number} row */
  #onRow(row) {
    if (this.#detail === row) return this.#closeDetail();
    this.#detail = row;
    this.bytes.hidden = false;
    this.bytes.replaceChildren(h("p", {}, `Asked the kernel for row ${row} …`));
    this.page.ask({ do: "detail", number: row });
    return this.#paint();
  }

  #closeDetail() {
    this.#detail = null;
    this.bytes.hidden = true;
    this.#paint();
  }

  #showDetail({ number, missing, kind, direction, length, hex, fields }) {
    if (number !== this.#detail) return;
    if (missing) {
      this.bytes.replaceChildren(h("p", {}, missing));
      return;
    }
    const grouped = hex.replace(/((?:\S\S ?){8})/g, "$1 ").replace(/((?:\S\S ?){8} (?:\S\S ?){8} )/g, "$1\n");
    this.bytes.replaceChildren(
      h("div", { class: "ws-flow" },
        h("b", {}, `row ${number}: ${kind} from the ${direction}, ${length} bytes`),
        h("button", { type: "button", "data-action": "in-wire", onclick: ({ currentTarget }) => showRow(number, /** @type {HTMLElement} */ (currentTarget)) }, "Show it in the wire view"),
        h("button", { type: "button", "data-action": "close-bytes", onclick: () => this.#closeDetail() }, "Close")),
      h("pre", { class: "ws-hex ws-mono ws-wrap" }, grouped),
      h("dl", { class: "ws-pairs" },
        ...fields.filter(({ name }) => !name.startsWith("RSV")).flatMap(({ name, value, meaning }) => [
          h("dt", { class: "ws-quiet" }, name), h("dd", {}, h("code", {}, value ?? ""), " ", meaning)])));
  }
}

/** @param {RenderProps} context */
function render(context) {
  const view = new StateDiagram(context);
  return view.open(view.root);
}

export default { render };
