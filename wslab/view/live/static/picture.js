// What a saved notebook shows to readers that run no widgets: kept true to what has been seen.

const WIDGET_VIEW = "application/vnd.jupyter.widget-view+json";
const QUIET = 1_000; // ms without news until a new picture is asked for
const GAP = 3_000; // ms from one question to the next at least

/** @import { AnyModel } from "@anywidget/types" */
/** @import { Page } from "./page.js" */

/** Puts the view's static account, as the kernel has it, into the notebook whenever the news rests.
 *
 * The kernel could send it as an update of the cell's output, but JupyterLab then makes the view anew,
 * under the reader's hands. Returns what ends it. @param {AnyModel} model @param {Page} page */
export function keepPicture(model, page) {
  const { context } = /** @type {{ context?: { model: Notebook } }} */ (model.widget_manager ?? {});
  const notebook = context?.model;
  // Where several people edit, the others' pages would make their views anew.
  if (!notebook?.cells || notebook.collaborative) return () => {};
  let timer = 0;
  let askedAt = -Infinity;
  const onNews = ({ picture, ...news }) => {
    if (picture?.page === page.name) putPicture(notebook, picture);
    if (Object.keys(news).length === 0) return;
    clearTimeout(timer);
    timer = setTimeout(() => {
      askedAt = performance.now();
      page.ask({ do: "picture" });
    }, Math.max(QUIET, askedAt + GAP - performance.now()));
  };
  model.on("msg:custom", onNews);
  return () => {
    clearTimeout(timer);
    model.off("msg:custom", onNews);
  };
}

/**
 * @typedef {{ outputs?: { length: number, get(place: number): { data: Record<string, { model_id?: string }> } }, sharedModel: { outputs: { data: object }[],
 *   updateOutputs(start: number, end: number, outputs: object[], origin: string): void } }} Cell
 * @typedef {{ cells: Iterable<Cell>, collaborative: boolean }} Notebook JupyterLab's, what is used of it
 */

/** @param {Notebook} notebook @param {{ model: string, data: object }} picture */
function putPicture(notebook, { model: id, data }) {
  for (const cell of notebook.cells) {
    for (let place = 0; place < (cell.outputs?.length ?? 0); place++) {
      if (cell.outputs.get(place).data[WIDGET_VIEW]?.model_id !== id) continue;
      const output = cell.sharedModel.outputs[place];
      const changed = { ...output, data: { ...output.data, ...data } };
      // With this origin, JupyterLab's own for what is on the screen already, nothing is drawn.
      cell.sharedModel.updateOutputs(place, place + 1, [changed], "silent-change");
    }
  }
}
