"""The notebook that an exercise is in: its stubs, and cells run as the notebook runs them."""

from __future__ import annotations

import base64
import json
import os
from collections.abc import Callable
from functools import cached_property
from importlib import import_module
from pathlib import Path
from types import ModuleType

import pytest

from wslab.exercises import reference_server
from wslab.exercises.exercise import Exercise
from wslab.exercises.frames import puzzle
from wslab.exercises.verdict import Verdict
from wslab.net.cases import ENDINGS, play
from wslab.net.node import NodeProgram
from wslab.net.peers import LibraryPeers
from wslab.wire import Capture, Unit, steps

NOTEBOOKS = Path(__file__).parents[2] / "notebooks"

REQUEST = (
    b"GET / HTTP/1.1\r\nHost: a\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    b"Sec-WebSocket-Key: %b\r\nSec-WebSocket-Version: 13\r\n\r\n"
)
RESPONSE = (
    b"HTTP/1.1 101 Yes\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    b"Sec-WebSocket-Accept: %b\r\n\r\n"
)


def response(accept: bytes) -> Unit:
    """A server's answer to a request, with this accept key."""
    capture = Capture()
    connection = capture.open_connection()
    capture.record(connection, "client", REQUEST % base64.b64encode(os.urandom(16)))
    capture.record(connection, "server", RESPONSE % accept)
    return capture.index.unit(1)


def trace() -> Capture:
    """Three connections; on the second the server closes with 1009, on the third with 1000."""
    capture = Capture()
    for code in (None, 1009, 1000):
        connection = capture.open_connection(upgraded=True)
        capture.record(connection, "client", bytes.fromhex("818000000000"))
        if code:
            capture.record(connection, "server", b"\x88\x02" + code.to_bytes(2, "big"))
    return capture


def story() -> list[object]:
    """A client that was OPEN, and then TCP broke off."""
    capture = Capture()
    connection = capture.open_connection()
    capture.record(connection, "client", REQUEST % b"dGhlIHNhbXBsZSBub25jZQ==")
    capture.record(connection, "server", RESPONSE % b"s3pPLMBiTxaQ9kYGzzhZRbK+xOo=")
    capture.end(connection, "server", "reset")
    return list(steps(capture, connection))


def ending() -> object:
    """The ending of the close codes' trace, played."""
    peers = LibraryPeers()
    try:
        return play(ENDINGS["reason-not-utf8"], peers, Capture())
    finally:
        peers.stop()


def offer_and_answer() -> list[Unit]:
    """A request and a response that agree on other windows in the two directions."""
    field = b"\r\nSec-WebSocket-Extensions: permessage-deflate; %b\r\n\r\n"
    answer = b"server_no_context_takeover; server_max_window_bits=12; client_max_window_bits=10"
    capture = Capture()
    connection = capture.open_connection()
    for side, head, parameters in (
        ("client", REQUEST % b"dGhlIHNhbXBsZSBub25jZQ==", b"client_max_window_bits"),
        ("server", RESPONSE % b"s3pPLMBiTxaQ9kYGzzhZRbK+xOo=", answer),
    ):
        capture.record(connection, side, head[:-4] + field % parameters)
    return [capture.index.unit(0), capture.index.unit(1)]


NAMES = ["BINARY", "CLOSE", "CONTINUATION", "GUID", "LIMIT", "PING", "PONG", "TEXT", "Head"]
NAMES += ["Refused", "fields_of", "response"]
"""What the cells of lesson 15 import."""

# By topic and name. A lesson whose exercises ask for functions has none.
MADE_ABOVE: dict[str, Callable[[], dict[str, object]]] = {
    "build_your_own": lambda: {name: getattr(reference_server, name) for name in NAMES},
    "chat": lambda: {"trace": trace()},
    "close_codes": lambda: {"mystery": ending()},
    "connection_state": lambda: {"story": story()},
    "extensions_and_subprotocols": lambda: {"mystery": offer_and_answer()},
    "frames": lambda: {"mystery": puzzle(7)},
    "handshake": lambda: {"mystery": response(b"wrong")},
}


class Program:
    """What a `%%node` cell makes, as far as a check needs it."""

    def __init__(self, source: str) -> None:
        self.source = source

    def fresh(self) -> NodeProgram:
        return NodeProgram(self.source, "answer")


def check_program(checks: ModuleType, name: str, source: str) -> Verdict:
    """What is said of a program in Node: the check that has its variable's name as argument."""
    (check,) = (
        one
        for one in vars(checks).values()
        if isinstance(one, Exercise) and one.judge and name in one.judge.__code__.co_varnames
    )
    verdict = check(Program(source))
    assert isinstance(verdict, Verdict)
    return verdict


class Lesson:
    """The notebook and the checks of one topic."""

    def __init__(self, topic: str) -> None:
        self.topic = topic
        self.checks = import_module(f"wslab.exercises.{topic}")
        (notebook,) = NOTEBOOKS.glob(f"[0-9][0-9]_{topic}.ipynb")
        self.stubs = {
            tag.removeprefix("exercise:"): "".join(cell["source"])
            for cell in json.loads(notebook.read_text("utf-8"))["cells"]
            for tag in cell["metadata"].get("tags", [])
            if tag.startswith("exercise:")
        }
        """The source of each cell that is tagged as an exercise, by the exercise's name."""

    @cached_property
    def made(self) -> dict[str, object]:
        """What cells further up have made: only what is read off a recording needs it."""
        return MADE_ABOVE.get(self.topic, dict)()

    def run(self, source: str) -> Verdict:
        """Run a cell: the value of its last line is what it shows. One for Node is checked by the
        cell below it."""
        if source.startswith("%%node"):
            head, _, text = source.partition("\n")
            return check_program(self.checks, head.split()[1], text)
        names = vars(self.checks) | self.made
        *body, last = source.strip().split("\n")
        exec("\n".join(body), names)
        verdict = eval(last, names)
        assert isinstance(verdict, Verdict)
        return verdict


@pytest.fixture(scope="module")
def lesson(request: pytest.FixtureRequest) -> Lesson:
    """That of `test_<topic>.py`."""
    return Lesson(request.path.stem.removeprefix("test_"))
