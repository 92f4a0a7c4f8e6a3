// Keeps a picture of a view up to date, which a saved notebook shows to readers without widgets.

const WIDGET_VIEW = "application/vnd.jupyter.widget-view+json";
const QUIET = 1_000; // ms without news before a new picture is asked for
const GAP = 3_000; // ms from one question to the next at least

/** @import { AnyModel } from "@anywidget/types" */
/** @typedef {{ name: string, ask(question: object): void }} Asking a page, what is used of it */

/** Puts the kernel's static picture of a view into the notebook whenever news pauses.
 *
 * The kernel could send it as an update of the cell's output, but JupyterLab would then recreate the
 * view while the reader uses it. */
export class Picture {
  #timer = 0;
  #askedAt = -Infinity;

  /** @param {AnyModel} model @param {Asking} page */
  constructor(model, page) {
    this.model = model;
    this.page = page;
    model.on("msg:custom", this.#onNews);
  }

  #onNews = ({ picture, ...news }) => {
    if (picture?.page === this.page.name) putPicture(this.model, picture);
    if (Object.keys(news).length > 0) this.soon();
  };

  /** The view has changed. */
  soon() {
    if (!notebookOf(this.model)) return;
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => {
      this.#askedAt = performance.now();
      this.page.ask({ do: "picture" });
    }, Math.max(QUIET, this.#askedAt + GAP - performance.now()));
  }

  end() {
    clearTimeout(this.#timer);
    this.model.off("msg:custom", this.#onNews);
  }
}

/** The notebook that contains a view, unless several people edit it: the others' pages would
 * recreate their views. @param {AnyModel} model @returns {Notebook | null} */
export function notebookOf(model) {
  const { context } = /** @type {{ context?: { model: Notebook } }} */ (model.widget_manager ?? {});
  return context?.model?.cells && !context.model.collaborative ? context.model : null;
}

/**
 * @typedef {{ mimeType: string, outputs?: { length: number, get(place: number): { data: Record<string, { model_id?: string }> } }, sharedModel: { source: string, outputs: { data: object }[],
 *   updateOutputs(start: number, end: number, outputs: object[], origin: string): void } }} Cell
 * @typedef {{ cells: Iterable<Cell>, collaborative: boolean }} Notebook JupyterLab's, what is used of it
 */

/** Adds `data`, by MIME type, to the output that contains the view. @param {AnyModel} model @param {{ model: string, data: object }} picture */
export function putPicture(model, { model: id, data }) {
  for (const cell of notebookOf(model)?.cells ?? []) {
    for (let place = 0; place < (cell.outputs?.length ?? 0); place++) {
      if (cell.outputs.get(place).data[WIDGET_VIEW]?.model_id !== id) continue;
      const output = cell.sharedModel.outputs[place];
      const changed = { ...output, data: { ...output.data, ...data } };
      // With this origin, which JupyterLab uses for content already on the screen, nothing is redrawn.
      cell.sharedModel.updateOutputs(place, place + 1, [changed], "silent-change");
    }
  }
}
