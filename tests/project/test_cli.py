"""`wslab` in a shell: the course comes to a folder, JupyterLab opens there, errors are one line."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import urllib.request
from pathlib import Path

import pytest
from real_lab import wait_for_server

import wslab
from wslab import cli, course
from wslab.commands import lab

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def installed(tmp_path, monkeypatch):
    """wslab as a wheel installs it, no checkout around it. Returns the course inside."""
    package = tmp_path / "site-packages" / "wslab"
    (package / "course").mkdir(parents=True)
    (package / "course" / "00_start_here.ipynb").write_text("first")
    (package / "course" / "02_handshake.ipynb").write_text("second")
    monkeypatch.setattr(course, "PACKAGE", package)
    monkeypatch.chdir(tmp_path)
    return package / "course"


def test_a_checkout_opens_its_own_notebooks():
    assert course.checkout() == ROOT / "notebooks"
    assert lab.prepare(None) == ROOT / "notebooks"


def test_an_installed_course_is_copied_to_a_folder(installed, capsys):
    assert lab.prepare(None) == Path("wslab-course")
    assert Path("wslab-course/02_handshake.ipynb").read_text() == "second"
    assert "2 added" in capsys.readouterr().out


def test_what_a_learner_changed_is_kept_and_named(installed, tmp_path):
    folder = tmp_path / "mine"
    course.copy_to(folder)
    (folder / "02_handshake.ipynb").write_text("my answers")
    (folder / "notes.txt").write_text("mine alone")
    (installed / "02_handshake.ipynb").write_text("second, newer")
    (installed / "03_frames.ipynb").write_text("third")

    copied = course.copy_to(folder)

    assert copied == (["03_frames.ipynb"], [], ["02_handshake.ipynb"])
    assert (folder / "02_handshake.ipynb").read_text() == "my answers"
    assert (folder / "notes.txt").read_text() == "mine alone"


def test_what_a_learner_did_not_touch_is_brought_up_to_date(installed, tmp_path):
    folder = tmp_path / "mine"
    course.copy_to(folder)
    (installed / "02_handshake.ipynb").write_text("second, newer")
    assert course.copy_to(folder) == ([], ["02_handshake.ipynb"], [])
    assert (folder / "02_handshake.ipynb").read_text() == "second, newer"
    assert str(course.copy_to(folder)) == "up to date"


def test_without_the_list_of_what_was_written_nothing_is_taken_for_untouched(installed, tmp_path):
    folder = tmp_path / "mine"
    course.copy_to(folder)
    (folder / course.MANIFEST).write_text("{broken")
    (installed / "02_handshake.ipynb").write_text("second, newer")
    assert course.copy_to(folder).kept == ["02_handshake.ipynb"]


def test_a_learner_who_took_the_new_file_by_hand_is_up_to_date(installed, tmp_path):
    folder = tmp_path / "mine"
    course.copy_to(folder)
    (folder / "02_handshake.ipynb").write_text("the same in both")
    (installed / "02_handshake.ipynb").write_text("the same in both")
    assert str(course.copy_to(folder)) == "up to date"
    (installed / "02_handshake.ipynb").write_text("newer again")
    assert course.copy_to(folder).updated == ["02_handshake.ipynb"]


def test_a_file_where_the_folder_should_be_is_one_clear_line(installed, tmp_path, capsys):
    (tmp_path / "taken").write_text("a file")
    assert cli.main(["lab", "taken", "--no-browser"]) == 2
    error = capsys.readouterr().err
    assert error.startswith("wslab lab: cannot write the course to taken")
    assert error.count("\n") == 1


def test_a_course_that_is_not_there_is_one_clear_line(installed, capsys):
    for path in installed.iterdir():
        path.unlink()
    installed.rmdir()
    assert cli.main(["lab"]) == 2
    assert "carries no notebooks" in capsys.readouterr().err


@pytest.mark.parametrize("port", ["0", "65536", "http", "-1"])
def test_a_port_that_is_none_is_refused(port, capsys):
    with pytest.raises(SystemExit) as exit:
        cli.main(["lab", f"--port={port}"])
    assert exit.value.code == 2
    assert f"expected a port from 1 to 65535, got '{port}'" in capsys.readouterr().err


def test_the_version_is_the_packages(capsys):
    with pytest.raises(SystemExit) as exit:
        cli.main(["--version"])
    assert exit.value.code == 0
    assert capsys.readouterr().out == f"wslab {wslab.__version__}\n"


def test_the_help_lists_every_command(capsys):
    with pytest.raises(SystemExit):
        cli.main(["--help"])
    out = capsys.readouterr().out
    assert "Open JupyterLab on the lessons" in out
    assert "Check this machine" in out


def test_a_reader_who_has_seen_enough_is_no_error():
    run = subprocess.Popen(
        [sys.executable, "-m", "wslab", "doctor", "--json"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        cwd=ROOT,
    )
    run.stdout.close()  # as `| true` does
    _, error = run.communicate(timeout=60)
    assert (run.returncode, error) == (0, b"")


@pytest.mark.skipif(os.name != "posix", reason="elsewhere JupyterLab is a child process")
def test_wslab_lab_serves_the_course_on_loopback_with_its_token_on(tmp_path):
    environment = {
        **os.environ,
        "PYTHONPATH": str(ROOT),
        "HOME": str(tmp_path),
        "JUPYTER_CONFIG_DIR": str(tmp_path / "config"),
        "JUPYTER_DATA_DIR": str(tmp_path / "data"),
        "JUPYTER_RUNTIME_DIR": str(tmp_path / "runtime"),
    }
    environment.pop("JUPYTER_TOKEN", None)
    log = tmp_path / "log"
    with log.open("wb") as output:
        server = subprocess.Popen(
            [sys.executable, "-m", "wslab", "lab", "course", "--no-browser"],
            cwd=tmp_path,
            env=environment,
            stdout=output,
            stderr=subprocess.STDOUT,
        )
    try:
        # By its own process id: `wslab lab` has become JupyterLab.
        info = wait_for_server(server, tmp_path / "runtime", log)
        assert Path(info["root_dir"]) == tmp_path / "course"
        assert len(info["token"]) > 20
        address = f"http://127.0.0.1:{info['port']}/api/contents"
        with pytest.raises(urllib.error.HTTPError) as refused:
            urllib.request.urlopen(address, timeout=20)
        refused.value.close()
        assert refused.value.code == 403
        with urllib.request.urlopen(f"{address}?token={info['token']}", timeout=20) as answer:
            served = {entry["name"] for entry in json.load(answer)["content"]}
        assert served == {path.name for path in (ROOT / "notebooks").glob("*.ipynb")}
        # Notebooks are saved with what their views saw, unless the user says otherwise.
        plugin = "@jupyter-widgets/jupyterlab-manager:plugin"
        address = f"http://127.0.0.1:{info['port']}/lab/api/settings/{plugin}"
        with urllib.request.urlopen(f"{address}?token={info['token']}", timeout=20) as answer:
            assert json.load(answer)["schema"]["properties"]["saveState"]["default"] is True
    finally:
        server.terminate()
        server.wait(timeout=20)
