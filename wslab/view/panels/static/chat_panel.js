import { Page, grouped, h, say, set, stateLamp } from "../../live/static/elements.js";

const KEPT = 200; // lines, as many as the kernel tells a new page

const utf8 = new TextEncoder();

function render({ model, el }) {
  const page = new Page(model);
  let client = { state: "CLOSED", me: model.get("_name"), people: [] };
  let next = 0; // the number of the line that comes next
  let asked = 0;
  const waiting = new Map(); // number of a question -> what to do when all went well

  const id = (name) => `ws-${page.name}-${name}`;
  const lamp = stateLamp();
  const people = h("p", { class: "ws-people", "data-wslab": "people" });
  const name = h("input", {
    id: id("name"), "data-input": "name", type: "text", autocomplete: "off", spellcheck: "false",
  });
  const message = h("input", {
    id: id("message"), "data-input": "message", type: "text", autocomplete: "off",
    placeholder: "say something",
  });
  name.value = model.get("_name");
  const button = (action, text) => h("button", { type: "submit", "data-action": action }, text);
  const join = button("join", "Join");
  const send = button("send", "Send");
  const leave = h(
    "button", { type: "button", "data-action": "leave", onclick: () => act({ do: "leave" }) }, "Leave",
  );
  const joining = h(
    "form", { class: "ws-say", onsubmit: onJoin },
    h("label", { for: id("name") }, "Name"), name, join,
  );
  const saying = h(
    "form", { class: "ws-say", onsubmit: onSend },
    h("label", { for: id("message"), class: "ws-unseen" }, "Message"), message, send,
  );
  const problem = h("div", { class: "ws-problem", "data-wslab": "problem", role: "alert" });
  problem.hidden = true;
  const none = h("li", { class: "ws-none" }, "Nothing was said yet.");
  const said = h(
    "ol",
    { class: "ws-said", role: "log", "aria-label": "what was said, newest first", tabindex: "0" },
    none,
  );
  const who = h("bdi", { class: "ws-who" });
  const root = h(
    "section",
    {
      class: "wslab ws-chat", "data-wslab": "chat", "data-state": client.state,
      "aria-label": "chat",
      "data-lm-suppress-shortcuts": "true", // keys typed here are ours
    },
    h("header", { class: "ws-bar" }, who, h("span", { class: "ws-gap" }), lamp.element, leave),
    joining, saying, problem, people, said,
  );

  // -- what people do -----------------------------------------------------------------------

  function onJoin(event) {
    event.preventDefault();
    if (!name.value.isWellFormed()) return complain(`The name ${LONE_SURROGATE}`);
    if (name.value.length > 1000) {
      return complain(`The name has ${grouped(name.value.length)} characters; at most 1,000 go.`);
    }
    act({ do: "join", name: name.value }, () => message.focus({ preventScroll: true }));
  }

  function onSend(event) {
    event.preventDefault();
    const text = message.value;
    const limit = model.get("_max_message");
    const bytes = text.length > limit ? text.length : utf8.encode(text).length;
    if (bytes > limit) {
      return complain(`Not sent: at least ${grouped(bytes)} bytes of UTF-8, and this place sends ` +
        `at most ${grouped(limit)}. Your text is still in the box.`);
    }
    if (!text.isWellFormed()) return complain(`Not sent: the message ${LONE_SURROGATE}`);
    act({ do: "send", message: text }, () => {
      if (message.value === text) message.value = "";
    });
  }

  function act(question, whenDone = () => {}) {
    complain(null);
    const number = ++asked;
    waiting.set(number, whenDone);
    page.ask({ ...question, number: `${page.name}/${number}` });
  }

  function complain(text) {
    problem.hidden = text === null;
    say(problem, text ?? "");
  }

  // -- what the kernel tells ----------------------------------------------------------------

  function onNews(news) {
    if (news.client) show(news.client);
    if (news.lines) {
      for (const [index, line] of news.lines.entries()) {
        if (news.first + index >= next) add(line);
      }
      next = Math.max(next, news.first + news.lines.length);
    }
    for (const done of news.done ?? []) {
      const [asker, number] = String(done.number).split("/");
      if (asker !== page.name) continue;
      const whenDone = waiting.get(Number(number));
      waiting.delete(Number(number));
      if (done.problem) complain(done.problem);
      else whenDone?.();
    }
    if (news.failed) complain(`The panel itself failed, the connection did not: ${news.failed}`);
  }

  function show(told) {
    client = told;
    const open = client.state === "OPEN";
    set(root, "data-state", client.state);
    lamp.show(client.state);
    say(who, client.me);
    joining.hidden = open || client.state === "CLOSING";
    saying.hidden = !joining.hidden;
    leave.hidden = !open;
    join.disabled = client.state === "CONNECTING";
    send.disabled = !open;
    people.replaceChildren(
      ...(client.people.length ? ["here: "] : []),
      ...client.people.flatMap((person, place) => [place ? ", " : "", h("bdi", {}, person)]),
    );
  }

  function add([kind, from, text]) {
    none.remove();
    const item = h(
      "li", { "data-kind": kind },
      from ? h("bdi", { class: "ws-from" }, from) : null, h("bdi", { class: "ws-text" }, text),
    );
    set(item, "data-mine", kind === "message" && from === client.me);
    said.prepend(item);
    while (said.childElementCount > KEPT) said.lastElementChild.remove();
  }

  model.on("msg:custom", onNews);
  show(client);
  el.append(root);
  page.ask({ do: "hello" });
  return () => page.ask({ do: "bye" });
}

const LONE_SURROGATE =
  "holds half a surrogate pair, which no UTF-8 can carry (RFC 3629 §3). Nothing was sent.";

export default { render };
