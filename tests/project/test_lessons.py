"""The tables of lessons, a new lesson made by `make lesson`, and what each lesson costs."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import lesson_cost
import lesson_minutes
import new_lesson
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
def test_the_minutes_are_honest(name):
    path = ROOT / "notebooks" / name
    expected, stated = lesson_minutes.estimate(path).total, lesson_minutes.stated(path)
    assert abs(stated - expected) <= lesson_minutes.TOLERANCE * expected


@pytest.mark.parametrize("name", NOTEBOOKS)
def test_every_link_to_another_lesson_leads_somewhere(name):
    for target in re.findall(r"\]\(([\w./-]+\.ipynb)\)", "\n".join(cells(name))):
        assert target in NOTEBOOKS


# --- A new lesson

COPIED = ("wslab", "tests", "tools", "notebooks")
GENERIC = [
    "tests/exercises/test_every_exercise.py",
    "tests/labs",
    "tests/notebooks/test_headless.py",
    "tests/project/test_notebooks_hygiene.py",
    "tests/project/test_layers.py",
]


@pytest.fixture
def copy(tmp_path):
    """What of the project a lesson touches, to be written into."""
    for name in COPIED:
        shutil.copytree(ROOT / name, tmp_path / name, ignore=shutil.ignore_patterns("__pycache__"))
    for name in ("README.md", "CHANGELOG.md", "pyproject.toml"):
        shutil.copy(ROOT / name, tmp_path / name)
    return tmp_path


def run(folder: Path, *arguments: str) -> None:
    done = subprocess.run(
        [sys.executable, "-m", *arguments],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": str(folder), "PYTHONDONTWRITEBYTECODE": "1"},
        capture_output=True,
        text=True,
        timeout=200,
    )
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.kernel
def test_a_new_lesson_passes_every_test_at_once(copy):
    written = new_lesson.make(copy, "reconnecting", "20")
    assert all(path.is_file() for path in written)
    run(copy, "ruff", "check", "--no-cache", ".")
    run(copy, "ruff", "format", "--no-cache", "--check", ".")
    pytest_here = ["pytest", "-q", "-p", "no:cacheprovider"]
    run(copy, *pytest_here, *GENERIC, "-k", "reconnecting and not each_cell_twice")
    run(
        copy,
        *pytest_here,
        "tests/project/test_lessons.py",
        "-k",
        "table or name or minutes or link",
    )
    run(copy, *pytest_here, "tests/browser/test_reconnecting.py", "--collect-only")


def files(folder: Path) -> dict[str, bytes]:
    return {str(path): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


@pytest.mark.parametrize(
    ("topic", "number", "told"),
    [
        ("re-connecting", "20", "expected TOPIC to be a name for a module"),
        ("", "20", "expected TOPIC"),
        ("import", "20", "expected TOPIC"),
        ("../x", "20", "expected TOPIC"),
        ("reconnecting", "5", "expected NUMBER to have two digits"),
        ("reconnecting", "", "expected NUMBER"),
        ("reconnecting", "03", "03 is taken by notebooks/03_frames.ipynb"),
        ("frames", "20", "frames.py is there already, and nothing is overwritten"),
        ("lesson", "20", "lesson.py is there already"),
        ("lab", "20", "test_lab.py is there already"),
    ],
)
def test_a_topic_or_number_of_no_use_is_refused_and_nothing_is_written(copy, topic, number, told):
    before = files(copy)
    with pytest.raises(new_lesson.Refused, match=re.escape(told)):
        new_lesson.make(copy, topic, number)
    assert files(copy) == before


def test_a_refusal_is_one_line_for_a_terminal(capsys, monkeypatch):
    monkeypatch.setattr(sys, "argv", ["new_lesson.py", "frames", "10"])
    assert new_lesson.main() == 2
    assert capsys.readouterr().err.count("\n") == 1


# --- What a lesson costs


@pytest.fixture(scope="module")
def checkout():
    return lesson_cost.Checkout(ROOT)


def test_what_only_one_lesson_uses_is_its_own(checkout):
    assert checkout.topics == sorted(name[3:-6] for name in NOTEBOOKS)
    for topic in checkout.topics:
        own = checkout.own[topic]
        assert f"wslab.labs.{topic}" in own
        assert not own & {"wslab.labs.lesson", "wslab.exercises.exercise", "wslab.net.tap.relay"}
    assert "wslab.exercises.frames" in checkout.own["frames"]
    assert not checkout.own["frames"] & checkout.own["handshake"]


def test_a_name_is_followed_through_its_doors(checkout):
    assert checkout.defined_in("wslab.net", "EchoServer") == "wslab.net.servers.echo"
    assert checkout.defined_in("wslab.wire", "encode_frame") == "wslab.wire.protocol.frames"


def test_the_costs_are_printed(capsys, monkeypatch):
    monkeypatch.setattr(sys, "argv", ["lesson_cost.py"])
    assert lesson_cost.main() == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].split() == [
        "lab",
        "exercise",
        "view",
        "net",
        "wire",
        "js+css",
        "sum",
        "tests",
        "files",
    ]
    assert lines[-1].startswith("mean")
