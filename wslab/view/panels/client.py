"""The common parts of the panels of a client: its interface, and a log for the pages."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Sequence
from itertools import islice
from typing import Any, Protocol

KEPT = 200
"""Lines of a log that are sent to a page; older ones are only counted."""

SHOWN_CHARACTERS = 2_000
"""The most characters of one line: the wire view shows every byte."""


class Event(Protocol):
    @property
    def time(self) -> float: ...  # seconds since the epoch
    @property
    def name(self) -> str: ...
    @property
    def text(self) -> str: ...


class Client(Protocol):
    """What every panel needs of a client; `wslab.net.Client` has it."""

    @property
    def state(self) -> str: ...
    @property
    def events(self) -> Sequence[Event]: ...
    def send(self, message: str) -> None: ...
    def close(self, code: int, reason: str) -> None: ...
    def subscribe(self, callback: Callable[[], None]) -> Callable[[], None]: ...


class Log:
    """The last `KEPT` lines of a panel, numbered from the first ever, as they are in the pages."""

    def __init__(self) -> None:
        self._lines: deque[list[Any]] = deque(maxlen=KEPT)
        self._count = 0  # lines ever added
        self._told = 0  # how many of these the pages were told

    def add(self, line: list[Any]) -> None:
        self._lines.append(line)
        self._count += 1

    def lines(self) -> list[list[Any]]:
        """All that are kept, oldest first."""
        return list(self._lines)

    def again(self) -> None:
        """Send all lines that are kept once more, because a page has just opened."""
        self._told = self._count - len(self._lines)

    def news(self, content: dict[str, Any], key: str) -> None:
        """Put the lines that were not sent yet into `content`, and the number of the first."""
        if self._told == self._count:
            return
        oldest = self._count - len(self._lines)
        first = max(self._told, oldest)
        content["first"] = first
        content[key] = list(islice(self._lines, first - oldest, None))
        self._told = self._count


class Events:
    """Reads events, each once; `events` returns those that are kept, oldest first."""

    def __init__(self, events: Callable[[], Iterable[Event]]) -> None:
        self._events = events
        self._last: Event | None = None

    def new(self) -> list[Event]:
        """The events since the last call, oldest first."""
        new: list[Event] = []
        for event in reversed(list(self._events())):  # a copy: events may still be appended
            if event is self._last:
                break
            new.append(event)
        if new:
            self._last = new[0]
        return new[::-1]


def shortened(text: str) -> str:
    """`text`, or its first `SHOWN_CHARACTERS` and its length."""
    if len(text) <= SHOWN_CHARACTERS:
        return text
    return f"{text[:SHOWN_CHARACTERS]}… ({len(text):,} characters)"
