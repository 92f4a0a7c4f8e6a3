import { h, say, set } from "../../live/static/elements.js";
import { View } from "../../live/static/page.js";

/** @import { RenderProps } from "@anywidget/types" */

/**
 * @typedef {{ prompt: string, heading: string, part: string, target: string }} Place where a lesson asks
 * @typedef {Place & { said: string, happened: string }} Wrong
 * @typedef {{ score: string, wrong: Wrong[], left: Place[] }} Summary
 */

/** The learner's answers at the end of a lesson: the score, what to read again, what is left. */
class PredictionsView extends View {
  score = h("p", { class: "ws-score", role: "status" });
  wrong = h("ul", { "aria-label": "answers that were not right" });
  left = h("p");

  /** @param {RenderProps} context */
  constructor(context) {
    super(context);
    this.root = h("div", { class: "wslab ws-predictions", "data-wslab": "predictions", role: "group", "aria-label": "your predictions" },
      h("div", { class: "ws-bar" }, h("span", { class: "ws-title" }, "your predictions"),
        h("span", { class: "ws-gap" }), h("span", { class: "ws-quiet ws-small" }, "the first answer counts")),
      this.problem, h("div", { class: "ws-column" }, this.score, this.wrong, this.left));
  }

  hear({ account, failed }) {
    if (account) this.#show(account);
    if (failed) this.complain(`The view failed, your answers are kept: ${failed}`);
  }

  /** @param {Summary} account */
  #show({ score, wrong, left }) {
    say(this.score, score);
    set(this.root, "data-wrong", wrong.length);
    set(this.root, "data-left", left.length);
    this.wrong.hidden = wrong.length === 0;
    this.wrong.replaceChildren(...wrong.map((one) => h("li", {},
      h("p", {}, h("b", {}, one.prompt)),
      h("p", {}, h("span", { class: "ws-cross", "aria-hidden": "true" }, "✗ "), h("span", { class: "ws-quiet" }, "you said: "), one.said),
      one.happened ? h("p", {}, h("span", { "aria-hidden": "true" }, "✓ "), h("span", { class: "ws-quiet" }, "right: "), one.happened) : null,
      one.target ? h("p", {}, h("span", { class: "ws-quiet" }, "read again: "), way(one, one.heading)) : null)));
    this.left.hidden = left.length === 0;
    this.left.replaceChildren("You have not answered yet: ", ...left.flatMap((one, place) =>
      [place ? ", " : "", one.target ? way(one, one.part) : one.prompt]), ".");
  }
}

/** A link to a heading of this notebook. @param {Place} place @param {string} text */
function way({ target, prompt }, text) {
  return h("a", { class: "ws-link ws-way", href: target, title: prompt,
    onclick: (event) => {
      // JupyterLab follows such links in its own texts only, and keeps a heading's name elsewhere.
      const name = decodeURIComponent(target.slice(1));
      const heading = [...document.querySelectorAll(".jp-Notebook :is(h1, h2, h3, h4)")]
        .find((one) => one.id === name || one.getAttribute("data-jupyter-id") === name);
      if (!heading) return;
      event.preventDefault();
      heading.scrollIntoView({ block: "start" });
      set(heading, "tabindex", "-1");
      /** @type {HTMLElement} */ (heading).focus({ preventScroll: true });
    } }, text);
}

/** @param {RenderProps} context */
function render(context) {
  const view = new PredictionsView(context);
  return view.open(view.root);
}

export default { render };
