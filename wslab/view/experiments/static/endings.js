import { Page, h, link, say, set } from "../../live/static/elements.js";
import { showRow } from "../../live/static/show_row.js";

const KIND = { fin: "⊣", rst: "⚡", tls: "🔒", close: "✕", text: "●", binary: "■", ping: "▲", pong: "△" };

function render({ model, el }) {
  const page = new Page(model);
  const endings = model.get("_endings");
  const stacks = model.get("_stacks");
  const chosen = new Set(stacks.filter(({ missing }) => !missing).map(({ name }) => name));
  const outcomes = new Map(); // "name/stack" -> outcome
  let current = null; // the ending on show
  const waiting = new Set(); // "name/stack" asked for and not told yet

  // -- the buttons ----------------------------------------------------------------------------

  const buttons = new Map();
  const button = (ending) => {
    const node = h(
      "button",
      {
        type: "button", class: "ws-ending", "data-ending": ending.name, "aria-pressed": "false",
        title: ending.what, onclick: () => play(ending),
      },
      ending.code === null ? null : h("b", {}, ending.name),
      h("span", {}, ending.title),
      ending.sendable ? null : h("span", { class: "ws-never" }, "never sent"),
    );
    if (!ending.sendable) node.classList.add("ws-unsendable");
    buttons.set(ending.name, node);
    return node;
  };
  const codes = endings.filter(({ code }) => code !== null);
  const others = endings.filter(({ code }) => code === null);
  const choosers = stacks.map(({ name, label, missing }) =>
    h(
      "button",
      {
        type: "button", class: "ws-stack", "data-stack": name, "aria-pressed": String(!missing),
        disabled: missing, title: missing ? label : `Play on ${label}`, onclick: onStack,
      },
      missing ? `${name}: not here` : label,
    ),
  );
  const absent = stacks.filter(({ missing }) => missing);

  function onStack(event) {
    const { stack } = event.currentTarget.dataset;
    if (!chosen.delete(stack)) chosen.add(stack);
    if (chosen.size === 0) chosen.add(stack); // somebody has to play
    for (const node of choosers) set(node, "aria-pressed", String(chosen.has(node.dataset.stack)));
  }

  // -- the result -------------------------------------------------------------------------------

  const result = h("div", { class: "ws-result", "aria-live": "polite" },
    h("p", { class: "ws-quiet" }, "Choose how it shall end. It happens for real, between live peers."));
  const problem = h("div", { class: "ws-problem", role: "alert" });
  problem.hidden = true;

  function play(ending) {
    current = ending;
    for (const name of chosen) {
      const key = `${ending.name}/${name}`;
      outcomes.delete(key);
      waiting.add(key);
      page.ask({ do: "play", name: ending.name, stack: name });
    }
    paint();
  }

  function paint() {
    for (const [name, node] of buttons) set(node, "aria-pressed", String(name === current?.name));
    if (!current) return;
    const { name, code, title, what, why, difference, rfc, url, who, meaning, then, reconnect } = current;
    const told = stacks.filter((stack) => outcomes.has(`${name}/${stack.name}`));
    const playing = stacks.filter((stack) => waiting.has(`${name}/${stack.name}`));
    result.replaceChildren(
      h("h3", { class: "ws-ending-title" }, code === null ? title : `${name} · ${title}`),
      h("p", {}, what),
      ...told.map((stack) => account(stack, outcomes.get(`${name}/${stack.name}`))),
      ...playing.map(({ label }) => h("p", { class: "ws-quiet", role: "status" }, `${label}: it is happening …`)),
      h("div", { class: "ws-why" },
        h("p", {}, emphasized(why), " ", url ? link(url, rfc) : null),
        difference && told.length > 0 ? h("p", { class: "ws-difference" }, h("b", {}, "They differ: "), difference) : null,
        who === null ? null
          : h("p", { class: "ws-quiet" },
              `Sent by: ${who}. It means: ${meaning}. Connect again: ${reconnect}. Then: ${then}.`)),
    );
    result.dataset.ending = name;
    set(result, "data-busy", playing.length > 0);
  }

  function account({ label, name: stack }, outcome) {
    if (outcome.problem) {
      return h("div", { class: "ws-account", "data-stack": stack },
        h("p", { role: "alert" }, `${label}: the play itself failed: ${outcome.problem}`));
    }
    return h(
      "div",
      {
        class: "ws-account", "data-stack": stack, "data-ending": outcome.name,
        "data-as-documented": String(outcome.as_documented),
      },
      h("div", { class: "ws-account-head" }, h("b", {}, label),
        h("span", { class: outcome.as_documented ? "ws-fine" : "ws-odd" },
          outcome.as_documented ? "✓ as documented" : "⚠ not as documented"),
        h("span", { class: "ws-quiet" }, `${Math.round(outcome.seconds * 1000)} ms`)),
      h("div", { class: "ws-columns" },
        h("div", { "data-column": "wire" }, h("h4", {}, "on the wire"), wire(outcome.wire)),
        column("client", outcome.client),
        column("server", outcome.server)),
    );
  }

  function wire(lines) {
    return h("ol", { class: "ws-lines" }, ...lines.map((line) => {
      const server = line.direction === "server";
      const text = `${server ? "◀" : "▶"} ${KIND[line.kind] ?? "◆"} ${line.text}`;
      const row = line.row === null ? null
        : h("button",
            { type: "button", class: "ws-row-link", "data-row": line.row,
              title: `Show row ${line.row} in the wire view`, onclick: () => showRow(line.row) },
            `row ${line.row}`);
      return h("li",
        { "data-direction": line.direction, "data-kind": line.kind },
        h("span", { class: "ws-unseen" }, server ? "server to client: " : "client to server: "),
        h("code", {}, text), line.broken ? h("span", { class: "ws-breaks" }, "⚠ broken") : null, row);
    }));
  }

  function column(who, { code, name, reason, clean, said, raw }) {
    return h(
      "div",
      { "data-column": who, "data-code": code ?? "none", "data-clean": String(clean), "data-raw": String(raw) },
      h("h4", {}, raw ? `the ${who}, a raw peer (no API), heard` : `what the ${who}'s API says`),
      raw ? null : h("p", { class: "ws-code" }, h("b", {}, code === null ? "no code" : String(code)),
        name ? h("span", {}, name) : null,
        clean === null ? null
          : h("span", { class: clean ? "ws-fine" : "ws-odd" }, clean ? "✓ clean" : "✗ not clean")),
      reason ? h("p", { class: "ws-reason" }, "reason ", h("code", {}, reason)) : null,
      h("ul", { class: "ws-said" }, ...said.map((text) => h("li", {}, h("code", {}, text)))),
    );
  }

  function onNews(news) {
    for (const outcome of news.outcomes ?? []) {
      const key = `${outcome.name}/${outcome.stack}`;
      waiting.delete(key);
      outcomes.set(key, outcome);
      current ??= endings.find(({ name }) => name === outcome.name) ?? null;
      // Played by code: show it, unless the reader has asked for another that is on its way.
      if (current?.name !== outcome.name && waiting.size === 0) {
        current = endings.find(({ name }) => name === outcome.name) ?? current;
      }
    }
    problem.hidden = !news.failed;
    if (news.failed) say(problem, `The view failed, the endings did not: ${news.failed}`);
    paint();
  }

  el.append(
    h("section",
      { class: "wslab ws-endings", "data-wslab": "endings", "aria-label": "gallery of endings",
        "data-lm-suppress-shortcuts": "true" },
      h("header", { class: "ws-bar" }, h("span", { class: "ws-title" }, "endings"),
        h("span", { class: "ws-gap" }), h("span", { class: "ws-title" }, "played on"), ...choosers),
      absent.length === 0 ? null
        : h("p", { class: "ws-absent" }, absent.map(({ name, label }) => `${name}: ${label}`).join(" ")),
      problem,
      h("div", { class: "ws-grid", role: "group", "aria-label": "close codes" }, ...codes.map(button)),
      h("div", { class: "ws-grid ws-others", role: "group", "aria-label": "other endings" },
        ...others.map(button)),
      result),
  );
  model.on("msg:custom", onNews);
  page.ask({ do: "hello" });
  return () => page.ask({ do: "bye" });
}

/** Text with *stressed* words. */
function emphasized(text) {
  const parts = text.split("*");
  return h("span", {}, ...parts.map((part, place) => (place % 2 ? h("em", {}, part) : part)));
}

export default { render };
