import { h, say, set, svg } from "../../live/static/elements.js";
import { Page } from "../../live/static/page.js";
import { keepPicture } from "../../live/static/picture.js";

function render({ model, el }) {
  const { title, view, kind } = model.get("_chart");
  const page = new Page(model);
  const button = h("button", { type: "button", "data-action": "start", hidden: true, onclick: () => page.ask({ do: "press" }) });
  const summary = h("span", { role: "status", class: "ws-numbers" });
  const problem = h("div", { class: "ws-problem", role: "alert", "data-wslab": "problem", hidden: true });
  const legend = h("ul", { class: "ws-legend ws-flow" });
  const place = h("div", { class: "ws-figure", role: "img", "aria-label": title });
  el.append(h("div", { class: "wslab ws-chart", "data-wslab": view, "data-kind": kind, "data-lm-suppress-shortcuts": "true" },
    h("div", { class: "ws-bar" }, h("span", { class: "ws-title" }, title), button, summary), problem, legend, place));

  const entries = [];
  function tell(series) {
    for (const { name, stroke } of series.slice(entries.length)) {
      const last = h("span", { class: "ws-last ws-quiet ws-numbers" });
      entries.push({ last });
      legend.append(h("li", { class: "ws-flow" }, swatch(stroke, kind), h("span", {}, name), last));
    }
    series.forEach(({ last }, at) => say(entries[at].last, last));
    legend.hidden = series.length < 2;
  }

  function hear(content) {
    const wrong = content.failed ?? content.problem;
    if (content.series || wrong) {
      problem.hidden = !wrong;
      say(problem, wrong ?? "");
    }
    if (!content.series) return;
    tell(content.series);
    say(summary, content.summary);
    set(place, "data-count", content.count);
    set(place, "aria-label", `${title}: ${content.summary || content.series.map(({ name, last }) => `${name} ${last}`).join(", ")}`);
    button.hidden = !content.button;
    say(button, content.button ?? "");
  }

  model.on("msg:custom", hear);
  page.ask({ do: "hello" });
  const endPicture = keepPicture(model, page);
  const endFigure = showFigure(model, place, (error) => {
    problem.hidden = false;
    say(problem, `This page cannot draw the chart: ${error.message}. Reload the page; if that does not help, see that bqplot is installed where JupyterLab runs.`);
  });
  return () => {
    endFigure();
    endPicture();
    model.off("msg:custom", hear);
    page.ask({ do: "bye" });
  };
}

/** A sample of a series' line or fill, as the figure draws it. */
function swatch({ name, dashes, width }, kind) {
  const solid = kind !== "lines";
  return svg("svg", { class: "ws-swatch", viewBox: "0 0 30 12", "aria-hidden": "true" },
    svg("line", { x1: 0, x2: 30, y1: 6, y2: 6, style: `stroke: var(--ws-${name})`,
      "stroke-width": solid ? 12 : width, "stroke-dasharray": solid ? null : dashes }));
}

/** bqplot's own widget, within ours. Lumino would tell it when it is in the page; here we do. */
function showFigure(model, place, onError) {
  let view = null;
  let gone = false;
  (async () => {
    const figure = await model.widget_manager.get_model(model.get("_figure").replace("IPY_MODEL_", ""));
    view = await model.widget_manager.create_view(figure);
    if (gone) return view.remove();
    place.append(view.el);
    view.luminoWidget.processMessage({ type: "after-attach" });
  })().catch(onError);
  return () => {
    gone = true;
    view?.remove();
  };
}

export default { render };
