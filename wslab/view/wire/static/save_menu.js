import { h, say } from "../../live/static/elements.js";
import { icon } from "../../live/static/shapes.js";

const FORMATS = [
  ["jsonl", "JSON Lines", "Every byte, with its time and what was done to it."],
  ["pcapng", "pcapng", "For Wireshark: TCP, the upgrade and the frames. What was done is in comments."],
  ["har", "HAR", "Messages only, as a browser's DevTools save them, and what was done to them."],
];

/** The menu that saves the recording as a file of the reader's. */
export class SaveMenu {
  status = h("span", { class: "ws-title", role: "status" });
  /** @type {Uint8Array<ArrayBuffer>[]} what has come of the file */
  #pieces = [];

  /** @param {(format: string) => void} save asks for a file; says in `status` what becomes of it */
  constructor(save) {
    this.summary = h("summary", { "data-action": "save", title: "Save the recording" }, icon("save"), "Save");
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
      ...FORMATS.flatMap(([format, name, says]) => [
        h("button", {
          type: "button", class: "ws-bare", "data-action": `save-${format}`,
          onclick: () => {
            this.#close();
            save(format);
          },
        }, `${name} (.${format})`),
        h("p", { class: "ws-title" }, says),
      ]),
      h("p", { class: "ws-title" }, h("code", {}, "wslab.wire.load"), " reads them all back.")));
  }

  #close() {
    this.element.open = false;
    this.summary.focus();
  }

  /**
   * A piece of the file has come; the last one has the browser save it.
   * @param {{ name: string, type: string, start: number, total: number }} file @param {Uint8Array<ArrayBuffer>} bytes
   */
  take({ name, type, start, total }, bytes) {
    if (start === 0) this.#pieces = [];
    this.#pieces.push(bytes.slice());
    const have = start + bytes.length;
    if (have < total) return say(this.status, `saving ${Math.floor((have / total) * 100)} %`);
    const url = URL.createObjectURL(new Blob(this.#pieces, { type }));
    this.#pieces = [];
    h("a", { href: url, download: name }).click();
    setTimeout(() => URL.revokeObjectURL(url), 10_000);
    say(this.status, `saved ${name}`);
    setTimeout(() => say(this.status, ""), 4_000);
    return undefined;
  }
}
