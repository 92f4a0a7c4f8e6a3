import { h, say } from "../../live/static/elements.js";
import { icon } from "../../live/static/shapes.js";

/** The menu that saves the recording as a file on the user's computer. */
export class SaveMenu {
  status = h("span", { class: "ws-title", role: "status" });
  /** @type {Uint8Array<ArrayBuffer>[]} what has come of the file */
  #pieces = [];

  /**
   * @param {[suffix: string, name: string, keeps: string][]} formats as `wslab.wire.FORMATS` has them
   * @param {(format: string) => void} save asks for a file; says in `status` what becomes of it
   */
  constructor(formats, save) {
    this.summary = h("summary", { "data-action": "save", title: "Save the recording" }, icon("save"),
      h("span", { class: "ws-roomy" }, "Save"));
    this.element = h("details", {
      class: "ws-menu",
      onfocusout: ({ relatedTarget }) => {
        if (relatedTarget instanceof Node && !this.element.contains(relatedTarget)) this.element.open = false;
      },
      onkeydown: (event) => {
        if (event.key !== "Escape" || !this.element.open) return;
        this.#close();
        event.stopPropagation();
      },
    },
    this.summary,
    h("div", { class: "ws-menu-list" },
      ...formats.flatMap(([suffix, name, keeps]) => [
        h("button", {
          type: "button", class: "ws-bare", "data-action": `save-${suffix.slice(1)}`,
          onclick: () => {
            this.#close();
            save(suffix.slice(1));
          },
        }, `${name} (${suffix})`),
        h("p", { class: "ws-title" }, keeps),
      ]),
      h("p", { class: "ws-title" }, h("code", {}, "wslab.wire.load"), " reads them all back.")));
  }

  #close() {
    this.element.open = false;
    this.summary.focus();
  }

  /**
   * A piece of the file has come; the last one has the browser save it.
   * @param {{ name: string, type: string, start: number, total: number, problem?: string }} file
   *   `problem`: why it is another format than the one asked for
   * @param {Uint8Array<ArrayBuffer>} bytes
   */
  take({ name, type, start, total, problem }, bytes) {
    if (start === 0) this.#pieces = [];
    this.#pieces.push(bytes.slice());
    const have = start + bytes.length;
    if (have < total) return say(this.status, `saving ${Math.floor((have / total) * 100)} %`);
    const url = URL.createObjectURL(new Blob(this.#pieces, { type }));
    this.#pieces = [];
    h("a", { href: url, download: name }).click();
    setTimeout(() => URL.revokeObjectURL(url), 10_000);
    if (problem) return say(this.status, `${problem}: saved ${name}`);
    say(this.status, `saved ${name}`);
    setTimeout(() => say(this.status, ""), 4_000);
    return undefined;
  }
}
