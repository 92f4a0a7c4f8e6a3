// The experiments that only a page can run: each function resolves to lines about the result.

import { routeTo } from "../../panels/static/route.js";

export const PAGE_RUNS = { fetch: fetchWithHeaders, connect };

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
