"""`wslab doctor`: what it finds is real, and each fault has one remedy."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path

import nbclient
import nbformat
import pytest

from wslab import cli, doctor, installed
from wslab.doctor import Check

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="module")
def checks():
    return {check.name: check for check in doctor.check()}


def test_a_machine_that_runs_these_tests_is_healthy(checks):
    assert not [check for check in checks.values() if check.result == "fail"]


def test_every_package_that_wslab_requires_is_looked_at(checks):
    assert {"jupyterlab", "ipywidgets", "anywidget", "websockets", "nest-asyncio"} <= set(checks)
    assert "pytest" not in checks, "extras are not required"


def test_sockets_and_threads_are_really_tried(checks):
    assert "listened on 127.0.0.1:" in checks["loopback"].found
    assert "'Hello' went to ws://127.0.0.1:" in checks["WebSocket echo"].found
    assert checks["background thread"].found.startswith("a server answered")
    assert "this is a shell" in checks["kernel"].found


def test_node_and_ws_are_named_or_the_command_that_installs_them(checks, monkeypatch, tmp_path):
    assert re.match(r"v\d+\.\d+\.\d+ with ws \d+\.", checks["Node"].found)
    monkeypatch.setenv("WSLAB_NODE", str(tmp_path))
    missing = doctor.node()
    assert (missing.result, missing.remedy) == ("warn", "wslab node")
    assert "its package `ws` is not in" in missing.found


def test_exactly_what_is_not_well_has_a_remedy(checks):
    for check in checks.values():
        assert bool(check.remedy) == (check.result != "ok"), check


def test_the_browsers_of_the_machine_are_named(tmp_path, monkeypatch):
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr(
        installed, "BROWSERS", {name: places[:1] for name, places in installed.BROWSERS.items()}
    )
    assert doctor.browsers().result == "warn"
    paths = {}
    for name in ("Chromium", "Firefox"):
        paths[name] = tmp_path / installed.BROWSERS[name][0]
        paths[name].write_text("#!/bin/sh\n")
        paths[name].chmod(0o755)
    found = doctor.browsers()
    assert (found.result, found.remedy) == ("ok", "")
    assert found.found == f"Chromium ({paths['Chromium']}), Firefox ({paths['Firefox']})"


def test_a_python_without_the_packages_is_told_how_to_get_them():
    code = (
        f"import sys; sys.path.insert(0, {str(ROOT)!r})\n"
        "from wslab.cli import main; sys.exit(main(['doctor', '--json']))"
    )
    answer = subprocess.run(
        [sys.executable, "-I", "-S", "-c", code], capture_output=True, text=True, timeout=60
    )
    assert answer.returncode == 1
    failed = {one["name"]: one for one in json.loads(answer.stdout) if one["result"] == "fail"}
    assert set(failed) == {"packages", "WebSocket echo", "background thread"}
    assert failed["packages"]["remedy"] == f"{sys.executable} -m pip install {ROOT}"
    for name in ("WebSocket echo", "background thread"):
        assert failed[name]["remedy"] == f"{sys.executable} -m pip install websockets"


def test_a_package_that_is_too_old_or_missing_is_told_how_to_mend():
    from packaging.specifiers import SpecifierSet

    old = doctor.package("websockets", SpecifierSet(">=1000"))
    assert (old.result, "but wslab needs >=1000" in old.found) == ("fail", True)
    assert old.remedy == f"{sys.executable} -m pip install --upgrade 'websockets>=1000'"
    missing = doctor.package("no-such-package", SpecifierSet(">=1"))
    assert missing.remedy == f"{sys.executable} -m pip install 'no-such-package>=1'"


def test_what_fails_says_what_happened():
    def refused() -> str:
        raise ConnectionRefusedError(111, "Connection refused")

    assert doctor.guarded("loopback", refused, "open it") == Check(
        "loopback", "fail", "ConnectionRefusedError: [Errno 111] Connection refused", "open it"
    )


def test_a_proxy_that_would_be_asked_for_loopback_is_told(monkeypatch):
    for name in ("http_proxy", "https_proxy", "all_proxy", "no_proxy", "ws_proxy", "socks_proxy"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.upper(), raising=False)
    monkeypatch.setenv("https_proxy", "http://127.0.0.1:9")
    assert doctor.proxy().result == "warn"
    assert "NO_PROXY=127.0.0.1,localhost" in doctor.proxy().remedy
    monkeypatch.setenv("no_proxy", "127.0.0.1,localhost")
    assert doctor.proxy().result == "ok"


@pytest.mark.kernel
def test_in_a_kernel_it_says_how_the_kernel_works_and_what_nest_asyncio_did():
    ask = "import json\nfrom wslab import doctor\nprint(json.dumps(doctor.check()))"
    notebook = nbformat.v4.new_notebook(
        cells=[
            nbformat.v4.new_code_cell(ask),
            nbformat.v4.new_code_cell("import nest_asyncio; nest_asyncio.apply()\n" + ask),
        ]
    )
    client = nbclient.NotebookClient(notebook, timeout=60, resources={"metadata": {"path": ROOT}})
    client.execute()
    before, after = (
        {name: (result, found) for name, result, found, _ in json.loads(cell.outputs[0].text)}
        for cell in notebook.cells
    )
    assert before["kernel"][1].startswith("ipykernel ")
    assert before["nest_asyncio"][0] == "ok"
    assert after["nest_asyncio"][0] == "warn"
    # The checks themselves work beside a patched asyncio too.
    assert [name for name in after if after[name][0] == "fail"] == []


NESTED = """
import asyncio, sys
{before}
import wslab
from wslab import doctor
print(doctor.nested_loops().found)
async def main():
    return asyncio.run(asyncio.sleep(0, "nested"))
loop = asyncio.new_event_loop()
asyncio.set_event_loop(loop)
wslab.allow_asyncio_run()
print(loop.run_until_complete(main()))
print(doctor.nested_loops().found)
loop.close()
"""


@pytest.mark.parametrize(
    ("before", "package"),
    [("", "nest_asyncio2"), ("sys.modules['nest_asyncio2'] = None", "nest_asyncio")],
    ids=["ipykernel-brought-the-fork", "without-it"],
)
def test_nested_loops_come_from_the_fork_where_it_is_installed(before, package):
    pytest.importorskip(package)
    # In a process of its own: it changes asyncio for good.
    script = NESTED.format(before=before)
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, timeout=60
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.splitlines() == [
        f"not applied; asyncio is Python's own (wslab.allow_asyncio_run() would apply {package})",
        "nested",
        f"{package} is applied: asyncio.run() works in a cell, and nested runs finish last in, "
        "first out",
    ]


def test_the_table_says_its_results_in_words():
    text = doctor.table(
        [Check("loopback", "ok", "fine"), Check("disk", "fail", "0 GB\nfree", "free some space")]
    )
    assert text.splitlines() == [
        "ok    loopback  fine",
        "fail  disk      0 GB free",
        "                → free some space",
        "",
        "1 failed. The arrow says what to do.",
    ]
    assert "\x1b[31mfail\x1b[0m" in doctor.table([Check("x", "fail", "", "y")], colour=True)


def test_terminal_codes_in_a_finding_do_not_reach_the_terminal():
    assert "\x1b" not in doctor.table([Check("x", "fail", "\x1b[2Jgone", "y")])


def test_the_command_prints_the_table_and_succeeds(capsys):
    assert cli.main(["doctor"]) == 0
    assert "WebSocket echo" in capsys.readouterr().out
