"""A lab's own Chromium: found, started, commanded, and gone with whoever started it."""

from __future__ import annotations

import os
import select
import shutil
import signal
import subprocess
import sys
import threading
from pathlib import Path

import pytest
from websockets.sync.client import connect

from wslab.installed import CHROMIUM, FIREFOX, find
from wslab.net import NotRunning, RawServer, Tap, running
from wslab.net.browsers import Chromium, CommandFailed, Commands
from wslab.net.programs import ProgramFailed, ProgramMissing
from wslab.wire import Capture

PATIENCE = 30


@pytest.fixture
def chromium():
    if find(CHROMIUM) is None:
        reason = f"no Chromium on this machine: {CHROMIUM.remedy}"
        pytest.fail(reason, pytrace=False) if os.environ.get("CI") else pytest.skip(reason)
    return Chromium("test")


def processes_of(folder: Path) -> list[int]:
    """The processes that have the folder in their command lines."""
    found = []
    for entry in Path("/proc").glob("[0-9]*"):
        try:
            if str(folder).encode() in (entry / "cmdline").read_bytes():
                found.append(int(entry.name))
        except OSError:  # it has ended meanwhile
            continue
    return found


def test_it_takes_commands_and_tells_events_until_it_is_stopped(chromium):
    async def page(connection):
        body = b"<!doctype html><title>A page</title>"
        head = ("Content-Type: text/html", f"Content-Length: {len(body)}", "Connection: close")
        await connection.respond("200 OK", *head, body=body)

    with chromium, RawServer(page) as server:
        folder = chromium.folder
        assert chromium.version.startswith(("Chrome/", "HeadlessChrome/"))
        assert chromium.start() is chromium
        assert ("browser", "test") in [(entry.kind, entry.name) for entry in running()]
        url = server.url.replace("ws:", "http:")
        opened = chromium.open(url)
        assert opened.evaluate("Promise.resolve(document.title)") == "A page"
        opened.command("Network.enable")
        opened.go_to(url)
        told = opened.wait_for("Network.requestWillBeSent", documentURL=url)
        assert told.params["request"]["method"] == "GET"
        # Each page has events of its own.
        assert "Network.requestWillBeSent" not in [one.method for one in chromium.open().events]
        with pytest.raises(CommandFailed, match="threw Error: no"):
            opened.evaluate("(() => { throw new Error('no'); })()")
        with pytest.raises(CommandFailed, match=r"refused Network.nothing: .*wasn't found"):
            opened.command("Network.nothing")
        with pytest.raises(CommandFailed, match="ERR_NAME_NOT_RESOLVED"):  # nothing leaves this
            opened.go_to("http://wslab.example/")  # machine
        assert processes_of(folder)
    assert not folder.exists()
    assert processes_of(folder) == []
    with pytest.raises(NotRunning, match="start"):
        chromium.open()
    with pytest.raises(NotRunning, match="has ended"):
        opened.evaluate("1")
    chromium.stop()
    assert repr(chromium) == "<Chromium 'test': not running>"


def test_with_a_port_the_protocol_is_a_websocket_and_stop_is_heard(chromium, interrupt_when):
    capture, begun = Capture(), threading.Event()
    with Chromium("test", "--remote-debugging-port=0") as chromium:
        port, path = (chromium.folder / "DevToolsActivePort").read_text().split()
        with (
            Tap(f"ws://127.0.0.1:{port}", capture, name="CDP") as tap,
            connect(tap.url.rstrip("/") + path, max_size=None) as socket,
        ):
            commands = Commands(socket.send, socket)
            assert commands.command("Browser.getVersion")["product"] == chromium.version
            socket.close()
            commands.join()
            assert commands.over
        said = [row.preview for row in capture.index.rows() if row.kind == "text"]
        assert said[0] == '"{"id": 1, "method": "Browser.getVersion", "params": {}}"'

        page = chromium.open()

        def wait_for_ever() -> None:
            begun.set()
            page.evaluate("new Promise(() => {})")

        interrupt_when(begun)
        with pytest.raises(KeyboardInterrupt):
            wait_for_ever()
        assert page.evaluate("6 * 7") == 42


def test_one_that_crashed_is_started_again_and_a_second_one_replaces_it(chromium):
    crashed = chromium.start().folder
    with pytest.raises(NotRunning, match=r"Browser.crash.*ended"):
        chromium.commands.command("Browser.crash")
    again = chromium.start().folder
    assert not crashed.exists()
    assert chromium.open().evaluate("6 * 7") == 42
    with Chromium("test") as second:
        assert not again.exists()
        assert second.open().evaluate("6 * 7") == 42


HOLDS_ONE = """\
import os, signal
from wslab.net.browsers import Chromium
chromium = Chromium("killed").start()
page = chromium.open()
child = os.fork()  # as a program's own worker, which lives on
if child == 0:
    os.setsid()
    signal.pause()
print(chromium.folder, chromium._process.pid, child, flush=True)
input()
"""


@pytest.mark.skipif(not hasattr(os, "pidfd_open"), reason="needs Linux, to wait for its end")
def test_it_ends_with_a_kernel_that_is_killed(chromium):
    # In a group of its own, which is killed as a whole, as Jupyter does with a kernel.
    kernel = subprocess.Popen(
        [sys.executable, "-c", HOLDS_ONE],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    with kernel:
        folder, keeper, child = kernel.stdout.readline().split()
        ended = os.pidfd_open(int(keeper))
        os.killpg(kernel.pid, signal.SIGKILL)
        try:
            assert select.select([ended], [], [], PATIENCE)[0], "the keeper still runs"
        finally:
            os.kill(int(child), signal.SIGKILL)
    os.close(ended)
    assert not Path(folder).exists()
    assert processes_of(Path(folder)) == []


def test_without_one_it_says_how_to_get_it(monkeypatch, tmp_path):
    monkeypatch.setattr("wslab.net.browsers.chromium.find", lambda wanted: None)
    with pytest.raises(ProgramMissing, match=r"apt-get install chromium.*WSLAB_BROWSER"):
        Chromium("none").start()


@pytest.mark.skipif(shutil.which("false") is None, reason="needs a program that only fails")
def test_one_that_does_not_start_leaves_nothing_behind(monkeypatch):
    monkeypatch.setenv("WSLAB_BROWSER", shutil.which("false"))
    chromium = Chromium("false")
    with pytest.raises(ProgramFailed, match=r"Chromium did not start: it said nothing"):
        chromium.start()
    assert not chromium.is_running


def test_what_a_variable_names_comes_first_then_the_path(monkeypatch, tmp_path):
    program = tmp_path / "firefox"
    program.touch(mode=0o700)
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.delenv("WSLAB_FIREFOX", raising=False)
    if sys.platform != "win32":
        assert find(FIREFOX) == str(program)
    monkeypatch.setenv("WSLAB_FIREFOX", "mine")
    assert find(FIREFOX) == "mine"
