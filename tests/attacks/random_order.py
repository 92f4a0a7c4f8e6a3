"""Each notebook in one kernel: in order, then in random orders. No cell may fail, nothing may stay.

    python tests/attacks/random_order.py [part of a notebook's name]

A cell that looks at what has crossed may say that nothing has, as the cell that opens the lab was
run again: a LookupError that says which cell to run "again" is an answer, no fault.
"""

from __future__ import annotations

import random
import shutil
import sys
import tempfile
from pathlib import Path

import nbclient
import nbformat

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "notebooks"))
from lesson_run import AFTER, BEFORE, CELL_TIMEOUT, COURSE, NOTEBOOKS

ORDERS = 3
SEED = 11


def faults(name: str, folder: Path) -> list[str]:
    """What fails in a notebook, a line each."""
    notebook = nbformat.read(folder / name, as_version=4)
    cells = [cell for cell in notebook.cells if cell.cell_type == "code"]
    chance = random.Random(SEED)
    order = list(enumerate(cells))
    order += [pair for _ in range(ORDERS) for pair in chance.sample(order, len(cells))]
    sources = [("before", BEFORE), *((str(n), cell.source) for n, cell in order), ("after", AFTER)]
    notebook.cells = [nbformat.v4.new_code_cell(source) for _, source in sources]
    client = nbclient.NotebookClient(
        notebook,
        timeout=CELL_TIMEOUT,
        kernel_name="python3",
        allow_errors=True,
        resources={"metadata": {"path": str(folder)}},
    )
    try:
        client.execute()
    except nbclient.exceptions.CellTimeoutError as error:
        return [str(error)]
    return [
        f"cell {number}: {said}"
        for (number, _), cell in zip(sources, notebook.cells, strict=True)
        for output in cell.outputs
        if (said := _fault(output))
    ]


def _fault(output: nbformat.NotebookNode) -> str:
    if output.output_type == "error":
        honest = output.ename == "LookupError" and output.evalue.endswith(" again")
        return "" if honest else f"{output.ename}: {output.evalue}"
    if output.output_type == "stream" and output.name == "stderr":
        return output.text if "Traceback" in output.text or "never" in output.text else ""
    return ""


def main() -> int:
    wanted = sys.argv[1] if len(sys.argv) > 1 else ""
    failed = False
    for name in NOTEBOOKS:
        if wanted not in name:
            continue
        with tempfile.TemporaryDirectory() as temporary:
            folder = shutil.copytree(COURSE, Path(temporary, "course"))
            found = faults(name, folder)
        print(f"{name:28} {len(found)} faults", *found, sep="\n    ", flush=True)
        failed |= bool(found)
    return failed


if __name__ == "__main__":
    sys.exit(main())
