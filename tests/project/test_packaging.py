"""The wheel carries the course and all that the views need, and works without a checkout."""

from __future__ import annotations

import os
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

pytest.importorskip("hatchling", reason="hatchling builds the wheel; `make test` installs it")

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="module")
def wheel(tmp_path_factory):
    """The wheel, built without a network: the build backend is in this environment."""
    folder = tmp_path_factory.mktemp("wheel")
    subprocess.run(
        [sys.executable, "-m", "hatchling", "build", "--target", "wheel", "--directory", folder],
        cwd=ROOT,
        check=True,
        capture_output=True,
        timeout=120,
    )
    (path,) = folder.glob("wslab-*.whl")
    return path


@pytest.fixture(scope="module")
def unpacked(wheel, tmp_path_factory):
    """The wheel as pip would lay it out."""
    folder = tmp_path_factory.mktemp("site-packages")
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(folder)
    return folder


def run(unpacked: Path, cwd: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run this Python with the unpacked wheel before any installed wslab."""
    return subprocess.run(
        [sys.executable, *arguments],
        cwd=cwd,
        env={**os.environ, "PYTHONPATH": str(unpacked)},
        capture_output=True,
        text=True,
        timeout=60,
    )


def test_the_wheel_holds_the_code_the_course_and_what_the_views_show(wheel):
    with zipfile.ZipFile(wheel) as archive:
        names = set(archive.namelist())
    expected = {f"wslab/course/{path.name}" for path in (ROOT / "notebooks").glob("*.ipynb")}
    for path in (ROOT / "wslab").rglob("*"):
        if (
            path.suffix
            in {".py", ".js", ".css", ".json", ".typed", ".html", ".jsonl", ".har", ".webp"}
            or path.name == "py.typed"
        ):
            expected.add(path.relative_to(ROOT).as_posix())
    assert expected <= names


def test_the_wheel_holds_nothing_else(wheel):
    with zipfile.ZipFile(wheel) as archive:
        names = archive.namelist()
    assert {name.split("/")[0].partition("-")[0] for name in names} == {"wslab"}
    assert not [name for name in names if "__pycache__" in name or ".ipynb_checkpoints" in name]
    assert [name for name in names if name.endswith("licenses/LICENSE")]


def test_an_unpacked_wheel_copies_the_course(unpacked, tmp_path):
    code = (
        "import wslab.course, wslab.commands.lab as lab\n"
        "assert wslab.course.checkout() is None\n"
        "print(lab.prepare(None))"
    )
    first = run(unpacked, tmp_path, "-c", code)
    assert first.returncode == 0, first.stderr
    copied = {path.name for path in (tmp_path / "wslab-course").glob("*.ipynb")}
    assert copied == {path.name for path in (ROOT / "notebooks").glob("*.ipynb")}
    again = run(unpacked, tmp_path, "-c", code)
    assert "up to date" in again.stdout


def test_an_unpacked_wheel_has_its_command_line(unpacked, tmp_path):
    answer = run(unpacked, tmp_path, "-m", "wslab", "lab", "--help")
    assert "Open JupyterLab on the lessons" in answer.stdout
