// A frame for untrusted code, which it keeps from navigating elsewhere.

import { h, set } from "../../live/static/elements.js";

/**
 * A frame within a frame. A page in a sandbox may always navigate itself, and no policy of its own
 * forbids that; but a browser asks the policy of the page around it first. So the outer frame is one
 * of this page's own origin, empty, and its policy says what the inner one may show.
 *
 * `onGreeting` gets the port that comes with the first greeting of the document in there: a way to
 * that one document, whatever is in the frame after it. `onAnother` is called when there is a second
 * one: for sure, where it greets, or perhaps, where there is no more than a second `load` (which
 * `document.close()` makes as well). To be moved within the page loads a frame anew, from the
 * outside in: that is a new beginning.
 * @param {{ [name: string]: string | number }} inner attributes of the inner frame
 * @param {string} mayShow CSP sources of what it may show, in addition to its `srcdoc`
 * @param {(port: MessagePort) => void} onGreeting @param {(isSure: boolean) => void} onAnother
 */
export function fence(inner, mayShow, onGreeting, onAnother) {
  const outer = h("iframe", {
    title: inner.title,
    srcdoc: `<!doctype html><meta http-equiv="Content-Security-Policy" content="frame-src ${mayShow}">` +
      "<style>body { margin: 0 } iframe { display: block; width: 100%; height: 100vh; border: 0 }</style>",
  });
  outer.addEventListener("load", () => {
    const { contentDocument: around, contentWindow: window } = outer;
    const frame = around.createElement("iframe");
    for (const [name, value] of Object.entries(inner)) set(frame, name, value);
    let greetings = 0, loads = 0;
    window.addEventListener("message", ({ source, data, ports: [port] }) => {
      if (source !== frame.contentWindow || data !== "wslab: hello" || !port) return;
      if (++greetings === 1) onGreeting(port);
      else onAnother(true);
    });
    frame.addEventListener("load", () => ++loads > 1 && onAnother(false));
    around.body.append(frame);
  });
  return outer;
}
