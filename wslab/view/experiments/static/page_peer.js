// This page as a client of an experiment: it obeys the orders of `PagePeers`, which say what to do with a socket.

import { routeTo } from "../../panels/static/route.js";

const PROXY_BETWEEN = "a proxy stands between this page and the server, and would answer in the server's place";

/** @type {Map<string, { frame: HTMLIFrameElement, peer: { obey(order: string, details: object): Promise<unknown> } }>} */
const clientsHere = new Map(); // by name
let obeying = null; // what carries the orders out: the kernel sends it, as the same file drives Node's WebSocket

/**
 * Carries out one order; the line that comes back is its answer as JSON.
 * @param {{ source?: string, order: string, who: string, url?: string }} told
 * @returns {Promise<string[]>}
 */
export async function obey({ source, order, who, ...details }) {
  if (order === "connect") return [JSON.stringify(await connectHere(source, who, details))];
  if (order === "reset" || order === "leave") {
    clientsHere.get(who)?.frame.remove(); // as a page that goes away
    clientsHere.delete(who);
    return ["null"];
  }
  return [JSON.stringify(await clientsHere.get(who).peer.obey(order, details))];
}

async function connectHere(source, who, details) {
  if (routeTo(details.url).kind !== "direct") return { problem: PROXY_BETWEEN };
  obeying ??= import(URL.createObjectURL(new Blob([source], { type: "text/javascript" })));
  // A frame of its own, so that it can go away without the whole page.
  const frame = document.createElement("iframe");
  frame.hidden = true;
  frame.title = "a client of an experiment";
  document.body.append(frame);
  const peer = await (await obeying).connect(/** @type {any} */ (frame.contentWindow).WebSocket, details);
  if (typeof peer === "string" || "problem" in peer) {
    frame.remove();
    return peer;
  }
  clientsHere.set(who, { frame, peer });
  return null;
}
