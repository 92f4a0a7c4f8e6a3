"""Shows what crosses the wire, live: two lanes, an arrow for each unit, and every byte."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Iterator
from math import inf
from typing import Any

import traitlets

from wslab.wire import FORMATS, KINDS
from wslab.wire.payloads import GUESSED, PAYLOADS, YOURS, Decoder, Inside, inside_of, own_inside
from wslab.wire.recording import Capture, Index, Search, mark_words

from ..live.assets import script, style
from ..live.batches import (
    describe,
    describe_inside,
    describe_marks,
    describe_message,
    outgoing,
    pack,
)
from ..live.jobs import Jobs
from ..live.live_view import LiveView
from ..live.static_html import loss, render, summary
from .debugger_controls import Debugger, DebuggerControls
from .finder import Finder
from .remarks import Remarks
from .replay import Replay
from .taken import Taken, recording, unit

BATCH = 4_096
"""The most rows in one message: 80,000 rows a second reach a page that has just opened."""

TAIL = 1.0
"""Seconds after the last row until the pages get the count once more, in case its message was
lost: no other message would follow it."""

FIRST_BYTES = 2_048
"""The most bytes of a chosen unit that are shown before "show more"."""

MOST_BYTES = 32_768
"""The most bytes of a unit in the byte grid. Code gets all: `capture.index.unit(number).data`."""

SEARCH = 0.02
"""Seconds that a search, or reading on in a long conversation, may take before the other views have
their turn."""

CHUNK = 256 * 1024
"""The most bytes of a saved file in one message."""


class WireView(LiveView):
    """A live view of the conversation that `capture` records.

    `server_label` stands above the server's lane; `height` is that of the list of rows in pixels.
    The view only reads: nothing that happens in it, not even an error, affects the traffic. With a
    `debugger` it also has controls to hold, step and change what crosses. Views with the same
    `replay` move through the recording together.

    Messages are also shown as the protocol inside them has them: the one that the handshake names,
    or what a reader's own `decode(message)` says, which gets a str or bytes and returns fields or a
    text (see `own_inside` in `wire/payloads/inside.py`). It runs on a thread of its own.

    Links in the prose and buttons of other views do not lead to it unless `linked`: they speak of
    the lab's recording.

    After a pause in the traffic, remarks between the rows say what bytes are that make no unit, or
    wrong ones, and how connections ended; without `remarks` none do (they may tell an answer).
    """

    _esm = script("wire/wire_view.js")
    _css = style("wire/wire_view.css")
    _server_label = traitlets.Unicode().tag(sync=True)
    _height = traitlets.Int().tag(sync=True)
    _linked = traitlets.Bool().tag(sync=True)
    _kinds = traitlets.List(traitlets.List(traitlets.Unicode())).tag(sync=True)  # name, meaning
    # suffix, name, what it keeps
    _formats = traitlets.List(traitlets.List(traitlets.Unicode())).tag(sync=True)
    _saved = traitlets.Dict().tag(sync=True)  # written by the page, for a notebook that is saved

    def __init__(
        self,
        capture: Capture,
        *,
        server_label: str = "server",
        height: int = 320,
        debugger: Debugger | None = None,
        replay: Replay | None = None,
        decode: Decoder | None = None,
        linked: bool = True,
        remarks: bool = True,
        **traits: Any,
    ) -> None:
        self.capture = capture
        self._decode = decode
        self._controls = None if debugger is None else DebuggerControls(debugger, self.tell)
        self._replay = replay or Replay()
        self._told_moment: int | None = None
        self._told_marks = 0  # how many of the index's marks were sent to the pages
        self._sent = 0  # how many rows were sent to the pages
        self._told_count = 0
        self._told_states: dict[int, str] = {}
        self._told_labels: dict[int, str] = {}
        self._told_dropped = 0  # bytes
        self._details: dict[str, dict[str, Any]] = {}  # page -> the unit that it asked for last
        # page -> what it wants to know of a message's inside, and the answer as far as it has come
        self._insides: dict[str, tuple[dict[str, Any], Iterator[Inside | None]]] = {}
        self._decoded: deque[tuple[dict[str, Any], Inside | None]] = deque()  # by `decode`
        self._jobs = Jobs()
        self._remarks = Remarks(self.tell) if remarks else None
        self._finders: dict[str, Finder] = {}  # page -> what its find bar looks for
        # page -> what a link looks for: its own words, and the search as far as it has come
        self._searches: dict[str, tuple[str, Iterator[int | None]]] = {}
        self._files: deque[tuple[str, Taken, int]] = deque()  # with the bytes sent of it
        self._unsubscribe = capture.subscribe(self.tell)
        self._leave_replay = self._replay.subscribe(self.tell)
        kinds = [[kind, look.meaning] for kind, look in KINDS.items()]
        formats = [[one.suffix, one.name, one.keeps] for one in FORMATS.values()]
        super().__init__(
            _server_label=server_label,
            _height=height,
            _linked=linked,
            _kinds=kinds,
            _formats=formats,
            **traits,
        )

    def unsubscribe(self) -> None:
        self._unsubscribe()
        self._leave_replay()
        if self._controls is not None:
            self._controls.close()

    def forget(self) -> None:
        super().forget()
        self.capture, self._controls, self._unsubscribe = Capture(), None, lambda: None

    # -- asked by a page -------------------------------------------------------------------------

    def ask(self, question: dict[str, Any]) -> None:
        match question:
            case {"do": "hello" | "again", "count": int(count)}:
                # Rows are sent to every page; a page that has them already ignores them.
                self._sent = max(0, min(self._sent, count))
                self._told_states = {}
                self._told_labels = {}
                self._told_count = -1
                self._told_marks = 0
                self._told_dropped = 0
                self._told_moment = None
                if self._remarks is not None:
                    self._remarks.again()
                if self._controls is not None:
                    self._controls.again()
            case {"do": "debug"} if self._controls is not None:
                self._controls.ask(question)
            case {"do": "detail", "number": int(), "page": str(page)}:
                self._details[page] = question
            case {
                "do": "inside",
                "number": int(number),
                "page": str(page),
                "as": str() | None as name,
            }:
                self._ask_inside(page, number, name, question)
            case {"do": "find", "what": str(what), "page": str(page)}:
                self._searches[page] = what, self._search(what)
            case {"do": "search", "what": str(what), "page": str(page)}:
                if page in self._finders:
                    self._finders.pop(page).end()
                if what:
                    self._finders[page] = Finder(self.capture, what, self.tell)
            case {"do": "moment", "rows": int() | None as rows, "page": str(page)}:
                self._replay.show(rows, page)
            case {"do": "save", "page": str(page)}:
                format = FORMATS.get(f".{question.get('format')}", FORMATS[".jsonl"])
                self._files.append((page, recording(self.capture, format), 0))
            case {"do": "take", "number": int(number), "as": str(form), "page": str(page)}:
                self._files.append((page, unit(self.capture.index, number, form), 0))

    def _search(self, what: str) -> Iterator[int | None]:
        yield from Search.parse(what).find(self.capture)

    def _ask_inside(
        self, page: str, number: int, name: str | None, question: dict[str, Any]
    ) -> None:
        self._insides.pop(page, None)
        message = self.capture.index.message(number)
        decode = self._decode
        if message is not None and decode is not None and name in (None, YOURS):
            done = self._decoded.append

            def tell(found: object, error: BaseException | None) -> None:
                if not isinstance(found, Inside):  # `own_inside` tells of all but SystemExit
                    found = Inside(YOURS, "your decoder", "", message, problem=repr(error))
                done((question, found))
                self.tell()

            self._jobs.run("decode", lambda: own_inside(message, decode), tell)
            return
        known = name if name in PAYLOADS else None
        self._insides[page] = question, inside_of(self.capture, number, known)

    # -- told to the pages -----------------------------------------------------------------------

    def news(self, content: dict[str, Any], buffers: list[bytes]) -> float | None:
        index = self.capture.index
        count = len(index)
        again = self._tell_rows(count, content, buffers)
        states = {number: index.state(number) for number in index.connections}
        changed = {n: state for n, state in states.items() if self._told_states.get(n) != state}
        if changed:
            content["states"] = {str(number): state for number, state in changed.items()}
            self._told_states = states
        labels = self.capture.labels()
        if fresh := {n: label for n, label in labels.items() if self._told_labels.get(n) != label}:
            content["labels"] = {str(number): label for number, label in fresh.items()}
            self._told_labels = labels
        if self.capture.dropped != self._told_dropped:
            self._told_dropped = self.capture.dropped
            content["loss"] = loss(self.capture)
        if self._told_moment != self._replay.rows:
            self._told_moment = self._replay.rows
            content["moment"] = self._replay.account()
        marks_left = self._tell_marks(index, content)
        more = [again]
        if self._controls is not None:
            more.append(self._controls.news(content))
        if self._remarks is not None:
            now = inf if self._resting else self._pump.clock()  # at rest no more traffic comes
            more.append(self._remarks.news(self.capture, content, now))
        if self._details:
            page = next(iter(self._details))
            self._tell_detail(page, self._details.pop(page), content, buffers)
        if self._decoded:
            self._tell_inside(*self._decoded.popleft(), content, buffers)
        elif self._insides:
            page = next(iter(self._insides))
            self._read_on(page, *self._insides.pop(page), content, buffers)
        if self._searches:
            page = next(iter(self._searches))
            self._tell_found(page, *self._searches.pop(page), content)
        for page in [page for page in self._finders if page not in self._pages]:
            self._finders.pop(page).end()
        unsaid = [one.news(page, count, content, buffers) for page, one in self._finders.items()]
        if self._files:
            self._tell_file(content, buffers)
        asked = self._details or self._searches or self._files or self._insides or self._decoded
        if asked or marks_left or any(unsaid):
            return 0.0
        return min((when for when in more if when is not None), default=None)

    def _tell_rows(self, count: int, content: dict[str, Any], buffers: list[bytes]) -> float | None:
        start, stop = self._sent, min(count, self._sent + BATCH)
        if start < stop:
            rows = self.capture.index.rows(start, stop)
            content["rows"] = {"start": start, "rows": len(rows), "buffer": len(buffers)}
            buffers += pack(rows)
            self._sent = stop
        elif self._told_count != count:
            # All rows were sent, but not the count: this is the tail, or the answer to a hello.
            self._told_count = count
            content["count"] = count
            return None
        else:
            return None
        return 0.0 if stop < count else TAIL

    def _tell_marks(self, index: Index, content: dict[str, Any]) -> bool:
        """Send what a debugger did to frames; True if there is more to send."""
        marked = index.marked
        stop = min(len(marked), self._told_marks + BATCH)
        if self._told_marks < stop:
            rows = dict.fromkeys(marked[self._told_marks : stop])
            content["marks"] = {str(row): mark_words(index.marks(row)) for row in rows}
            self._told_marks = stop
        return stop < len(marked)

    def _tell_detail(
        self, page: str, question: dict[str, Any], content: dict[str, Any], buffers: list[bytes]
    ) -> None:
        number = question["number"]
        limit = question.get("bytes")
        limit = min(limit, MOST_BYTES) if isinstance(limit, int) and limit > 0 else FIRST_BYTES
        try:
            index = self.capture.index
            if index.is_gone(number):
                raise LookupError(f"Row {number} is no longer kept: the recording has a limit.")
            unit = index.unit(number)
            account, data = describe(unit, limit)
            if page in self._finders:
                account |= self._finders[page].marks(unit)
            marks = index.marks(number)
            account["label"] = self.capture.label(account["connection"])
            account["history"] = describe_marks(marks)
            account["outgoing"] = outgoing(unit, marks)
        except LookupError as error:
            content["detail"] = {"page": page, "number": number, "missing": str(error)}
            return
        content["detail"] = {**account, "page": page, "most": MOST_BYTES, "buffer": len(buffers)}
        buffers.append(data)

    def _read_on(
        self,
        page: str,
        question: dict[str, Any],
        reading: Iterator[Inside | None],
        content: dict[str, Any],
        buffers: list[bytes],
    ) -> None:
        until = time.monotonic() + SEARCH
        for found in reading:
            if found is not None:
                self._tell_inside(question, found, content, buffers)
                return
            if time.monotonic() >= until:
                self._insides[page] = question, reading  # it goes on with the next news
                return
        self._tell_inside(question, None, content, buffers)

    def _tell_inside(
        self,
        question: dict[str, Any],
        found: Inside | None,
        content: dict[str, Any],
        buffers: list[bytes],
    ) -> None:
        names = [[name, payload.title] for name, payload in PAYLOADS.items()]
        if self._decode is not None:
            names.append([YOURS, "your decoder"])
        about = {
            "page": question["page"],
            "number": question["number"],
            "names": names,
            "most": MOST_BYTES,
            "buffer": len(buffers),
        }
        if found is None:
            message = self.capture.index.message(question["number"])
            if message is None:
                return
            about |= {"as": None, "says": "", "why": "", "text": "", "problem": ""}
            about |= {"fields": [], "more_fields": 0, "open": False}
            content["inside"] = {**about, **describe_message(message)}
            buffers.append(b"")
            return
        limit = question.get("bytes")
        limit = min(limit, MOST_BYTES) if isinstance(limit, int) and limit > 0 else FIRST_BYTES
        account, data = describe_inside(found, limit)
        if question["page"] in self._finders:
            account |= self._finders[question["page"]].marks_within(found.message)
        content["inside"] = {**account, **about, "open": found.why != GUESSED}
        buffers.append(data)

    def _tell_found(
        self, page: str, what: str, search: Iterator[int | None], content: dict[str, Any]
    ) -> None:
        found: dict[str, Any] = {"page": page, "what": what, "row": None}
        try:
            until = time.monotonic() + SEARCH
            while (row := next(search)) is None and time.monotonic() < until:
                pass
            found["row"] = row
        except StopIteration:
            found["problem"] = "No such arrow yet: run the cells above first."
        except ValueError as error:
            found["problem"] = f"This link does not say which arrow it means: {error}"
        if found["row"] is None and "problem" not in found:
            self._searches[page] = what, search  # it goes on with the next news
        else:
            content["found"] = found

    def _tell_file(self, content: dict[str, Any], buffers: list[bytes]) -> None:
        page, taken, sent = self._files.popleft()
        chunk = taken.data[sent : sent + CHUNK]
        content["file"] = {
            "page": page,
            "name": taken.name,
            "type": taken.type,
            "start": sent,
            "total": len(taken.data),
            "buffer": len(buffers),
            "problem": taken.problem,
        }
        buffers.append(chunk)
        if sent + len(chunk) < len(taken.data):
            self._files.appendleft((page, taken, sent + len(chunk)))

    def static(self) -> dict[str, str]:
        return {
            "text/plain": summary(self.capture),
            "text/html": render(self.capture, server_label=self._server_label),
        }
