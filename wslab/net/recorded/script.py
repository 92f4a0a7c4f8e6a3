"""What one side of a recorded connection sent, in steps that can be played again."""

from __future__ import annotations

from operator import attrgetter
from typing import Literal, NamedTuple

from wslab.wire import Capture, Direction, Unit
from wslab.wire.recording import ASSUMED, Event

End = Literal["eof", "reset"]


class Step(NamedTuple):
    """Bytes that a side sent, and how many units the other had sent before."""

    data: bytes
    time: float
    after: int
    unit: Unit | None
    """None: the beginning of a unit whose end was not recorded."""


class Script(NamedTuple):
    """One side of a connection; what a debugger injected was never sent, and is left out."""

    steps: list[Step]
    others: list[Unit]
    """The units of the other side."""
    lost: int
    """How many units, or runs of them, are not in the recording."""
    ends: dict[Direction, Event]
    """The end of each direction that ended: the earlier one first."""


def script_of(capture: Capture, number: int, direction: Direction) -> Script:
    """What one side of a connection sent."""
    index = capture.index
    steps: list[Step] = []
    others: list[Unit] = []
    position = lost = 0
    rows = [*index.rows_of(number, "client"), *index.rows_of(number, "server")]
    for row in sorted(rows, key=attrgetter("number")):
        unit = index.unit(row.number)
        if unit.kind == "gap" or not unit.data:
            lost += 1  # not caught, or dropped by the recording's limit
            if row.direction == direction:
                position = row.offset + row.length
            continue
        if row.direction != direction:
            others.append(unit)
            continue
        position = row.offset + row.length
        if all(mark.name != "injected" for mark in index.marks(row.number)):
            steps.append(Step(unit.data, row.time, len(others), unit))
    if rest := capture.stream(number, direction)[position:]:
        last = steps[-1].time if steps else 0.0
        steps.append(Step(rest, last, len(others), None))
    ends: dict[Direction, Event] = {}
    for event in capture.events:
        known = event.name in ("eof", "reset") and event.note != ASSUMED
        if event.connection == number and event.direction and known:
            ends.setdefault(event.direction, event)
    return Script(steps, others, lost, ends)


def end_of(event: Event | None) -> End | None:
    """How a stream ended: with a FIN or a RST."""
    return None if event is None else "reset" if event.name == "reset" else "eof"
