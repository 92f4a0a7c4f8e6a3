"""The notebook that a test module is about: its stubs, and cells run as the notebook runs them."""

from __future__ import annotations

import json
from importlib import import_module
from pathlib import Path

import pytest

from wslab.exercises.verdict import Verdict

NOTEBOOKS = Path(__file__).parents[2] / "notebooks"


class Lesson:
    """The notebook and the checks of one topic."""

    def __init__(self, topic: str) -> None:
        self.checks = import_module(f"wslab.exercises.{topic}")
        (self._notebook,) = NOTEBOOKS.glob(f"[0-9][0-9]_{topic}.ipynb")

    def stub(self, exercise: str) -> str:
        """The source of the one cell that is tagged as this exercise."""
        cells = json.loads(self._notebook.read_text("utf-8"))["cells"]
        (source,) = [
            "".join(cell["source"])
            for cell in cells
            if f"exercise:{exercise}" in cell["metadata"].get("tags", [])
        ]
        return source

    def run(self, source: str, **made_above: object) -> Verdict:
        """Run a cell: the value of its last line is what it shows. `made_above` is what cells
        further up have made."""
        names = vars(self.checks) | made_above
        *body, last = source.strip().split("\n")
        exec("\n".join(body), names)
        verdict = eval(last, names)
        assert isinstance(verdict, Verdict)
        return verdict


@pytest.fixture(scope="module")
def lesson(request: pytest.FixtureRequest) -> Lesson:
    """That of `test_<topic>.py`."""
    return Lesson(request.path.stem.removeprefix("test_"))
