import { Page, h, say, set, svg } from "../../live/static/elements.js";
import { keepPicture } from "../../live/static/picture.js";

const WIDTH = 720;
const HEIGHT = 150;
const SHOWN = 180;

function render({ model, el }) {
  const page = new Page(model);
  let times = [];
  let running = false;
  const button = h("button", {
    type: "button", "data-action": "start",
    onclick: () => page.ask({ do: running ? "stop" : "start" }),
  }, "Start pinging");
  const summary = h("span", { role: "status", class: "ws-rt-summary" });
  const problem = h("div", { class: "ws-problem", role: "alert", "data-wslab": "problem", hidden: true });
  const line = svg("polyline", { class: "ws-rt-line", points: "" });
  const dots = svg("g", { class: "ws-rt-dots" });
  const top = svg("text", { x: 4, y: 14, class: "ws-rt-label" });
  const chart = svg(
    "svg",
    { viewBox: `0 0 ${WIDTH} ${HEIGHT}`, class: "ws-rt-chart", role: "img", "aria-label": "round trips over time" },
    svg("line", { x1: 0, x2: WIDTH, y1: HEIGHT - 1, y2: HEIGHT - 1, class: "ws-rt-axis" }),
    line, dots, top,
  );
  el.append(h("div", { class: "wslab ws-rt", "data-wslab": "round-trips", "data-lm-suppress-shortcuts": "true" },
    h("div", { class: "ws-bar" }, h("span", { class: "ws-title" }, "ping → pong"), button, summary),
    problem, chart));

  function draw() {
    const shown = times.slice(-SHOWN);
    const most = Math.max(...shown, 0.001);
    const x = (i) => (i + 0.5) * (WIDTH / SHOWN);
    const y = (t) => HEIGHT - 2 - (t / most) * (HEIGHT - 24);
    set(line, "points", shown.map((t, i) => `${x(i).toFixed(1)},${y(t).toFixed(1)}`).join(" "));
    dots.replaceChildren(...shown.map((t, i) => svg("circle", { cx: x(i).toFixed(1), cy: y(t).toFixed(1), r: 2.2 })));
    say(top, shown.length ? `${most.toFixed(2)} ms` : "");
    set(dots, "data-count", times.length);
  }

  function message(content) {
    if (content.failed) { problem.hidden = false; say(problem, content.failed); }
    if (!content.times) return;
    if (content.first > times.length) { page.ask({ do: "hello" }); return; } // a batch was lost
    times = times.slice(0, content.first).concat(content.times);
    running = content.running;
    say(button, running ? "Stop" : "Start pinging");
    say(summary, content.summary);
    problem.hidden = !content.problem;
    say(problem, content.problem ?? "");
    draw();
  }

  model.on("msg:custom", message);
  page.ask({ do: "hello" });
  const endPicture = keepPicture(model, page);
  return () => {
    endPicture();
    model.off("msg:custom", message);
    page.ask({ do: "bye" });
  };
}

export default { render };
