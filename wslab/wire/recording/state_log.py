"""Logs the states that the programs at both ends report, on the clock of a recording."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from ..protocol.connection_state import Peer, StateEvent
from .capture import Capture
from .story import steps

KEPT = 2_000
"""Changes that a log keeps; the oldest go."""

BROWSER = "browser"
"""Whose word a page's is, on the time line."""

CAUSES = {
    "OPEN": (StateEvent.RECEIVES_101,),
    "CLOSED": (StateEvent.RECEIVES_CLOSE, StateEvent.RECEIVES_FIN, StateEvent.TCP_ENDS),
}
"""What brings a browser's socket into a state, other than its own script."""

SKEW = 0.5
"""Seconds by which a browser's CLOSED may lie before what seems to be its cause. A longer time is
none of the clocks' doing: a browser that gave up waiting was CLOSED before TCP ended."""


class StateChange(NamedTuple):
    """A program's report that its state has changed."""

    time: float
    """Seconds since the capture began."""
    peer: Peer
    source: str
    """Whose word it is: `websockets`, `browser`."""
    state: str
    """The name of the state, as that program spells it."""


class StateLog:
    """An append-only list of changes. `add` is for any thread."""

    def __init__(self, capture: Capture) -> None:
        self._capture = capture
        self._changes: list[StateChange] = []

    def add(self, peer: Peer, source: str, state: str, time: float | None = None) -> None:
        """Add a change, now or at a given time on the capture's clock."""
        # The capture's own clock: so that what was said stands in line with what crossed.
        at = self._capture.now() if time is None else time
        self._changes.append(StateChange(at, peer, source, state))
        del self._changes[:-KEPT]
        self._capture.tell()

    def of_connection(self, connection: int) -> list[StateChange]:
        """The changes of one connection of the capture.

        A program's CONNECTING begins a new life, a little before or after TCP is there: the life
        belongs to the connection whose opening was nearest.
        """
        opened = [event.time for event in list(self._capture.events) if event.name == "open"]
        found: list[StateChange] = []
        mine: dict[tuple[Peer, str], bool] = {}
        for change in list(self._changes):
            who = (change.peer, change.source)
            if change.state == "CONNECTING" and opened:
                near = min(range(len(opened)), key=lambda n: abs(opened[n] - change.time))
                mine[who] = near == connection - 1
            if mine.get(who):
                found.append(change)
        return sorted(found, key=lambda change: change.time)

    def __len__(self) -> int:
        return len(self._changes)

    def __iter__(self) -> Iterator[StateChange]:
        return iter(list(self._changes))


class CausalStateLog(StateLog):
    """Moves a browser's report to no earlier than its cause.

    The tap forwards first and records second, and a browser stamps with a clock of its own, in
    milliseconds: a 101 may be heard a moment "before" it crossed.
    """

    def of_connection(self, connection: int) -> list[StateChange]:
        """As in `StateLog`, with each word of a browser behind what caused it."""
        said = super().of_connection(connection)
        # Looked up at each reading: what is heard may be told before it is recorded.
        if all(change.source != BROWSER for change in said):
            return said
        taken = [s for s in steps(self._capture, connection) if s.peer == "client"]
        earliest, placed = 0.0, []
        for change in said:
            if change.source == BROWSER:
                causes = [s.time for s in taken if s.event in CAUSES.get(change.state, ())]
                if change.state == "CLOSED":
                    causes = [time for time in causes if time <= change.time + SKEW]
                earliest = max([earliest, change.time, *causes])
                change = change._replace(time=earliest)
            placed.append(change)
        return sorted(placed, key=lambda change: change.time)
