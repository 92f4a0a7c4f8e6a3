// Words for numbers, sizes and states, as people read them.

/** The names of a WebSocket's states; the index is the `readyState`. */
export const STATES = ["CONNECTING", "OPEN", "CLOSING", "CLOSED"];

/** 1234567 as "1,234,567". @param {number} number */
export function grouped(number) {
  return String(number).replace(/\B(?=(\d{3})+(?!\d))/g, ",");
}

/** A size in bytes, exact below 10 kB. @param {number} bytes */
export function size(bytes) {
  if (bytes < 10_000) return `${grouped(bytes)} B`;
  /** @type {[number, string]} */
  const [value, unit] =
    bytes < 1e6 ? [bytes / 1e3, "kB"] : bytes < 1e9 ? [bytes / 1e6, "MB"] : [bytes / 1e9, "GB"];
  return `${value.toFixed(value < 100 ? 1 : 0)} ${unit}`;
}

/** "1 row", "2 rows". @param {number} count @param {string} noun */
export function plural(count, noun) {
  return `${grouped(count)} ${noun}${count === 1 ? "" : "s"}`;
}

/** The local time of day to the millisecond, of seconds since the epoch. @param {number} seconds */
export function timeOfDay(seconds) {
  const date = new Date(seconds * 1000);
  const digits = (/** @type {number} */ number, places = 2) => String(number).padStart(places, "0");
  return `${digits(date.getHours())}:${digits(date.getMinutes())}:${digits(date.getSeconds())}` +
    `.${digits(date.getMilliseconds(), 3)}`;
}

/** A byte as two hexadecimal digits. @param {number} byte */
export function hexOf(byte) {
  return byte.toString(16).padStart(2, "0");
}
