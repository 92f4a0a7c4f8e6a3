// A frame for untrusted code, which it keeps from navigating elsewhere.

import { h, set } from "../../live/static/elements.js";

/**
 * Makes a frame within a frame. A page in a sandbox may always navigate itself, and no policy of its
 * own forbids that; but a browser first checks the policy of the page around it. So the outer frame
 * is empty, has this page's own origin, and its policy says what the inner frame may show.
 *
 * `onGreeting` gets the port from the first greeting of the inner document: it leads to that document
 * only, whatever the frame holds later. `onAnother` is called for a second document: surely, if it
 * greets, or perhaps, if there is only a second `load` (which `document.close()` causes as well).
 * Moving a frame within the page reloads both frames, the outer one first: then all starts again.
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
