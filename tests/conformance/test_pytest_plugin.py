"""A library's own tests run the suite in five lines."""

from __future__ import annotations

import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from wslab.net import EchoServer, RawServer

ROOT = Path(__file__).resolve().parents[2]
PLUGIN = "wslab.pytest_plugin"

TEST = """
def test_my_server(conformance):
    report = conformance({url!r}, only="framing-text")
    assert report.counts["pass"] == 1
"""


def run(folder: Path, url: str) -> subprocess.CompletedProcess[str]:
    (folder / "test_mine.py").write_text(TEST.format(url=url))
    # By its name, and not twice: a checkout may not be installed, as a worktree.
    options = ["-p", "no:wslab", "-p", PLUGIN, "-p", "no:cacheprovider", "-q"]
    return subprocess.run(
        [sys.executable, "-m", "pytest", *options, str(folder)],
        capture_output=True, text=True, cwd=folder, check=False,
        env={"PYTHONPATH": str(ROOT), "PATH": ""},
    )  # fmt: skip


async def says_nothing_more(connection):
    await connection.upgrade()
    connection.writer.close()


def test_a_server_that_passes(tmp_path):
    with EchoServer("under test") as server:
        done = run(tmp_path, server.url)
    assert done.returncode == 0, done.stdout


def test_a_server_that_breaks_a_must_is_shown_with_its_wire(tmp_path):
    with RawServer(says_nothing_more, name="under test") as server:
        done = run(tmp_path, server.url)
    assert done.returncode == 1
    assert "✗ fail    framing-text" in done.stdout
    assert "again: wslab conform" in done.stdout


def test_pytest_finds_it_where_wslab_is_installed():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    assert project["entry-points"]["pytest11"] == {"wslab": PLUGIN}


@pytest.mark.parametrize("module", ["wslab.net", "wslab.wire", "websockets"])
def test_a_run_of_pytest_that_does_not_use_it_imports_nothing_heavy(module):
    code = f"import sys, {PLUGIN}; sys.exit({module!r} in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], cwd=ROOT, check=False).returncode == 0
