import { h, say } from "./elements.js";
import { Picture } from "./picture.js";

/** @import { AnyModel, RenderProps } from "@anywidget/types" */

/** The event that a view fires after painting: other views then paint too, which costs little more. */
export const PAINTS = "wslab-paints";

/** Whether this is what a saved notebook shows when it is opened again: no kernel is behind it. @param {AnyModel} model */
export function isPicture(model) {
  return model.get("layout")?.comm_live === false;
}

/** One place on one screen where a widget is shown, as the kernel knows it: by a name of its own. */
export class Page {
  name = Math.random().toString(36).slice(2, 12);
  /** @type {Promise<unknown> | null} */
  #way;

  /** @param {AnyModel} model */
  constructor(model) {
    this.model = model;
    this.#way = ownWay(model);
  }

  /** Sends a question to the kernel. @param {object} question @param {ArrayBufferView[]} buffers */
  ask(question, buffers = []) {
    const send = () => {
      try {
        this.model.send({ ...question, page: this.name }, undefined, buffers);
      } catch (error) {
        // The notebook was closed, or its kernel has ended: there is nobody left to ask.
        if (error.message !== "Cannot send") throw error;
      }
    };
    if (this.#way === null) send();
    else this.#way = this.#way.then(send, send); // in the order of the questions, even if the last one failed
  }
}

/**
 * Waits for the subshell that JupyterLab makes for the widgets when the first one comes: an earlier
 * message would go to the main shell and wait for the running cell. Null: there is nothing to wait for.
 * @param {AnyModel} model
 * @returns {Promise<unknown> | null}
 */
function ownWay(model) {
  const comm = model.get("layout")?.comm?.jsServicesComm; // any widget's: they share the subshell
  if (!comm?.subshellStarted || comm.subshellId || comm.commsOverSubshells === "disabled") return null;
  return Promise.race([
    comm.subshellStarted.catch(() => {}),
    new Promise((resolve) => setTimeout(resolve, 2000)), // a kernel without subshells
  ]);
}

/** Base of a widget's view: it says hello when it opens, hears the kernel's news, and says bye. */
export class View {
  /** @param {RenderProps} context */
  constructor({ model, el }) {
    this.model = model;
    this.el = el;
    this.page = new Page(model);
    this.saving = new Picture(model, this.page);
    this.problem = h("div", { class: "ws-problem", "data-wslab": "problem", role: "alert" });
    this.complain(null);
  }

  /** The name of an element in this page. @param {string} name */
  id(name) {
    return `ws-${this.page.name}-${name}`;
  }

  /** Shows `root` and says hello; returns what takes the view away. @param {Element} root */
  open(root, hello = {}) {
    /** @param {object} news @param {DataView[]} buffers */
    const onNews = (news, buffers) => this.hear(news, buffers);
    this.model.on("msg:custom", onNews);
    this.el.append(root);
    this.page.ask({ do: "hello", ...hello });
    return () => {
      this.page.ask({ do: "bye" });
      this.model.off("msg:custom", onNews);
      this.saving.end();
      this.close();
    };
  }

  /** What the kernel tells: `news` as JSON, with its buffers. @param {any} news @param {DataView[]} buffers */
  hear(news, buffers) { // eslint-disable-line no-unused-vars
    throw new Error("a view says what becomes of its news");
  }

  /** Ends whatever else belongs to the view, when the view is taken away. */
  close() {}

  /** Shows a problem in one line; null: there is none. @param {string | null} text */
  complain(text) {
    this.problem.hidden = text === null;
    say(this.problem, text);
  }
}
