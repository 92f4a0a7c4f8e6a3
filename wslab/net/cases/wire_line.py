"""What crossed the wire on one connection, as lines in the order of time."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import NamedTuple

from wslab.wire import Capture, Direction


class WireLine(NamedTuple):
    """A frame, or another event on the wire, during a play."""

    direction: Direction
    kind: str
    """The kind of the row, or `fin`, `rst`."""
    text: str
    row: int | None
    """Its row in the wire view; None if it has none."""
    broken: bool = False
    """Whether it breaks a rule."""

    @property
    def arrow(self) -> str:
        """Who sent it, as a picture."""
        return "client ──▶" if self.direction == "client" else "◀── server"


def wait_for_the_end(
    capture: Capture, before: int, patience: float, last: float = math.inf
) -> None:
    """Wait until both directions of every connection after number `before`, up to number `last`,
    have ended, or for `patience` seconds."""

    def over() -> bool:
        events = [one for one in list(capture.events) if before < one.connection <= last]
        opened = {event.connection for event in events if event.name == "open"}
        ended = {
            (event.connection, event.direction)
            for event in events
            if event.name in ("eof", "reset")
        }
        return len(ended) == 2 * len(opened)

    capture.wait_until(over, patience)


def wire_lines(capture: Capture, connection: int) -> Iterator[WireLine]:
    """What crossed on a connection, in the order of time."""
    lines: list[tuple[float, WireLine]] = []
    index = capture.index
    rows = [*index.rows_of(connection, "client"), *index.rows_of(connection, "server")]
    for row in sorted(rows, key=lambda row: row.number):
        text = f"{row.kind} {row.preview}"
        if row.kind in ("request", "response"):
            text = row.preview
        elif row.kind == "tls":
            text = f"TLS {row.preview}, {row.length} B"
        line = WireLine(row.direction, row.kind, text, row.number, row.broken)
        lines.append((row.time, line))
    for event in list(capture.events):
        if event.connection == connection and event.name in ("eof", "reset"):
            assert event.direction is not None
            kind = "fin" if event.name == "eof" else "rst"
            says = "ends its half of TCP" if kind == "fin" else "TCP breaks off"
            text = f"{kind.upper()}: {says}"
            lines.append((event.time, WireLine(event.direction, kind, text, None)))
    for _, line in sorted(lines, key=lambda timed: timed[0]):
        yield line
