import { h, say } from "../../live/static/elements.js";

const WANTED = {
  Connection: "Upgrade",
  Upgrade: "websocket",
  "Sec-WebSocket-Key": "dGhlIHNhbXBsZSBub25jZQ==",
  "Sec-WebSocket-Version": "13",
  Origin: "https://school.example",
};

function render({ model, el }) {
  const url = model.get("_url");
  const left = h("p", { class: "ws-fetch-left" });
  const came = h("p", { class: "ws-fetch-came", role: "status" });
  const button = h("button", { type: "button", "data-action": "fetch", onclick: attempt }, "Try fetch");
  const code = h("pre", { class: "ws-fetch-code" });
  const lines = Object.entries(WANTED).map(([name, value]) => `    "${name}": "${value}",`);
  code.textContent = [`fetch("${url}", {`, "  headers: {", ...lines, "  },", "})"].join("\n");
  el.append(
    h("div", { class: "wslab ws-fetch", "data-wslab": "fetch-attempt", "data-lm-suppress-shortcuts": "true" }, code, button, left, came),
  );

  async function attempt() {
    button.disabled = true;
    const request = new Request(url, { headers: WANTED });
    const kept = Object.keys(WANTED).filter((name) => request.headers.has(name));
    const asked =
      `Of the ${Object.keys(WANTED).length} headers that the script asked for, the browser kept ` +
      (kept.length ? kept.join(", ") : "none") + ".";
    say(left, asked);
    let result;
    try {
      const response = await fetch(request, { signal: AbortSignal.timeout(5000) });
      result = `The server answered ${response.status}: an HTTP answer, and no WebSocket.`;
    } catch (error) {
      result = `${error.name}: ${error.message}. What the server answered stands on the wire view.`;
    }
    say(came, result);
    button.disabled = false;
    model.set("asked", asked);
    model.set("result", result);
    model.save_changes();
  }
}

export default { render };
