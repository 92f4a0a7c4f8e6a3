import { Dock } from "../../live/static/dock.js";
import { h, say, set, stateLamp } from "../../live/static/elements.js";
import { PAINTS, View } from "../../live/static/page.js";
import { icon, shape } from "../../live/static/shapes.js";
import { grouped, plural } from "../../live/static/words.js";
import { DebuggerBar, waits } from "./debugger_bar.js";
import { Detail } from "./detail.js";
import { Filters } from "./filters.js";
import { FindBar } from "./find_bar.js";
import { answer, linkTo } from "./row_links.js";
import { Remarks } from "./remarks.js";
import { Replay } from "./replay.js";
import { RowList } from "./row_list.js";
import { Rows, Shown } from "./rows.js";
import { Incoming, SaveMenu } from "./save_menu.js";

/** @import { RenderProps } from "@anywidget/types" */

const PATIENCE = 400; // ms until the reader is told that the kernel has not answered yet
const REST = 1_000; // ms without rows until the notebook may keep a picture of the rows
const KEPT = 200; // rows of that picture
const WIDEST = 17; // characters of a connection's label that its column has room for
const ASK_AGAIN = 2_000; // ms until the request for missing rows is repeated

/** What crosses the wire: two lanes, an arrow per row, and one unit to its last bit. */
class WireView extends View {
  /** @type {Map<number, string>} connection -> state */
  states = new Map();
  /** @type {Map<number, string>} connection -> how it is shown, "#3 Ada" */
  labels = new Map();
  #labelWidth = 2; // characters
  #numberWidth = 2;
  total = 0; // rows that the kernel has
  /** @type {number | null} the number of rows there were when paused */
  paused = null;
  replaying = false; // and the other views with this one
  seen = 0; // rows there were when the newest was last in sight
  lamp = stateLamp();
  #incoming = new Incoming();
  #unlink = () => {};
  #askedAt = -Infinity;
  #painting = 0;
  #remembering = 0;
  #patience = 0;
  // One question for a unit at a time: while its answer is on the way, only the newest request is kept.
  /** @type {{ number: number, bytes?: number } | null} */
  #wish = null;
  /** @type {{ number: number, bytes?: number } | null} */
  #asking = null;
  /** @type {{ what: string, link: HTMLElement } | null} what a link in the prose looks for */
  #finding = null;
  /** @type {HTMLElement | null} the link that led to the chosen row */
  #cameFrom = null;
  /** @type {number | null} the row that it leads to, which has yet to come */
  #awaited = null;
  /** @type {number | null} the row whose bytes get the focus when they come */
  #openNext = null;

  /** @param {RenderProps} context */
  constructor(context) {
    super(context);
    const { model, page } = this;
    const id = `ws-${page.name}`;
    /** @type {[kind: string, meaning: string][]} */
    const kinds = model.get("_kinds");
    const names = kinds.map(([kind]) => kind);
    // A saved notebook that is opened again shows what was seen, until a kernel says otherwise.
    this.kept = model.get("_saved");
    this.live = !this.kept?.rows?.length;
    this.rows = this.live ? new Rows() : Rows.restored(this.kept.rows);
    this.shown = new Shown(this.rows);
    this.remarks = new Remarks(this.shown, names.length);
    this.filters = new Filters({
      id, kinds: [...names, "remark"], shown: this.shown, onChange: () => this.#refilter(), onOpen: () => this.#schedule(),
    });
    this.save = new SaveMenu(model.get("_formats"), (format) => {
      say(this.save.status, this.live ? "saving …" : "run the cell again first");
      page.ask({ do: "save", format });
    });
    this.tamper = new DebuggerBar({ id, ask: (question) => page.ask(question) });
    this.detail = new Detail({
      id, legend: legend(kinds), actions: this.tamper.frame,
      onClose: () => this.#closeDetail(true),
      onMore: (bytes) => this.#ask(this.detail.number, bytes),
      onInside: (question) => page.ask({ do: "inside", ...question }),
      onTake: (question) => page.ask({ do: "take", ...question }),
      onCompare: () => this.list.element.focus({ preventScroll: true }),
      onEscape: () => this.list.element.focus({ preventScroll: true }),
    });
    this.list = new RowList({
      rows: this.rows, shown: this.remarks, kinds: names, labels: this.labels, id,
      onChoose: (row) => this.#open(row),
      onOpen: (row) => {
        this.#openNext = row;
        if (this.detail.number === row) this.detail.focus();
      },
      onEscape: () => {
        if (this.detail.comparing) this.detail.compare(false);
        else if (this.list.chosen !== null) this.#closeDetail(false);
      },
      onScroll: () => this.#showNewest(),
      onOtherKey: (key) => this.tamper.onKey(key, this.list.chosen < 0 ? null : this.list.chosen, this.rows.marks.get(this.list.chosen)),
    });
    this.find = new FindBar({
      id,
      ask: (what) => {
        const problem = "This wire is a picture from the saved notebook: run its cell again first.";
        if (this.live) page.ask({ do: "search", what });
        else this.find.take({ what, start: 0, looked: 0, problem }, new Uint32Array(), 0);
      },
      onGo: (row) => this.#toHit(row),
      onChange: () => this.#remark(),
      onClose: () => this.list.element.focus({ preventScroll: true }),
      chosen: () => (this.list.chosen < 0 ? null : this.list.chosen),
      first: () => this.list.firstInSight,
      isShown: (row) => row < (this.paused ?? Infinity) && this.shown.passes(row),
    });
    this.list.isHit = (row) => this.find.has(row);
    this.dock = new Dock({ el: this.el, name: "wire", onMove: () => this.#schedule() });
    this.replay = new Replay({
      id, onMove: (rows) => this.#showUpTo(rows), tell: (rows) => page.ask({ do: "moment", rows }),
    });
    this.#makeBar();
    this.root = this.#makeRoot();
  }

  #makeBar() {
    this.chooser = h("select", {
      "data-action": "connection", "aria-label": "connection", title: "Which connection to show", hidden: true,
      onchange: () => {
        this.shown.connection = this.chooser.value === "all" ? null : Number(this.chooser.value);
        this.#refilter();
      },
    });
    this.pauseText = h("span", {}, "Pause");
    this.waitingRows = h("span");
    this.waitingWord = h("span", { class: "ws-roomy" }, "\u00a0more");
    this.pause = h("button",
      { type: "button", "data-action": "pause", "aria-pressed": "false", onclick: () => this.#onPause() },
      icon("pause"), h("span", {}, this.pauseText, this.waitingRows, this.waitingWord));
    this.count = h("span", { class: "ws-count ws-title ws-numbers", "data-wslab": "count" });
    this.newest = h("button", {
      type: "button", class: "ws-newest", "data-action": "newest", title: "Go to the newest (End)", hidden: true,
      onclick: () => this.list.toNewest(),
    }, icon("newest"), h("span", {}, "newest"));
    this.return = h("button", {
      type: "button", class: "ws-newest", "data-action": "return", title: "Go back to the link that led here", hidden: true,
      onclick: () => this.#backToProse(),
    }, icon("back"), h("span", {}, "back"));
    this.empty = h("p", { class: "ws-empty ws-quiet" });
    this.picture = h("p", { class: "ws-picture ws-title", role: "status", hidden: this.live },
      `Kept in the saved notebook: ${plural(this.kept?.total ?? 0, "row")} crossed` +
      `${this.kept?.total > KEPT ? `, the first ${KEPT} are here` : ""}. Run this cell again for the live view.`);
    this.loss = h("p", { class: "ws-loss", "data-wslab": "loss", role: "status", hidden: true });
  }

  #makeRoot() {
    const server = this.model.get("_server_label");
    const root = h("div", {
      class: "wslab ws-wire", "data-wslab": "wire-view", role: "group", "data-state": "CLOSED", "aria-label": "what crosses the wire",
      // Arrow keys and Enter are ours here: else JupyterLab would move between cells.
      "data-lm-suppress-shortcuts": "true",
      onkeydown: (event) => this.#onKey(event),
    },
    this.bar = h("div", { class: "ws-bar" },
      h("span", { class: "ws-title" }, "wire"), this.lamp.element, this.chooser, ...this.tamper.buttons,
      h("span", { class: "ws-gap" }),
      this.save.status, this.count, this.pause, this.filters.button, this.find.button, this.save.element, this.dock.button),
    this.tamper.panel, this.filters.element, this.find.element, this.problem, this.picture, this.loss,
    this.tamper.problem, this.tamper.passed,
    h("div", { class: "ws-panes" },
      h("div", { class: "ws-rows-pane" },
        h("div", { class: "ws-row ws-lanes" },
          h("span", { class: "ws-when ws-quiet", "aria-hidden": "true" }, "seconds"),
          h("span", { class: "ws-lane" },
            h("span", { class: "ws-peer ws-clip", "aria-hidden": "true" }, "client"),
            this.return, this.newest, // here they cover no arrow
            h("span", { class: "ws-peer ws-clip", "aria-hidden": "true", title: server }, server))),
        h("div", { class: "ws-rows-box" }, this.list.element, this.empty),
        this.replay.element),
      this.detail.element));
    root.style.setProperty("--ws-height", `${this.model.get("_height")}px`);
    return root;
  }

  /** Shows the view; returns what takes it away. */
  start() {
    const kept = this.live ? {} : this.kept.states;
    for (const [number, state] of Object.entries(kept)) this.states.set(Number(number), state);
    const labels = this.live ? {} : this.kept.labels ?? {}; // an older notebook kept none
    if (!this.live) this.remarks.take({ all: true, gone: [], fresh: this.kept.remarks ?? [] });
    this.#showState();
    this.#takeLabels(labels);
    this.#paint();
    const takeAway = this.open(this.root, { count: 0 });
    this.dock.start(this.root);
    // Links and buttons speak of the lab's own recording: a wire of another one is passed by.
    if (this.model.get("_linked")) {
      this.#unlink = linkTo({ home: this.el, root: this.root, find: (what, link) => this.#find(what, link), show: (row, link) => this.#lead(row, link) });
    }
    return takeAway;
  }

  close() {
    this.#unlink();
    this.dock.end();
    cancelAnimationFrame(this.#painting);
    clearTimeout(this.#patience);
    clearTimeout(this.#remembering);
    this.list.dispose();
    this.replay.dispose();
    this.detail.dispose();
  }

  // -- what people do -----------------------------------------------------------------------

  #onPause() {
    const wasReplaying = this.replaying;
    this.#showUpTo(this.paused === null ? this.rows.count : null, false);
    if (wasReplaying) this.page.ask({ do: "moment", rows: null });
  }

  /** Shows the first rows and no others, null: all that come. @param {number | null} rows @param {boolean} replaying for all views of the lab */
  #showUpTo(rows, replaying = rows !== null) {
    this.paused = rows;
    this.replaying = replaying;
    set(this.pause, "aria-pressed", String(rows !== null));
    this.pause.firstElementChild.replaceWith(icon(rows === null ? "pause" : "resume"));
    this.list.following = true; // the row of the moment is the last one in sight
    this.#showState();
    this.#paint();
  }

  /** @param {KeyboardEvent} event */
  #onKey(event) {
    const typing = event.target instanceof HTMLInputElement || event.target instanceof HTMLTextAreaElement;
    const asked = event.key === "f" && (event.ctrlKey || event.metaKey) && !event.shiftKey && !event.altKey;
    if (!asked && (event.key !== "/" || typing || event.ctrlKey || event.metaKey || event.altKey)) return;
    event.preventDefault();
    event.stopPropagation();
    this.find.open();
  }

  /** Shows a row that was found; the focus stays where it is. @param {number} row */
  #toHit(row) {
    this.#update();
    this.list.choose(row);
    this.list.flash(row);
    this.#schedule();
  }

  /** Other rows are found: marks them, and what is found in the open unit. */
  #remark() {
    this.list.relabel();
    if (this.detail.number >= 0 && this.detail.number !== null) this.#ask(this.detail.number);
    this.#schedule();
  }

  #refilter() {
    const { list, shown } = this;
    const { following } = list;
    shown.again();
    this.remarks.again();
    this.filters.show();
    list.following = following;
    this.#showState();
    this.#paint();
    if (list.chosen !== null) list.keep();
  }

  /** @param {boolean} refocus whether the list gets the focus */
  #closeDetail(refocus) {
    this.list.choose(null);
    if (refocus) this.list.element.focus({ preventScroll: true });
  }

  /** Shows what a row is, or says all of a remark. @param {number | null} number */
  #open(number) {
    const remark = this.remarks.all.get(number);
    if (number === null) this.detail.clear();
    else if (!remark) this.#ask(number);
    else {
      clearTimeout(this.#patience);
      this.detail.showRemark(remark, this.labels.get(remark.connection) ?? `#${remark.connection}`);
      this.root.classList.add("ws-open");
    }
  }

  /** @param {number} number of a row @param {number} [bytes] of it */
  #ask(number, bytes) {
    this.#wish = { number, bytes };
    if (this.#asking === null) this.#askNow();
  }

  #askNow() {
    this.#asking = this.#wish;
    this.#wish = null;
    this.page.ask({ do: "detail", ...this.#asking });
    clearTimeout(this.#patience);
    this.#patience = setTimeout(() => {
      this.detail.waitFor(this.live
        ? "Asked the kernel for these bytes: it answers as soon as the running cell lets it. After a " +
          "restart, run this view's cell again."
        : "The bytes were not kept in the notebook. Run this view's cell again.");
    }, PATIENCE);
  }

  // -- links in the prose -------------------------------------------------------------------

  /** @param {string} what @param {HTMLElement} link */
  #find(what, link) {
    answer(link, null);
    if (!this.live) return answer(link, "This wire is a picture from the saved notebook: run the cells above first.");
    this.#finding = { what, link };
    this.page.ask({ do: "find", what });
    setTimeout(() => {
      if (this.#finding?.link === link) answer(link, "Asked the kernel: it answers as soon as it can. After a restart, run the cells above again.");
    }, PATIENCE);
    return undefined;
  }

  /** @param {{ what: string, row: number | null, problem?: string }} found */
  #showFound({ what, row, problem }) {
    const { rows } = this;
    if (this.#finding?.what !== what) return;
    const { link } = this.#finding;
    answer(link, problem ?? null);
    this.#awaited = row !== null && row >= rows.count ? row : null;
    if (row === null || this.#awaited !== null) {
      if (row === null) this.#finding = null;
      return;
    }
    this.#finding = null;
    this.#lead(row, link);
  }

  /** @param {number} row @param {HTMLElement} link what leads to it */
  #lead(row, link) {
    const { list, shown, paused, rows } = this;
    answer(link, null);
    if (row >= rows.count) return answer(link, "This row is not in this wire.");
    if (paused !== null && row >= paused) this.#onPause();
    this.#update();
    if (!shown.has(row)) {
      this.filters.reset();
      shown.connection = null;
      this.#refilter();
    }
    this.#cameFrom = link;
    this.list.choose(row);
    list.flash(row);
    this.list.element.focus({ preventScroll: true });
    if (!this.dock.docked) this.root.scrollIntoView({ block: "center" });
    this.return.hidden = inSight(link);
    return undefined;
  }

  #backToProse() {
    this.return.hidden = true;
    this.#cameFrom.scrollIntoView({ block: "center" });
    this.#cameFrom.focus({ preventScroll: true });
  }

  // -- what the kernel tells ----------------------------------------------------------------

  hear(news, buffers) {
    const { rows, page, tamper } = this;
    const buffer = (/** @type {number} */ number) => {
      const { buffer: memory, byteOffset, byteLength } = buffers[number];
      return new Uint8Array(memory, byteOffset, byteLength);
    };
    if (!this.live) this.#goLive();
    if (news.rows) {
      const { buffer: at, start, rows: fresh } = news.rows;
      const taken = rows.take(news.rows, buffer(at), buffer(at + 1));
      this.total = Math.max(this.total, start + fresh);
      if (taken === null) this.#askForMissing();
    }
    if (news.count !== undefined) {
      this.total = Math.max(this.total, news.count);
      if (this.total > rows.count) this.#askForMissing();
    }
    if (news.loss) {
      this.loss.hidden = false;
      say(this.loss, news.loss);
    }
    if (news.marks) this.#takeMarks(news.marks);
    if (news.remarks) this.#takeRemarks(news.remarks);
    if (news.debugger) tamper.show(news.debugger);
    if (news.answer?.page === page.name) tamper.answer(news.answer);
    if (news.labels) this.#takeLabels(news.labels);
    if (news.states) {
      for (const [number, state] of Object.entries(news.states)) this.states.set(Number(number), state);
      this.#showState();
    }
    if (news.moment && news.moment.by !== page.name) this.#showUpTo(news.moment.rows);
    if (news.detail?.page === page.name) this.#showDetail(news.detail, buffer);
    if (news.inside?.page === page.name) this.detail.inside.show(news.inside, buffer(news.inside.buffer).slice());
    for (const hits of news.hits ?? []) {
      if (hits.page === page.name) this.find.take(hits, new Uint32Array(buffer(hits.buffer).slice().buffer), this.total);
    }
    if (news.found?.page === page.name) this.#showFound(news.found);
    if (this.#awaited !== null && this.#awaited < rows.count) this.#showFound({ ...this.#finding, row: this.#awaited });
    if (news.file?.page === page.name) {
      this.#incoming.take(news.file, buffer(news.file.buffer), this.save, this.detail.take);
    }
    if (news.failed) this.complain(`The view failed, the traffic did not: ${news.failed}`);
    // News comes 20 times a second at most: drawing at once has the work done when the next frame of
    // the screen begins. A hidden tab waits for a frame.
    if (document.hidden) this.#schedule();
    else {
      document.dispatchEvent(new Event(PAINTS));
      this.#paint();
    }
    // The answer to a question of the page's own, such as for a picture, is not traffic.
    if (news.rows || news.count !== undefined || news.states || news.labels || news.remarks) {
      clearTimeout(this.#remembering);
      this.#remembering = setTimeout(() => this.#remember(), REST);
    }
  }

  /** @param {Record<string, string>} labels connection -> label */
  #takeLabels(labels) {
    for (const [number, label] of Object.entries(labels)) {
      this.labels.set(Number(number), label);
      this.#numberWidth = Math.max(this.#numberWidth, number.length + 1); // "#12"
      this.#labelWidth = Math.min(WIDEST, Math.max(this.#labelWidth, label.length));
    }
    this.list.relabel();
    this.root.style.setProperty("--ws-label-width", `${this.#labelWidth}ch`);
    this.root.style.setProperty("--ws-number-width", `${this.#numberWidth}ch`);
    this.#showState();
  }

  /** @param {Record<string, string>} marks row -> what was done to it */
  #takeMarks(marks) {
    const changed = Object.keys(marks).map(Number);
    for (const row of changed) this.rows.marks.set(row, marks[row]);
    this.list.again(changed);
    // What can still be done to the chosen row may have changed as well.
    const { number } = this.detail;
    if (number !== null && changed.includes(number)) this.#ask(number);
  }

  #takeRemarks(news) {
    const { list, remarks, detail } = this;
    list.steadily(() => {
      remarks.take(news);
      this.#update();
    });
    const { chosen } = list;
    if (chosen === null || chosen >= 0 || chosen !== detail.number) return;
    if (!remarks.all.get(chosen)) this.#closeDetail(false); // more bytes have come, and it is not true any more
    else if (news.all || news.fresh.some(({ number }) => number === chosen)) this.#open(chosen);
  }

  #goLive() {
    this.live = true;
    this.picture.hidden = true;
    this.rows.clear();
    this.shown.clear();
    this.remarks.take({ all: true, gone: [], fresh: [] });
    this.filters.clear();
    this.states.clear();
    this.labels.clear();
    this.list.forget();
    this.detail.clear();
  }

  /** Put a picture of the rows where JupyterLab finds it when it saves. It is not sent anywhere. */
  #remember() {
    const { rows } = this;
    this.model.set("_saved", {
      rows: rows.saved(KEPT), total: rows.count, states: Object.fromEntries(this.states),
      labels: Object.fromEntries(this.labels), remarks: [...this.remarks.all.values()].filter(({ row }) => row < KEPT).slice(0, KEPT),
    });
    set(this.root, "data-kept", rows.count);
  }

  #askForMissing() {
    const now = performance.now();
    if (now - this.#askedAt < ASK_AGAIN) return;
    this.#askedAt = now;
    this.page.ask({ do: "again", count: this.rows.count });
  }

  #showDetail(account, buffer) {
    const { detail, rows, tamper } = this;
    clearTimeout(this.#patience);
    this.#asking = null;
    if (this.#wish !== null) return this.#askNow();
    if (this.list.chosen !== account.number) return undefined;
    if (account.missing) return detail.waitFor(account.missing);
    detail.show(account, buffer(account.buffer).slice(), rows.preview(account.number));
    tamper.frame.show(account, waits(rows.marks.get(account.number)));
    this.root.classList.add("ws-open");
    if (this.#openNext === account.number) detail.focus();
    this.#openNext = null;
    return undefined;
  }

  // -- painting -----------------------------------------------------------------------------

  #schedule() {
    if (!this.#painting) this.#painting = requestAnimationFrame(() => this.#paint());
  }

  #paint() {
    const { rows, shown, paused } = this;
    cancelAnimationFrame(this.#painting);
    this.#painting = 0;
    const all = this.#update();
    this.filters.count(rows, this.remarks.all.size);
    this.list.paint();
    this.empty.hidden = this.remarks.count > 0;
    say(this.empty, shown.filtering && rows.count > 0
      ? "Nothing passes the filter." : "Nothing has crossed yet. Every byte that does appears here.");
    say(this.count, shown.filtering
      ? `${grouped(shown.count)} of ${plural(all, "row")}` : plural(all, "row"));
    const waiting = rows.count - all;
    say(this.pauseText, paused === null ? "Pause" : "Resume");
    say(this.waitingRows, waiting ? ` · ${grouped(waiting)}` : "");
    this.waitingWord.hidden = waiting === 0;
    this.pause.title = paused === null
      ? "Stop the picture. The traffic and its recording go on." : "Go on with what crossed meanwhile.";
    this.bar.classList.toggle("ws-full", paused !== null || !this.tamper.waiting.hidden);
    this.find.show(this.total, shown.filtering ? "filter" : this.replaying ? "replay" : paused !== null ? "pause" : "");
    this.replay.show(rows.count, paused, (row) => rows.time[row]);
    this.#showNewest();
  }

  /** What is in the list now; returns how many rows could be. */
  #update() {
    const { rows, shown, paused, remarks, replaying } = this;
    const all = Math.min(paused ?? Infinity, rows.count);
    shown.update(all);
    remarks.update(all, replaying ? rows.time[all - 1] : Infinity);
    return all;
  }

  #showNewest() {
    const { list, shown, newest } = this;
    if (list.seesNewest) this.seen = shown.count;
    const fresh = Math.max(0, shown.count - this.seen);
    newest.hidden = list.seesNewest;
    say(newest.lastElementChild, fresh ? `${grouped(fresh)} new` : "newest");
  }

  #showState() {
    const { root, states, labels, shown, chooser } = this;
    const numbers = [...states.keys()].sort((a, b) => a - b);
    const state = states.get(shown.connection ?? numbers.at(-1));
    set(root, "data-state", state ?? "CLOSED");
    // What the connections were at an earlier moment, the state diagram says.
    if (this.replaying) this.lamp.show("", "replay");
    else this.lamp.show(state ?? "CLOSED", state ? undefined : "no connection yet");
    root.classList.toggle("ws-many", numbers.length > 1 && shown.connection === null);
    chooser.hidden = numbers.length < 2;
    const options = [["all", "all connections"],
      ...numbers.map((number) => [String(number), `${labels.get(number) ?? `#${number}`} · ${states.get(number)}`])];
    while (chooser.options.length > options.length) chooser.remove(chooser.options.length - 1);
    for (const [place, [value, text]] of options.entries()) {
      const option = chooser.options[place] ?? chooser.appendChild(h("option"));
      option.value = value;
      say(option, text);
    }
    chooser.value = shown.connection === null ? "all" : String(shown.connection);
  }
}

/** Whether somebody sees an element. @param {Element} element */
function inSight(element) {
  const [{ top, bottom, left, right }] = element.getClientRects(); // of its first line
  const at = document.elementFromPoint((left + right) / 2, (top + bottom) / 2);
  return at !== null && element.contains(at);
}

/** What the shapes mean. @param {[kind: string, meaning: string][]} kinds */
function legend(kinds) {
  return h("dl", { class: "ws-legend ws-pairs", "aria-label": "the kinds" },
    ...kinds.flatMap(([kind, meaning]) => [
      h("dt", { "data-legend-kind": kind }, shape(kind), kind), h("dd", { class: "ws-quiet" }, meaning),
    ]),
    h("dt", { "data-legend-kind": "remark" }, shape("remark"), "remark"),
    h("dd", { class: "ws-quiet" }, "after a pause: what bytes are that make no unit, how a connection ended"),
    h("dt", {}, h("span", { class: "ws-badge ws-broken" }, "⚠ broken")),
    h("dd", { class: "ws-quiet" }, "breaks a rule of the protocol: open it to read which"),
    h("dt", {}, h("span", { class: "ws-badge ws-done" }, "held")),
    h("dd", { class: "ws-quiet" }, "what was done to it on its way"));
}

/** @param {RenderProps} context */
function render(context) {
  return new WireView(context).start();
}

export default { render };
