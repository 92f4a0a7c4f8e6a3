import { h, isPicture, say } from "../../live/static/elements.js";
import { jupyterBase, pageIsLocal } from "./route.js";

function render({ model, el }) {
  const port = model.get("_port");
  const path = model.get("_path");
  const base = jupyterBase();
  const note = h("span", { class: "ws-title" });
  const place = h("div", { class: "ws-place" });
  const root = h(
    "section",
    { class: "wslab ws-frame", "data-wslab": "chat-frame", "data-sandbox": model.get("_sandbox") },
    place,
  );
  el.append(root);
  let frame = null;
  let bridged = null; // where the chat's socket is, if this page makes one for the frame
  let socket = null;

  if (isPicture(model)) {
    // Whoever listens at that port by now, it is not this notebook's chat.
    place.append(h("p", {}, "From a saved notebook: run this cell to show the chat's page."));
    return undefined;
  }
  if (pageIsLocal() || base === null) {
    show(`http://127.0.0.1:${port}${path}`);
  } else {
    // On a hub the kernel's machine is another one: only the proxy leads there, from this origin.
    const url = `${base.replace(/\/$/, "")}/proxy/${port}${path}`;
    // The server lets in no page of another origin. This one is the learner's own notebook: the
    // kernel is asked to let it in, and says when that is done.
    const admitted = () => model.get("_admitted") === location.origin && look(url);
    if (model.get("_sandbox")) {
      bridged = new URL(`${base.replace(/\/$/, "")}/proxy/${port}/chat`, location.href);
      bridged.protocol = bridged.protocol.replace("http", "ws");
      bridged.search = new URLSearchParams({ name: new URL(url, location.href).searchParams.get("name") });
      addEventListener("message", bridge);
    }
    model.on("change:_admitted", admitted);
    if (!admitted()) {
      model.set("origin", location.origin);
      model.save_changes();
    }
  }

  function look(url) {
    fetch(url, { method: "HEAD" }).then(
      (answer) => (answer.ok ? show(url) : complain(answer.status)),
      (error) => complain(error.message),
    );
    return true;
  }

  function show(url) {
    const address = new URL(url, location.href);
    const light = document.body.dataset.jpThemeLight;
    if (light) address.searchParams.set("theme", light === "false" ? "dark" : "light");
    if (bridged) address.searchParams.set("bridged", "");
    frame = h("iframe", {
      src: address.href, title: "the chat's page", height: model.get("_height"),
      sandbox: model.get("_sandbox") ? "allow-scripts allow-forms" : null,
      referrerpolicy: "no-referrer",
    });
    const link = bridged ? "" : h(
      "a", { class: "ws-link", href: address.href, target: "_blank", rel: "noopener noreferrer" },
      "open it in a tab ↗",
    );
    say(note, `${address.host}${address.pathname}`);
    place.replaceChildren(
      h("header", { class: "ws-bar" }, note, h("span", { class: "ws-gap" }), link), frame,
    );
  }

  // Jupyter lets no page without an origin through its proxy, so this page makes the socket of a
  // page in a sandbox. It goes to the chat and nowhere else, whatever script runs in there.
  function bridge({ source, data, ports: [channel] }) {
    if (!frame || source !== frame.contentWindow || data !== "wslab-chat-socket" || !channel) return;
    socket?.close(); // the frame was loaded again
    const mine = socket = new WebSocket(bridged);
    mine.onmessage = ({ data: text }) => channel.postMessage({ type: "message", data: text });
    mine.onclose = ({ code, reason }) => channel.postMessage({ type: "close", code, reason });
    channel.onmessage = ({ data: text }) => mine.readyState === WebSocket.OPEN && mine.send(String(text));
  }

  function complain(why) {
    place.replaceChildren(
      h("div", { class: "ws-problem", role: "alert" },
        `No way from this page to port ${port} of the kernel's machine (${why}): it needs ` +
        "jupyter-server-proxy there. Install it (pip install jupyter-server-proxy), restart " +
        "Jupyter, and run this cell again. The chat widgets above work without it."),
    );
  }

  return () => {
    removeEventListener("message", bridge);
    socket?.close();
  };
}

export default { render };
