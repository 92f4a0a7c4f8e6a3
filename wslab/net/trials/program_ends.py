"""Ends a server's process in every way, and notes what its guests are told."""

from __future__ import annotations

from typing import NamedTuple

from wslab.net.cases.wire_line import WireLine, wait_for_the_end, wire_lines
from wslab.net.clients import Client
from wslab.net.errors import NotConnected, TimedOut
from wslab.net.node import PROGRAMS, NodeProgram
from wslab.net.tap import Tap
from wslab.wire import Capture

PATIENCE = 10.0
"""Seconds that each step may take on a slow machine."""

SILENCE = 0.4
"""Seconds that a guest waits for the pong of a server that hangs."""


class ProgramEnd(NamedTuple):
    """A way to end a server's process."""

    name: str
    what: str
    signals: tuple[str, ...]
    """What the process is sent, in turn."""
    wish: str = ""
    """What a guest asks for before that: the server crashes, or hangs."""
    handler: bool = True
    """Whether the program has a handler for SIGTERM."""
    open_before: bool = False
    """Whether its guests are asked first, for they still see an open connection."""


PROGRAM_ENDS = {
    end.name: end
    for end in (
        ProgramEnd("SIGTERM", "The process gets SIGTERM, and has a handler for it.", ("SIGTERM",)),
        ProgramEnd(
            "SIGTERM, no handler", "The same, and it has none.", ("SIGTERM",), handler=False
        ),
        ProgramEnd("SIGKILL", "The process gets SIGKILL, as from kill -9.", ("SIGKILL",)),
        ProgramEnd("crash", "A guest's message makes the handler throw an error.", (), "crash"),
        ProgramEnd(
            "hang",
            "A guest's message makes the handler loop without an end. Nobody sends a signal.",
            (),
            "hang",
            open_before=True,
        ),
        ProgramEnd(
            "hang, then SIGTERM",
            "The same; then the process gets SIGTERM, and after a second SIGKILL.",
            ("SIGTERM", "SIGKILL"),
            "hang",
        ),
    )
}
"""By name."""


class EndSeen(NamedTuple):
    """What was seen of the end."""

    process: str
    """How the process ended, or that it still ran."""
    printed: tuple[str, ...]
    """Its last lines."""
    python: str
    """What the Python guest was told: a close code, or that it is still open."""
    code: int | None
    """The close code that the Python guest reports; None if the connection is still open."""
    node: str
    """What the guest with Node's own WebSocket printed last."""
    wire: tuple[WireLine, ...]
    """What crossed between the server and the Python guest since it came in."""


def end_program(end: ProgramEnd, capture: Capture) -> EndSeen:
    """Start the server of `programs/mortal.js` with two guests, end it, and tell what they saw."""
    source = (PROGRAMS / "mortal.js").read_text("utf-8")
    if not end.handler:
        source = source.partition("\nprocess.on(")[0]
    before = len(capture.log.streams) // 2
    with NodeProgram(source, "mortal") as server:
        server.listens(PATIENCE)
        watch = (PROGRAMS / "watcher.js").read_text("utf-8")
        with (
            Tap(server.url, capture, name="mortal") as tap,
            Client(tap.url, name="mortal: guest", wire_name="Python").connect() as guest,
            NodeProgram(watch, "Node", url=tap.url) as watcher,
        ):
            watcher.prints("open", PATIENCE)
            if end.wish:
                guest.send(end.wish)
            if end.open_before or (end.wish and end.signals):
                _is_silent(guest)
            if end.open_before:
                seen = (server.state.partition(",")[0], _told(guest), watcher.lines[-1].text)
            else:
                for signal in end.signals:
                    server.signal(signal)
                    if signal != end.signals[-1]:
                        server.waits(1.0)
                server.wait(PATIENCE)
                watcher.wait(PATIENCE)
                _hear_the_end(guest)
                seen = (server.state, _told(guest), watcher.lines[-1].text)
            code = guest.close_code
            server.stop(0)
            if not end.open_before:
                wait_for_the_end(capture, before, PATIENCE)
            lines = tuple(wire_lines(capture, before + 1))
            said = tuple(line.text for line in server.lines)
    return EndSeen(seen[0], said, seen[1], code, seen[2], lines)


def _is_silent(guest: Client) -> None:
    try:
        guest.ping(timeout=SILENCE)
    except TimedOut:
        return
    raise AssertionError("a server that hangs has answered a ping")


def _hear_the_end(guest: Client) -> None:
    try:
        guest.recv(PATIENCE)
    except NotConnected:
        return


def _told(guest: Client) -> str:
    return f"close {guest.close_code}" if guest.close_code is not None else f"still {guest.state}"
