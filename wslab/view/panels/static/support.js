// Reads MDN's statements about browsers: which browser this is, and what the table says of it.

/** @typedef {{ added: string | false, removed?: string, flag?: string, partial?: boolean }} Support */
/** @typedef {{ key: string, version: string }} Browser by its key in the table */

/** Which browser says so of itself; null: none of the table's. @param {string} agent @returns {Browser | null} */
export function browserOf(agent) {
  const ios = /(?:iPhone|iPad).* OS (\d+(?:_\d+)*)/.exec(agent);
  if (ios) return { key: "safari_ios", version: ios[1].replaceAll("_", ".") }; // they all use its engine
  for (const [key, pattern] of /** @type {const} */ ([
    ["edge", /Edg\/([\d.]+)/], ["firefox", /Firefox\/([\d.]+)/],
    ["chrome", /Chrom(?:e|ium)\/([\d.]+)/], ["safari", /Version\/([\d.]+).* Safari/],
  ])) {
    const found = pattern.exec(agent);
    if (found) return { key, version: found[1] };
  }
  return null;
}

/** Whether a browser of that version can do it, by the table; what needs a flag it cannot. @param {Support} support @param {string} version */
export function isSupported({ added, removed, flag }, version) {
  if (!added || added === "preview" || flag) return false;
  return !isBefore(version, added) && (!removed || isBefore(version, removed));
}

/** Whether the first of two versions is the older. Their parts are numbers: 9 comes before 10. @param {string} one @param {string} other */
function isBefore(one, other) {
  const [a, b] = [one, other].map((version) => version.replace("≤", "").split(".").map(Number));
  for (let part = 0; part < b.length; part += 1) {
    if ((a[part] ?? 0) !== b[part]) return (a[part] ?? 0) < b[part];
  }
  return false;
}

/** A statement in a word or two. @param {Support} support */
export function told({ added, removed, flag, partial }) {
  if (!added) return "no";
  if (removed) return `${added} to ${removed}`;
  return added + (flag ? " (flag)" : partial ? " (partly)" : "");
}
