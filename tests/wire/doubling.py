"""Counts the work that something takes, to compare it with twice as much of the same.

Not seconds, which depend on the machine: each line of `wslab` that runs counts, each round of a
comprehension, each call of a function in C. What happens within such a call is not seen; there a
`Counted` array or pattern tells how much it was given.
"""

from __future__ import annotations

import re
import sys
from array import array
from collections.abc import Callable
from pathlib import Path
from types import FrameType
from typing import Any

import wslab

OURS = str(Path(wslab.__file__).parent)

weight = 0
"""What `Counted` things were given, in elements or bytes."""


class CountedArray(array):
    """An array whose slices count as so many operations."""

    def __getitem__(self, key: Any) -> Any:
        found = super().__getitem__(key)
        if isinstance(key, slice):
            _weigh(len(found))
        return found


class CountedPattern:
    """A pattern for which each byte that it may look at counts as an operation."""

    def __init__(self, pattern: re.Pattern[bytes]) -> None:
        self._pattern = pattern

    def search(self, data: bytes, start: int = 0, stop: int = sys.maxsize) -> Any:
        _weigh(min(stop, len(data)) - start)
        return self._pattern.search(data, start, stop)

    def match(self, data: bytes, start: int = 0) -> Any:
        _weigh(min(len(data) - start, 64))  # it gives up at the first byte that does not fit
        return self._pattern.match(data, start)


def _weigh(count: int) -> None:
    global weight
    weight += count


def operations(work: Callable[[], object]) -> int:
    """How many operations `work` takes."""
    global weight
    weight = lines = calls = 0

    def line(frame: FrameType, event: str, _: object) -> Any:
        nonlocal lines
        lines += event == "line"
        return line

    def enter(frame: FrameType, event: str, _: object) -> Any:
        return line if frame.f_code.co_filename.startswith(OURS) else None

    def call(frame: FrameType, event: str, _: object) -> None:
        nonlocal calls
        calls += event == "c_call"

    traced, profiled = sys.gettrace(), sys.getprofile()
    sys.setprofile(call)
    sys.settrace(enter)
    try:
        work()
    finally:
        sys.settrace(traced)
        sys.setprofile(profiled)
    return lines + calls + weight


def growth(make: Callable[[int], Callable[[], object]], size: int) -> float:
    """How many times the work grows from `size` to twice as much of it.

    `make(size)` gives the work, and is not counted itself. What is done the first time only, as an
    import is, has been done then.
    """
    make(2)()
    return operations(make(2 * size)) / operations(make(size))
