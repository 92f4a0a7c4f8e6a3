"""The settings of a tap: its rules, and which connections it holds, freezes or slows down."""

from __future__ import annotations

import itertools
import random
import weakref
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from wslab.net.problem_log import ProblemLog
from wslab.net.tap.in_flight import InFlight
from wslab.net.tap.rules import Action, Decide, Rule, decide_by
from wslab.wire import Direction

V = TypeVar("V")

BOTH: tuple[Direction, ...] = ("client", "server")


class Overrides(Generic[V]):
    """A per-direction setting with per-connection overrides.

    A connection that was set by number has its own values, which replace those for all. A value
    that is later set for all is set for this connection too.
    """

    def __init__(self) -> None:
        self._all: dict[Direction, V] = {}
        self._own: dict[int, dict[Direction, V]] = {}

    def __bool__(self) -> bool:  # called on any thread, hence the copy
        return bool(self._all) or any(list(self._own.values()))

    def of(self, connection: int) -> dict[Direction, V]:
        """The values that apply to this connection."""
        return self._own.get(connection, self._all)

    def set(self, connection: int | None, directions: Iterable[Direction], value: V) -> None:
        """Set a value for one connection, or for all (None), future ones included."""
        for direction in directions:
            for values in self._concerned(connection):
                values[direction] = value

    def unset(self, connection: int | None, directions: Iterable[Direction]) -> None:
        """Remove the value; for a single connection even if it is set for all."""
        for direction in directions:
            for values in self._concerned(connection):
                values.pop(direction, None)

    def forget(self, connection: int) -> None:
        """Drop what was kept for a connection that is over."""
        self._own.pop(connection, None)

    def clear(self) -> None:
        self._all.clear()
        self._own.clear()

    def _concerned(self, connection: int | None) -> list[dict[Direction, V]]:
        if connection is None:
            return [self._all, *self._own.values()]
        return [self._own.setdefault(connection, dict(self._all))]


@dataclass(frozen=True)
class Speed:
    """How slow a direction should be; see `WireDebugger.slow`."""

    bytes_per_second: float | None
    latency: float
    jitter: float
    seed: int


class Line:
    """A slowed direction of one connection; its jitter comes from a seed, so it is repeatable."""

    def __init__(self, speed: Speed, place: str) -> None:
        self.speed = speed
        self.chance = random.Random(f"{speed.seed}/{place}")
        self._busy_until = 0.0

    def arrival(self, now: float, size: int) -> float:
        """The time at which `size` bytes sent at `now` (seconds) arrive at the other end."""
        speed = self.speed
        self._busy_until = max(now, self._busy_until)
        if speed.bytes_per_second is not None:
            self._busy_until += size / speed.bytes_per_second
        jitter = self.chance.uniform(0, speed.jitter) if speed.jitter else 0.0
        return self._busy_until + speed.latency + jitter


class Room:
    """Counts the bytes of memory of all that waits at the tap, over all connections.

    Its `gates` are told when there is no room any more, and when there is again.
    """

    def __init__(self) -> None:
        self.size = 0
        self.is_full = False
        self.gates: weakref.WeakSet[Any] = weakref.WeakSet()

    def take(self, size: int, most: int) -> bool:
        """Count more bytes, or fewer; returns whether the room, `most` bytes, is full now only."""
        self.size += size
        if self.is_full == (self.size > most):
            return False
        self.is_full = not self.is_full
        for gate in list(self.gates):
            gate.go_on()
        return self.is_full


class Settings:
    """What to do to which connections. Lives on the loop thread.

    A connection to which anything is to be done is called armed.
    """

    def __init__(self) -> None:
        self.rules: list[Decide] = []
        self.holding: Overrides[bool] = Overrides()
        self.freezing: Overrides[bool] = Overrides()
        self.slow: Overrides[Speed] = Overrides()
        self.passed = ""
        """A sentence about the last thing that should have been held but could not be."""
        self.subscribers: list[Callable[[], None]] = []
        self.faults = ProblemLog("tap.faults")
        """Failures of the recording, a rule or a subscriber; none of them changed the traffic."""
        self.room = Room()
        self._lines: dict[tuple[int, Direction], Line] = {}
        self._sequence = itertools.count(1)

    def __bool__(self) -> bool:
        """Whether anything is armed."""
        return bool(self.rules or self.holding or self.freezing or self.slow)

    def next_sequence(self) -> int:
        """The number of the next unit that reaches a gate, counted over all connections."""
        return next(self._sequence)

    def arms(self, connection: int) -> bool:
        """Whether the frames of this connection must be seen one by one."""
        return bool(self.rules) or any(
            setting.of(connection) for setting in (self.holding, self.freezing, self.slow)
        )

    def line(self, connection: int, direction: Direction) -> Line | None:
        """The `Line` of a direction that is slow, else None."""
        speed = self.slow.of(connection).get(direction)
        if speed is None:
            return None
        place = (connection, direction)
        if place not in self._lines:
            self._lines[place] = Line(speed, f"{connection}/{direction}")
        return self._lines[place]

    def set_speed(
        self, connection: int | None, directions: tuple[Direction, ...], speed: Speed | None
    ) -> None:
        """Make these directions slow, or normal again (None).

        Bytes already on their way keep their arrival time.
        """
        if speed is None:
            self.slow.unset(connection, directions)
        else:
            self.slow.set(connection, directions, speed)
        for place in list(self._lines):
            if connection in (None, place[0]) and place[1] in directions:
                del self._lines[place]

    def decide(self, frame: InFlight) -> Iterator[Action]:
        """The actions of the rules for this frame, one by one.

        Do each before asking for the next: the next rule must see the frame as changed. A rule that
        fails is skipped and noted in `faults`.
        """
        for rule in list(self.rules):
            try:
                action = rule.decide(frame) if isinstance(rule, Rule) else decide_by(rule, frame)
            except Exception as fault:
                self.faults.note(f"rule {rule}", fault)
                continue
            if action is not None:
                yield action

    def forget(self, connection: int) -> None:
        """Drop what was kept for a connection that is over."""
        for setting in (self.holding, self.freezing, self.slow):
            setting.forget(connection)
        for rule in self.rules:
            if isinstance(rule, Rule):
                rule.forget(connection)
        for direction in BOTH:
            self._lines.pop((connection, direction), None)

    def clear(self) -> None:
        """Disarm everything."""
        for setting in (self.holding, self.freezing, self.slow):
            setting.clear()
        self.rules.clear()
        self.passed = ""

    def tell(self) -> None:
        """Call the subscribers: a setting has changed."""
        for callback in list(self.subscribers):
            try:
                callback()
            except Exception as fault:
                self.faults.note("subscriber", fault)
