import { h, say, set, svg } from "../../live/static/elements.js";
import { View } from "../../live/static/page.js";

/** @import { RenderProps } from "@anywidget/types" */

/** A chart in a page: title, button, legend, and the figure that bqplot draws. */
class ChartView extends View {
  /** @param {RenderProps} context */
  constructor(context) {
    super(context);
    const { title, view, kind, x, y } = this.model.get("_chart");
    this.title = title;
    this.kind = kind;
    this.button = h("button", { type: "button", "data-action": "start", hidden: true, onclick: () => this.page.ask({ do: "press" }) });
    this.summary = h("span", { role: "status", class: "ws-numbers" });
    this.legend = h("ul", { class: "ws-legend ws-flow" });
    this.last = []; // of each series, the newest value
    this.digits = 1; // of the longest number on the y axis
    this.place = h("div", { class: "ws-figure", role: "img", "aria-label": title });
    this.root = h("div",
      { class: "wslab ws-chart", "data-wslab": view, "data-kind": kind, "data-lm-suppress-shortcuts": "true" },
      h("div", { class: "ws-bar" }, h("span", { class: "ws-title" }, title), this.button, this.summary),
      this.problem, this.legend,
      h("p", { class: "ws-axis-y ws-quiet" }, y), this.place, h("p", { class: "ws-axis-x ws-quiet" }, x));
    this.showFigure().catch(({ message }) => this.complain(
      `This page cannot draw the chart: ${message}. Reload it; if that does not help, see that bqplot is installed where JupyterLab runs.`));
  }

  close() {
    this.closed = true;
    this.resized?.disconnect();
    this.figure?.remove();
  }

  /** bqplot's own widget, inside ours. Lumino would tell it when it enters the page; here we do. */
  async showFigure() {
    const manager = /** @type {any} */ (this.model.widget_manager);
    const model = await manager.get_model(this.model.get("_figure").replace("IPY_MODEL_", ""));
    this.figure = await manager.create_view(model);
    if (this.closed) return this.figure.remove();
    this.place.append(this.figure.el);
    this.figure.luminoWidget.processMessage({ type: "after-attach" });
    this.resized = new ResizeObserver(() => {
      this.#giveRoom();
      this.figure.luminoWidget.processMessage({ type: "resize" });
    });
    this.resized.observe(this.place);
  }

  /** Room for the numbers on the axes, which bqplot wants in pixels: they grow in presentation mode. */
  #giveRoom() {
    const em = parseFloat(getComputedStyle(this.place).fontSize);
    const left = Math.round((1 + 0.53 * this.digits) * em); // of monospaced digits of 0.86em
    const room = { top: Math.round(0.7 * em), bottom: Math.round(1.9 * em), left, right: Math.round(1.6 * em) };
    if (!this.figure || JSON.stringify(room) === JSON.stringify(this.figure.model.get("fig_margin"))) return;
    this.figure.model.set("fig_margin", room);
    this.figure.luminoWidget.processMessage({ type: "resize" }); // it looks at its margin only then
  }

  hear({ failed, problem, series, digits, summary, count, button }) {
    if (failed) this.complain(failed);
    if (!series) return;
    this.complain(problem ?? failed ?? null);
    for (const { name, stroke } of series.slice(this.last.length)) {
      const last = h("span", { class: "ws-last ws-quiet ws-numbers" });
      this.last.push(last);
      this.legend.append(h("li", { class: "ws-flow" }, swatch(stroke, this.kind), h("span", {}, name), last));
    }
    this.digits = digits;
    this.#giveRoom();
    series.forEach(({ last }, place) => say(this.last[place], last));
    this.legend.hidden = series.length < 2;
    say(this.summary, summary);
    set(this.place, "data-count", count);
    set(this.place, "aria-label", `${this.title}: ${summary || series.map(({ name, last }) => `${name} ${last}`).join(", ")}`);
    this.button.hidden = !button;
    say(this.button, button ?? "");
  }
}

/** A sample of a series' line or fill, as the figure draws it. */
function swatch({ name, dashes, width }, kind) {
  const solid = kind !== "lines";
  return svg("svg", { class: "ws-swatch", viewBox: "0 0 30 12", "aria-hidden": "true" },
    svg("line", { x1: 0, x2: 30, y1: 6, y2: 6, style: `stroke: var(--ws-${name})`,
      "stroke-width": solid ? 12 : width, "stroke-dasharray": solid ? null : dashes }));
}

/** @param {RenderProps} context */
function render(context) {
  const view = new ChartView(context);
  return view.open(view.root);
}

export default { render };
