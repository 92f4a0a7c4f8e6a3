import { PAINTS, Page, grouped, h, plural, say, set, stateLamp } from "../../live/static/elements.js";
import { Rows, Shown } from "./rows.js";
import { RowList } from "./row_list.js";
import { Detail } from "./detail.js";
import { DebuggerBar, waits } from "./debugger_bar.js";
import { keepPicture } from "../../live/static/picture.js";
import { icon, shape } from "../../live/static/shapes.js";

const PATIENCE = 400; // ms until the reader is told that the kernel has not answered yet
const REST = 1_000; // ms without rows until the notebook may keep a picture of the rows
const KEPT = 200; // rows of that picture
const ASK_AGAIN = 2_000; // ms until a question for missing rows is repeated

function render({ model, el }) {
  const page = new Page(model);
  const id = `ws-${page.name}`;
  const meanings = new Map(model.get("_kinds"));
  const kinds = [...meanings.keys()];
  // A saved notebook that is opened again shows what was seen, until a kernel says otherwise.
  const kept = model.get("_saved");
  let live = !kept?.rows?.length;
  const rows = live ? new Rows() : Rows.restored(kept.rows);
  const shown = new Shown(rows);
  const states = new Map(); // connection -> state
  const counts = new Uint32Array(kinds.length);
  let counted = 0; // rows in `counts`
  let total = 0; // rows that the kernel has
  let paused = null; // or the number of rows there were when paused
  let left = 0; // rows there were when the reader scrolled up
  let askedAt = -Infinity;
  let painting = 0;
  let remembering = 0;

  // -- what there is to see -----------------------------------------------------------------

  const lamp = stateLamp();
  const chooser = h("select", {
    "data-action": "connection", "aria-label": "connection", title: "Which connection to show",
    onchange: () => choose(chooser.value === "all" ? null : Number(chooser.value)),
  });
  chooser.hidden = true;
  const pauseText = h("span", {}, "Pause");
  const pause = h(
    "button",
    { type: "button", "data-action": "pause", "aria-pressed": "false", onclick: onPause },
    icon("pause"), pauseText,
  );
  const filterText = h("span", {}, "Show: all");
  const filter = h(
    "button",
    {
      type: "button", "data-action": "filter", "aria-expanded": "false",
      "aria-controls": `${id}-filters`, title: "Choose kinds and direction", onclick: onFilter,
    },
    icon("filter"), filterText,
  );
  const count = h("span", { class: "ws-count ws-title", "data-wslab": "count" });
  const saved = h("span", { class: "ws-title", role: "status" });
  const save = h(
    "details",
    { class: "ws-menu" },
    h("summary", { "data-action": "save", title: "Save the recording" }, icon("save"), "Save"),
    h("div", { class: "ws-menu-list" },
      ...[
        ["jsonl", "JSON Lines", "Every byte, with its time and what was done to it."],
        ["pcapng", "pcapng", "For Wireshark: TCP, the upgrade and the frames. What was done is in comments."],
        ["har", "HAR", "Messages only, as a browser's DevTools save them, and what was done to them."],
      ].flatMap(([format, name, says]) => [
        h("button",
          { type: "button", "data-action": `save-${format}`, onclick: () => onSave(format) },
          `${name} (.${format})`),
        h("p", { class: "ws-title" }, says),
      ]),
      h("p", { class: "ws-title" }, h("code", {}, "wslab.wire.load"), " reads them all back.")),
  );
  save.addEventListener("focusout", (event) => {
    if (event.relatedTarget && !save.contains(event.relatedTarget)) save.open = false;
  });
  save.addEventListener("keydown", (event) => {
    if (event.key !== "Escape" || !save.open) return;
    save.open = false;
    save.firstChild.focus();
    event.stopPropagation();
  });

  const chips = kinds.map((kind, place) => {
    const number = h("span", { class: "ws-chip-count" }, "0");
    const button = h(
      "button",
      {
        type: "button", class: "ws-chip", "data-filter-kind": kind, "aria-pressed": "false",
        onclick: () => toggleKind(place),
      },
      shape(kind), kind, number,
    );
    return { button, number };
  });
  const ways = [[null, "both directions"], ["client", "client → server"], ["server", "server → client"]]
    .map(([direction, text]) => ({
      direction,
      button: h(
        "button",
        {
          type: "button", class: "ws-chip", "data-filter-direction": direction ?? "both",
          "aria-pressed": String(direction === null), onclick: () => toggleDirection(direction),
        },
        text,
      ),
    }));
  const filters = h(
    "div",
    { class: "ws-filters", id: `${id}-filters` },
    h("div", { class: "ws-chips", role: "group", "aria-label": "show only these kinds" },
      h("span", { class: "ws-title" }, "show only"), ...chips.map(({ button }) => button)),
    h("div", { class: "ws-chips", role: "group", "aria-label": "direction" },
      ...ways.map(({ button }) => button),
      h("button", { type: "button", class: "ws-chip ws-clear", "data-action": "show-all", onclick: showAll },
        "Show everything")),
  );
  filters.hidden = true;

  const legend = h("dl", { class: "ws-legend", "aria-label": "the kinds" },
    ...kinds.flatMap((kind) => [
      h("dt", { "data-legend-kind": kind }, shape(kind), kind), h("dd", {}, meanings.get(kind)),
    ]),
    h("dt", {}, h("span", { class: "ws-broken" }, "⚠ broken")),
    h("dd", {}, "breaks a rule of the protocol: open it to read which"),
    h("dt", {}, h("span", { class: "ws-done" }, "held")),
    h("dd", {}, "what was done to it on its way"));
  const tamper = new DebuggerBar({ id, ask: (question) => page.ask(question) });
  const detail = new Detail({
    id, legend, actions: tamper.frame,
    onClose: () => closeDetail(true),
    onMore: (bytes) => ask(detail.number, bytes),
    onEscape: () => list.element.focus({ preventScroll: true }),
  });
  const list = new RowList({
    rows, shown, kinds, id,
    onChoose: (row) => (row === null ? detail.clear() : ask(row)),
    onOpen: (row) => {
      openNext = row;
      if (detail.number === row) detail.focus();
    },
    onEscape: () => (list.chosen === null ? null : closeDetail(false)),
    onScroll: () => showNewest(),
    onOtherKey: (key) => tamper.onKey(key, list.chosen, rows.marks.get(list.chosen)),
  });
  const newest = h(
    "button",
    { type: "button", class: "ws-newest", "data-action": "newest", title: "Go to the newest (End)",
      onclick: () => list.toNewest() },
    icon("newest"), h("span", {}, "newest"),
  );
  newest.hidden = true;
  const empty = h("p", { class: "ws-empty" },
    "Nothing has crossed yet. Every byte that does appears here.");
  const problem = h("div", { class: "ws-problem", "data-wslab": "problem", role: "alert" });
  problem.hidden = true;

  const picture = h("p", { class: "ws-picture ws-title", role: "status" },
    `Kept in the saved notebook: ${plural(kept?.total ?? 0, "row")} crossed` +
    `${kept?.total > KEPT ? `, the first ${KEPT} are here` : ""}. Run this cell again for the live view.`);
  picture.hidden = live;

  const loss = h("p", { class: "ws-loss", "data-wslab": "loss", role: "status" });
  loss.hidden = true;

  const root = h(
    "section",
    {
      class: "wslab ws-wire", "data-wslab": "wire-view", "data-state": "CLOSED",
      "aria-label": "what crosses the wire",
      // Arrow keys and Enter are ours here: else JupyterLab would move between cells.
      "data-lm-suppress-shortcuts": "true",
    },
    h("header", { class: "ws-bar" },
      h("span", { class: "ws-title" }, "wire"), lamp.element, chooser,
      ...tamper.buttons,
      h("span", { class: "ws-gap" }), saved, count, pause, filter, save),
    tamper.panel,
    filters,
    problem,
    picture,
    loss,
    tamper.problem,
    tamper.passed,
    h("div", { class: "ws-panes" },
      h("div", { class: "ws-rows-pane" },
        h("div", { class: "ws-row ws-lanes" },
          h("span", { class: "ws-when", "aria-hidden": "true" }, "seconds"),
          h("span", { class: "ws-lane" },
            h("span", { class: "ws-peer", "aria-hidden": "true" }, "client"),
            newest, // here it covers no arrow
            h("span", { class: "ws-peer", "aria-hidden": "true", title: model.get("_server_label") },
              model.get("_server_label")))),
        h("div", { class: "ws-rows-box" }, list.element, empty)),
      detail.element),
  );
  root.style.setProperty("--ws-height", `${model.get("_height")}px`);

  // -- what people do -----------------------------------------------------------------------

  function onPause() {
    paused = paused === null ? rows.count : null;
    set(pause, "aria-pressed", String(paused !== null));
    pause.replaceChild(icon(paused === null ? "pause" : "resume"), pause.firstChild);
    paint();
  }

  function onFilter() {
    filters.hidden = !filters.hidden;
    set(filter, "aria-expanded", String(!filters.hidden));
    schedule(); // what each kind comes to is counted on, but only written while it is to be seen
  }

  function toggleKind(place) {
    if (!shown.kinds.delete(place)) shown.kinds.add(place);
    refilter();
  }

  function toggleDirection(direction) {
    shown.direction = direction;
    refilter();
  }

  function showAll() {
    shown.kinds.clear();
    shown.direction = null;
    refilter();
  }

  function choose(connection) {
    shown.connection = connection;
    refilter();
  }

  function refilter() {
    const following = list.following;
    shown.again();
    for (const [place, { button }] of chips.entries()) {
      set(button, "aria-pressed", String(shown.kinds.has(place)));
    }
    for (const { direction, button } of ways) {
      set(button, "aria-pressed", String(shown.direction === direction));
    }
    const words = [...shown.kinds].sort((a, b) => a - b).map((place) => kinds[place]);
    if (shown.direction) words.push(`from the ${shown.direction}`);
    say(filterText, `Show: ${words.length === 0 ? "all" : words.length < 4 ? words.join(", ")
      : `${words.length} filters`}`);
    filter.classList.toggle("ws-active", words.length > 0);
    list.following = following;
    showState();
    paint();
    if (list.chosen !== null) list.keep();
  }

  function onSave(format) {
    save.open = false;
    save.firstChild.focus();
    say(saved, live ? "saving …" : "run the cell again first");
    page.ask({ do: "save", format });
  }

  function closeDetail(refocus) {
    list.choose(null);
    if (refocus) list.element.focus({ preventScroll: true });
  }

  // One question for a unit at a time; while the answer is on its way only the last wish counts.
  let wish = null;
  let asking = null;
  let openNext = null; // the row whose bytes get the focus when they come
  let patience = 0;

  function ask(number, bytes) {
    wish = { number, bytes };
    if (asking === null) askNow();
  }

  function askNow() {
    asking = wish;
    wish = null;
    page.ask({ do: "detail", ...asking });
    clearTimeout(patience);
    patience = setTimeout(() => {
      detail.waitFor(live
        ? "Asked the kernel for these bytes: it answers as soon as the running cell lets it. After a " +
          "restart, run this view's cell again."
        : "The bytes were not kept in the notebook. Run this view's cell again.");
    }, PATIENCE);
  }

  // -- what the kernel tells ----------------------------------------------------------------

  function onNews(news, buffers) {
    const buffer = (number) => {
      const { buffer: memory, byteOffset, byteLength } = buffers[number];
      return new Uint8Array(memory, byteOffset, byteLength);
    };
    if (!live) goLive();
    if (news.rows) {
      const { buffer: at, start, rows: fresh } = news.rows;
      const taken = rows.take(news.rows, buffer(at), buffer(at + 1));
      total = Math.max(total, start + fresh);
      if (taken === null) askForMissing();
    }
    if (news.count !== undefined) {
      total = Math.max(total, news.count);
      if (total > rows.count) askForMissing();
    }
    if (news.loss) {
      loss.hidden = false;
      say(loss, news.loss);
    }
    if (news.marks) takeMarks(news.marks);
    if (news.debugger) tamper.show(news.debugger);
    if (news.answer?.page === page.name) tamper.answer(news.answer);
    if (news.states) {
      for (const [number, state] of Object.entries(news.states)) states.set(Number(number), state);
      showState();
    }
    if (news.detail?.page === page.name) showDetail(news.detail, buffer);
    if (news.file?.page === page.name) takeFile(news.file, buffer(news.file.buffer));
    if (news.failed) {
      problem.hidden = false;
      say(problem, `The view failed, the traffic did not: ${news.failed}`);
    }
    // News comes 20 times a second at most: drawing at once has the work done when the next frame of
    // the screen begins. A tab that nobody sees waits for one.
    if (document.hidden) schedule();
    else {
      document.dispatchEvent(new Event(PAINTS));
      paint();
    }
    // The answer to a question of the page's own, such as for a picture, is not traffic.
    if (news.rows || news.count !== undefined || news.states) {
      clearTimeout(remembering);
      remembering = setTimeout(remember, REST);
    }
  }

  function takeMarks(marks) {
    const changed = Object.keys(marks).map(Number);
    for (const row of changed) rows.marks.set(row, marks[row]);
    list.again(changed);
    // What the chosen row can still be told to do may have changed with it.
    if (detail.number !== null && changed.includes(detail.number)) ask(detail.number);
  }

  function goLive() {
    live = true;
    picture.hidden = true;
    rows.clear();
    shown.clear();
    counts.fill(0);
    counted = 0;
    states.clear();
    list.forget();
    detail.clear();
  }

  /** Put a picture of the rows where JupyterLab finds it when it saves. It is not sent anywhere. */
  function remember() {
    model.set("_saved", {
      rows: rows.saved(KEPT), total: rows.count, states: Object.fromEntries(states),
    });
    set(root, "data-kept", rows.count);
  }

  function askForMissing() {
    const now = performance.now();
    if (now - askedAt < ASK_AGAIN) return;
    askedAt = now;
    page.ask({ do: "again", count: rows.count });
  }

  function showDetail(account, buffer) {
    clearTimeout(patience);
    asking = null;
    if (wish !== null) return askNow();
    if (list.chosen !== account.number) return;
    if (account.missing) return detail.waitFor(account.missing);
    detail.show(account, buffer(account.buffer).slice(), rows.preview(account.number));
    tamper.frame.show(account, waits(rows.marks.get(account.number)));
    root.classList.add("ws-open");
    if (openNext === account.number) detail.focus();
    openNext = null;
  }

  let file = null;

  function takeFile({ name, type, start, total: size }, bytes) {
    if (start === 0) file = [];
    file.push(bytes.slice());
    const have = start + bytes.length;
    if (have < size) return say(saved, `saving ${Math.floor((have / size) * 100)} %`);
    const url = URL.createObjectURL(new Blob(file, { type }));
    file = null;
    h("a", { href: url, download: name }).click();
    setTimeout(() => URL.revokeObjectURL(url), 10_000);
    say(saved, `saved ${name}`);
    setTimeout(() => say(saved, ""), 4_000);
  }

  // -- painting -----------------------------------------------------------------------------

  function schedule() {
    if (!painting) painting = requestAnimationFrame(paint);
  }

  function paint() {
    cancelAnimationFrame(painting);
    painting = 0;
    for (; counted < rows.count; counted++) counts[rows.kind[counted]]++;
    shown.update(paused ?? rows.count);
    list.paint();
    empty.hidden = shown.count > 0;
    if (shown.filtering && rows.count > 0) say(empty, "Nothing passes the filter.");
    else say(empty, "Nothing has crossed yet. Every byte that does appears here.");
    const all = paused ?? rows.count;
    say(count, shown.filtering
      ? `${grouped(shown.count)} of ${plural(all, "row")}` : plural(all, "row"));
    const waiting = rows.count - all;
    say(pauseText, paused === null ? "Pause" : waiting ? `Resume · ${grouped(waiting)} more` : "Resume");
    pause.title = paused === null
      ? "Stop the picture. The traffic and its recording go on." : "Go on with what crossed meanwhile.";
    if (!filters.hidden) {
      for (const [place, { number }] of chips.entries()) say(number, grouped(counts[place]));
    }
    showNewest();
  }

  function showNewest() {
    if (list.seesNewest) left = shown.count;
    const fresh = Math.max(0, shown.count - left);
    newest.hidden = list.seesNewest;
    say(newest.lastChild, fresh ? `${grouped(fresh)} new` : "newest");
  }

  function showState() {
    const numbers = [...states.keys()].sort((a, b) => a - b);
    const of = shown.connection ?? numbers.at(-1);
    const state = states.get(of);
    set(root, "data-state", state ?? "CLOSED");
    lamp.show(state ?? "CLOSED", state ? undefined : "no connection yet");
    root.classList.toggle("ws-many", numbers.length > 1 && shown.connection === null);
    chooser.hidden = numbers.length < 2;
    const options = [["all", "all connections"],
      ...numbers.map((number) => [String(number), `#${number} · ${states.get(number)}`])];
    while (chooser.options.length > options.length) chooser.remove(chooser.options.length - 1);
    for (const [place, [value, text]] of options.entries()) {
      const option = chooser.options[place] ?? chooser.appendChild(h("option"));
      option.value = value;
      say(option, text);
    }
    chooser.value = shown.connection === null ? "all" : String(shown.connection);
  }

  model.on("msg:custom", onNews);
  el.append(root);
  for (const [number, state] of Object.entries(live ? {} : kept.states)) {
    states.set(Number(number), state);
  }
  showState();
  paint();
  const endPicture = keepPicture(model, page);
  page.ask({ do: "hello", count: 0 });
  return () => {
    page.ask({ do: "bye" });
    endPicture();
    cancelAnimationFrame(painting);
    clearTimeout(patience);
    clearTimeout(remembering);
    list.dispose();
    detail.dispose();
  };
}

export default { render };
