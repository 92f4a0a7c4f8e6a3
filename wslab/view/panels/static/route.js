// Finds this page's route to a server on the kernel's machine: direct, or by jupyter-server-proxy.

const LOOPBACK = ["127.0.0.1", "localhost", "[::1]"];

// These are not characters of a URL, though browsers ignore some of them.
const CONTROLS = /[\x00-\x1f\x7f]/;

// In a path, what a server on the way might take for a dot, a slash, a backslash or a control
// character, encoded once or more often; and dots that only a few take for the folder above.
const DISGUISED = /%(?:25)*(?:2e|2f|5c|[01][0-9a-f]|7f|c[01])|\/\.\./i;

/**
 * @typedef {{ kind?: "direct" | "proxy", url?: string, port?: number, problem?: string }} Route either a kind
 *   and a URL, with the server's port where the proxy is the way; or a problem
 * @typedef {Pick<Location, "hostname" | "host" | "protocol" | "origin">} Here where a page comes from
 */

export const PROXY_CHANGES =
  "Through jupyter-server-proxy: it makes a second connection to the server, and what you see here " +
  "is the first one. Close codes and reasons do not get through: the server's arrives as 1005, and " +
  "yours does not reach the server at all. A connection that died looks like a clean end with 1005; " +
  "a server that refuses, or is not there, like open and then 1006. No extension is agreed on, and " +
  "the first subprotocol offered is confirmed, whatever the server says.";

/** Whether the page itself comes from this machine, where 127.0.0.1 means the same to both. */
export function pageIsLocal(/** @type {Here} */ here = location) {
  return LOOPBACK.includes(here.hostname);
}

/** The path under which Jupyter serves everything, as "/" or "/user/ada/"; null: no Jupyter page. */
export function jupyterBase(page = document) {
  const config = page.getElementById("jupyter-config-data");
  try {
    if (config) return JSON.parse(config.textContent).baseUrl ?? null;
  } catch {
    return null;
  }
  return page.body?.dataset.baseUrl ?? null;
}

/**
 * The port and path of a server on the kernel's machine, as a browser understands `url`; null where
 * it is none. The text does not show yet where it leads: `/proxy/1/../..` is `/`.
 * @param {string} url
 */
function localServer(url) {
  if (CONTROLS.test(url) || !URL.canParse(url)) return null;
  const { protocol, username, password, hostname, port, pathname, search } = new URL(url);
  const isLocal = /^wss?:$/.test(protocol) && LOOPBACK.includes(hostname) && !username && !password;
  if (!isLocal || DISGUISED.test(pathname)) return null;
  return { port: Number(port || (protocol === "ws:" ? 80 : 443)), path: pathname + search };
}

/**
 * The route to `url`: {kind: "direct" | "proxy", url}, or {problem} where there is none.
 * `wanted` is "direct", "proxy", or "auto": straight from a page of this machine, through the proxy
 * from a hub's, where 127.0.0.1 would be the learner's machine and not the kernel's.
 * @param {string} url @param {"auto" | "direct" | "proxy"} wanted @param {Here} here @param {string | null} base
 * @returns {Route}
 */
export function routeTo(url, wanted = "auto", here = location, base = jupyterBase()) {
  const server = localServer(url.trim());
  const far = server !== null && !pageIsLocal(here) && base !== null;
  if (wanted === "direct" || (wanted === "auto" && !far)) return { kind: "direct", url };
  if (server === null) {
    return { problem: `The proxy leads to ws://127.0.0.1:PORT/ only, and not to ${url.slice(0, 200)}.` };
  }
  if (base === null) {
    return { problem: "This page does not come from a Jupyter server, so there is no proxy to go through." };
  }
  const scheme = here.protocol === "https:" ? "wss" : "ws";
  const path = `${base.replace(/\/$/, "")}/proxy/${server.port}${server.path}`;
  return { kind: "proxy", url: `${scheme}://${here.host}${path}`, port: server.port };
}

/** What it means when the proxy lets a page in and ends the connection with 1006 at once. */
export const UNREACHED =
  "The proxy is there, but it could not reach the server, or the server refused: is the lab still " +
  "running? lab.client() runs in the kernel and tells more.";

/**
 * A sentence on why a connection did not open. Asks the Jupyter server where only it can tell.
 * @param {Route} route @param {Here} here @param {string | null} base
 */
export async function whyNotOpened(route, here = location, base = jupyterBase()) {
  if (route.kind === "proxy") {
    const found = await proxyAnswers(here, base);
    if (found === false) {
      return "There is no way from this page to the lab's server: this Jupyter server has no " +
        "jupyter-server-proxy. Install it there (pip install jupyter-server-proxy, then start " +
        "Jupyter again), or use lab.client(), which runs in the kernel and needs no way from the page.";
    }
    return UNREACHED;
  }
  if (!pageIsLocal(here)) {
    return `This page comes from ${here.host}, and 127.0.0.1 is the machine that your browser runs ` +
      "on. If the kernel runs elsewhere, nothing answers there, and a browser may forbid such a " +
      "page to look (Local Network Access). Choose the route through the proxy, or use " +
      "lab.client(), which runs in the kernel.";
  }
  return "The connection did not open, and a page is never told why: else any page could search " +
    "your network. The wire view shows more. No request there: nobody listens at that address " +
    "(closed lab, other machine). A response that is not 101: the server refused.";
}

/** Whether this Jupyter server has the proxy: true, false, or null where that cannot be told. @param {Here} here @param {string} base */
async function proxyAnswers(here, base) {
  try {
    // Nobody listens on port 1: with the proxy the answer is an error of the proxy's, without it 404.
    const answer = await fetch(`${here.origin}${base.replace(/\/$/, "")}/proxy/1/`, {
      signal: AbortSignal.timeout(5000),
    });
    return answer.status !== 404;
  } catch {
    return null;
  }
}
