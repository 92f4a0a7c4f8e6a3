"""JSON Lines, the format that keeps everything: a head, then a line for each chunk and event.

{"wslab": "capture", "version": 1, "started": "2026-01-31T12:00:00+00:00"}
{"time": 0.0, "connection": 1, "event": "open"}
{"time": 0.000512, "connection": 1, "direction": "client", "hex": "474554202f..."}
"""

from __future__ import annotations

import io
import json
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any, BinaryIO

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


def read(file: BinaryIO, name: str) -> Capture:
    """Read a recording's lines and close the file; `name` is what an error calls it.

    Raises CaptureError for a file that is not in this format.
    """
    capture = Capture(limit=NO_LIMIT)
    number = 0
    try:
        with io.TextIOWrapper(file, encoding="utf-8-sig") as text:
            for number, line in enumerate(text, 1):
                _read_line(capture, json.loads(line), number)
    except (
        ValueError, KeyError, TypeError, AttributeError, OverflowError, RecursionError,
    ) as error:  # fmt: skip
        raise CaptureError(
            f"{name}, line {max(number, 1)}: expected a line of a wslab capture "
            f"(JSON Lines, as wslab.wire.save writes it), got something else: {error}"
        ) from error
    return capture


def _read_line(capture: Capture, line: dict[str, Any], number: int) -> None:
    if number == 1:
        if line.get("wslab") != "capture" or line.get("version") != 1:
            raise ValueError("the first line does not say wslab capture, version 1")
        # A file written by hand may name no time zone: read it as UTC.
        capture.started = datetime.fromisoformat(line["started"])
        if capture.started.tzinfo is None:
            capture.started = capture.started.replace(tzinfo=UTC)
        if line.get("dropped"):
            capture.notes.append(not_kept(int(line["dropped"])))
        return
    event, time, connection = line.get("event"), float(line["time"]), line["connection"]
    if not -FARTHEST <= time <= FARTHEST:  # nor NaN
        raise ValueError(f"expected seconds since the recording began, got {line['time']!r}")
    if type(connection) is not int:
        raise ValueError(f"expected the number of a connection, got {connection!r}")
    if "event" not in line:
        capture.record(connection, line["direction"], bytes.fromhex(line["hex"]), at=time)
    elif event in ("open", "upgraded"):
        if capture.open_connection(upgraded=event == "upgraded", at=time) != connection:
            raise ValueError(f"connection {connection} opens out of turn")
        capture.set_name(connection, str(line.get("name", "")))
    elif event in ("eof", "reset"):
        capture.end(connection, line["direction"], event, at=time)
    elif event == "cut" or event in MARKS:
        replaced = line.get("hex")
        capture.mark(
            connection, line["direction"], event,
            int(line.get("offset", 0)), int(line.get("length", 0)),
            data=None if replaced is None else bytes.fromhex(replaced),
            note=str(line.get("note", "")), at=time,
        )  # fmt: skip
    else:
        raise ValueError(f"no such event: {event!r}")
