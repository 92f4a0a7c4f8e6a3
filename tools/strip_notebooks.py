"""Bring notebooks into the form in which they are kept: no outputs, counters or traces of use.

    python tools/strip_notebooks.py notebooks           # rewrite those that need it
    python tools/strip_notebooks.py --check notebooks   # only say which, and why; exit 1 if any

Cell ids stay: links and reviews point at them. A cell without one gets one.
"""

from __future__ import annotations

import argparse
import copy
import re
import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import nbformat

KERNELSPEC = {"display_name": "Python 3 (ipykernel)", "language": "python", "name": "python3"}
LANGUAGE = {"name": "python"}
# What a cell's metadata may say: how the lesson shows it. All else is some editor's memory.
CELL_METADATA = {"tags", "jupyter", "editable", "deletable", "slideshow"}
MACHINE_PATH = re.compile(r"(?<![\w.:/])/(?:home|root|Users|tmp)/\S+|\b[A-Z]:\\\S+")


def read(path: Path) -> nbformat.NotebookNode:
    """A notebook as it is in the file: ids that are missing or double are left to be found."""
    return nbformat.from_dict(nbformat.reader.reads(path.read_text("utf-8")))


def stripped(notebook: nbformat.NotebookNode) -> nbformat.NotebookNode:
    """The notebook as it is kept."""
    notebook = copy.deepcopy(notebook)
    notebook.metadata = nbformat.from_dict({"kernelspec": KERNELSPEC, "language_info": LANGUAGE})
    notebook.nbformat, notebook.nbformat_minor = 4, 5
    seen: set[str] = set()
    for cell in notebook.cells:
        if cell.get("id") is None or cell.id in seen:
            # A copied cell brings the id of the one that it was copied from.
            cell.id = nbformat.v4.new_raw_cell().id
        seen.add(cell.id)
        cell.metadata = nbformat.from_dict(
            {key: value for key, value in cell.metadata.items() if key in CELL_METADATA}
        )
        if cell.cell_type == "code":
            cell.outputs = []
            cell.execution_count = None
    return notebook


def text(notebook: nbformat.NotebookNode) -> str:
    """The notebook's file, laid out as Jupyter lays it out."""
    return str(nbformat.writes(notebook)) + "\n"


def problems(path: Path) -> Iterator[str]:
    """What in this notebook is not as it is kept, one line each."""
    notebook = read(path)
    if (notebook.nbformat, notebook.nbformat_minor) < (4, 5):
        yield f"format {notebook.nbformat}.{notebook.nbformat_minor} has no cell ids"
    if notebook.metadata.get("kernelspec", {}).get("name") != "python3":
        yield "its kernel is not python3"
    ids = Counter(cell.get("id") for cell in notebook.cells)
    for identifier, times in ids.items():
        if identifier is None:
            yield f"{times} cells without an id"
        elif times > 1:
            yield f"the cell id {identifier!r} stands there {times} times"
    for number, cell in enumerate(notebook.cells):
        if cell.get("outputs"):
            yield f"cell {number} has outputs"
        if cell.get("execution_count") is not None:
            yield f"cell {number} has an execution count"
        for found in MACHINE_PATH.findall(cell.source):
            yield f"cell {number} names a path of some machine: {found}"
    if path.read_text("utf-8") != text(stripped(notebook)):
        yield "not written as `make format` writes it"


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("folder", type=Path)
    parser.add_argument("--check", action="store_true", help="change nothing")
    options = parser.parse_args()
    status = 0
    for path in sorted(options.folder.glob("*.ipynb")):
        if options.check:
            for problem in problems(path):
                print(f"{path}: {problem}")
                status = 1
            continue
        kept = text(stripped(read(path)))
        if path.read_text("utf-8") != kept:
            path.write_text(kept, "utf-8", newline="\n")
            print(f"stripped {path}")
    return status


if __name__ == "__main__":
    sys.exit(main())
