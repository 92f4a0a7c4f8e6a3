"""What one client did on a recorded connection, and where it departed from the recording."""

from __future__ import annotations

from wslab.net.recorded.part import Part
from wslab.wire import printable
from wslab.wire.accounts import Difference

MOST_TOLD = 100
"""Departures of one client that are kept."""


class Conversation:
    """What one client did on one of the recorded connections. `str` gives it as text."""

    def __init__(self, number: int, part: Part) -> None:
        self.number = number
        """Counted from 1, in the order in which the clients came."""
        self.part = part
        self.departures: list[Difference] = []
        """Where it departed from the recording: the first `MOST_TOLD`."""
        self.count = 0
        """How many departures there were."""
        self.came = 0
        """How many messages came from it."""
        self.notes: list[str] = []
        self.over = False

    @property
    def same(self) -> bool:
        """Whether it said, so far, what the recording's client said."""
        return not self.count

    @property
    def label(self) -> str:
        return printable(f"client {self.number} as {self.part.label}")

    @property
    def verdict(self) -> str:
        """In one line: whether it said what was recorded."""
        said = "as recorded" if self.same else f"{self.count} departure{'s' * (self.count != 1)}"
        messages = sum(unit.kind in ("text", "binary") for unit in self.part.said)
        came = f"{self.came} of {messages} messages came"
        return f"{self.label}: {said}, {came}{'' if self.over else ' so far'}"

    def depart(self, found: Difference) -> None:
        """Note that the client departed from the recording."""
        self.count += 1
        if self.count <= MOST_TOLD:
            self.departures.append(found)

    def __str__(self) -> str:
        lines = [self.verdict, *(f"  note: {note}" for note in self.notes)]
        lines += [f"  ≠ {departure.text}" for departure in self.departures]
        if self.count > MOST_TOLD:
            lines.append(f"  and {self.count - MOST_TOLD} more")
        return "\n".join(map(printable, lines))
