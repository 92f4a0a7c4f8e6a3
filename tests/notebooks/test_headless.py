"""Every notebook runs in a real kernel, then each cell twice again, and leaves nothing behind."""

from __future__ import annotations

import nbclient
import nbformat
import pytest

from .lesson_run import AFTER, BEFORE, NOTEBOOKS, run, run_of

pytestmark = pytest.mark.kernel


@pytest.mark.parametrize(
    "name", [pytest.param(name, marks=pytest.mark.xdist_group(name)) for name in NOTEBOOKS]
)
def test_a_notebook_runs_again_and_leaves_nothing(name: str):
    assert not complaints(run_of(name))


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
