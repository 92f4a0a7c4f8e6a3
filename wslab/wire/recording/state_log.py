"""Logs the states that the programs at both ends report, on the clock of a recording."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from ..protocol.connection_state import Peer, StateEvent
from .capture import Capture
from .story import steps

KEPT = 2_000
"""How many changes a log keeps; the oldest are dropped."""

BROWSER = "browser"
"""The source of a page's reports, as the time line names it."""

CAUSES = {
    "OPEN": (StateEvent.RECEIVES_101,),
    "CLOSED": (StateEvent.RECEIVES_CLOSE, StateEvent.RECEIVES_FIN, StateEvent.TCP_ENDS),
}
"""The events, other than calls of its script, that bring a browser's socket into a state."""

SKEW = 0.5
"""Seconds by which a browser's CLOSED may precede its apparent cause. More is not an inaccuracy of
the clocks: a browser that gave up waiting was CLOSED before TCP ended."""


class StateChange(NamedTuple):
    """A program's report that its state has changed."""

    time: float
    """Seconds since the capture began."""
    peer: Peer
    source: str
    """The program that reported it: `websockets`, `browser`."""
    state: str
    """The name of the state, as that program spells it."""


class StateLog:
    """An append-only list of state changes. Any thread may call `add`."""

    def __init__(self, capture: Capture) -> None:
        self._capture = capture
        self._changes: list[StateChange] = []

    def add(self, peer: Peer, source: str, state: str, time: float | None = None) -> None:
        """Add a change, now or at a given time on the capture's clock."""
        # The capture's own clock, so that reports and bytes can be put in order.
        at = self._capture.now() if time is None else time
        self._changes.append(StateChange(at, peer, source, state))
        del self._changes[:-KEPT]
        self._capture.tell()

    def of_connection(self, connection: int) -> list[StateChange]:
        """The changes of one connection of the capture.

        A program's CONNECTING begins a new connection, shortly before or after TCP is established:
        it belongs to the recorded connection that was opened nearest to it in time.
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

    The tap forwards first and records second, and a browser has a clock of its own, in
    milliseconds: it may report a 101 a moment "before" it was recorded.
    """

    def of_connection(self, connection: int) -> list[StateChange]:
        """As in `StateLog`, with each report of a browser after its cause."""
        said = super().of_connection(connection)
        # Looked up at each call, because a report may come before its cause is recorded.
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
