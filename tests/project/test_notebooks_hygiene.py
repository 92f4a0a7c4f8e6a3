"""The notebooks are kept without outputs, counters and traces of a machine; ids stay."""

from __future__ import annotations

import json
from pathlib import Path

import nbformat
import pytest
import strip_notebooks

NOTEBOOKS = sorted((Path(__file__).resolve().parents[2] / "notebooks").glob("*.ipynb"))


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.name)
def test_a_notebook_is_kept_clean(path):
    assert not list(strip_notebooks.problems(path)), "run `make format`"


@pytest.fixture
def used(tmp_path):
    """A notebook as an afternoon's use leaves it."""
    cells = [
        nbformat.v4.new_markdown_cell("# Lesson", id="title"),
        nbformat.v4.new_code_cell(
            "print(1)",
            id="first",
            execution_count=3,
            outputs=[nbformat.v4.new_output("stream", text="1\n")],
            metadata={"tags": ["predict"], "scrolled": True},
        ),
        nbformat.v4.new_code_cell("open('/home/ada/notes.txt')"),
    ]
    notebook = nbformat.v4.new_notebook(
        cells=cells, metadata={"kernelspec": {"name": "ada", "display_name": "Ada's"}}
    )
    path = tmp_path / "used.ipynb"
    # Neither nbformat nor JupyterLab writes a double id; a merge does.
    notebook.cells[2].id = "first"
    path.write_text(json.dumps(notebook), "utf-8")
    return path


def test_what_is_not_clean_is_named(used):
    found = "\n".join(strip_notebooks.problems(used))
    for problem in (
        "kernel is not python3",
        "'first' stands there 2 times",
        "cell 1 has outputs",
        "cell 1 has an execution count",
        "cell 2 names a path of some machine: /home/ada/notes.txt",
    ):
        assert problem in found


def test_stripping_keeps_the_lesson_and_its_ids(used):
    kept = strip_notebooks.stripped(strip_notebooks.read(used))
    title, first, copied = kept.cells
    assert (title.id, first.id) == ("title", "first")
    assert copied.id != "first"
    assert (first.source, first.metadata) == ("print(1)", {"tags": ["predict"]})
    assert (first.outputs, first.execution_count) == ([], None)
    nbformat.validate(kept)


def test_stripping_twice_changes_nothing(used):
    once = strip_notebooks.stripped(strip_notebooks.read(used))
    assert strip_notebooks.text(strip_notebooks.stripped(once)) == strip_notebooks.text(once)
