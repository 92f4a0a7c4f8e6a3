import { h, link, say, set } from "../../live/static/elements.js";
import { Page } from "../../live/static/page.js";
import { Picture } from "../../live/static/picture.js";
import { plural } from "../../live/static/words.js";
import { shape } from "../../live/static/shapes.js";

const OPCODES = {
  0: "0 continuation", 1: "1 text", 2: "2 binary", 8: "8 close", 9: "9 ping", 10: "10 pong",
};
const PEER = { client: "client → a real server", server: "server → a real client" };
const GROUPS = {
  FIN: "flag", RSV1: "flag", RSV2: "flag", RSV3: "flag", opcode: "opcode", MASK: "flag",
  "payload length": "length", "extended payload length": "length", "masking key": "key",
  payload: "payload",
};

function render({ model, el }) {
  const page = new Page(model);
  const picture = new Picture(model, page);
  let frame = null;
  let chosen = 0; // the bit that gets the focus when the grid does
  const change = (name, value) => page.ask({ do: "set", name, value });

  // -- the controls ---------------------------------------------------------------------------

  const who = h("span", { class: "ws-flow", role: "group", "aria-label": "who sends" });
  const recipe = h("select", {
    "data-input": "recipe",
    "aria-label": "start from a recipe",
    onchange: () => recipe.value && page.ask({ do: "recipe", name: recipe.value }),
  });
  const row = input("row", "number of a row on the wire", { size: 5, inputmode: "numeric", placeholder: "row" });
  const take = h(
    "button",
    { type: "button", "data-action": "take", onclick: takeRow },
    "Take row",
  );

  function takeRow() {
    if (/^\s*\d{1,9}\s*$/.test(row.value)) return page.ask({ do: "take", number: Number(row.value) });
    problem.hidden = false;
    return say(problem, "Expected the number of a row: choose an arrow on the wire, and read it above its bytes.");
  }

  const taking = h("span", { class: "ws-flow" }, row, take);
  const flags = {};
  for (const name of ["fin", "rsv1", "rsv2", "rsv3"]) {
    flags[name] = h("button", {
      type: "button", "data-flag": name, class: "ws-mono",
      onclick: () => change(name, !frame[name]),
    });
  }
  const opcode = h("select", {
    "data-input": "opcode", "aria-label": "opcode",
    onchange: () => change("opcode", Number(opcode.value)),
  }, ...Array.from({ length: 16 }, (_, n) => h("option", { value: n }, OPCODES[n] ?? `${n} reserved`)));
  const masked = h("button", {
    type: "button", "data-flag": "masked", class: "ws-mono",
    onclick: () => change("masked", frame.key === null),
  });
  const key = input("key", "masking key, 8 hex digits", { size: 12, spellcheck: "false" });
  key.onchange = () => change("key", key.value);
  const newKey = h("button", { type: "button", "data-action": "key", onclick: () => page.ask({ do: "key" }) }, "New key");
  const form = h("select", {
    "data-input": "length_form", "aria-label": "form of the length",
    onchange: () => change("length_form", form.value ? Number(form.value) : null),
  }, ...[["", "shortest that fits"], [7, "7 bits"], [16, "16 bits"], [64, "64 bits"]].map(
    ([value, text]) => h("option", { value }, text)));
  const announced = input("announced_length", "announced length in bytes; empty: the true one", { size: 13, placeholder: "the true one" });
  announced.onchange = () => change("announced_length", announced.value);
  const text = h("textarea", { "data-input": "text", "aria-label": "payload as text", rows: 1, spellcheck: "false" });
  text.oninput = () => change("text", text.value);
  const hex = input("hex", "payload in hex", { spellcheck: "false" });
  hex.onchange = () => change("hex", hex.value);

  function input(name, label, attributes = {}) {
    return h("input", { type: "text", "data-input": name, "aria-label": label, title: label, ...attributes });
  }
  const labelled = (label, ...controls) =>
    h("div", { class: "ws-flow" }, h("span", { class: "ws-fw-label" }, label), ...controls);

  // -- the bytes ------------------------------------------------------------------------------

  const grid = h("div", { class: "ws-fw-bytes", role: "group", "aria-label": "the frame's bits; arrow keys move, Home and End along the byte, Space flips", onkeydown: keys });
  const explained = h("div", { class: "ws-fw-explained", "data-wslab": "explanation", role: "status" });
  const broken = h("div", { class: "ws-fw-broken" });
  const problem = h("div", { class: "ws-problem", role: "alert", "data-wslab": "problem", hidden: true });
  const send = h("button", { type: "button", class: "ws-next", "data-action": "send", onclick: () => frame.sending || page.ask({ do: "send" }) });
  const log = h("div", { class: "ws-fw-log", role: "log", tabindex: "0", "aria-label": "what came of it" });

  const root = h(
    "div",
    {
      class: "wslab ws-fw", "data-wslab": "frame-workshop",
      "data-lm-suppress-shortcuts": "true", // a key on a bit must not cut the cell
    },
    h("div", { class: "ws-bar" }, h("span", { class: "ws-title" }, "frame workshop"), who,
      h("span", { class: "ws-gap" }), recipe, taking),
    h("div", { class: "ws-fw-controls" },
      labelled("byte 0", ...Object.values(flags), opcode),
      labelled("byte 1", masked, key, newKey),
      labelled("length", form, h("span", { class: "ws-fw-label" }, "announced"), announced),
      labelled("payload", text, h("span", { class: "ws-fw-label" }, "hex"), hex)),
    problem,
    grid, explained, broken,
    h("div", { class: "ws-flow ws-fw-go" }, send),
    log,
  );
  el.append(root);

  // -- showing --------------------------------------------------------------------------------

  function show() {
    const f = frame;
    // Made once: a new button would lose the focus that the reader has on it.
    if (who.children.length !== f.senders.length) {
      who.replaceChildren(...f.senders.map((name) => h("button", {
        type: "button", "data-sender": name, onclick: () => page.ask({ do: "sender", who: name }),
      }, PEER[name])));
    }
    for (const button of who.querySelectorAll("button")) {
      set(button, "aria-pressed", String(button.dataset.sender === f.sender));
    }
    if (recipe.options.length !== f.recipes.length + 1) {
      recipe.replaceChildren(h("option", { value: "" }, "start from …"),
        ...f.recipes.map((name) => h("option", { value: name }, name)));
    }
    recipe.hidden = !f.recipes.length;
    taking.hidden = !f.takes;
    for (const [name, button] of Object.entries(flags)) flag(button, name.toUpperCase(), f[name]);
    flag(masked, "MASK", f.key !== null);
    opcode.value = String(f.opcode);
    put(key, f.key ?? "");
    key.disabled = newKey.disabled = f.key === null;
    form.value = f.length_form === null ? "" : String(f.length_form);
    put(announced, f.announced_length ?? "");
    put(text, f.text ?? "");
    text.placeholder = f.text === null ? `${plural(f.size, "byte")} that are not text` : "(empty)";
    put(hex, f.hex ?? "");
    hex.placeholder = f.hex === null ? plural(f.size, "byte") : "(empty)";
    problem.hidden = !f.problem;
    say(problem, f.problem ?? "");
    drawBytes();
    broken.replaceChildren(...f.violations.map((rule) => h("p", { "data-violation": "" },
      h("span", { class: "ws-badge ws-broken" }, "⚠ breaks a rule"), ` ${rule.text} `, link(rule.url, rule.rfc))));
    say(send, f.sending ? "Waiting for what comes …" : `Send these ${plural(f.total, "byte")}`);
    set(send, "aria-disabled", f.sending ? "true" : null); // disabled, it would lose the focus
  }

  function flag(button, name, on) {
    set(button, "aria-pressed", String(on));
    say(button, `${name} ${on ? 1 : 0}`);
  }

  const focused = () => /** @type {Document | ShadowRoot} */ (grid.getRootNode()).activeElement;

  /** Leaves a box alone while somebody is typing in it. */
  function put(box, value) {
    if (focused() !== box && box.value !== value) box.value = value;
  }

  function drawBytes() {
    const bytes = frame.bytes.match(/../g) ?? [];
    const inside = grid.contains(focused());
    chosen = Math.min(chosen, bytes.length * 8 - 1);
    grid.replaceChildren(...bytes.map((byte, number) => {
      const value = parseInt(byte, 16);
      const bits = [];
      for (let i = 0; i < 8; i += 1) {
        const bit = number * 8 + i;
        const field = fieldAt(bit);
        bits.push(h("button", {
          type: "button", class: "ws-fw-bit", "data-bit": bit, tabindex: bit === chosen ? 0 : -1,
          "data-group": GROUPS[field.name] ?? "payload",
          "data-first": bit === field.bit,
          "aria-label": `byte ${number}, bit ${i}, ${field.name}: ${(value >> (7 - i)) & 1}`,
          onclick: () => { chosen = bit; page.ask({ do: "flip", bit }); },
          onfocus: () => { chosen = bit; explain(bit); },
          onmouseenter: () => explain(bit),
        }, String((value >> (7 - i)) & 1)));
      }
      return h("div", { class: "ws-fw-byte", "data-byte": number },
        h("code", {}, byte), h("span", { class: "ws-fw-bits" }, ...bits));
    }));
    if (frame.total > bytes.length) grid.append(h("span", { class: "ws-fw-more ws-quiet" }, `… ${plural(frame.total - bytes.length, "more byte")}`));
    if (inside) bitAt(chosen)?.focus();
    explain(chosen);
  }

  const bitAt = (bit) => /** @type {HTMLElement | null} */ (grid.querySelector(`[data-bit="${bit}"]`));
  const fieldAt = (bit) => frame.fields.find((f) => bit >= f.bit && bit < f.bit + f.bits) ?? frame.fields.at(-1);

  function explain(bit) {
    const field = fieldAt(bit);
    set(explained, "data-field", field.name);
    explained.replaceChildren(h("b", {}, field.name), " = ", h("code", {}, field.value), h("span", {}, ` · ${field.meaning} `), link(field.url, field.rfc));
    for (const button of grid.querySelectorAll("button")) {
      const at = Number(button.dataset.bit);
      set(button, "data-lit", at >= field.bit && at < field.bit + field.bits);
    }
  }

  function keys(event) {
    const here = Number(event.target.dataset.bit);
    const last = grid.querySelectorAll("[data-bit]").length - 1;
    const step = { ArrowRight: 1, ArrowLeft: -1, ArrowDown: 8, ArrowUp: -8 }[event.key];
    const to = { Home: event.ctrlKey ? 0 : here & ~7, End: event.ctrlKey ? last : here | 7 }[event.key] ?? here + step;
    if (Number.isNaN(here) || Number.isNaN(to)) return;
    event.preventDefault();
    event.stopPropagation();
    bitAt(to)?.focus();
  }

  function showReactions(reactions) {
    log.replaceChildren(...reactions.slice().reverse().map((r) => h("div", { class: "ws-fw-reaction", "data-reaction": r.number },
      h("div", { class: "ws-flow" }, h("span", { class: "ws-fw-label" }, `${r.number} · the ${r.who} sent`), h("code", {}, r.sent)),
      h("div", { class: "ws-flow" }, h("span", { class: "ws-fw-label" }, "on the wire, back"),
        h("span", { class: "ws-fw-back ws-flow" },
          ...(r.answers.length ? r.answers.map((a) => h("span", { class: "ws-fw-answer", "data-kind": a.kind }, shape(a.kind), ` ${a.kind} `, h("code", {}, a.preview)))
            : [h("span", {}, r.waits || "nothing")]),
          r.ended ? h("span", {}, "and the TCP connection ended") : null)),
      h("div", { class: "ws-flow" }, h("span", { class: "ws-fw-label" }, "its API said"),
        h("span", { class: "ws-fw-said" }, r.said.join("\n") || "nothing")))));
  }

  function message(content) {
    if (content.frame) { frame = content.frame; show(); }
    if (content.reactions) showReactions(content.reactions);
    if (content.failed) { problem.hidden = false; say(problem, content.failed); }
  }

  model.on("msg:custom", message);
  page.ask({ do: "hello" });
  return () => {
    model.off("msg:custom", message);
    picture.end();
    page.ask({ do: "bye" });
  };
}

export default { render };
