import { Page, h, link, say, set, stateLamp, svg } from "../../live/static/elements.js";
import { keepPicture } from "../../live/static/picture.js";
import { showRow } from "../../live/static/show_row.js";

// Where things stand in a peer's drawing, in its own units.
const WIDTH = 530;
const BOX = { x: 216, width: 118, height: 34, first: 26, step: 92 };
const LINE = 16; // between two lines of labels
const LONGEST = 24; // characters of a label on one line, left of the boxes; a longer one takes two
const SKIPS = { 2: 196, 3: 180 }; // where the arrows past one state, past two go down
const SKIP_LABELS = SKIPS[3] - 8; // left of both, so that no line runs through the words

function render({ model, el }) {
  const page = new Page(model);
  const states = model.get("_states");
  const tcpWords = model.get("_tcp");
  const height = BOX.first + BOX.step * (states.length - 1) + BOX.height + 14;
  let story = null;
  let detail = null; // the row whose bytes are on show

  const lamps = {};
  const peers = Object.fromEntries(
    ["client", "server"].map((peer) => [peer, new Peer(peer, model.get("_edges")[peer])]),
  );

  function Peer(name, edges) {
    lamps[name] = stateLamp();
    const nodes = new Map();
    const arrows = new Map(); // "before>after" -> {path, head, labels}
    const drawing = svg("svg", {
      viewBox: `0 0 ${WIDTH} ${height}`, role: "img", "aria-label": `the states of the ${name}`,
    });
    const groups = new Map();
    for (const edge of edges) {
      const key = `${edge.before}>${edge.after}`;
      groups.set(key, [...(groups.get(key) ?? []), edge]);
    }
    for (const [key, group] of groups) arrows.set(key, draw(drawing, group));
    states.forEach((state, place) => {
      const y = BOX.first + place * BOX.step;
      const node = svg("g", { class: "ws-node", "data-node": state },
        svg("rect", { x: BOX.x, y, width: BOX.width, height: BOX.height, rx: 6 }),
        svg("text", { x: BOX.x + BOX.width / 2, y: y + BOX.height / 2 + 4.5, "text-anchor": "middle" }));
      node.lastChild.textContent = state;
      nodes.set(state, node);
      drawing.append(node);
    });
    const says = h("p", { class: "ws-says" });
    const tcp = h("p", { class: "ws-tcp" });
    const cause = h("p", { class: "ws-cause" });
    this.element = h(
      "section",
      { class: "ws-peer-states", "data-peer": name, "data-state": "", "aria-label": name },
      h("header", {}, h("b", {}, name), lamps[name].element),
      drawing, cause, says, tcp,
    );
    this.show = (now) => {
      set(this.element, "data-state", now.state ?? "");
      set(this.element, "data-tcp", now.tcp ?? "");
      lamps[name].show(now.state ?? "CLOSED", now.state ?? "no connection yet");
      for (const [state, node] of nodes) node.classList.toggle("ws-here", state === now.state);
      const [before, event] = now.edge ?? [];
      const taken = edges.find((edge) => edge.before === before && edge.event === event);
      for (const [key, { parts, labels }] of arrows) {
        const lit = taken && key === `${taken.before}>${taken.after}`;
        for (const part of parts) part.classList.toggle("ws-taken", Boolean(lit));
        for (const [label, text] of labels) {
          text.classList.toggle("ws-taken", Boolean(lit) && label === event);
        }
      }
      set(this.element, "data-edge", taken ? `${before}:${event}` : null);
      cause.replaceChildren(...(taken
        ? ["last: ", h("b", {}, taken.text), now.row === null || now.row === undefined ? null : rowButton(now.row),
          taken.url ? link(taken.url, taken.rfc) : null].filter(Boolean).flatMap((part) => [part, " "])
        : [now.state ? "nothing has crossed yet" : "connect, and it begins"]));
      const words = Object.entries(now.says ?? {});
      set(this.element, "data-says", words.map(([, state]) => state).join(" ") || null);
      says.replaceChildren(...words.flatMap(([source, state]) =>
        [h("span", {}, `${source} says `), h("b", {}, state), " "]));
      say(tcp, now.tcp ? `TCP: ${now.tcp.replace("_", "-")}, ${tcpWords[now.tcp]}` : "");
    };
  }

  /** A long label in two lines, the first one the longer. */
  function inLines(text) {
    if (text.length <= LONGEST) return [text];
    const cut = text.indexOf(" ", text.length / 2);
    return cut < 0 ? [text] : [text.slice(0, cut), text.slice(cut + 1)];
  }

  /** One arrow with a label for each event that takes it. */
  function draw(drawing, group) {
    const from = states.indexOf(group[0].before);
    const to = states.indexOf(group[0].after);
    const top = (place) => BOX.first + place * BOX.step;
    const middle = BOX.x + BOX.width / 2;
    const right = BOX.x + BOX.width;
    const lines = group.map(({ text }) => (to - from > 1 ? inLines(text) : [text]));
    const count = lines.flat().length;
    let line, head, x, y, anchor;
    if (from === to) {
      const at = top(from) + BOX.height / 2;
      line = `M${right} ${at - 9} h14 a9 9 0 0 1 0 18 h-9`;
      head = `M${right} ${at + 9} l9 -4.5 v9 z`;
      [x, y, anchor] = [right + 28, at + 4 - ((count - 1) * LINE) / 2, "start"];
    } else if (to === from + 1) {
      const [start, end] = [top(from) + BOX.height, top(to)];
      line = `M${middle} ${start} V${end - 8}`;
      head = `M${middle} ${end} l-5 -9 h10 z`;
      [x, y, anchor] = [middle + 12, (start + end) / 2 + 4 - ((count - 1) * LINE) / 2, "start"];
    } else {
      const skip = SKIPS[to - from];
      const start = top(from) + BOX.height / 2 + (to - from === 2 ? 4 : 0);
      const end = top(to) + BOX.height / 2 + (to - from === 2 ? -7 : 7);
      line = `M${BOX.x} ${start} H${skip + 10} q-10 0 -10 10 V${end - 10} q0 10 10 10 H${BOX.x - 8}`;
      head = `M${BOX.x} ${end} l-9 -5 v10 z`;
      x = SKIP_LABELS;
      y = to - from === 3 ? start + 26 : end - 24 - (count - 1) * LINE;
      anchor = "end";
    }
    const path = svg("path", { class: "ws-edge", d: line });
    const tip = svg("path", { class: "ws-tip", d: head });
    const labels = group.map(({ event, rfc }, place) => {
      const above = lines.slice(0, place).flat().length;
      const label = svg("text",
        { class: "ws-edge-label", x, y: y + above * LINE, "text-anchor": anchor, "data-event": event },
        svg("title", {}, rfc));
      for (const [number, words] of lines[place].entries()) {
        const part = svg("tspan", { x, dy: number ? LINE : 0 });
        part.textContent = words;
        label.append(part);
      }
      return [event, label];
    });
    drawing.append(path, tip, ...labels.map(([, label]) => label));
    return { parts: [path, tip], labels };
  }

  // -- the time line ----------------------------------------------------------------------------

  const chooser = h("select",
    { "data-action": "connection", "aria-label": "connection",
      onchange: () => page.ask({ do: "connection", number: Number(chooser.value) }) });
  const body = h("tbody");
  const scroller = h("div", { class: "ws-timeline", tabindex: "0", "aria-label": "time line" },
    h("table", {},
      h("thead", {}, h("tr", {}, h("th", {}, "seconds"), h("th", {}, "client"), h("th", {}, "server"),
        h("th", {}, "bytes"))),
      body));
  const bytes = h("div", { class: "ws-bytes", "data-wslab": "cause", role: "region",
    "aria-label": "the bytes that caused it" });
  bytes.hidden = true;
  const problem = h("div", { class: "ws-problem", role: "alert" });
  problem.hidden = true;

  function rowButton(number) {
    return h("button",
      { type: "button", class: "ws-row-link", "data-row": number, "aria-expanded": String(detail === number),
        title: `Show the bytes of row ${number}`, onclick: () => onRow(number) },
      `row ${number}`);
  }

  function onRow(number) {
    if (detail === number) return closeDetail();
    detail = number;
    bytes.hidden = false;
    bytes.replaceChildren(h("p", {}, `Asked the kernel for row ${number} …`));
    page.ask({ do: "detail", number });
    paint();
  }

  function closeDetail() {
    detail = null;
    bytes.hidden = true;
    paint();
  }

  function showDetail(unit) {
    if (unit.number !== detail) return;
    if (unit.missing) return bytes.replaceChildren(h("p", {}, unit.missing));
    bytes.replaceChildren(
      h("header", {}, h("b", {}, `row ${unit.number}: ${unit.kind} from the ${unit.direction}, ${unit.length} bytes`),
        h("button", { type: "button", "data-action": "in-wire", onclick: () => showRow(unit.number) },
          "Show it in the wire view"),
        h("button", { type: "button", "data-action": "close-bytes", onclick: closeDetail }, "Close")),
      h("pre", { class: "ws-hex" }, unit.hex.replace(/((?:\S\S ?){8})/g, "$1 ").replace(/((?:\S\S ?){8} (?:\S\S ?){8} )/g, "$1\n")),
      h("dl", {}, ...unit.fields.filter(({ name }) => !name.startsWith("RSV")).flatMap(({ name, value, meaning }) =>
        [h("dt", {}, name), h("dd", {}, h("code", {}, value ?? ""), " ", meaning)])),
    );
  }

  function paintLines(lines) {
    const cells = lines.map((line) => {
      const words = line.source
        ? h("td", { class: "ws-word" }, `${line.source} says ${line.state}`)
        : h("td", { class: line.moved ? "ws-moved" : null }, line.text,
            line.moved ? h("b", {}, ` → ${line.state}`) : null);
      const other = h("td");
      return h("tr", { "data-peer": line.peer, "data-event": line.event ?? null, "data-state": line.state,
        "data-source": line.source ?? "wire" },
        h("td", {}, line.time.toFixed(3)),
        ...(line.peer === "client" ? [words, other] : [other, words]),
        h("td", {}, line.row === null || line.row === undefined ? null : rowButton(line.row)));
    });
    body.replaceChildren(...cells);
    scroller.scrollTop = scroller.scrollHeight;
  }

  function paint() {
    if (!story) return;
    for (const [name, peer] of Object.entries(peers)) peer.show(story.now[name]);
    paintLines(story.lines);
    chooser.hidden = story.connections.length < 2;
    const options = [["0", "the newest connection"], ...story.connections.map((n) => [String(n), `connection ${n}`])];
    chooser.replaceChildren(...options.map(([value, text]) => h("option", { value }, text)));
    chooser.value = story.following ? "0" : String(story.connection);
  }

  function onNews(news) {
    if (news.story) {
      story = news.story;
      paint();
    }
    if (news.detail?.page === page.name) showDetail(news.detail);
    problem.hidden = !news.failed;
    if (news.failed) say(problem, `The view failed, the traffic did not: ${news.failed}`);
  }

  el.append(
    h("section",
      { class: "wslab ws-states", "data-wslab": "state-diagram", "aria-label": "the states of both peers",
        "data-lm-suppress-shortcuts": "true" },
      h("header", { class: "ws-bar" }, h("span", { class: "ws-title" }, "state"),
        h("span", { class: "ws-gap" }), chooser),
      problem,
      h("div", { class: "ws-both" }, peers.client.element, peers.server.element),
      bytes, scroller),
  );
  chooser.hidden = true;
  for (const peer of Object.values(peers)) peer.show({ state: null, tcp: null, says: {} });
  model.on("msg:custom", onNews);
  page.ask({ do: "hello" });
  const endPicture = keepPicture(model, page);
  return () => {
    endPicture();
    page.ask({ do: "bye" });
  };
}

export default { render };
