import { h, say, set, stateLamp } from "../../live/static/elements.js";
import { grouped } from "../../live/static/words.js";
import { AskingPanel, Log, bytesOf, loneSurrogate } from "./asking_panel.js";
import { button, field, label, panel } from "./panel.js";

const LONG = 160; // characters of a name and its message that may be more than a few lines

/** @import { RenderProps } from "@anywidget/types" */

/** A seat in the chat: a name to join with, a message to send, and what was said. */
class ChatPanel extends AskingPanel {
  lamp = stateLamp();
  who = h("bdi", { class: "ws-who ws-clip" });
  people = h("p", { class: "ws-people ws-quiet ws-small", "data-wslab": "people" });
  // As many lines as the kernel tells a new page.
  log = new Log({ kept: 200, newestFirst: true, none: "Nothing was said yet.", class: "ws-said",
    "aria-label": "what was said, newest first" });
  leave = button("leave", "Leave", () => this.act({ do: "leave" }));
  join = h("button", { type: "submit", "data-action": "join", class: "ws-next" }, "Join");
  send = h("button", { type: "submit", "data-action": "send", class: "ws-next" }, "Send");
  me = "";

  /** @param {RenderProps} context */
  constructor(context) {
    super(context);
    this.name = field(this.id("name"), "name");
    this.message = field(this.id("message"), "message", { placeholder: "say something", spellcheck: null });
    this.name.value = this.model.get("_name");
    this.joining = this.#form(() => this.#join(), label(this.name, "Name"), this.name, this.join);
    this.saying = this.#form(() => this.#send(),
      label(this.message, "Message", { class: "ws-unseen" }), this.message, this.send);
    this.root = panel({ class: "wslab ws-chat", "data-wslab": "chat", "aria-label": "chat" },
      [this.who, h("span", { class: "ws-gap" }), this.lamp.element, this.leave],
      this.joining, this.saying, this.problem, this.people, this.log.element);
    this.#show({ state: "CLOSED", me: this.name.value, people: [] });
  }

  // -- what people do -----------------------------------------------------------------------

  /** @param {() => void} submit @param {HTMLElement[]} parts */
  #form(submit, ...parts) {
    return h("form", {
      class: "ws-say",
      onsubmit: (event) => {
        event.preventDefault();
        submit();
      },
    }, ...parts);
  }

  #join() {
    const name = this.name.value;
    const broken = loneSurrogate("The name", name);
    if (broken) return this.complain(broken);
    if (name.length > 1000) {
      return this.complain(`The name has ${grouped(name.length)} characters; at most 1,000 go.`);
    }
    return this.act({ do: "join", name }, () => this.message.focus({ preventScroll: true }));
  }

  #send() {
    const text = this.message.value;
    const limit = this.model.get("_max_message");
    const bytes = bytesOf(text, limit);
    if (bytes > limit) {
      return this.complain(`Not sent: at least ${grouped(bytes)} bytes of UTF-8, and this place sends ` +
        `at most ${grouped(limit)}. Your text is still in the box.`);
    }
    const broken = loneSurrogate("Not sent: the message", text);
    if (broken) return this.complain(broken);
    return this.act({ do: "send", message: text }, () => {
      if (this.message.value === text) this.message.value = "";
    });
  }

  // -- what the kernel tells ----------------------------------------------------------------

  hear(news) {
    if (news.client) this.#show(news.client);
    if (news.lines) this.log.take(news.first, news.lines, (line) => this.#add(line));
    this.hearOutcomes(news);
  }

  /** @param {{ state: string, me: string, people: string[] }} client */
  #show({ state, me, people }) {
    this.me = me;
    const open = state === "OPEN";
    set(this.root, "data-state", state);
    this.lamp.show(state);
    say(this.who, me);
    this.joining.hidden = open || state === "CLOSING";
    this.saying.hidden = !this.joining.hidden;
    this.leave.hidden = !open;
    this.join.disabled = state === "CONNECTING";
    this.send.disabled = !open;
    this.people.replaceChildren(
      ...(people.length ? ["here: "] : []),
      ...people.flatMap((person, place) => [place ? ", " : "", h("bdi", {}, person)]));
  }

  /** @param {[kind: string, from: string, text: string]} line */
  #add([kind, from, text]) {
    // What is long scrolls in a box of its own, which the keyboard has to reach.
    const long = from.length + text.length > LONG || text.includes("\n");
    this.log.add(h("li", { "data-kind": kind, "data-mine": kind === "message" && from === this.me, "data-long": long, tabindex: long ? "0" : null },
      from ? h("bdi", { class: "ws-from" }, from) : null, h("bdi", { class: "ws-text ws-wrap" }, text)));
  }
}

/** @param {RenderProps} context */
function render(context) {
  const view = new ChatPanel(context);
  return view.open(view.root);
}

export default { render };
