"""Runs a notebook in a real kernel, from top to bottom; two modules read what comes of one run."""

from __future__ import annotations

import re
import shutil
import tempfile
import urllib.parse
from functools import cache
from pathlib import Path

import nbclient
import nbformat

ROOT = Path(__file__).resolve().parents[2]
COURSE = ROOT / "notebooks"
NOTEBOOKS = sorted(path.name for path in COURSE.glob("*.ipynb"))
NOTEBOOKS = sorted(path.name for path in COURSE.glob("*.ipynb"))
CELL_TIMEOUT = 60  # seconds

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

LINK = re.compile(r"\]\(#wire:([^)\s]+)\)")

PROBE = """
from wslab.wire.recording import Search as _Search

for _what in {links!r}:
    _rows = (row for row in _Search.parse(_what).find(lab.capture) if row is not None)
    print(_what, "row", next(_rows, None))
"""


def links_in(cell: nbformat.NotebookNode) -> list[str]:
    """What the links to arrows in a cell's text look for."""
    found = LINK.findall(cell.source) if cell.cell_type == "markdown" else []
    return [urllib.parse.unquote(what) for what in found]


def probe(name: str, links: list[str]) -> nbformat.NotebookNode:
    """A cell that prints which row each link leads to."""
    cell = nbformat.v4.new_code_cell(PROBE.format(links=links))
    cell.id = name
    return cell


@cache
def run_of(name: str) -> nbformat.NotebookNode:
    """A notebook after a run, and run again, each cell twice (once, if it has the tag `slow`);
    checked for what it leaves behind.

    The cells of the first time have the notebook's ids. Behind each text with links to arrows, and
    after the first time for all of them, stands a cell that prints where they lead.
    """
    notebook = nbformat.read(COURSE / name, as_version=4)
    cells = [nbformat.v4.new_code_cell(BEFORE)]
    for cell in notebook.cells:
        cells.append(cell)
        if links := links_in(cell):
            cells.append(probe(f"links-of-{cell.id}", links))
    everywhere = [link for cell in notebook.cells for link in links_in(cell)]
    cells.append(probe("links-at-the-end", everywhere))
    for cell in notebook.cells:
        if cell.cell_type == "code":
            times = 1 if "slow" in cell.metadata.get("tags", ()) else 2
            again = (cell.source for _ in range(times))
            cells += [nbformat.v4.new_code_cell(one, metadata=cell.metadata) for one in again]
    notebook.cells = [*cells, nbformat.v4.new_code_cell(AFTER)]
    run_in_a_copy(notebook)
    return notebook


def run_in_a_copy(notebook: nbformat.NotebookNode) -> None:
    """Run a notebook where the course's files lie, and nothing that it writes stays."""
    with tempfile.TemporaryDirectory() as parent:
        folder = Path(parent) / "course"
        shutil.copytree(COURSE, folder, ignore=shutil.ignore_patterns(".ipynb_checkpoints"))
        run(notebook, folder)


def run(notebook: nbformat.NotebookNode, folder: Path) -> None:
    """Run a notebook in a kernel of its own; raises CellExecutionError at the first error."""
    nbclient.NotebookClient(
        notebook,
        timeout=CELL_TIMEOUT,
        kernel_name="python3",
        resources={"metadata": {"path": str(folder)}},
    ).execute()
