"""What a peer or a file says reaches the terminal with its control characters escaped, never raw;
and Ctrl-C is one line, however early it comes."""

from __future__ import annotations

import contextlib
import os
import subprocess
import sys
import unicodedata
from pathlib import Path

import pytest

from wslab import cli
from wslab.commands import tap as tap_command
from wslab.net import RawServer, Tap
from wslab.net.problem_log import ProblemLog
from wslab.wire import Capture, encode_frame, save

NASTY = "".join(
    [
        *map(chr, range(0x20)),
        "\x7f",
        *map(chr, range(0x80, 0xA0)),
        "\u061c\u200b\u200e\u200f\u2028\u2029\u202a\u202b\u202c\u202d\u202e",
        "\u2066\u2067\u2068\u2069\ufeff\U000e0001",
    ]
)
IN_HEAD = "".join(char for char in NASTY if char not in "\r\n").encode()
IN_NAME = NASTY.replace("\0", "").replace("/", "")


def tame(text: str) -> bool:
    """Whether a terminal shows `text` as it is: line ends are the only control characters."""
    return {unicodedata.category(char) for char in text if char != "\n"}.isdisjoint(
        {"Cc", "Cf", "Cs", "Zl", "Zp"}
    )


def hostile() -> Capture:
    """A recording with control characters wherever a peer or a file can put some."""
    capture = Capture()
    capture.notes.append(f"note {NASTY}")
    capture.open_connection()
    request = (
        b"GET /%b HTTP/1.1\r\nHost: %b\r\nX-%b: %b\r\nUpgrade: websocket\r\n"
        b"Connection: Upgrade\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Protocol: %b\r\n"
        b"Sec-WebSocket-Key: %b\r\nSec-WebSocket-Extensions: %b; a=%b\r\nno colon %b\r\n\r\n"
    )
    capture.record(1, "client", request % ((IN_HEAD,) * 9))
    answer = b"HTTP/1.1 101 %b\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n%b: %b\r\n\r\n"
    capture.record(1, "server", answer % ((IN_HEAD,) * 3))
    for opcode in (1, 2, 9, 10):
        capture.record(1, "server", encode_frame(opcode, NASTY.encode()[:125]))
        capture.record(1, "server", encode_frame(opcode, NASTY.encode()[-125:]))
        capture.mark(1, "server", "held", 0, 5, note=NASTY)
    capture.record(1, "server", encode_frame(8, b"\x03\xe8" + NASTY.encode()[:100]))
    capture.open_connection()
    capture.record(2, "client", IN_HEAD + b"\r\n\r\n")
    capture.open_connection(upgraded=True)
    for char in NASTY:  # short texts have a way of their own
        capture.record(3, "server", encode_frame(1, f"a{char}b".encode()))
        capture.record(3, "client", encode_frame(1, char.encode(), masking_key=b"key!"))
    capture.record(3, "server", encode_frame(8, b"\x03\xe8" + NASTY.encode()[-100:]))
    capture.record(3, "server", b"\x81\x05" + b"\x1b[31")
    return capture


@pytest.fixture(params=[".jsonl", ".har", ".pcapng"])
def path(request, tmp_path) -> Path:
    """A file of each format, with a name like what is in it."""
    return save(hostile(), tmp_path / f"{IN_NAME}{request.param}")


def say(capsys, *arguments: str) -> str:
    """Everything that a command prints."""
    with contextlib.suppress(SystemExit):
        cli.main(arguments)
    out, errors = capsys.readouterr()
    assert out + errors
    return out + errors


@pytest.mark.parametrize("options", [[], ["--brief"], ["--json"]])
def test_explain_prints_no_control_characters(path, options, capsys):
    assert tame(say(capsys, "explain", str(path), *options))


def test_errors_print_no_control_characters(tmp_path, capsys):
    for name in (f"none{IN_NAME}", f"empty{IN_NAME}", f"broken{IN_NAME}"):
        if name[0] != "n":
            (tmp_path / name).write_text(f'{{"wslab": "{NASTY}' if name[0] == "b" else "")
        where = str(tmp_path / name)
        for arguments in (
            ["explain", where],
            ["explain", "--server", f"{where}x"],
            ["explain", "--hex", NASTY],
            ["explain", "--from", NASTY],
            ["explain", where, where],
            ["replay", where, "ws://127.0.0.1:1/"],
            ["replay", where, "ws://127.0.0.1:1/", "--patience", NASTY],
            ["serve", NASTY],
            ["serve", "misbehave", "--how", NASTY],
            ["tap", NASTY],
            ["tap", f"ws://127.0.0.1:1/{NASTY}"],
            ["tap", "9", "--rule", NASTY],
            ["tap", "9", "--save", where],
            [NASTY],
        ):
            assert tame(say(capsys, *arguments)), arguments


@pytest.mark.parametrize("options", [[], ["--json"]])
def test_replay_prints_no_control_characters(options, tmp_path, capsys):
    saved = save(hostile(), tmp_path / "hostile.jsonl")

    async def answer(peer):
        head = b"HTTP/1.1 403 %b\r\n%b: %b\r\nContent-Length: 0\r\n\r\n"
        await peer.send(head % ((IN_HEAD,) * 3))

    with RawServer(answer, reads_head=False) as server:
        said = say(capsys, "replay", str(saved), server.url, "--patience", "0.2", *options)
    assert "403" in said
    assert tame(said)


def test_the_tap_prints_no_control_characters(capsys):
    capture = hostile()
    with RawServer(lambda peer: peer.wait_end()) as server, Tap(server.port, capture) as tap:
        tap.log.note(NASTY)
        printer = tap_command.Printer(tap, capture)
        for line in (
            f'edit every text to "{NASTY}"',
            f"drop {NASTY}",
            f"e 1 {NASTY}",
            f"d {NASTY}",
        ):
            tap_command.obey(tap, line)
        printer.print_news()
    said = "".join(capsys.readouterr())
    assert "rule: " in said
    assert tame(said)


def test_a_problem_is_one_line_without_control_characters():
    log = ProblemLog("test")
    log.note(f"text {NASTY}", ValueError(NASTY))
    (line,) = log
    assert tame(line)
    assert "\n" not in line


# --- Ctrl-C

INTERRUPTED = """
import os, runpy, signal, sys

class Interrupt:
    def find_spec(self, name, *_):
        if name == {module!r}:
            os.kill(os.getpid(), signal.SIGINT)

sys.meta_path.insert(0, Interrupt())
sys.argv = ["wslab", "explain", "--hex", "8100"]
runpy.run_module("wslab", run_name="__main__")
"""


@pytest.mark.skipif(os.name != "posix", reason="sends itself a SIGINT")
@pytest.mark.parametrize(
    "module", ["wslab.cli", "argparse", "wslab.commands.tap", "wslab.wire", "wslab.wire.accounts"]
)
def test_ctrl_c_while_modules_are_imported_is_one_line(module):
    ended = subprocess.run(
        [sys.executable, "-c", INTERRUPTED.format(module=module)],
        capture_output=True, text=True, timeout=60, cwd=Path(__file__).resolve().parents[2],
    )  # fmt: skip
    assert (ended.returncode, ended.stderr, ended.stdout) == (130, "wslab: interrupted\n", "")


def test_ctrl_c_in_a_command_is_one_line(monkeypatch, capsys):
    def interrupted(options):
        raise KeyboardInterrupt

    monkeypatch.setattr("wslab.commands.doctor.run", interrupted)
    assert cli.main(["doctor"]) == 130
    assert capsys.readouterr().err == "wslab: interrupted\n"
