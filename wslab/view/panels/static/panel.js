import { h, lamp, say, set } from "../../live/static/elements.js";
import { STATES } from "../../live/static/words.js";

/** @import { Attributes, Child } from "../../live/static/elements.js" */

/** The four states of a connection in order, with the current one lit. */
export class StateTrack {
  #items = STATES.map((state) => h("li", { "data-state": state }, lamp(), state));
  #word = h("span", { class: "ws-unseen", role: "status" });
  elements = [h("ol", { class: "ws-track", "aria-label": "state" }, ...this.#items), this.#word];

  /** @param {string} state */
  show(state) {
    for (const item of this.#items) set(item, "aria-current", item.dataset.state === state ? "step" : null);
    say(this.#word, state);
  }
}

/** A field in which what is typed is taken as it is. @param {string} id @param {string} name @param {Attributes} attributes */
export function field(id, name, attributes = {}) {
  return h("input", typed(id, name, { type: "text", ...attributes }));
}

/** The same of several lines. @param {string} id @param {string} name @param {Attributes} attributes */
export function area(id, name, attributes = {}) {
  return h("textarea", typed(id, name, { rows: "1", ...attributes }));
}

/** @param {string} id @param {string} name @param {Attributes} attributes */
function typed(id, name, attributes) {
  return { id, "data-input": name, spellcheck: "false", autocomplete: "off", autocapitalize: "off", ...attributes };
}

/** @param {HTMLElement} input @param {string} text @param {Attributes} attributes */
export function label(input, text, attributes = {}) {
  return h("label", { for: input.id, class: "ws-quiet", ...attributes }, text);
}

/** @param {string} action @param {string} text @param {() => unknown} onclick @param {Attributes} attributes */
export function button(action, text, onclick, attributes = {}) {
  return h("button", { type: "button", "data-action": action, onclick, ...attributes }, text);
}

/** @param {string} name @param {[value: string, text: string][]} options @param {Attributes} attributes */
export function choice(name, options, attributes = {}) {
  return h("select", { "data-input": name, ...attributes },
    ...options.map(([value, text]) => h("option", { value }, text)));
}

/** The frame of a panel: a bar on top, and what stands below it. */
export function panel(/** @type {Attributes} */ attributes, /** @type {Child[]} */ bar, /** @type {Child[]} */ ...rest) {
  return h("div", { role: "group", ...attributes, "data-lm-suppress-shortcuts": "true" }, // keys typed here are ours
    h("div", { class: "ws-bar" }, ...bar), ...rest);
}

/** Has Enter in a field do something. @param {HTMLElement} input @param {() => unknown} act */
export function onEnter(input, act) {
  input.addEventListener("keydown", (event) => {
    if (event.key !== "Enter" || event.shiftKey || event.isComposing) return;
    event.preventDefault();
    act();
  });
}
