"""What taps are told to do: to hold, freeze or slow down which connections, and to follow rules."""

from __future__ import annotations

import itertools
import random
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Generic, TypeVar

from wslab.net.problem_log import ProblemLog
from wslab.net.tap.in_flight import InFlight
from wslab.net.tap.rules import Action, Decide, Rule, decide_by
from wslab.wire import Direction

V = TypeVar("V")

BOTH: tuple[Direction, ...] = ("client", "server")


class Overrides(Generic[V]):
    """A per-direction setting with per-connection overrides.

    A connection that was named once has values of its own, which count instead of those for all.
    What is then set for all is set for it too.
    """

    def __init__(self) -> None:
        self._all: dict[Direction, V] = {}
        self._own: dict[int, dict[Direction, V]] = {}

    def __bool__(self) -> bool:  # on any thread, hence the copy
        return bool(self._all) or any(list(self._own.values()))

    def of(self, connection: int) -> dict[Direction, V]:
        """The values that count for this connection."""
        return self._own.get(connection, self._all)

    def set(self, connection: int | None, directions: Iterable[Direction], value: V) -> None:
        """Set it for one connection, or for all (None), those to come included."""
        for direction in directions:
            for values in self._concerned(connection):
                values[direction] = value

    def unset(self, connection: int | None, directions: Iterable[Direction]) -> None:
        """Set it no more; for one connection also where it is set for all."""
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
    """How slow a direction is to be made; see `WireDebugger.slow`."""

    bytes_per_second: float | None
    latency: float
    jitter: float
    seed: int


class Line:
    """One direction of one connection that is slow; its jitter comes from a seed and so repeats."""

    def __init__(self, speed: Speed, place: str) -> None:
        self.speed = speed
        self.chance = random.Random(f"{speed.seed}/{place}")
        self._busy_until = 0.0

    def arrival(self, now: float, size: int) -> float:
        """When `size` bytes that start now have arrived at the other end, in the clock of `now`."""
        speed = self.speed
        self._busy_until = max(now, self._busy_until)
        if speed.bytes_per_second is not None:
            self._busy_until += size / speed.bytes_per_second
        jitter = self.chance.uniform(0, speed.jitter) if speed.jitter else 0.0
        return self._busy_until + speed.latency + jitter


class Settings:
    """What to do to which connections. Lives on the loop thread.

    Where anything is to be done, a connection is called armed.
    """

    def __init__(self) -> None:
        self.rules: list[Decide] = []
        self.holding: Overrides[bool] = Overrides()
        self.freezing: Overrides[bool] = Overrides()
        self.slow: Overrides[Speed] = Overrides()
        self.passed = ""
        """The last thing that could not be held although it should be, in a sentence."""
        self.subscribers: list[Callable[[], None]] = []
        self.faults = ProblemLog("tap.faults")
        """What failed in the recording, a rule or a subscriber: the traffic was not touched."""
        self._lines: dict[tuple[int, Direction], Line] = {}
        self._sequence = itertools.count(1)

    def __bool__(self) -> bool:
        """Whether anything is armed."""
        return bool(self.rules or self.holding or self.freezing or self.slow)

    def next_sequence(self) -> int:
        """The number of the next unit that comes to a gate, over all connections."""
        return next(self._sequence)

    def arms(self, connection: int) -> bool:
        """Whether the frames of this connection must be seen one by one."""
        return bool(self.rules) or any(
            setting.of(connection) for setting in (self.holding, self.freezing, self.slow)
        )

    def line(self, connection: int, direction: Direction) -> Line | None:
        """How slow this direction is; None where it is not."""
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
        """Make these directions slow, or not any more (None). What is on its way keeps its time."""
        if speed is None:
            self.slow.unset(connection, directions)
        else:
            self.slow.set(connection, directions, speed)
        for place in list(self._lines):
            if connection in (None, place[0]) and place[1] in directions:
                del self._lines[place]

    def decide(self, frame: InFlight) -> Iterator[Action]:
        """What the rules want done to this frame, one by one: do each before asking for the next,
        whose rule then sees the frame as changed. A rule that fails is skipped, and noted.
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
        """Nothing is armed any more."""
        for setting in (self.holding, self.freezing, self.slow):
            setting.clear()
        self.rules.clear()
        self.passed = ""

    def tell(self) -> None:
        """Tell the subscribers that something was changed."""
        for callback in list(self.subscribers):
            try:
                callback()
            except Exception as fault:
                self.faults.note("subscriber", fault)
