"""What is said between the rows of the wire view: of bytes that make no unit, and of endings."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, Literal, NamedTuple

from wslab.wire import Direction
from wslab.wire.recording import Capture, Ending, endings, explanations

from ..live.batches import clipped, link
from ..live.jobs import Jobs

PAUSE = 1.0
"""Seconds without traffic until it is looked what there is to say: what is no whole unit yet may
still become one."""

MOST = 500
"""The most remarks in one message to the pages."""


class Remark(NamedTuple):
    """One sentence behind a row, with what proves it."""

    row: int
    """The row that it stands behind; -1: it stands before the first."""
    time: float
    """Seconds since the recording began."""
    connection: int
    direction: Direction | None
    """Whose bytes it is about; None: it is about both sides."""
    tone: Literal["quiet", "odd", "wrong"]
    says: str
    evidence: str
    rfc: str
    offset: int = 0
    """Of the bytes, in their direction's stream."""
    length: int = 0
    data: bytes = b""
    """The first of the bytes."""

    @property
    def number(self) -> int:
        """What stands for a row's number in a page: below zero, one for each whom it is about."""
        return (None, "server", "client").index(self.direction) - 3 * self.connection

    def account(self) -> dict[str, Any]:
        """The remark as a page is told it."""
        told = self._asdict() | {"number": self.number, "hex": self.data.hex()}
        told |= {"says": clipped(self.says), "evidence": clipped(self.evidence)}
        return {**told, "url": link(self.rfc), "data": None}


def remarks(capture: Capture) -> Iterator[Remark]:
    """What there is to say about a recording now, in no order."""
    lost = [found for found in explanations(capture).values() if found.proven]
    places = capture.index.places([found[:3] for found in lost])
    for found, (row, time) in zip(lost, places, strict=True):
        yield Remark(
            row, time, found.connection, found.direction, "wrong", found.says,
            found.evidence, found.rfc, found.offset, found.length, found.data,
        )  # fmt: skip
    yield from map(_of_ending, endings(capture).values())


def _of_ending(end: Ending) -> Remark:
    codes = {end.client_code, end.server_code}
    says, evidence = end.says, end.evidence
    if end.how == "fin" and codes == {end.client_close} == {end.server_close} != {None}:
        says = f"The {end.by}'s side ended TCP: both APIs say {end.client_code}."
        evidence = f"{end.says.rpartition(':')[0]}. {evidence}"
    tone: Literal["quiet", "odd"] = "odd" if 1006 in codes or end.how == "silence" else "quiet"
    row = -1 if end.row is None else end.row
    return Remark(row, end.time, end.connection, None, tone, says, evidence, end.rfc)


class Remarks:
    """Looks for remarks after each pause, on a thread of its own, and tells the pages of changes.

    `tell` is called when it has looked.
    """

    def __init__(self, tell: Callable[[], None]) -> None:
        self._tell = tell
        self._jobs = Jobs()
        self._looking = False
        self._seen = 0, 0  # chunks and events
        self._due: float | None = None  # when it is to look, if no more come
        self._error: BaseException | None = None  # of the last look
        self._now: dict[int, Remark] = {}
        self._told: dict[int, Remark] | None = None  # None: all are to be told again
        self._news = False  # there may be something to tell

    def again(self) -> None:
        """A page has opened, or missed something."""
        self._told, self._news = None, True

    def news(self, capture: Capture, content: dict[str, Any], now: float) -> float | None:
        """Put changes into `content`. Returns the seconds until this is to be called again.

        `now` is in seconds; infinite if no more traffic will come.
        """
        if self._error is not None:
            error, self._error = self._error, None
            raise error
        seen = len(capture.log.time_of), len(capture.log.events)
        if seen != self._seen:
            self._seen, self._due = seen, now + PAUSE
        if self._due is not None and not self._looking and self._due <= now:
            self._due, self._looking = None, True
            self._jobs.run("remarks", lambda: list(remarks(capture)), self._found)
        if self._tell_changes(content):
            return 0.0
        return None if self._due is None or self._looking else self._due - now

    def _found(self, found: Any, error: BaseException | None) -> None:
        self._error = error
        if error is None:
            self._now = {remark.number: remark for remark in found}
        self._looking, self._news = False, True
        self._tell()

    def _tell_changes(self, content: dict[str, Any]) -> bool:
        """Put some changes into `content`; True if there are more."""
        if not self._news:
            return False
        self._news, told, now = False, self._told or {}, self._now
        gone = [number for number in told if number not in now]
        fresh = [one for number, one in now.items() if told.get(number) != one]
        if not gone and not fresh:
            return False
        content["remarks"] = {
            "all": self._told is None, "gone": gone,
            "fresh": [one.account() for one in fresh[:MOST]],
        }  # fmt: skip
        kept = {number: one for number, one in told.items() if number in now}
        self._told = kept | {one.number: one for one in fresh[:MOST]}
        if left := len(fresh) > MOST:
            self._news = True
        return left
