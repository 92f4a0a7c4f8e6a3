"""Every notebook runs top to bottom in a real kernel, also twice, and leaves nothing behind."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import nbclient
import nbformat
import pytest

ROOT = Path(__file__).resolve().parents[2]
COURSE = ROOT / "notebooks"
NOTEBOOKS = sorted(path.name for path in COURSE.glob("*.ipynb"))
CELL_TIMEOUT = 60  # seconds

pytestmark = pytest.mark.kernel

# What listens before the lesson begins is the kernel's own.
BEFORE = """
import psutil as _psutil
def _listening():
    return {c.laddr.port for c in _psutil.Process().net_connections("tcp") if c.status == "LISTEN"}
_kernels_own = _listening()
"""

AFTER = """
import threading as _threading
from wslab.net import loop as _loop, registry as _registry

_registry.stop_all()
assert not _registry.running(), f"still running: {_registry.running()}"

# Ends are asked for, not waited for: a thread may be in its last step.
_ours = [t for t in _threading.enumerate() if t.name.startswith("wslab-")]
_ours = [t for t in _ours if t.name != _loop.THREAD_NAME]
for _thread in _ours:
    _thread.join(10)
_alive = [t.name for t in _ours if t.is_alive()]
assert not _alive, f"threads left: {_alive}"

assert not _loop.tasks(), f"tasks left: {_loop.tasks()}"
assert _listening() <= _kernels_own, f"ports left open: {_listening() - _kernels_own}"
"""

Cells = list[nbformat.NotebookNode]


def once(cells: Cells) -> Cells:
    return cells


def each_cell_twice(cells: Cells) -> Cells:
    return [cell for cell in cells for _ in range(2)]


def all_cells_again(cells: Cells) -> Cells:
    return cells * 2


@pytest.mark.parametrize("order", [once, each_cell_twice, all_cells_again])
@pytest.mark.parametrize(
    "name", [pytest.param(name, marks=pytest.mark.xdist_group(name)) for name in NOTEBOOKS]
)
def test_a_notebook_runs_and_leaves_nothing(name: str, order: Callable[[Cells], Cells], tmp_path):
    folder = tmp_path / "course"
    shutil.copytree(COURSE, folder, ignore=shutil.ignore_patterns(".ipynb_checkpoints"))
    notebook = nbformat.read(folder / name, as_version=4)
    code = [cell for cell in notebook.cells if cell.cell_type == "code"]
    sources = [(cell.source, cell.metadata) for cell in order(code)]
    # New cells, as the same one twice would share its id and its outputs.
    notebook.cells = [
        nbformat.v4.new_code_cell(source, metadata=metadata)
        for source, metadata in [(BEFORE, {}), *sources, (AFTER, {})]
    ]
    run(notebook, folder)
    complaints = [
        output.text
        for cell in notebook.cells
        for output in cell.outputs
        if output.output_type == "stream" and output.name == "stderr"
    ]
    # "Task exception was never retrieved", a thread's traceback: nothing of ours prints these.
    assert not [text for text in complaints if "Traceback" in text or "never" in text], complaints


def run(notebook: nbformat.NotebookNode, folder: Path) -> None:
    """Run a notebook in a kernel of its own; raises CellExecutionError at the first error."""
    nbclient.NotebookClient(
        notebook,
        timeout=CELL_TIMEOUT,
        kernel_name="python3",
        resources={"metadata": {"path": str(folder)}},
    ).execute()


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
