"""JSON Lines, the format that keeps everything: a head, then a line for each chunk and event.

{"wslab": "capture", "version": 1, "started": "2026-01-31T12:00:00+00:00"}
{"time": 0.0, "connection": 1, "event": "open"}
{"time": 0.000512, "connection": 1, "direction": "client", "hex": "474554202f..."}
"""

from __future__ import annotations

import io
import json
import re
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any, BinaryIO, cast

from ..fields import Direction
from ..protocol.secrets import masked_text
from ..protocol.utf8 import encodable
from ..recording.capture import NO_LIMIT, Capture
from ..recording.log import FARTHEST, MARKS, CaptureError, Chunk


def lines(capture: Capture) -> Iterator[str]:
    """The lines of a recording's file: its head, then its chunks and events."""
    head = {"wslab": "capture", "version": 1, "started": capture.started.isoformat()}
    yield _line(head | ({"dropped": capture.dropped} if capture.dropped else {}))
    for thing in capture.log.history():
        line: dict[str, Any] = {"time": round(thing.time, 6), "connection": thing.connection}
        if isinstance(thing, Chunk):
            yield _line(line | {"direction": thing.direction, "hex": thing.data.hex()})
            continue
        line["event"] = thing.name
        if thing.direction:
            line["direction"] = thing.direction
        if thing.name == "gap" and thing.length:
            line["length"] = thing.length
        if thing.is_mark:
            line |= {"offset": thing.offset, "length": thing.length}
        if thing.data is not None:
            line["hex"] = thing.data.hex()
        if thing.name in ("open", "upgraded") and thing.connection in capture.names:
            line["name"] = capture.names[thing.connection]
        if thing.note:
            line["note"] = thing.note
        yield _line(line)


def not_kept(dropped: int) -> str:
    """A note that says how many bytes a recording dropped at its limit."""
    return f"{dropped} bytes of its oldest frames were not kept"


def _line(content: dict[str, Any]) -> str:
    return json.dumps(content, separators=(", ", ": ")) + "\n"


_LONGEST_WHY = 200
"""The most characters of a reason, which may quote the file."""
_MOST_NOTES = 20
"""The most damaged lines that get a note each; the others are counted."""


def read(file: BinaryIO, name: str) -> Capture:
    """Read a recording's lines and close the file; `name` is what an error calls it.

    A damaged line is left out, and `Capture.notes` says so. Raises CaptureError for a file that is
    not in this format: one whose head, or all of whose other lines, cannot be read.
    """
    reader, number, kept = _Reader(), 0, 0
    first: CaptureError | None = None
    with io.TextIOWrapper(file, encoding="utf-8-sig", errors="replace") as text:
        for number, line in enumerate(text, 1):
            try:
                if number == 1:
                    reader.read_head(json.loads(line))
                else:
                    reader.read_line(json.loads(line))
                    kept += 1
            except (
                ValueError, KeyError, TypeError, AttributeError, OverflowError, RecursionError,
            ) as error:  # fmt: skip
                why = str(error)
                if isinstance(error, json.JSONDecodeError):
                    why = f"not JSON: {error.msg} at character {error.pos + 1}"
                refused = CaptureError(
                    f"{name}, line {number}: expected a line of a wslab capture "
                    f"(JSON Lines, as wslab.wire.save writes it), got something else: {why}"
                )
                if number == 1:
                    raise refused from error
                first = first or refused
                reader.leave_out(number, line, why)
    if first and not kept:
        raise first
    return reader.whole()


_WHOSE = re.compile(r'"connection": ?(\d{1,9}), "direction": ?"(client|server)"')
"""Whose bytes a line holds, as `lines` writes it."""


class _Reader:
    """Makes a recording from its lines."""

    def __init__(self) -> None:
        self._capture = Capture(limit=NO_LIMIT)
        self._connections = 0  # opened so far
        self._damaged = 0  # lines that were left out
        self._gaps = 0  # those of them whose bytes are known to be missing
        self._latest = 0.0  # the time of the line before
        self._unopened = 0  # those of them that may have opened a connection

    def read_head(self, head: dict[str, Any]) -> None:
        """Read the first line."""
        capture = self._capture
        if head.get("wslab") != "capture" or head.get("version") != 1:
            raise ValueError("the first line does not say wslab capture, version 1")
        # A file written by hand may name no time zone: read it as UTC.
        capture.started = datetime.fromisoformat(head["started"])
        if capture.started.tzinfo is None:
            capture.started = capture.started.replace(tzinfo=UTC)
        if head.get("dropped"):
            capture.notes.append(not_kept(int(head["dropped"])))

    def read_line(self, line: dict[str, Any]) -> None:
        """Read any other line; changes nothing if it raises an error."""
        capture, event, time = self._capture, line.get("event"), float(line["time"])
        connection = line["connection"]
        if not -FARTHEST <= time <= FARTHEST:  # nor NaN
            raise ValueError(f"expected seconds since the recording began, got {line['time']!r}")
        self._latest = time
        if type(connection) is not int:
            raise ValueError(f"expected the number of a connection, got {connection!r}")
        if connection > self._connections:
            self._open_up_to(connection - (event in ("open", "upgraded")), time)
        if "event" not in line:
            capture.record(connection, line["direction"], bytes.fromhex(line["hex"]), at=time)
        elif event in ("open", "upgraded"):
            if connection != self._connections + 1:
                raise ValueError(f"connection {connection} opens out of turn")
            self._connections = capture.open_connection(upgraded=event == "upgraded", at=time)
            capture.set_name(connection, str(line.get("name", "")))
        elif event in ("eof", "reset"):
            note = str(line.get("note", ""))
            capture.end(connection, line["direction"], event, note=note, at=time)
        elif event == "gap":
            length = int(line.get("length", 0))
            if not 0 <= length < 1 << 63:
                raise ValueError(f"expected the number of missing bytes, got {length}")
            capture.gap(connection, line["direction"], length, at=time)
        elif event in ("cut", "silence") or event in MARKS:
            replaced = line.get("hex")
            capture.mark(
                connection, line["direction"], event,
                int(line.get("offset", 0)), int(line.get("length", 0)),
                data=None if replaced is None else bytes.fromhex(replaced),
                note=str(line.get("note", "")), at=time,
            )  # fmt: skip
        else:
            raise ValueError(f"no such event: {event!r}")

    def _open_up_to(self, connection: int, time: float) -> None:
        """Open the connections that damaged lines may have opened."""
        missing = connection - self._connections
        if 0 < missing <= self._unopened:
            self._unopened -= missing
            for _ in range(missing):
                self._connections = self._capture.open_connection(at=time)

    def leave_out(self, number: int, line: str, why: str) -> None:
        """Note that a line was damaged, and where its bytes are missing, if it still tells that."""
        self._damaged += 1
        if '"event"' not in line and (told := _WHOSE.search(line)):
            connection, direction = int(told[1]), cast("Direction", told[2])
            if 0 < connection <= self._connections:
                self._capture.gap(connection, direction, at=self._latest)
                self._gaps += 1
        self._unopened += 1
        if self._damaged <= _MOST_NOTES:
            why = encodable(masked_text(why[:_LONGEST_WHY]))
            self._capture.notes.append(f"line {number} is damaged and was left out: {why}")

    def whole(self) -> Capture:
        """The recording, after the last line."""
        notes = self._capture.notes
        if self._damaged > _MOST_NOTES:
            notes.append(f"{self._damaged - _MOST_NOTES} more lines were damaged and left out")
        if self._damaged > self._gaps:
            notes.append("behind missing bytes, frames may seem to begin in the wrong places")
        return self._capture
