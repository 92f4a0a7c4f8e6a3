"""Every notebook runs top to bottom in a real kernel, also twice, and leaves nothing behind."""

from __future__ import annotations

from collections.abc import Callable

import nbclient
import nbformat
import pytest

from .lesson_run import AFTER, BEFORE, COURSE, NOTEBOOKS, run, run_in_a_copy, run_of

pytestmark = pytest.mark.kernel

Cells = list[nbformat.NotebookNode]


def each_cell_twice(cells: Cells) -> Cells:
    return [cell for cell in cells for _ in range(2)]


def all_cells_again(cells: Cells) -> Cells:
    return cells * 2


every_notebook = pytest.mark.parametrize(
    "name", [pytest.param(name, marks=pytest.mark.xdist_group(name)) for name in NOTEBOOKS]
)


@every_notebook
def test_a_notebook_runs_and_leaves_nothing(name: str):
    assert not complaints(run_of(name))


@pytest.mark.parametrize("order", [each_cell_twice, all_cells_again])
@every_notebook
def test_a_notebook_runs_twice_and_leaves_nothing(name: str, order: Callable[[Cells], Cells]):
    notebook = nbformat.read(COURSE / name, as_version=4)
    code = [cell for cell in notebook.cells if cell.cell_type == "code"]
    sources = [(cell.source, cell.metadata) for cell in order(code)]
    # New cells, as the same one twice would share its id and its outputs.
    notebook.cells = [
        nbformat.v4.new_code_cell(source, metadata=metadata)
        for source, metadata in [(BEFORE, {}), *sources, (AFTER, {})]
    ]
    run_in_a_copy(notebook)
    assert not complaints(notebook)


def complaints(notebook: nbformat.NotebookNode) -> list[str]:
    """Such as "Task exception was never retrieved", or a thread's traceback: none is of ours."""
    said = [
        output.text
        for cell in notebook.cells
        for output in cell.get("outputs", [])
        if output.output_type == "stream" and output.name == "stderr"
    ]
    return [text for text in said if "Traceback" in text or "never" in text]


LEAKS = {
    "threads left": "import threading; e = threading.Event()\n"
    "threading.Thread(target=e.wait, args=[30], name='wslab-left', daemon=True).start()",
    "ports left open": "import socket; s = socket.create_server(('127.0.0.1', 0))",
    "tasks left": "import asyncio; from wslab.net import loop\n"
    "task = asyncio.run_coroutine_threadsafe(asyncio.sleep(100), loop.start())",
}


@pytest.mark.parametrize("leak", LEAKS)
def test_what_a_notebook_leaves_behind_is_found(leak, tmp_path):
    after = AFTER.replace("join(10)", "join(0.1)")  # this one will not end, however long we wait
    cells = [nbformat.v4.new_code_cell(source) for source in (BEFORE, LEAKS[leak], after)]
    with pytest.raises(nbclient.exceptions.CellExecutionError, match=leak):
        run(nbformat.v4.new_notebook(cells=cells), tmp_path)
