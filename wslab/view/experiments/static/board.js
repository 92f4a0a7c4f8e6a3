import { h, link, say, set } from "../../live/static/elements.js";
import { View } from "../../live/static/page.js";
import { columnOf, emphasized } from "./columns.js";
import { runForKernel } from "./page_runs.js";

/** @import { RenderProps } from "@anywidget/types" */

// The states of a cell that are no verdict: sign and word.
const BETWEEN = {
  "": ["·", "", "not run yet"],
  waiting: ["·", "waits", "waits for its turn"],
  running: ["…", "runs", "is running"],
  failed: ["!", "failed", "could not be run"],
};

/** One board in one page: its cells, how each came out, and the one that is open. */
class BoardView extends View {
  /** @param {RenderProps} context */
  constructor(context) {
    super(context);
    const { kind, title, note, corner, rows, columns, verdicts } = this.model.get("_board");
    this.corner = corner;
    this.rows = rows;
    this.columns = columns;
    this.verdicts = new Map(verdicts.map((verdict) => [verdict.name, verdict]));
    this.nodes = new Map(); // of the cells, by row and column
    this.states = new Map(); // the same: their verdicts
    this.lines = []; // what the arrow keys walk through: rows of nodes
    this.open_ = null; // the cell that is open
    this.runAll = h("button", { type: "button", class: "ws-next", "data-action": "run-all", onclick: () => this.run(this.rows, this.columns) }, "Run all");
    this.stop = h("button", { type: "button", "data-action": "stop", disabled: true, onclick: () => this.page.ask({ do: "stop" }) }, "Stop");
    this.left = h("span", { class: "ws-quiet ws-numbers", "aria-hidden": "true" });
    this.said = h("span", { class: "ws-unseen", role: "status" });
    this.counts = new Map();
    const groups = Map.groupBy(rows, ({ group }) => group);
    this.grid = h("div",
      { class: columns.length === 1 ? "ws-cells ws-tiles" : "ws-cells", role: "grid", "aria-label": title, "aria-rowcount": -1,
        onkeydown: (event) => this.walk(event), onfocusin: (event) => this.stopAt(event.target) },
      ...(columns.length === 1 ? this.tiles(groups) : [...this.heads(), ...this.table(groups)]));
    this.grid.style.setProperty("--columns", String(columns.length));
    this.root = h("div",
      { class: "wslab ws-board", "data-wslab": kind, role: "group", "aria-label": title, "data-lm-suppress-shortcuts": "true" },
      h("div", { class: "ws-bar" }, h("span", { class: "ws-title" }, title), h("span", { class: "ws-gap" }), this.left, this.said, this.runAll, this.stop),
      this.problem, this.legend(verdicts), note ? h("div", { class: "ws-strip ws-small ws-wrap" }, note) : null,
      h("div", { class: "ws-scroll" }, this.grid));
    this.lines[0][0].tabIndex = 0;
  }

  // -- the parts --------------------------------------------------------------------------------

  legend(verdicts) {
    return h("ul", { class: "ws-strip ws-flow ws-small", "aria-label": "what the cells say" },
      ...verdicts.map(({ name, word, sign, colour, meaning }) => {
        const count = h("b", { class: "ws-numbers" }, "0");
        this.counts.set(name, count);
        const sample = h("span", { class: "ws-sample", "aria-hidden": "true" }, sign);
        sample.style.setProperty("--verdict", `var(--ws-${colour})`);
        return h("li", { class: "ws-flow", title: meaning }, sample, h("span", {}, `${word} `, count), h("span", { class: "ws-quiet" }, meaning));
      }));
  }

  heads() {
    const groups = [];
    for (const { group } of this.columns) {
      if (groups.at(-1)?.group === group) groups.at(-1).span += 1;
      else groups.push({ group, span: 1 });
    }
    const runs = (what, columns, attributes, ...children) => this.header("columnheader", what, this.rows, columns, attributes, ...children);
    const above = groups.length > 1
      ? [h("div", { role: "row" }, h("div", { role: "gridcell", class: "ws-corner" }),
          ...this.line(groups.map(({ group, span }) => {
            const node = runs(group, this.columns.filter((one) => one.group === group), { class: "ws-head ws-group", "aria-colspan": span }, group);
            node.style.gridColumn = `span ${span}`;
            return node;
          })))]
      : [];
    return [...above, h("div", { role: "row" }, h("div", { role: "gridcell", class: "ws-corner" }, this.corner),
      ...this.line(this.columns.map((column) => runs(this.named(column), [column], { class: "ws-head", "data-column": column.name },
        h("span", {}, column.title || column.name)))))];
  }

  table(groups) {
    return [...groups].flatMap(([group, rows]) => [
      group ? h("div", { role: "row" }, ...this.line([this.header("rowheader", `all of ${group}`, rows, this.columns,
        { class: "ws-section", "aria-colspan": this.columns.length + 1 }, group)])) : null,
      ...rows.map((row) => h("div", { role: "row", "data-row-name": row.name }, ...this.line([
        this.header("rowheader", row.name, [row], this.columns, { class: "ws-name", title: row.what }, row.name),
        ...this.columns.map((column) => this.cell(row, column)),
      ]))),
    ].filter(Boolean));
  }

  tiles(groups) {
    const [column] = this.columns;
    return [...groups].map(([group, rows]) => h("div", { role: "row" }, ...this.line([
      this.header("rowheader", group ? `all of ${group}` : "all", rows, this.columns, { class: "ws-section" }, group || "all"),
      ...rows.map((row) => this.cell(row, column, row.name.startsWith(`${group}-`) ? row.name.slice(group.length + 1) : row.name)),
    ])));
  }

  /** Keeps the nodes of a line for the arrow keys. */
  line(nodes) {
    this.lines.push(nodes);
    return nodes;
  }

  /** A heading that runs what stands below it, or beside it. */
  header(role, what, rows, columns, attributes, ...children) {
    return h("div", { role, tabindex: "-1", ...attributes, "aria-label": `${what}: run`, onclick: () => this.run(rows, columns) },
      ...children, h("span", { class: "ws-run", "aria-hidden": "true" }, "▸"));
  }

  cell(row, column, name = "") {
    const sign = h("span", { class: "ws-sign", "aria-hidden": "true" });
    const word = h("span", { class: "ws-word", "aria-hidden": "true" });
    const node = h("div", { role: "gridcell", class: "ws-cell", tabindex: "-1", "data-row": row.name, "data-column": column.name,
      onclick: () => this.press(row, column) }, sign, name ? h("span", { class: "ws-case" }, name) : word);
    this.nodes.set(this.key(row.name, column.name), { node, sign, word, row, column });
    this.paint(row.name, column.name, "", "", false);
    return node;
  }

  key(row, column) {
    return JSON.stringify([row, column]);
  }

  named({ name, title, group }) {
    return [title || name, group].filter(Boolean).join(", ");
  }

  // -- the keyboard: one stop of the Tab key, the arrows walk ------------------------------------

  walk(event) {
    const at = this.lines.findIndex((line) => line.includes(event.target));
    if (at < 0) return;
    if (event.key === "Enter" || event.key === " ") {
      event.preventDefault();
      event.target.click();
      return;
    }
    if (event.key === "Escape") {
      this.shut();
      return;
    }
    const line = this.lines[at];
    const place = line.indexOf(event.target);
    // The heads have no name at their left: keep to the column, as counted from the right.
    const from = (other) => (this.columns.length === 1 ? place : other.length - (line.length - place));
    const to = {
      ArrowRight: () => line[place + 1], ArrowLeft: () => line[place - 1], Home: () => line[0], End: () => line.at(-1),
      ArrowDown: () => this.near(at + 1, from), ArrowUp: () => this.near(at - 1, from),
    }[event.key];
    if (!to) return;
    event.preventDefault();
    to()?.focus();
  }

  near(at, from) {
    const line = this.lines[at];
    return line?.[Math.min(line.length - 1, Math.max(0, from(line)))];
  }

  stopAt(node) {
    if (!this.lines.some((line) => line.includes(node))) return;
    for (const other of this.lines.flat()) set(other, "tabindex", other === node ? "0" : "-1");
  }

  // -- a run ------------------------------------------------------------------------------------

  run(rows, columns) {
    this.page.ask({ do: "run", rows: rows.map(({ name }) => name), columns: columns.map(({ name }) => name) });
  }

  press(row, column) {
    if (!this.states.get(this.key(row.name, column.name))) this.run([row], [column]);
    this.look(row, column);
  }

  /** Asks for what came of a cell, to show it below its row. */
  look(row, column) {
    this.open_ = { row, column };
    this.page.ask({ do: "open", row: row.name, column: column.name });
  }

  hear(news) {
    for (const one of news.page_runs ?? []) runForKernel(this.page, one);
    for (const { row, column, status, word, recorded } of news.cells ?? []) {
      this.paint(row, column, status, word, recorded);
      if (this.open_?.row.name === row && this.open_.column.name === column && status !== "waiting") this.look(this.open_.row, this.open_.column);
    }
    if (news.cells) this.count(news.left);
    for (const one of news.opened ?? []) if (one.to === this.page.name) this.show(one);
    if (news.failed) this.complain(`The view failed, what it runs did not: ${news.failed}`);
  }

  paint(row, column, status, own, recorded) {
    const found = this.nodes.get(this.key(row, column));
    if (!found) return;
    const verdict = this.verdicts.get(status);
    const [sign, word, meaning] = verdict ? [verdict.sign, own || verdict.word, verdict.meaning] : BETWEEN[status];
    this.states.set(this.key(row, column), status);
    set(found.node, "data-verdict", status || null);
    set(found.node, "data-recorded", recorded);
    found.node.style.setProperty("--verdict", verdict ? `var(--ws-${verdict.colour})` : "var(--ws-rule)");
    say(found.sign, sign);
    say(found.word, recorded ? `${word}, rec.` : word);
    set(found.node, "aria-label", `${[row, this.named(found.column)].filter(Boolean).join(", ")}: ${verdict && own ? `${verdict.word}, ${own}` : word || meaning}${recorded ? ", recorded" : ""}`);
  }

  count(left) {
    const counts = new Map([...this.verdicts.keys()].map((name) => [name, 0]));
    for (const status of this.states.values()) if (counts.has(status)) counts.set(status, counts.get(status) + 1);
    for (const [name, count] of counts) say(this.counts.get(name), String(count));
    const busy = left > 0;
    set(this.root, "data-busy", busy);
    this.stop.disabled = !busy;
    say(this.left, busy ? `${left} left` : "");
    if (this.busy && !busy) say(this.said, [...counts].map(([name, count]) => `${this.verdicts.get(name).word}: ${count}`).join(", "));
    this.busy = busy;
  }

  // -- the cell that is open ----------------------------------------------------------------------

  shut() {
    const focused = this.detail?.contains(document.activeElement);
    this.detail?.remove();
    this.detail = null;
    if (this.open_) {
      const { node } = this.nodes.get(this.key(this.open_.row.name, this.open_.column.name));
      set(node, "aria-expanded", null);
      if (focused) node.focus();
    }
    this.open_ = null;
  }

  show({ row: name, column: other, outcome }) {
    if (this.open_?.row.name !== name || this.open_.column.name !== other) return;
    const { row, column } = this.open_;
    const { node } = this.nodes.get(this.key(name, other));
    for (const one of this.nodes.values()) set(one.node, "aria-expanded", one.node === node ? "true" : null);
    const focused = this.detail?.contains(document.activeElement) ? document.activeElement.getAttribute("data-action") : null;
    const again = this.detail?.querySelector("[data-row]")?.getAttribute("data-row") === name;
    this.detail?.remove();
    const status = this.states.get(this.key(name, other));
    const verdict = this.verdicts.get(status);
    const [sign, word, meaning] = verdict ? [verdict.sign, verdict.word, verdict.meaning] : BETWEEN[status] ?? BETWEEN[""];
    const head = h("div", { class: "ws-flow" },
      h("h3", {}, [name, this.columns.length > 1 ? this.named(column) : ""].filter(Boolean).join(" · ")),
      h("span", { class: "ws-verdict", "data-verdict": status }, `${sign} ${word || meaning}`),
      outcome?.recorded ? h("span", { class: "ws-badge" }, `recorded: ${outcome.recorded}`) : null,
      outcome?.seconds ? h("span", { class: "ws-quiet ws-small" }, `${Math.round(outcome.seconds * 1000)} ms`) : null,
      h("span", { class: "ws-gap" }),
      h("button", { type: "button", "data-action": "again", onclick: () => this.run([row], [column]) }, "Run this cell"),
      h("button", { type: "button", class: "ws-bare", "data-action": "shut", "aria-label": "close the cell", onclick: () => this.shut() }, "✕"));
    if (verdict) head.style.setProperty("--verdict", `var(--ws-${verdict.colour})`);
    const content = h("div", { class: "ws-detail ws-column", role: "gridcell", "data-wslab": "cell", "data-row": name, "data-column": other },
      head,
      row.what || row.rule ? h("p", {}, row.what, row.rule ? ` The rule: ${row.rule}. ` : " ", row.url ? link(row.url, row.rfc) : row.rfc) : null,
      ...(outcome ? this.outcome(outcome) : [h("p", { class: "ws-quiet" }, meaning)]));
    this.detail = h("div", { role: "row", class: "ws-open" }, content);
    node.closest('[role="row"]').after(this.detail);
    if (!again && this.columns.length === 1) content.scrollIntoView({ block: "nearest" }); // tiles scroll by themselves
    if (focused) /** @type {HTMLElement} */ (this.detail.querySelector(`[data-action="${focused}"]`))?.focus();
  }

  outcome({ compared, columns, notes }) {
    return [
      ...notes.map(({ text, rfc, url }) => h("p", { class: "ws-note" }, emphasized(text), " ", url ? link(url, rfc) : rfc)),
      compared.length ? h("table", {},
        h("thead", {}, h("tr", {}, h("td"), h("th", { scope: "col" }, "written down"), h("th", { scope: "col" }, "seen"))),
        h("tbody", {}, ...compared.map(({ label, expected, seen, same }) => h("tr", { "data-same": String(same) },
          h("th", { scope: "row" }, label), h("td", {}, h("code", { class: "ws-wrap" }, expected)),
          h("td", {}, h("code", { class: "ws-wrap" }, seen), " ", h("span", { class: same ? "ws-fine" : "ws-odd" }, same ? "✓" : "✗ not this")))))) : null,
      columns.length ? h("div", { class: "ws-columns" }, ...columns.map(columnOf)) : null,
    ];
  }
}

/** @param {RenderProps} context */
function render(context) {
  const view = new BoardView(context);
  return view.open(view.root);
}

export default { render };
