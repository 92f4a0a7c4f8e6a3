"""An array whose oldest elements have been dropped; the others keep their indices ("places")."""

from __future__ import annotations

from array import array
from collections.abc import Iterable, Iterator, Sequence
from itertools import chain
from typing import Any, TypeVar, cast, overload

S = TypeVar("S", "array[Any]", "list[Any]")


class TrimmedArray:
    """An array that keeps the elements from `first` on and a few older ones; others read as 0.

    A slice returns only elements from `first` on. One thread may write while others read.
    """

    def __init__(self, values: array[Any] | list[Any]) -> None:
        self.kept: dict[int, Any] = {}
        # In one tuple, so that a reader on another thread never sees one without the other.
        self._now = 0, values

    @property
    def first(self) -> int:
        """The place from which on nothing was dropped."""
        return self._now[0]

    def drop(self, stop: int, keep: Iterable[int]) -> None:
        """Drop the elements before `stop` except those at the places `keep`."""
        first, values = self._now
        self.kept = {place: self[place] for place in keep if place < stop}
        self._now = max(first, stop), values[max(0, stop - first) :]

    @property
    def places(self) -> Iterator[int]:
        """The places of the elements that are kept, in order."""
        return chain(sorted(self.kept), range(self.first, len(self)))

    def append(self, value: Any) -> None:
        self._now[1].append(value)

    def extend(self, values: Iterable[Any]) -> None:
        self._now[1].extend(values)

    def __iter__(self) -> Iterator[Any]:
        return (self[place] for place in self.places)

    def __len__(self) -> int:
        first, values = self._now
        return first + len(values)

    @overload
    def __getitem__(self, place: int) -> Any: ...
    @overload
    def __getitem__(self, place: slice) -> array[Any]: ...
    def __getitem__(self, place: int | slice) -> Any:
        first, values = self._now
        if isinstance(place, slice):
            start, stop, _ = place.indices(first + len(values))
            return values[max(0, start - first) : max(0, stop - first)]
        if place < 0:
            place += first + len(values)
        return values[place - first] if place >= first else self.kept.get(place, 0)

    def __setitem__(self, place: int, value: Any) -> None:
        first, values = self._now
        if place >= first:
            values[place - first] = value
        elif place in self.kept:
            self.kept[place] = value


def places(values: Sequence[Any] | TrimmedArray) -> Iterable[int]:
    """The places of the elements that an array keeps, trimmed or not."""
    return values.places if isinstance(values, TrimmedArray) else range(len(values))


def first_place(values: Sequence[Any] | TrimmedArray) -> int:
    """The place from which on an array, trimmed or not, is complete."""
    return values.first if isinstance(values, TrimmedArray) else 0


def drop(values: S, stop: int, keep: Iterable[int] = ()) -> S:
    """`values` without the elements before `stop`, except for those at the places `keep`.

    Returns a `TrimmedArray`: not an `array`, but it can do whatever the callers need of one.
    """
    less = values if isinstance(values, TrimmedArray) else TrimmedArray(values)
    less.drop(stop, keep)
    return cast("S", less)
