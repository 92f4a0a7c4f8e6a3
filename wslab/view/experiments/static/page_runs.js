// The experiments that only a page can run: each function resolves to lines about the result. It may
// show something on the stage, an element of the gallery.

import { h } from "../../live/static/elements.js";
import { pageIsLocal, routeTo } from "../../panels/static/route.js";
import { obey } from "./page_peer.js";

export const PAGE_RUNS = { fetch: fetchWithHeaders, connect, options, visit, peer: obey };

/**
 * Runs what the kernel asks one page for, if this is the page, and tells it the lines.
 * @param {import("../../live/static/page.js").Page} page
 * @param {{ to: string, run: number, function: string, data: any }} asked
 * @param {HTMLElement | null} stage where the function may show something
 */
export async function runForKernel(page, { to, run, function: name, data }, stage = null) {
  if (to !== page.name) return;
  const lines = await PAGE_RUNS[name](data, stage).catch((error) => [String(error)]);
  page.ask({ do: "ran", run, lines });
}

/** `fetch` with the headers of a WebSocket's opening handshake, which no browser lets a script set. */
async function fetchWithHeaders({ url, headers }) {
  const request = new Request(url, { headers });
  const wanted = Object.keys(headers);
  const kept = wanted.filter((name) => request.headers.has(name));
  const asked = `Of the ${wanted.length} headers that the script asked for, the browser kept ${kept.join(", ") || "none"}.`;
  try {
    const response = await fetch(request, { signal: AbortSignal.timeout(5000) });
    return [asked, `The server answered ${response.status}: an HTTP answer, and no WebSocket.`];
  } catch (error) {
    return [asked, `${error.name}: ${error.message}. The wire view shows what the server answered.`];
  }
}

/**
 * `new WebSocket(url, protocols)`, closed again as soon as it is open. The first line says what came of it: "open",
 * "close", or why the page did not try.
 * @param {{ url: string, protocols: string[] }} wanted
 */
async function connect({ url, protocols }) {
  const route = routeTo(url);
  if (route.kind !== "direct") return ["a proxy stands between this page and the server, and would answer in the server's place"];
  let socket;
  try {
    socket = new WebSocket(route.url, protocols);
  } catch (error) {
    return ["exception", `${error.name}: ${error.message}`];
  }
  const lines = await new Promise((resolve) => {
    socket.onopen = () => resolve(["open", `protocol = ${JSON.stringify(socket.protocol)}`, `extensions = ${JSON.stringify(socket.extensions)}`]);
    socket.onclose = ({ code }) => resolve(["close", `event: error`, `event: close, code ${code}`]);
    setTimeout(() => resolve(["nothing", "neither open nor close after 5 s"]), 5000);
  });
  socket.close();
  return lines;
}

/** Which options the constructor of WebSocket knows: those that it reads from an object that notes each name. */
async function options() {
  const read = [];
  const noting = new Proxy({}, {
    get(nothing, name) {
      if (typeof name === "string" && !(name in nothing)) read.push(name); // not toString and its like
      return nothing[name];
    },
  });
  try {
    new WebSocket("ftp://no.connection/", /** @type {any} */ (noting));
  } catch { /* no browser opens such an address, and all look at the object first */ }
  return read.length
    ? [`It read ${read.sort().join(", ")}: these options it knows.`]
    : ["It read no option: it knows none, and takes a URL and subprotocols only."];
}

/**
 * Opens a page of the lab's, which carries out an experiment and tells the lab what it found: in a frame on the stage, in
 * a tab, or "hidden": in the frame, while the tab with the address `cover` hides all of this. The line says "opened", or
 * "far" where the lab is on another machine.
 * @param {{ url: string, place: "frame" | "tab" | "hidden", cover: string }} wanted @param {Element} stage
 */
async function visit({ url, place, cover }, stage) {
  if (!pageIsLocal()) return ["far"];
  const address = new URL(url);
  const light = document.body.dataset.jpThemeLight;
  if (light && place !== "tab") address.searchParams.set("theme", light === "false" ? "dark" : "light");
  // Without an opener, or the browser would not keep such a page for "back".
  const tab = { tab: address.href, hidden: cover, frame: null }[place];
  if (place !== "tab") stage.append(h("iframe", { src: address.href, title: "the page with the experiment", referrerpolicy: "no-referrer" }));
  if (tab) window.open(tab, "_blank", "noopener");
  return ["opened"];
}
