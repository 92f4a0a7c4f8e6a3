import { h, say } from "../../live/static/elements.js";
import { icon } from "../../live/static/shapes.js";

const NOTICE = 4_000; // ms that a notice stays

/** A button that opens a list of things to do. */
export class Menu {
  status = h("span", { class: "ws-title", role: "status" });

  /**
   * @param {{ [name: string]: unknown }} attributes of its button @param {(Node | string)[]} face what stands on it
   * @param {[action: string, label: string, meaning: string, act: () => void][]} items
   * @param {Node[]} more below them
   */
  constructor(attributes, face, items, ...more) {
    this.summary = h("summary", attributes, ...face);
    this.element = h("details", {
      class: "ws-menu",
      onfocusout: ({ relatedTarget }) => {
        if (relatedTarget instanceof Node && !this.element.contains(relatedTarget)) this.element.open = false;
      },
      onkeydown: (event) => {
        if (event.key !== "Escape" || !this.element.open) return;
        this.#close();
        event.preventDefault();
        event.stopPropagation();
      },
    },
    this.summary,
    h("div", { class: "ws-menu-list" },
      ...items.flatMap(([action, label, meaning, act]) => [
        h("button", {
          type: "button", class: "ws-bare", "data-action": action,
          onclick: () => {
            this.#close();
            act();
          },
        }, label),
        h("p", { class: "ws-title" }, meaning),
      ]),
      ...more));
  }

  #close() {
    this.element.open = false;
    this.summary.focus();
  }

  /** Says for a while what was done. @param {string} text */
  notice(text) {
    say(this.status, text);
    setTimeout(() => {
      if (this.status.textContent === text) say(this.status, "");
    }, NOTICE);
  }
}

/** The menu that saves the recording as a file on the user's computer. */
export class SaveMenu extends Menu {
  /**
   * @param {[suffix: string, name: string, keeps: string][]} formats as `wslab.wire.FORMATS` has them
   * @param {(format: string) => void} save asks for a file; says in `status` what becomes of it
   */
  constructor(formats, save) {
    super({ "data-action": "save", title: "Save the recording" },
      [icon("save"), h("span", { class: "ws-roomy" }, "Save")],
      formats.map(([suffix, name, keeps]) =>
        [`save${suffix.replace(".", "-")}`, `${name} (${suffix})`, keeps, () => save(suffix.slice(1))]),
      h("p", { class: "ws-title" }, h("code", {}, "wslab.wire.load"), " reads them all back."));
  }
}

/** The menu that takes a unit away: to the clipboard, or its message as a file. */
export class TakeMenu extends Menu {
  /** @type {{ resolve: (text: Blob) => void, reject: (why: Error) => void } | null} what waits for the text */
  #waiting = null;

  /** @param {(as: "hex" | "python" | "text" | "file") => void} ask */
  constructor(ask) {
    const copied = (/** @type {"hex" | "python" | "text"} */ as) => () => {
      this.#toClipboard();
      ask(as);
    };
    super({ class: "ws-chip", "data-action": "take", title: "Copy this unit, or save its message" }, ["Copy …"], [
      ["copy-hex", "Copy as hex", "wslab explain --hex reads it back.", copied("hex")],
      ["copy-python", "Copy as Python bytes", "A literal, such as b'\\x81\\x05Hello'.", copied("python")],
      ["copy-text", "Copy as text", "What it says: unmasked and inflated.", copied("text")],
      ["save-message", "Save the message", "All its frames joined, as a file.", () => ask("file")],
    ]);
  }

  /** Asks for the clipboard now, as browsers give it only to a click; the text may come later. */
  #toClipboard() {
    say(this.status, "copying …");
    const text = /** @type {Promise<Blob>} */ (new Promise((resolve, reject) => {
      this.#waiting?.reject(new Error(""));
      this.#waiting = { resolve, reject };
    }));
    const done = navigator.clipboard?.write // only over https, and on this machine
      ? navigator.clipboard.write([new ClipboardItem({ "text/plain": text })])
      : Promise.reject(new Error());
    done.catch(async () => copyOldWay(await (await text).text()))
      .then(() => this.notice("copied"), (why) => this.notice(why.message));
  }

  /** @param {Blob} text @param {string} [problem] why there is none */
  copy(text, problem) {
    if (problem) this.#waiting?.reject(new Error(problem));
    else this.#waiting?.resolve(text);
    this.#waiting = null;
  }
}

/** Copies where a page has no `navigator.clipboard`, or is not let. @param {string} text */
function copyOldWay(text) {
  const before = document.activeElement;
  const area = h("textarea", { class: "ws-copied", "aria-hidden": "true" });
  area.value = text;
  document.body.append(area);
  area.select();
  const copied = document.execCommand("copy");
  area.remove();
  if (before instanceof HTMLElement) before.focus({ preventScroll: true });
  if (!copied) throw new Error("the browser did not let this be copied: try once more");
}

/** Joins what the kernel sends in pieces. */
export class Incoming {
  /** @type {Uint8Array<ArrayBuffer>[]} */
  #pieces = [];

  /**
   * A piece has come.
   * @param {{ name: string, type: string, start: number, total: number, problem?: string }} file
   *   `name`: empty for the clipboard; `problem`: why it is not what was asked for
   * @param {Uint8Array<ArrayBuffer>} bytes @param {SaveMenu} save @param {TakeMenu} take
   */
  take({ name, type, start, total, problem }, bytes, save, take) {
    if (start === 0) this.#pieces = [];
    this.#pieces.push(bytes.slice());
    const have = start + bytes.length;
    if (have < total) return name ? say(save.status, `saving ${Math.floor((have / total) * 100)} %`) : undefined;
    const blob = new Blob(this.#pieces, { type });
    this.#pieces = [];
    if (!name) return take.copy(blob, problem);
    const url = URL.createObjectURL(blob);
    h("a", { href: url, download: name }).click();
    setTimeout(() => URL.revokeObjectURL(url), 10_000);
    return problem ? say(save.status, `${problem}: saved ${name}`) : save.notice(`saved ${name}`);
  }
}
