// The columns in which an experiment or a cell of a board tells what was seen: see columns.py.

import { h } from "../../live/static/elements.js";
import { shape } from "../../live/static/shapes.js";
import { showRow } from "../../wire/static/row_links.js";

const NO_FRAMES = { fin: "⊣", rst: "⚡", tls: "🔒" }; // lines that are not units of the wire view

/** A short judgement. @param {{ text: string, good: boolean } | null} mark */
export function markOf(mark) {
  return mark ? h("span", { class: mark.good ? "ws-fine" : "ws-odd" }, mark.text) : null;
}

/** One column: its title, what matters most, and its lines. */
export function columnOf({ name, title, lines, head, detail, mark, data }) {
  const attributes = { "data-column": name };
  for (const [key, value] of Object.entries(data)) attributes[`data-${key}`] = value;
  const longest = Math.max(...lines.map(({ bar }) => bar ?? 0)) || 1;
  return h("div", attributes,
    title ? h("h4", {}, title) : null,
    head ? h("p", { class: "ws-code ws-flow" }, h("b", {}, head), detail ? h("span", {}, detail) : null, markOf(mark)) : null,
    lines.length ? h("ul", {}, ...lines.map((line) => lineOf(line, longest))) : null);
}

/** A line of a column: something that crossed, if it has a direction; with a bar, a number among others. */
function lineOf({ text, label, direction, kind, row, broken, bar }, longest) {
  const server = direction === "server";
  const shown = direction ? [`${server ? "◀" : "▶"} `, NO_FRAMES[kind] ?? shape(kind), ` ${text}`] : [text];
  return h("li", { "data-direction": direction || null, "data-kind": kind || null, class: bar === null ? null : "ws-barred" },
    direction ? h("span", { class: "ws-unseen" }, server ? "server to client: " : "client to server: ") : null,
    label ? h("span", { class: "ws-quiet" }, `${label} `) : null,
    h("code", { class: "ws-wrap" }, ...shown),
    bar === null ? null : stretched(bar / longest),
    broken ? h("span", { class: "ws-badge ws-broken" }, "⚠ broken") : null,
    row === null ? null
      : h("button", { type: "button", class: "ws-row-link", "data-row": row, title: `Show row ${row} in the wire view`,
          onclick: ({ currentTarget }) => showRow(row, /** @type {HTMLElement} */ (currentTarget)) }, `row ${row}`));
}

function stretched(part) {
  const bar = h("span", { class: "ws-bar-part", "aria-hidden": "true" });
  bar.style.setProperty("--part", String(part));
  return bar;
}

/** Text with *stressed* words. @param {string} text */
export function emphasized(text) {
  return h("span", {}, ...text.split("*").map((part, place) => (place % 2 ? h("em", {}, part) : part)));
}
