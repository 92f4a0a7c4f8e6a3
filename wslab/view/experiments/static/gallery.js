import { h, link, say, set } from "../../live/static/elements.js";
import { View } from "../../live/static/page.js";
import { columnOf, emphasized, markOf } from "./columns.js";
import { PAGE_RUNS, runForKernel } from "./page_runs.js";

/** @import { RenderProps } from "@anywidget/types" */

const LONG = 20; // characters of a button's text that ask for a wider column

/** One gallery in one page: its list, the experiment that is chosen, and what came of it. */
class GalleryView extends View {
  /** @param {RenderProps} context */
  constructor(context) {
    super(context);
    const { kind, words, experiments, stacks, numbers } = this.model.get("_gallery");
    this.words = words;
    this.experiments = experiments;
    this.stacks = stacks;
    this.numbers = numbers;
    // The libraries to play on, by name; "" where there is no choice of them.
    this.playing = new Set(stacks.length === 0 ? [""] : stacks.filter((one) => !one.missing).map((one) => one.name));
    this.values = Object.fromEntries(numbers.map(({ name, start }) => [name, start]));
    this.current = null;
    this.prediction = null;
    this.outcomes = new Map(); // by stack: of the current experiment
    this.waiting = new Map(); // by experiment and stack: since when
    this.buttons = new Map(); // of the list, by name
    this.chosen = h("div", {}, h("p", { class: "ws-quiet" }, words.choose));
    this.stage = h("div", { class: "ws-stage" });
    this.came = h("div", { "aria-live": "polite" });
    this.result = h("div", { class: "ws-result" }, this.chosen, this.stage, this.came);
    this.root = h("div",
      { class: "wslab ws-gallery", "data-wslab": kind, role: "group", "aria-label": words.title || experiments[0].title || words.choose,
        "data-lm-suppress-shortcuts": "true" },
      this.bar(), ...this.absent(), this.problem, ...this.list(), this.result);
    if (experiments.length === 1) this.choose(experiments[0]);
  }

  close() {
    clearInterval(this.clock);
  }

  // -- the bar and the list ---------------------------------------------------------------------

  bar() {
    if (!this.words.title) return null;
    const choosers = this.stacks.map(({ name, label, missing }) => h("button",
      { type: "button", class: "ws-stack", "data-stack": name, "aria-pressed": String(!missing), disabled: missing,
        title: missing ? label : `Play on ${label}`, onclick: () => this.toggle(name, choosers) },
      missing ? `${name}: not here` : label));
    return h("div", { class: "ws-bar" }, h("span", { class: "ws-title" }, this.words.title),
      h("span", { class: "ws-gap" }), choosers.length ? h("span", { class: "ws-title" }, this.words.stacks) : null, ...choosers);
  }

  absent() {
    const missing = this.stacks.filter((stack) => stack.missing);
    if (missing.length === 0) return [];
    return [h("div", { class: "ws-strip ws-small ws-quiet ws-wrap" }, missing.map(({ name, label }) => `${name}: ${label}`).join(" "))];
  }

  toggle(name, choosers) {
    if (!this.playing.delete(name)) this.playing.add(name);
    if (this.playing.size === 0) this.playing.add(name); // at least one library has to play
    for (const node of choosers) set(node, "aria-pressed", String(this.playing.has(node.dataset.stack)));
  }

  list() {
    if (this.experiments.length === 1) return [];
    const groups = Map.groupBy(this.experiments, ({ group }) => group);
    return [...groups].map(([group, experiments]) => {
      const long = experiments.some((experiment) => this.label(experiment).length > LONG);
      return h("div",
        { class: long ? "ws-grid ws-long" : "ws-grid", role: "group", "aria-label": group || this.words.title,
          onkeydown: (event) => this.walk(event) },
        groups.size > 1 ? h("h4", { "aria-hidden": "true" }, group) : null,
        ...experiments.map((experiment) => this.button(experiment)));
    });
  }

  /** What its button says: the group's name, which stands above, is left out. */
  label({ name, title, group }) {
    return title || name.replace(`${group}: `, "");
  }

  button(experiment) {
    const { name, what, tag } = experiment;
    const node = h("button",
      { type: "button", class: "ws-experiment", [`data-${this.words.noun}`]: name, "aria-pressed": "false", title: what,
        tabindex: this.buttons.size === 0 ? "0" : "-1", onclick: () => this.press(experiment) },
      /^\d+$/.test(name) ? h("b", { class: "ws-mono" }, name) : null,
      h("span", {}, this.label(experiment)),
      tag ? h("span", { class: "ws-small ws-quiet" }, tag) : null);
    node.classList.toggle("ws-tagged", Boolean(tag));
    this.buttons.set(name, node);
    return node;
  }

  /** The list is one stop of the Tab key; the arrows walk through it. */
  walk(event) {
    const all = [...this.buttons.values()];
    const here = all.indexOf(event.target);
    const to = { ArrowRight: here + 1, ArrowDown: here + 1, ArrowLeft: here - 1, ArrowUp: here - 1, Home: 0, End: all.length - 1 }[event.key];
    if (to === undefined || here < 0) return;
    event.preventDefault();
    this.stopAt(all[Math.min(all.length - 1, Math.max(0, to))]).focus();
  }

  stopAt(button) {
    for (const node of this.buttons.values()) set(node, "tabindex", node === button ? "0" : "-1");
    return button;
  }

  press(experiment) {
    this.choose(experiment);
    if (!this.words.press) this.run();
  }

  // -- the experiment that is chosen -------------------------------------------------------------

  choose(experiment) {
    this.current = experiment;
    this.prediction = null;
    this.outcomes.clear();
    this.stage.replaceChildren();
    const { name, title, what, code, predictions } = experiment;
    for (const [other, node] of this.buttons) set(node, "aria-pressed", String(other === name));
    if (this.buttons.has(name)) this.stopAt(this.buttons.get(name));
    this.go = this.words.press
      ? h("button", { type: "button", class: "ws-next", "data-action": "run", onclick: () => this.run() }, this.words.press)
      : null;
    this.goReady = h("span", { class: "ws-quiet", "data-wslab": "ready" });
    const heading = this.buttons.size ? (title ? `${name} · ${title}` : name) : title;
    this.chosen.replaceChildren(...[
      heading ? h("h3", {}, heading) : null,
      what ? h("p", {}, what) : null,
      code ? h("pre", { class: "ws-mono" }, code) : null,
      ...this.numbers.map((number) => this.slider(number, (value) => (this.values[number.name] = value))),
      Array.isArray(predictions) ? this.radios(predictions)
        : this.slider({ ...predictions, name: "prediction" }, (value) => this.predict(value)),
      this.go ? h("p", {}, this.go, " ", this.goReady) : null,
    ].filter(Boolean));
    set(this.result, `data-${this.words.noun}`, name);
    this.paint();
  }

  radios(predictions) {
    if (predictions.length === 0) return null;
    const group = this.id("prediction");
    return h("fieldset", {},
      this.words.question ? h("legend", {}, this.words.question) : null,
      ...predictions.map((text) => h("label", {},
        h("input", { type: "radio", name: group, value: text, onchange: () => this.predict(text) }), h("span", {}, text))));
  }

  slider({ name, label, start, least, most, step }, onValue) {
    const text = (/** @type {number} */ value) => value.toFixed(step < 1 ? 1 : 0);
    const shown = h("span", { class: "ws-numbers", "aria-hidden": "true" }, text(start));
    return h("label", { class: "ws-slider" }, h("span", {}, label),
      h("input", { type: "range", "data-input": name, min: least, max: most, step, value: this.values[name] ?? start,
        oninput: ({ target }) => {
          const value = Number(/** @type {HTMLInputElement} */ (target).value);
          say(shown, text(value));
          onValue(value);
        } }),
      shown);
  }

  predict(value) {
    this.prediction = value;
    this.paint();
  }

  // -- a run ------------------------------------------------------------------------------------

  key(stack) {
    return `${this.current.name}/${stack}`;
  }

  run() {
    const { name, in_page: inPage, data } = this.current;
    if (this.go?.ariaDisabled === "true") return;
    this.stage.replaceChildren();
    for (const stack of this.playing) {
      this.outcomes.delete(stack);
      this.waiting.set(this.key(stack), performance.now());
      if (inPage) PAGE_RUNS[name](data, this.stage).catch((error) => [String(error)]).then((lines) => this.page.ask({ do: "came", name, lines }));
      else this.page.ask({ do: "run", name, stack, numbers: this.values, prediction: this.prediction });
    }
    this.paint();
  }

  hear(news) {
    for (const one of news.page_runs ?? []) runForKernel(this.page, one, this.stage);
    for (const outcome of news.outcomes ?? []) {
      this.waiting.delete(`${outcome.name}/${outcome.stack}`);
      const experiment = this.experiments.find(({ name }) => name === outcome.name);
      // Run by code: show it, unless the reader has started another one.
      if (this.current !== experiment && (this.current === null || this.waiting.size === 0)) this.choose(experiment);
      if (this.current === experiment) this.outcomes.set(outcome.stack, outcome);
    }
    if (news.failed) this.complain(`The view failed, what it runs did not: ${news.failed}`);
    this.paint();
  }

  // -- what came of it --------------------------------------------------------------------------

  paint() {
    if (this.current === null) return;
    const stacks = this.stacks.length ? this.stacks : [{ name: "", label: "" }];
    const told = stacks.filter(({ name }) => this.outcomes.has(name));
    const running = stacks.filter(({ name }) => this.waiting.has(this.key(name)));
    const { predictions, why, rfc, url, about, difference } = this.current;
    const asks = !Array.isArray(predictions) || predictions.length > 0;
    if (this.go) {
      this.go.disabled = asks && this.prediction === null;
      set(this.go, "aria-disabled", running.length > 0 ? "true" : null); // disabled, it would lose the focus
      this.goReady.textContent = asks && this.prediction === null ? this.words.first : this.words.ready;
    }
    const reason = [why ? emphasized(why) : null, " ", url ? link(url, rfc) : rfc];
    this.came.replaceChildren(...[
      ...told.map((stack) => this.account(stack, this.outcomes.get(stack.name), asks ? reason : [])),
      ...running.map(({ name, label }) => h("p", { class: "ws-running", role: "status" },
        label ? `${label}: ` : "", this.words.waiting, h("span", { class: "ws-since ws-quiet ws-numbers", "aria-hidden": "true", "data-key": this.key(name) }))),
      !asks && (why || rfc) ? h("p", {}, ...reason) : null,
      difference && told.length ? h("p", { class: "ws-difference" }, h("b", {}, "They differ: "), difference) : null,
      about ? h("p", { class: "ws-quiet" }, about) : null,
    ].filter(Boolean));
    set(this.result, "data-busy", running.length > 0);
    clearInterval(this.clock);
    if (running.length > 0) this.clock = setInterval(() => this.tick(), 100);
  }

  tick() {
    for (const node of /** @type {NodeListOf<HTMLElement>} */ (this.came.querySelectorAll(".ws-since"))) {
      const seconds = (performance.now() - this.waiting.get(node.dataset.key)) / 1000;
      say(node, seconds < 0.5 ? "" : ` ${seconds.toFixed(1)} s`);
    }
  }

  /** What came of a run on one library: the verdict, and the columns of what crossed. */
  account({ label, name: stack }, outcome, reason) {
    const attributes = { class: "ws-account", "data-wslab": "outcome", [`data-${this.words.noun}`]: outcome.name, "data-stack": stack || null };
    if (outcome.problem) {
      return h("div", attributes, h("p", { class: "ws-verdict", role: "alert" },
        h("b", {}, `${label ? `${label}: ` : ""}${this.words.failed}: `), outcome.problem));
    }
    for (const [name, value] of Object.entries(outcome.data)) attributes[`data-${name}`] = value;
    const { mark, seconds, columns } = outcome;
    return h("div", attributes,
      label || mark
        ? h("div", { class: "ws-strip ws-flow" }, h("b", {}, label), markOf(mark),
            seconds === null ? null : h("span", { class: "ws-quiet" }, `${Math.round(seconds * 1000)} ms`))
        : null,
      this.verdict(outcome, reason),
      columns.length ? h("div", { class: "ws-columns" }, ...columns.map(columnOf)) : null);
  }

  /** Whether the prediction was right; null: nothing was predicted. */
  verdict({ right, happened, note }, reason) {
    const word = right === null ? "" : right ? `✓ ${this.words.right}` : `✗ ${this.words.wrong}`;
    const said = [word, happened].filter(Boolean).join(": ");
    if (!said && !note && reason.length === 0) return null;
    return h("p", { class: "ws-verdict", "data-right": right === null ? null : String(right) },
      said ? h("b", {}, `${said}. `) : null, note ? emphasized(`${note} `) : null, ...reason);
  }

  /** A short judgement, such as "✓ clean". */
}

/** @param {RenderProps} context */
function render(context) {
  const view = new GalleryView(context);
  return view.open(view.root);
}

export default { render };
