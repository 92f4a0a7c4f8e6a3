import { svg } from "./elements.js";

// Each kind has its own shape in addition to its colour and its word: filled if it carries data or
// starts an exchange, hollow if it continues or answers one.
/** @type {Record<string, [path: string, filled: boolean]>} */
const SHAPES = {
  request: ["M6 .8 11.2 6 6 11.2 .8 6Z", true],
  response: ["M6 .8 11.2 6 6 11.2 .8 6Z", false],
  chunk: ["M2.5 2.5h7v7h-7Z", false],
  text: ["M6 1a5 5 0 1 1 0 10A5 5 0 1 1 6 1Z", true],
  binary: ["M1.5 1.5h9v9h-9Z", true],
  continuation: ["M6 1a5 5 0 1 1 0 10A5 5 0 1 1 6 1Z", false],
  ping: ["M6 1.2 11.2 10.6H.8Z", true],
  pong: ["M6 1.2 11.2 10.6H.8Z", false],
  close: ["M2 2 10 10M10 2 2 10", false],
  tls: ["M1.5 2.5h9v7h-9ZM1.5 2.5 6 6.5 10.5 2.5", false],
  socks: ["M1.5 1 11 6 1.5 11Z", false],
  remark: ["M1.5 2h9v6H6L3.5 10.5V8h-2Z", false],
  gap: ["M.8 6h2.6M4.7 6h2.6M8.6 6h2.6", false],
  reserved: ["M3.4 1.5h5.2L11.2 6 8.6 10.5H3.4L.8 6Z", false],
};

/** The shape of a kind, in the kind's colour (by the `data-kind` or `data-filter-kind` above it). @param {string} kind */
export function shape(kind) {
  const [path, filled] = SHAPES[kind] ?? SHAPES.reserved;
  return svg(
    "svg",
    { class: filled ? "ws-shape ws-filled" : "ws-shape", viewBox: "0 0 12 12", "aria-hidden": "true" },
    svg("path", { d: path }),
  );
}

const ICONS = {
  pause: "M3 2h3v10H3zM8 2h3v10H8z",
  resume: "M3 1.5 12 7 3 12.5z",
  save: "M6 1h2v6h3L7 11 3 7h3zM2 12h10v1.5H2z",
  find: "M6 1a5 5 0 1 0 2.9 9.1l3.3 3.3 1.2-1.2-3.3-3.3A5 5 0 0 0 6 1zm0 1.7a3.3 3.3 0 1 1 0 6.6 3.3 3.3 0 0 1 0-6.6z",
  up: "M7 3l5 6H2z",
  down: "M7 11L2 5h10z",
  filter: "M1 2h12L8.5 7.5V12l-3 1.5v-6z",
  hold: "M1.5 6h4v2h-4zM6.5 2h1.6v10H6.5zM9.5 2h1.6v10H9.5z",
  step: "M2 2l6.5 5L2 12zM10 2h2v10h-2z",
  tools: "M8.6 1.2a3.4 3.4 0 0 0-3.2 4.7L1 10.3V13h2.7l4.4-4.4a3.4 3.4 0 0 0 4.6-4L10.6 6.7 8 6 7.3 3.4 9.4 1.3a3.4 3.4 0 0 0-.8-.1z",
  back: "M5 2v3h5.5v6H4V9.5h5v-3H5v3L1 5.7z",
  dock: "M1 2h12v10H1zM2.3 3.3v7.4h5.2V3.3z",
  newest: "M6 1h2v8h3.5L7 13.5 2.5 9H6z",
  away: "M2.5 3.5 3.5 2.5 7 6l3.5-3.5 1 1L8 7l3.5 3.5-1 1L7 8l-3.5 3.5-1-1L6 7z",
};

/** @param {keyof typeof ICONS} name */
export function icon(name) {
  return svg(
    "svg",
    { class: "ws-icon", viewBox: "0 0 14 14", "aria-hidden": "true" },
    svg("path", { d: ICONS[name] }),
  );
}
