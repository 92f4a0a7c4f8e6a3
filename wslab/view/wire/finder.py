"""What a page of the wire view looks for: a search on a thread of its own, which goes on live."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from wslab.wire import Unit
from wslab.wire.recording import Capture, Finding, Message, Search, on_the_wire, quotation

from ..live.jobs import Jobs

MOST = 1 << 18
"""The most rows that fit in one message to the page."""


class Finder:
    """One search of one page. It neither holds up the traffic nor the views; `tell` says that it
    has come further."""

    def __init__(self, capture: Capture, what: str, tell: Callable[[], None]) -> None:
        self._capture, self._what, self._tell = capture, what, tell
        self._jobs = Jobs()
        self._search: Search | None = None
        self._finding: Finding | None = None
        self._problem = ""
        self._looking = self._ended = False
        self._told: tuple[int, int, str] | None = None  # rows, rows looked at, problem
        try:
            self._search = Search.parse(what)
            self._finding = Finding(self._search.terms, capture)
        except ValueError as error:
            self._problem = str(error)

    def end(self) -> None:
        """Look no further: the page looks for something else, or for nothing."""
        self._ended = True

    def news(self, page: str, count: int, content: dict[str, Any], buffers: list[bytes]) -> bool:
        """Put what was found since the last time into a message; returns whether there is more.

        `count` is the number of rows that there are now.
        """
        finding = self._finding
        looked, start = (finding.looked if finding else 0), (self._told[0] if self._told else 0)
        rows = finding.rows[start : start + MOST] if finding else None
        told = start + len(rows or ()), looked, self._problem
        if told != self._told:
            account = {"page": page, "what": self._what, "start": start, "looked": looked}
            account |= {"problem": self._problem, "buffer": len(buffers)}
            content.setdefault("hits", []).append(account)
            buffers.append(rows.tobytes() if rows else b"")
            self._told = told
        if finding and looked < count and not (self._looking or self._problem or self._ended):
            self._looking = True
            self._jobs.run("find", self._look, self._done)
        return finding is not None and told[0] < len(finding.rows)

    def _look(self) -> None:
        while not self._ended and self._finding and self._finding.step():
            self._tell()

    def _done(self, _: object, error: BaseException | None) -> None:
        self._looking = False
        if error is not None:
            self._problem = str(error) or repr(error)
        self._tell()

    def marks(self, unit: Unit) -> dict[str, Any]:
        """What of a unit is found: runs of its bytes, and what of its inflated content in words."""
        try:
            spans = self._search.where(self._capture, unit.number) if self._search else ()
        except ValueError:  # it takes too long, which `news` says
            spans = ()
        inside = [span for span in spans if span.of == "content" and unit.inflated is not None]
        says = [f"byte {span.offset:,}: {quotation(unit, span)}" for span in inside[:1]]
        return {"found": on_the_wire(unit, spans), "found_inflated": "".join(says)}

    def marks_within(self, message: Message) -> dict[str, Any]:
        """What of a message's content is found: runs of its bytes."""
        try:
            return {"found": self._search.within(message.content) if self._search else []}
        except ValueError:
            return {"found": []}
