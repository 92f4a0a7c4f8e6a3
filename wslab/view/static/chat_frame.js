import { h, say } from "./elements.js";
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

  if (pageIsLocal() || base === null) {
    show(`http://127.0.0.1:${port}${path}`);
  } else {
    // On a hub the kernel's machine is another one: only the proxy leads there, from this origin.
    const url = `${base.replace(/\/$/, "")}/proxy/${port}${path}`;
    // The server lets in no page of another origin. This one is the learner's own notebook: the
    // kernel is asked to let it in, and says when that is done.
    const admitted = () => model.get("_admitted") === location.origin && look(url);
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
    const frame = h("iframe", {
      src: address.href, title: "the chat's page", height: model.get("_height"),
      sandbox: model.get("_sandbox") ? "allow-scripts allow-forms" : null,
      referrerpolicy: "no-referrer",
    });
    const link = h(
      "a", { class: "ws-link", href: address.href, target: "_blank", rel: "noopener noreferrer" },
      "open it in a tab ↗",
    );
    say(note, `${address.host}${address.pathname}`);
    place.replaceChildren(
      h("header", { class: "ws-bar" }, note, h("span", { class: "ws-gap" }), link), frame,
    );
  }

  function complain(why) {
    place.replaceChildren(
      h("div", { class: "ws-problem", role: "alert" },
        `No way from this page to port ${port} of the kernel's machine (${why}): it needs ` +
        "jupyter-server-proxy there. Install it (pip install jupyter-server-proxy), restart " +
        "Jupyter, and run this cell again. The chat widgets above work without it."),
    );
  }
}

export default { render };
