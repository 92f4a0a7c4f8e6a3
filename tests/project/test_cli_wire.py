"""`wslab tap` and `wslab serve` as a shell runs them: URL first, live lines, a clean end."""

from __future__ import annotations

import json
import os
import queue
import signal
import socket
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import ClassVar
from urllib.parse import urlsplit

import pytest

from wslab import cli
from wslab.commands import CommandError
from wslab.commands import tap as tap_command
from wslab.net import EchoServer, NotConnected, Tap, connect, stop_all
from wslab.wire import Capture, accept_key, encode_frame, load, save

ROOT = Path(__file__).resolve().parents[2]
PATIENCE = 30.0


class Shell:
    """A running command; its lines come as it prints them."""

    def __init__(self, *arguments: str, encoding: str = "utf-8", redirect: str = "") -> None:
        command = [sys.executable, "-m", "wslab", *arguments]
        if redirect:
            command = ["sh", "-c", f'exec "$@" {redirect}', "sh", *command]
        self.process = subprocess.Popen(
            command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            cwd=ROOT,
            text=True,
            encoding="utf-8",
            env={**os.environ, "PYTHONIOENCODING": encoding},
        )
        self.lines: queue.Queue[str] = queue.Queue()
        self._reader = threading.Thread(target=self._read)
        self._reader.start()
        self.url = self.line()

    def _read(self) -> None:
        for line in self.process.stdout:
            self.lines.put(line.rstrip("\n"))

    def line(self, holding: str = "") -> str:
        """The next line that holds this text."""
        while holding not in (line := self.lines.get(timeout=PATIENCE)):
            pass
        return line

    def type(self, line: str) -> None:
        self.process.stdin.write(line + "\n")
        self.process.stdin.flush()

    def end(self, number: int = signal.SIGTERM) -> tuple[int, str]:
        """Tell it to end; its exit status, and what it said on standard error."""
        if self.process.poll() is None:
            self.process.send_signal(number)
        errors = self.process.stderr.read()
        self.process.wait(PATIENCE)
        self._reader.join(PATIENCE)
        for stream in (self.process.stdin, self.process.stdout, self.process.stderr):
            stream.close()
        return self.process.returncode, errors


@pytest.fixture
def shell() -> Iterator:
    shells: list[Shell] = []

    def run(*arguments: str, **options: str) -> Shell:
        shells.append(Shell(*arguments, **options))
        return shells[-1]

    yield run
    stop_all()
    for one in shells:
        if not one.process.stdin.closed:  # the test did not get as far as ending it
            one.end(signal.SIGKILL if os.name == "posix" else signal.SIGTERM)


@pytest.fixture
def echo() -> Iterator[EchoServer]:
    with EchoServer() as server:
        yield server


posix = pytest.mark.skipif(os.name != "posix", reason="signals as POSIX has them")


def test_the_tap_says_after_a_pause_what_is_no_frame(shell):
    """A server's HTTP side answers after the 101: the client waits for a frame that never ends."""
    key = "dGhlIHNhbXBsZSBub25jZQ=="
    asked = (
        "GET / HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
        f"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: {key}\r\n\r\n"
    ).encode()
    answered = (
        "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        f"Sec-WebSocket-Accept: {accept_key(key)}\r\n\r\n"
    ).encode()
    with socket.create_server(("127.0.0.1", 0)) as server:
        tap = shell("tap", str(server.getsockname()[1]))
        where = urlsplit(tap.url)
        with socket.create_connection((where.hostname, where.port), PATIENCE) as client:
            client.sendall(asked)
            peer, _ = server.accept()
            with peer:
                peer.recv(len(asked), socket.MSG_WAITALL)
                late = b"HTTP/1.1 408 Request Timeout\r\nConnection: close\r\n\r\n"
                peer.sendall(answered + encode_frame(1, b"hello") + late)
                line = tap.line("✗")
        assert f"server, byte {len(answered) + 7}: These {len(late)} bytes are an HTTP" in line
        assert "408 Request Timeout" in line
        tap.end()


@posix
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_the_tap_prints_the_conversation_and_saves_it_at_the_end(shell, echo, tmp_path, number):
    saved = tmp_path / "capture.jsonl"
    tap = shell("tap", echo.url, "--save", str(saved))
    with connect(tap.url) as first, connect(tap.url) as second:
        first.send("Hello")
        assert first.recv() == "Hello"
        second.send("<b>\x1b[31mred</b>")
        assert second.recv() == "<b>\x1b[31mred</b>"
        line = tap.line("Hello")
        assert "#1 Python  client ──▶ server  text" in line
        assert line.split()[-1] == '"Hello"'
        assert "#1 Python  client ◀── server  text" in tap.line("Hello")
        red = tap.line("red")
        assert "\x1b" not in red, "no colour where there is no terminal, and none from a peer"
        status, errors = tap.end(number)
    assert status == 0
    rows = load(saved).index.rows()
    assert {row.connection for row in rows} == {1, 2}
    assert f"saved {len(rows)} rows in {saved}" in errors


@posix
def test_lines_on_standard_input_step_and_change_what_is_held(shell, echo):
    tap = shell("tap", str(echo.port), "--hold")
    # Its handshake is stepped by hand, which takes its time on a busy machine.
    ready = threading.Thread(target=lambda: clients.append(connect(tap.url, open_timeout=60)))
    clients: list = []
    ready.start()
    assert "[held]" in tap.line("GET /")
    tap.type("")
    assert "[held]" in tap.line("101")
    tap.type("s")
    ready.join(PATIENCE)
    (client,) = clients
    client.send("one")
    number = tap.line('"one"').split()[0]
    tap.type(f"e {number} two words")
    tap.line(f"row {number}: edited, held")
    tap.type("g")
    assert client.recv() == "two words"
    tap.type("i from the shell")
    assert client.recv() == "from the shell"
    assert "[injected]" in tap.line("from the shell")
    tap.type("drop every client text")
    tap.line("rule: drop every client text")
    tap.type("nonsense")
    client.send("lost")
    assert "[dropped]" in tap.line("lost")
    tap.type("cut")
    with pytest.raises(NotConnected):
        client.recv()
    assert "the tap ended TCP with FIN" in tap.line("end: ").replace("The", "the")
    tap.type("q")
    status, errors = tap.end()
    assert status == 0
    assert "expected an action: drop, hold" in errors


@posix
def test_the_tap_tells_how_a_connection_ended_once(shell, echo):
    tap = shell("tap", echo.url)
    with connect(tap.url):
        pass
    assert tap.line("end: ").endswith(
        "#1 Python  end: Close 1000 from the client, close 1000 from the server, then the server's "
        "side sent FIN: both APIs say 1000."
    )
    assert tap.end()[0] == 0
    assert tap.lines.empty()


@posix
def test_what_no_longer_fits_goes_and_is_told(shell, echo, tmp_path):
    saved = tmp_path / "capture.jsonl"
    tap = shell("tap", echo.url, "--limit", "1", "--save", str(saved))
    with connect(tap.url) as client:
        for _ in range(5):
            client.send(bytes(200_000))
            client.recv()
        status, errors = tap.end()
    assert status == 0
    assert "are no longer kept, only their rows: the limit of this recording is 1 MiB." in errors
    assert "--limit 2 keeps more" in errors
    (note,) = load(saved).notes
    assert "were not kept" in note


@posix
def test_a_recording_whose_folder_is_gone_is_saved_elsewhere(shell, echo, tmp_path, monkeypatch):
    temporary, folder = tmp_path / "temporary", tmp_path / "folder"
    temporary.mkdir()
    folder.mkdir()
    monkeypatch.setenv("TMPDIR", str(temporary))
    tap = shell("tap", echo.url, "--save", str(folder / "capture.jsonl"))
    with connect(tap.url) as client:
        client.send("Hello")
        tap.line("Hello")
        folder.rmdir()
        status, errors = tap.end()
    assert status == 2
    (saved,) = temporary.glob("wslab-*/*")
    assert saved.name == "capture.jsonl"
    assert "Hello" in {message.text for message in load(saved).index.messages()}
    (line,) = [line for line in errors.splitlines() if line.startswith("wslab tap: ")]
    assert line.startswith(f"wslab tap: cannot write {folder / 'capture.jsonl'}: No such file")
    assert str(saved) in line
    assert "Traceback" not in errors


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs a device that is always full")
def test_on_a_full_disk_no_half_of_a_file_is_left(tmp_path, monkeypatch):
    capture = Capture()
    capture.record(capture.open_connection(), "client", b"GET / HTTP/1.1\r\n\r\n")
    # What `save` writes first becomes the file at the end: here it ends on a full disk.
    (tmp_path / "full.jsonl.part").symlink_to("/dev/full")
    (tmp_path / "temporary").mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "temporary"))
    with pytest.raises(CommandError, match="No space left on device; the recording is in"):
        tap_command._save(capture, tmp_path / "full.jsonl")
    assert [path.name for path in tmp_path.iterdir()] == ["temporary"]
    (saved,) = tmp_path.glob("temporary/*/full.jsonl")
    assert len(load(saved).index) == 1


def test_a_recording_that_fits_nowhere_is_said_to_be_lost(tmp_path, monkeypatch):
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "gone"))
    with pytest.raises(CommandError, match="the recording is lost") as lost:
        tap_command._save(Capture(), tmp_path / "nowhere" / "capture.jsonl")
    assert "\n" not in str(lost.value)


@posix
def test_rules_from_the_command_line(shell, echo):
    tap = shell("tap", echo.url, "--rule", 'edit every server text to "changed"', "--seed", "7")
    with connect(tap.url) as client:
        client.send("x")
        assert client.recv() == "changed"
        assert "[edited]" in tap.line("client ◀── server  text")
    assert tap.end()[0] == 0


@posix
@pytest.mark.parametrize(
    ("arguments", "talk"),
    [
        (["echo"], [("hi", "hi")]),
        (["echo", "--compression", "deflate", "--max-size", "5"], [("hello", "hello")]),
        (["misbehave", "--how", "redirect"], []),
        (["chat", "--max-size", "100"], None),
    ],
)
def test_a_server_is_reached_at_the_url_that_it_prints_first(shell, arguments, talk):
    server = shell("serve", *arguments)
    url = server.url + ("?name=Ada" if talk is None else "")
    with connect(url) as client:
        for said, answered in talk or []:
            client.send(said)
            assert client.recv() == answered
        if talk is None:
            assert '"welcome"' in client.recv()
        status, _ = server.end()
    assert status == 0


@posix
def test_the_size_limit_is_the_servers(shell):
    server = shell("serve", "echo", "--max-size", "5")
    with connect(server.url) as client:
        client.send("123456")
        with pytest.raises(NotConnected, match="1009"):
            client.recv()
    assert server.end()[0] == 0


@posix
def test_a_recording_is_served_and_says_where_a_client_departs(shell, tmp_path, capsys):
    capture = Capture()
    with EchoServer() as server, Tap(server.port, capture) as tap, connect(tap.url) as client:
        client.send('{"id": 7}')
        client.recv()
    path = str(save(capture, tmp_path / "talk.jsonl"))
    mock = shell("serve", path)
    assert cli.main(["replay", path, mock.url]) == 0
    with connect(mock.url) as client:
        client.send('{"id": 8}')
        assert client.recv() == '{"id": 7}'
    assert "$.id is 8, not 7" in mock.line("client 2 as #1")
    status, errors = mock.end()
    assert status == 0
    assert ": as recorded, 1 of 1 messages came\nclient 2" in errors
    for sent, expected in [('{"id": 7}', 0), ("other", 1)]:
        once = shell("serve", path, "--once")
        with connect(once.url) as client:
            client.send(sent)
            client.recv()
        assert once.process.wait(PATIENCE) == expected


def test_the_ways_to_misbehave_are_listed(capsys):
    assert cli.main(["serve", "misbehave", "--list"]) == 0
    out = capsys.readouterr().out
    assert "wrong-accept" in out
    assert "RFC 6455 §4.1" in out


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["serve", "misbehave"], "expected --how with a way to misbehave"),
        (["serve", "misbehave", "--how", "nicely"], "got 'nicely'; `wslab serve misbehave --list`"),
        (["serve", "echo", "--how", "hangs"], "--how is for misbehave"),
        (["serve", "echo", "--list"], "--list is for misbehave"),
        (["serve", "ehco"], "expected echo, chat, misbehave or the file of a recording"),
        (["serve", "echo", "--once"], "--once are for a recording"),
        (["serve", "LICENSE", "--how", "hangs"], "are not for a recording"),
        (["serve", "LICENSE"], "LICENSE"),
        (["serve", "misbehave", "--how", "hangs", "--max-size", "5"], "are for echo and chat"),
        (["tap", "http://127.0.0.1:80"], "expected ws:// or wss://"),
        (["tap", "wss://127.0.0.1:80"], "encrypted from end to end"),
        (["tap", "0"], "expected a port from 1 to 65535"),
        (["tap", "80", "--rule", "drp every pong"], "did you mean 'drop'?"),
        (["tap", "80", "--save", "/nowhere/at/all.jsonl"], "cannot write /nowhere/at/all.jsonl"),
        (["tap", "80", "--save", "all.txt"], "ends in .jsonl, .pcapng, .har, got 'all.txt'"),
    ],
)
def test_what_cannot_be_done_is_one_clear_line(arguments, says, capsys):
    assert cli.main(arguments) == 2
    error = capsys.readouterr().err
    assert says in error
    assert error.count("\n") == 1


@posix
@pytest.mark.parametrize("encoding", ["cp1252", "ascii"])
def test_what_the_output_has_no_characters_for_is_escaped(shell, echo, encoding):
    tap = shell("tap", echo.url, encoding=encoding)
    with connect(tap.url) as client:
        client.send("żyć")
        row = tap.line(r"\u017cy\u0107")
        status, errors = tap.end()
    assert r"client \u2500\u2500\u25b6 server" in row
    assert (status, "Traceback" in errors) == (0, False)


@pytest.mark.parametrize("arguments", [["serve", "misbehave", "--list"], ["doctor", "--json"]])
def test_a_terminal_that_knows_ascii_only_gets_ascii(arguments):
    environment = {"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"}
    run = subprocess.run(
        [sys.executable, "-m", "wslab", *arguments],
        env={**os.environ, **environment, "PYTHONIOENCODING": "ascii"},
        capture_output=True,
        cwd=ROOT,
        timeout=60,
    )
    assert run.stderr == b""
    out = run.stdout.decode("ascii")
    if "--json" in arguments:
        assert all(check["result"] for check in json.loads(out))
    else:
        assert r"RFC 6455 \xa74.1" in out


@posix
def test_standard_input_that_is_closed_has_nothing_to_say(shell, echo):
    tap = shell("tap", str(echo.port), "--hold", redirect="<&-")
    with socket.create_connection(("127.0.0.1", urlsplit(tap.url).port), PATIENCE) as sock:
        sock.sendall(b"GET / HTTP/1.1\r\n\r\n")
        assert "[held]" in tap.line("GET /")
        status, errors = tap.end()
    assert (status, "Traceback" in errors) == (0, False)


@posix
def test_a_server_may_have_its_standard_output_closed():
    run = subprocess.Popen(
        ["sh", "-c", 'exec "$@" >&-', "sh", sys.executable, "-m", "wslab", "serve", "echo"],
        stderr=subprocess.PIPE,
        cwd=ROOT,
    )
    try:
        assert b"echo server on this machine" in run.stderr.readline()
        run.terminate()
        _, errors = run.communicate(timeout=PATIENCE)
    finally:
        run.kill()
        run.wait()
    assert (run.returncode, errors) == (0, b"")


@pytest.mark.parametrize("limit", ["0", "-1", "much"])
def test_a_limit_that_is_none_is_refused(limit, capsys):
    with pytest.raises(SystemExit, match="2"):
        cli.main(["tap", "80", f"--limit={limit}"])
    assert f"expected 1 to 1048576 MiB, got '{limit}'" in capsys.readouterr().err


def test_a_port_that_is_taken_is_one_clear_line(echo, capsys):
    assert cli.main(["tap", "80", "--port", str(echo.port)]) == 2
    assert "expected port" in capsys.readouterr().err


class QuietTap:
    """A tap that has no problems to tell."""

    log: ClassVar[list[str]] = []
    faults: ClassVar[list[str]] = []


def test_of_a_burst_the_newest_rows_are_printed_and_the_others_counted(capsys, monkeypatch):
    monkeypatch.setattr(tap_command, "LINES", 50)
    capture = Capture(clock=lambda: 0.0)
    number = capture.open_connection(upgraded=True)
    printer = tap_command.Printer(QuietTap(), capture)
    capture.record(number, "server", encode_frame(1, b"one") * 50)
    printer.print_news()
    assert len(capsys.readouterr().out.splitlines()) == 50
    capture.record(number, "server", encode_frame(1, b"many") * 1000)
    for row in range(1000):
        capture.mark(number, "server", "duplicated", 250 + 6 * row, 6)
    printer.print_news()
    skip, *lines = capsys.readouterr().out.splitlines()
    assert "… 950 rows are not printed" in skip
    assert [int(line.split()[0]) for line in lines] == [*range(1000, 1050)]
    assert len(printer._told) <= 200
    printer.print_news()
    assert capsys.readouterr().out == ""
