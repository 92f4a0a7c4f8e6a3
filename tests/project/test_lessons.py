"""The tables of lessons name every notebook, and say of each what it says of itself."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
NOTEBOOKS = sorted(path.name for path in (ROOT / "notebooks").glob("*.ipynb"))
ROW = re.compile(
    r"^\| (?:\*\*)?\[(\d\d) · [^\]]+\]\((?:notebooks/)?([^)]+)\)(?:\*\*)? \| (\d+) \|", re.M
)


def cells(name: str) -> list[str]:
    notebook = json.loads((ROOT / "notebooks" / name).read_text("utf-8"))
    return ["".join(cell["source"]) for cell in notebook["cells"]]


def test_the_readme_names_every_notebook_in_order():
    rows = ROW.findall((ROOT / "README.md").read_text("utf-8"))
    assert [name for _, name, _ in rows] == NOTEBOOKS


def test_the_first_notebook_names_every_other_one_in_order():
    rows = ROW.findall("\n".join(cells("00_start_here.ipynb")))
    assert [name for _, name, _ in rows] == NOTEBOOKS[1:]


@pytest.mark.parametrize("name", NOTEBOOKS)
def test_the_minutes_are_those_of_the_notebook(name):
    said = re.search(r"\*\*(\d+) minutes", cells(name)[0])
    assert said, "a lesson says at its start how long it takes"
    for table in ((ROOT / "README.md").read_text("utf-8"), "\n".join(cells("00_start_here.ipynb"))):
        for number, file, minutes in ROW.findall(table):
            if file == name:
                assert (number, minutes) == (name[:2], said[1])


@pytest.mark.parametrize("name", NOTEBOOKS)
def test_every_link_to_another_lesson_leads_somewhere(name):
    for target in re.findall(r"\]\(([\w./-]+\.ipynb)\)", "\n".join(cells(name))):
        assert target in NOTEBOOKS
