import { h, say, set } from "../../live/static/elements.js";
import { plural } from "../../live/static/words.js";
import { icon } from "../../live/static/shapes.js";

/**
 * @typedef {object} Status of a debugger
 * @property {boolean} holding
 * @property {boolean} frozen
 * @property {boolean} slow
 * @property {number} waiting frames
 * @property {string[]} rules
 * @property {string} passed what went by although it should not have
 * @typedef {object} Outgoing a frame as it would go out now
 * @property {number} opcode
 * @property {string | null} key in hex
 * @property {boolean} masked
 * @property {number | null} length_form in bits; null: the shortest
 * @property {number} shortest_form
 * @property {string | null} announced_length null: the true one
 * @property {{ text?: string, hex?: string } | null} payload null: too long to show
 */

/** @type {[number, string][]} */
const OPCODES = [
  [0x1, "text"], [0x2, "binary"], [0x0, "continuation"], [0x9, "ping"], [0xa, "pong"],
  [0x8, "close"], [0x3, "reserved (3)"], [0xb, "reserved (11)"],
];

/** Whether a mark says that the row still waits at the tap. @param {string | undefined} mark */
export function waits(mark) {
  return /(^|, )(held|delayed)$/.test(mark ?? "");
}

/** @param {string} action @param {string} title @param {() => void} onclick @param {(Element | string)[]} content */
function button(action, title, onclick, ...content) {
  return h("button", { type: "button", "data-action": action, title, onclick }, ...content);
}

/** @param {string} label @param {Element} input */
function field(label, input) {
  return h("label", { class: "ws-field-box ws-flow" }, h("span", { class: "ws-title" }, label), input);
}

/** @param {string} name @param {Record<string, unknown>} attributes */
function typed(name, attributes) {
  return h("input", { type: "text", "data-input": name, spellcheck: "false", ...attributes });
}

/** @param {string} name @param {[value: number | string, text: string][]} options @param {string} [label] */
function choice(name, options, label) {
  return h("select", { "data-input": name, "aria-label": label },
    ...options.map(([value, text]) => h("option", { value }, text)));
}

/** Hold, step, and everything else that can be done to what crosses. `ask` sends it to the kernel. */
export class DebuggerBar {
  /** @type {Status | null} */
  #status = null;

  /** @param {{ id: string, ask: (question: object) => void }} options */
  constructor({ id, ask }) {
    this.ask = (what, more = {}) => {
      say(this.problem, "");
      this.problem.hidden = true;
      this.asked = what;
      ask({ do: "debug", what, ...more });
    };
    this.holdText = h("span", {}, "Hold");
    this.hold = button("hold", "Let frames queue at the tap, undelivered (h)",
      () => this.toggleHold(), icon("hold"), this.holdText);
    set(this.hold, "aria-pressed", "false");
    this.step = button("step", "Deliver the oldest frame that waits (s)",
      () => this.ask("step"), icon("step"), "Step");
    this.deliverAll = button("deliver-all", "Deliver all that waits, and go on holding (a)",
      () => this.ask("deliver_all"), "Deliver all");
    this.tools = button("tools", "Cut, freeze, slow down, inject, rules", () => this.#onTools(),
      icon("tools"), h("span", { class: "ws-roomy" }, "Tamper"));
    set(this.tools, "aria-expanded", "false");
    set(this.tools, "aria-controls", `${id}-tools`);
    this.waiting = h("span", { class: "ws-waiting ws-badge", "data-wslab": "waiting", role: "status" });
    this.buttons = [this.waiting, this.hold, this.step, this.deliverAll, this.tools];
    this.problem = h("div", { class: "ws-problem", "data-wslab": "debugger-problem", role: "alert" });
    this.problem.hidden = true;
    this.passed = h("div", { class: "ws-problem", "data-wslab": "debugger-passed", role: "alert" });
    this.passed.hidden = true;
    this.panel = this.#makePanel(id);
    this.panel.hidden = true;
    this.frame = new FrameActions(this.ask);
    this.show(null);
  }

  /** What is armed; null: there is no debugger here. @param {Status | null} status */
  show(status) {
    this.#status = status;
    for (const element of this.buttons) element.hidden = !status;
    this.passed.hidden = !status?.passed;
    if (!status) return;
    const { holding, frozen, slow, waiting, rules, passed } = status;
    say(this.passed, passed);
    set(this.hold, "aria-pressed", String(holding));
    say(this.holdText, holding ? "Holding" : "Hold");
    this.step.disabled = this.deliverAll.disabled = waiting === 0 || frozen;
    const words = [];
    if (frozen) words.push("frozen");
    if (slow) words.push("slow line");
    if (rules.length) words.push(plural(rules.length, "rule"));
    if (waiting) words.push(`${waiting} waiting`);
    say(this.waiting, words.join(" · "));
    this.waiting.hidden = words.length === 0;
    set(this.freeze, "aria-pressed", String(frozen));
    say(this.freeze, frozen ? "Thaw" : "Freeze");
    this.rules.replaceChildren(...rules.map((rule) => h("li", { class: "ws-flow" }, h("code", {}, rule),
      button("remove-rule", `Follow "${rule}" no more`, () => this.ask("remove_rule", { rule }),
        "Remove"))));
    this.rules.hidden = rules.length === 0;
  }

  /** The kernel's answer: what was wrong with the request, or nothing. @param {{ error: string }} answer */
  answer({ error }) {
    this.problem.hidden = !error;
    say(this.problem, error);
    if (!error && this.asked === "edit") this.frame.done();
  }

  toggleHold() {
    this.ask(this.#status?.holding ? "resume" : "hold");
  }

  /**
   * A key pressed in the list of rows. True if it was one of ours.
   * @param {string} key @param {number | null} row @param {string | undefined} mark
   */
  onKey(key, row, mark) {
    if (!this.#status) return false;
    const onFrame = { d: "deliver", x: "drop", c: "duplicate" }[key];
    if (key === "h") this.toggleHold();
    else if (key === "s") this.ask("step");
    else if (key === "a") this.ask("deliver_all");
    else if (row !== null && waits(mark) && onFrame) this.ask(onFrame, { row });
    else if (row !== null && waits(mark) && key === "e") this.frame.openEditor();
    else return false;
    return true;
  }

  #onTools() {
    this.panel.hidden = !this.panel.hidden;
    set(this.tools, "aria-expanded", String(!this.panel.hidden));
  }

  /** @param {string} id */
  #makePanel(id) {
    this.freeze = button("freeze", "Accept everything, deliver nothing: the half-open peer",
      () => this.ask(this.#status?.frozen ? "thaw" : "freeze"), "Freeze");
    const rule = typed("rule", { "aria-label": "a rule", placeholder: "drop every pong", list: `${id}-rules` });
    const examples = h("datalist", { id: `${id}-rules` },
      ...["drop every pong", "corrupt the 3rd client frame", "delay every server text by 500 ms",
        "duplicate every 2nd client text", "hold every close", "drop 10% of server frames",
        'edit every client text to "hello"', "set rsv1=1 on the 1st client text",
        "cut at the 5th client frame"].map((value) => h("option", { value })));
    this.rules = h("ul", { class: "ws-rules ws-column", "aria-label": "rules that are followed" });
    const speed = typed("speed", { type: "number", min: "1", placeholder: "any" });
    const latency = typed("latency", { type: "number", min: "0", placeholder: "0" });
    const jitter = typed("jitter", { type: "number", min: "0", placeholder: "0" });
    const from = choice("inject-direction",
      [["server", "from the server"], ["client", "from the client"]], "who seems to send it");
    const kind = choice("inject-kind", OPCODES, "its kind");
    const text = typed("inject-text", { "aria-label": "its text", placeholder: "text" });
    const number = (/** @type {HTMLInputElement} */ input) => (input.value === "" ? null : Number(input.value));
    const form = (/** @type {string} */ label, /** @type {() => void} */ onsubmit, /** @type {Element[]} */ ...parts) =>
      h("form", {
        class: "ws-flow", "aria-label": label,
        onsubmit: (event) => { event.preventDefault(); onsubmit(); },
      }, ...parts);
    return h("div", { class: "ws-tools ws-strip ws-column", id: `${id}-tools` },
      h("div", { class: "ws-flow", role: "group", "aria-label": "the connections" },
        h("b", {}, "Connections"),
        button("cut", "End them with FIN", () => this.ask("cut"), "Cut (FIN)"),
        button("reset", "End them with RST", () => this.ask("reset"), "Reset (RST)"),
        button("half-close-client", "The newest: FIN to the server, as if the client had ended",
          () => this.ask("half_close", { direction: "client" }), "Half-close client →"),
        button("half-close-server", "The newest: FIN to the client, as if the server had ended",
          () => this.ask("half_close", { direction: "server" }), "Half-close ← server"),
        this.freeze,
        button("disarm", "Everything off, everything delivered", () => this.ask("disarm"),
          "All off")),
      form("the line", () => this.ask("slow", {
        speed: number(speed), latency: number(latency), jitter: number(jitter),
      }), h("b", {}, "Line"), field("bytes a second", speed), field("latency, ms", latency),
      field("jitter, ms", jitter), h("button", { type: "submit", "data-action": "slow" }, "Set")),
      form("inject a frame", () => this.ask("inject", {
        direction: from.value, kind: Number(kind.value), text: text.value,
      }), h("b", {}, "Inject"), from, kind, text,
      h("button", { type: "submit", "data-action": "inject" }, "Inject")),
      form("rules", () => { this.ask("add_rule", { rule: rule.value }); }, h("b", {}, "Rule"),
        rule, examples, h("button", { type: "submit", "data-action": "add-rule" }, "Add")),
      this.rules);
  }
}

/** What can be done to the one chosen frame while it waits. */
export class FrameActions {
  /** @type {import("./detail.js").Account | null} */
  #account = null;
  /** @type {number | null} */
  #row = null;

  /** @param {(what: string, more: object) => void} ask */
  constructor(ask) {
    const act = (/** @type {string} */ what, more = {}) => ask(what, { row: this.#row, ...more });
    this.bits = ["fin", "rsv1", "rsv2", "rsv3", "masked"].map((name) => {
      const box = h("input", { type: "checkbox", "data-input": `edit-${name}` });
      return { name, box, label: h("label", { class: "ws-bit-box ws-flow ws-mono" }, box,
        name === "masked" ? "MASK" : name.toUpperCase()) };
    });
    const names = new Map(OPCODES);
    this.opcode = choice("edit-opcode", Array.from({ length: 16 }, (_, value) =>
      [value, `${value.toString(16)} ${names.get(value)?.split(" ")[0] ?? "reserved"}`]));
    this.key = typed("edit-key", { size: "11", placeholder: "00 00 00 00",
      title: "4 bytes in hex; the payload is masked anew with them" });
    const masked = this.bits.at(-1).box;
    masked.addEventListener("change", () => { this.key.disabled = !masked.checked; });
    this.form = choice("edit-length-form",
      [["", "shortest that fits"], [7, "7 bits"], [16, "16 bits"], [64, "64 bits"]]);
    this.announced = typed("edit-announced", { size: "10", placeholder: "the true one",
      title: "Bytes that the header announces, whatever follows; empty: as many as there are" });
    this.payload = h("textarea", { "data-input": "edit-payload", rows: "2", spellcheck: "false" });
    this.payloadName = h("span", { class: "ws-title" }, "payload");
    this.editor = h("form", {
      class: "ws-editor ws-column", "aria-label": "edit the frame",
      onsubmit: (event) => { event.preventDefault(); act("edit", { changes: this.#changes() }); },
      onkeydown: (event) => {
        if (event.key === "Escape") { this.editor.hidden = true; this.edit.focus(); }
        event.stopPropagation();
      },
    },
    h("div", { class: "ws-flow" }, ...this.bits.map(({ label }) => label),
      field("opcode", this.opcode)),
    h("div", { class: "ws-flow" }, field("length form", this.form),
      field("announced length", this.announced), field("masking key", this.key)),
    h("label", { class: "ws-payload-box ws-column" }, this.payloadName, this.payload),
    h("div", { class: "ws-flow" },
      h("button", { type: "submit", "data-action": "apply-edit" }, "Put this in its place"),
      h("span", { class: "ws-title" }, "It goes on waiting until you deliver it.")));
    this.edit = button("edit", "Change its payload or any bit of its header (e)",
      () => this.openEditor(), "Edit");
    this.element = h("div", { class: "ws-frame-actions", "data-wslab": "frame-actions" },
      h("div", { class: "ws-flow", role: "group", "aria-label": "this frame waits at the tap" },
        h("span", { class: "ws-badge ws-done ws-done-waiting" }, "waits at the tap"),
        button("deliver", "Deliver it, past others too (d)", () => act("deliver"), "Deliver"),
        button("drop", "It is never delivered (x)", () => act("drop"), "Drop"),
        button("duplicate", "A copy goes now, the frame waits on (c)", () => act("duplicate"),
          "Duplicate"),
        button("delay", "It goes by itself in a second", () => act("delay", { seconds: 1 }),
          "Delay 1 s"),
        this.edit),
      this.editor);
    this.element.hidden = true;
  }

  /**
   * The chosen row and what is known of it; shown only while it waits.
   * @param {import("./detail.js").Account | null} account @param {boolean} waiting
   */
  show(account, waiting) {
    const same = this.#row === (account?.number ?? null);
    this.#account = account;
    this.#row = account?.number ?? null;
    this.element.hidden = !account || !waiting;
    this.edit.hidden = !account?.outgoing;
    if (!same || !waiting) this.editor.hidden = true;
  }

  /** The kernel has done it. */
  done() {
    this.editor.hidden = true;
  }

  openEditor() {
    const now = this.#account?.outgoing;
    if (!now || this.element.hidden) return;
    // What each field shows now, so that only what was changed by hand is sent.
    for (const { name, box } of this.bits) {
      box.checked = now[name];
      box.dataset.before = String(box.checked);
    }
    this.opcode.value = String(now.opcode);
    this.key.value = now.key ?? "";
    this.form.value = String(now.length_form ?? "");
    this.announced.value = now.announced_length ?? "";
    for (const input of [this.key, this.form, this.announced]) input.dataset.before = input.value;
    this.key.disabled = !now.masked;
    const { text, hex } = now.payload ?? { text: "" };
    this.payload.value = text ?? hex;
    this.payload.dataset.form = text === undefined ? "hex" : "text";
    this.payload.dataset.before = this.payload.value;
    say(this.payloadName, now.payload ? `payload, ${this.payload.dataset.form}`
      : "payload: too long to show; what you type replaces all of it");
    this.editor.hidden = false;
    this.payload.focus();
  }

  /** The changes made in the editor, in the form that the kernel expects. */
  #changes() {
    /** @type {Record<string, string | number | boolean>} */
    const changes = {};
    const now = this.#account.outgoing;
    const changed = (/** @type {HTMLInputElement | HTMLTextAreaElement | HTMLSelectElement} */ input) => input.value !== input.dataset.before;
    for (const { name, box } of this.bits) {
      if (String(box.checked) !== box.dataset.before) changes[name] = box.checked;
    }
    if (Number(this.opcode.value) !== now.opcode) changes.opcode = Number(this.opcode.value);
    if (!this.key.disabled && changed(this.key)) changes.masking_key = this.key.value;
    // Other odd fields stay as shown: the tap gives a new payload its true length in the shortest form.
    if (this.announced.value) changes.announced_length = this.announced.value;
    if (this.form.value) changes.length_form = Number(this.form.value);
    else if (changed(this.form) && !this.announced.value && !changed(this.payload)) {
      changes.length_form = now.shortest_form;
    }
    // If more bytes follow than were announced, the tap would take the rest for another frame.
    if (changed(this.payload) || (this.announced.dataset.before && now.payload)) {
      changes[this.payload.dataset.form] = this.payload.value;
    }
    return changes;
  }
}
