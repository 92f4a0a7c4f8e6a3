"""What is wanted of connections: of all of them, and of single ones otherwise."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Generic, TypeVar

from wslab.wire import Direction

V = TypeVar("V")


class Wishes(Generic[V]):
    """A value for each direction. A connection that was named has wishes of its own, which count
    instead of those for all; what is said of all is said of it too.
    """

    def __init__(self) -> None:
        self._all: dict[Direction, V] = {}
        self._single: dict[int, dict[Direction, V]] = {}

    def __bool__(self) -> bool:  # on any thread, hence the copy
        return bool(self._all) or any(list(self._single.values()))

    def of(self, connection: int) -> dict[Direction, V]:
        """What counts for this connection."""
        return self._single.get(connection, self._all)

    def add(self, connection: int | None, directions: Iterable[Direction], value: V) -> None:
        """Want this of one connection, or of all, those to come included."""
        for direction in directions:
            for wishes in self._concerned(connection):
                wishes[direction] = value

    def lift(self, connection: int | None, directions: Iterable[Direction]) -> None:
        """Want it no more; of one connection also where it is wanted of all."""
        for direction in directions:
            for wishes in self._concerned(connection):
                wishes.pop(direction, None)

    def forget(self, connection: int) -> None:
        """The connection is over."""
        self._single.pop(connection, None)

    def clear(self) -> None:
        self._all.clear()
        self._single.clear()

    def _concerned(self, connection: int | None) -> list[dict[Direction, V]]:
        if connection is None:
            return [self._all, *self._single.values()]
        return [self._single.setdefault(connection, dict(self._all))]
