import { h, lamp, say, set } from "../../live/static/elements.js";
import { View } from "../../live/static/page.js";
import { timeOfDay } from "../../live/static/words.js";
import { Log } from "./asking_panel.js";
import { panel } from "./panel.js";

/** @import { RenderProps } from "@anywidget/types" */

/** What a program prints, and whether it runs. */
class ProgramView extends View {
  word = h("span", { role: "status" });
  life = h("span", { class: "ws-life" }, lamp(), this.word);
  // As many lines as the kernel tells a new page.
  log = new Log({ kept: 200, none: "Nothing printed yet.", class: "ws-printed", "aria-label": "what the program prints, newest last" });

  /** @param {RenderProps} context */
  constructor(context) {
    super(context);
    this.root = panel(
      { class: "wslab ws-program", "data-wslab": "program", "aria-label": "program in Node" },
      [h("span", { class: "ws-title" }, `node · ${this.model.get("_name")}`), h("span", { class: "ws-gap" }), this.life],
      this.problem, this.log.element);
  }

  /** @param {{ state?: [string, boolean], first: number, lines?: [number, string, string][], failed?: string }} news */
  hear({ state, first, lines, failed }) {
    if (lines) this.log.take(first, lines, (line) => this.#addLine(...line));
    if (state) {
      say(this.word, state[0]);
      set(this.life, "data-state", state[1] ? "OPEN" : "CLOSED");
    }
    if (failed) this.complain(`This view itself failed, the program did not: ${failed}`);
  }

  /** @param {number} seconds @param {string} stream @param {string} text */
  #addLine(seconds, stream, text) {
    this.log.add(h("li", { "data-line": stream === "err" ? "error" : null },
      h("span", { class: "ws-time" }, timeOfDay(seconds)),
      h("span", { class: "ws-sign", "aria-hidden": "true" }, stream === "err" ? "⚠" : ""),
      h("span", { class: "ws-said" }, text)));
  }
}

/** @param {RenderProps} context */
function render(context) {
  const view = new ProgramView(context);
  return view.open(view.root);
}

export default { render };
