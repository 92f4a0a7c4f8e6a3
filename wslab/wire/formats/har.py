"""HAR, the HTTP archive that a browser's DevTools save: a recording out, WebSocket messages in.

Sources: the HAR 1.2 specification, and what Chrome's DevTools write for a WebSocket: the entry's
`_resourceType` is `websocket`, and `_webSocketMessages` lists its messages, each with `type`
(`send` or `receive`), `time` (seconds since 1970), `opcode` (1 or 2) and `data` (text; base64 for
opcode 2). Playwright's `record_har` writes the same with `time` in milliseconds, or -1 where it
does not know.

A HAR holds messages, but no bytes and no control frames. Saving therefore loses pings, closes and
fragments. Loading has to construct the bytes, and `Capture.notes` says so.

What a debugger did is in a field of our own, `_marks`, of the message, request or response that it
changed: a list of objects with `name`, `time` (as in a message), `note` if there is one, and for an
edit `hex`, the bytes that were sent instead. The `_marks` of an entry tell what was done to the
connection and to frames that a HAR does not hold, with the `direction` and `kind` of such a frame.
"""

from __future__ import annotations

import base64
import binascii
import json
import re
from bisect import bisect_left, bisect_right
from collections import Counter
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from typing import Any, NamedTuple, cast, get_args
from urllib.parse import parse_qsl

from ..fields import Direction, Unit
from ..protocol.frames import Opcode, encode_frame
from ..protocol.http import MAX_HEAD, Head, find_end, parse_head
from ..protocol.secrets import masked_text
from ..protocol.utf8 import encodable
from ..recording.capture import NO_LIMIT, Capture
from ..recording.index import Row
from ..recording.log import CaptureError, Event, EventName, MarkName
from ..recording.messages import Message
from .jsonl import not_kept

NO_MASK = bytes(4)
"""The masking key of constructed frames: it leaves the payload readable."""

MADE_UP = (
    "a HAR holds messages and headers, but no bytes: the heads were rebuilt from their headers, "
    "each message became one frame with a made-up masking key of 00 00 00 00, and pings, pongs and "
    "close frames are missing"
)

# --- Writing --------------------------------------------------------------------------------------


def dumps(capture: Capture) -> str:
    """A recording as the text of a HAR file: one entry for each handshake."""
    log = {
        "version": "1.2",
        "creator": {"name": "wslab", "version": "1"},
        "pages": [],
        "entries": list(_entries(capture)),
    }
    if capture.dropped:
        log["comment"] = not_kept(capture.dropped)
    return json.dumps({"log": log}, indent=2, ensure_ascii=False) + "\n"


def _entries(capture: Capture) -> Iterator[dict[str, Any]]:
    index = capture.index
    marks = _Marks(capture)
    messages: dict[int, list[dict[str, Any]]] = {}
    for message in index.messages():
        text = message.kind == "text"
        written = {
            "type": "send" if message.direction == "client" else "receive",
            "time": _epoch(capture, message.time),
            "opcode": int(Opcode.TEXT if text else Opcode.BINARY),
            "data": message.text if text else base64.b64encode(message.content).decode(),
        }
        messages.setdefault(message.connection, []).append(written | marks.of_message(message))
    exchanges, streamed = index.exchanges(), index.streamed()
    for connection in index.connections:
        answered = exchanges.get(connection, [])
        # The messages belong to the upgraded request, or to the last one if none was upgraded.
        talk = len(answered) - 1
        for number, (_, answer) in enumerate(answered):
            if answer is not None and index.rows(answer, answer + 1)[0].preview[:3] == "101":
                talk = number
        for number, (asked, answer) in enumerate(answered):
            last = number == len(answered) - 1
            said = messages.get(connection, []) if number == talk else []
            response = None if answer is None else index.unit(answer)
            if response is not None and answer in streamed:
                response = response._replace(body_rest=streamed[answer])
            entry = _entry(capture, connection, index.unit(asked), response, said)
            entry["request"] |= marks.of_row(asked)
            entry["response"] |= {} if answer is None else marks.of_row(answer)
            yield entry | (marks.of_connection(connection) if last else {})
        if not answered and connection in messages:
            entry = _entry(capture, connection, None, None, messages[connection])
            yield entry | marks.of_connection(connection)


class _Marks:
    """What a debugger did, written as the HAR's own fields (`_wslab…`)."""

    def __init__(self, capture: Capture) -> None:
        self._capture, index = capture, capture.index
        self._rows: dict[tuple[int, Direction], list[Row]] = {}
        for number in sorted(set(index.marked)):
            (row,) = index.rows(number, number + 1)
            self._rows.setdefault((row.connection, row.direction), []).append(row)
        self._cuts: dict[int, list[Event]] = {}
        for event in list(capture.events):
            if event.name == "cut":
                self._cuts.setdefault(event.connection, []).append(event)
        self._told: set[int] = set()

    def of_row(self, number: int) -> dict[str, Any]:
        """What was done to one unit."""
        self._told.add(number)
        return self._field(self._written(event) for event in self._capture.index.marks(number))

    def of_message(self, message: Message) -> dict[str, Any]:
        """What was done to a message; if it came in several frames, also from which byte on."""
        if message.frames == 1:
            return self.of_row(message.row)
        rows = self._rows.get((message.connection, message.direction), [])
        first = bisect_left(rows, message.offset, key=lambda row: row.offset)
        last = bisect_right(rows, message.row, key=lambda row: row.number)
        frames = [
            row for row in rows[first:last] if row.kind in ("text", "binary", "continuation")
        ]  # fmt: skip
        self._told |= {row.number for row in frames}
        done = [
            self._written(event) | {"offset": row.offset - message.offset}
            for row in frames
            for event in self._capture.index.marks(row.number)
        ]
        return self._field(sorted(done, key=lambda mark: mark["time"]))

    def of_connection(self, connection: int) -> dict[str, Any]:
        """What was done to a connection, and to its frames that the HAR does not hold."""
        done = [
            self._written(event) | {"direction": event.direction}
            for event in self._cuts.get(connection, [])
        ]
        for direction in get_args(Direction):
            for row in self._rows.get((connection, direction), []):
                if row.number not in self._told:
                    where = {"direction": direction, "kind": row.kind}
                    marks = self._capture.index.marks(row.number)
                    done += [self._written(event) | where for event in marks]
        return self._field(sorted(done, key=lambda mark: mark["time"]))

    def _written(self, event: Event) -> dict[str, Any]:
        written: dict[str, Any] = {"name": event.name, "time": _epoch(self._capture, event.time)}
        if event.data is not None:
            written["hex"] = event.data.hex()
        return written | ({"note": event.note} if event.note else {})

    def _field(self, marks: Iterable[dict[str, Any]]) -> dict[str, Any]:
        written = list(marks)
        return {"_marks": written} if written else {}


def _epoch(capture: Capture, time: float) -> float:
    return capture.moment(time).timestamp()


def _entry(
    capture: Capture,
    connection: int,
    request: Unit | None,
    response: Unit | None,
    messages: list[dict[str, Any]],
) -> dict[str, Any]:
    asked = parse_head(request.data) if request else None
    begun = request.time if request else 0.0
    wait = max(0.0, response.time - begun) * 1000 if response else 0.0
    started = capture.moment(begun)
    last = messages[-1]["time"] - started.timestamp() if messages else 0.0
    entry: dict[str, Any] = {
        "_initiator": {"type": "other"},
        "_priority": "High",
        "_resourceType": "websocket",
        "_webSocketMessages": messages,
        "cache": {},
        "connection": str(connection),
        "request": _request(asked),
        "response": _response(response),
        "serverIPAddress": "",
        "startedDateTime": started.isoformat(timespec="milliseconds")[:23] + "Z",
        "time": max(wait, last * 1000),
        "timings": {
            "blocked": -1, "dns": -1, "ssl": -1, "connect": -1,
            "send": 0, "wait": wait, "receive": max(0.0, last * 1000 - wait),
        },
    }  # fmt: skip
    if connection in capture.names:
        entry["_wslabName"] = capture.names[connection]
    return entry


_SCHEMES = {"ws": "ws", "http": "ws", "wss": "wss", "https": "wss"}


def _request(head: Head | None) -> dict[str, Any]:
    method, _, rest = (head.first_line if head else "GET / HTTP/1.1").partition(" ")
    target, _, version = rest.rpartition(" ")
    host = head.get("Host") if head else None
    scheme, found, rest = target.partition("://")
    if found and scheme.lower() in _SCHEMES:  # the absolute form, as in a request to a proxy
        url = f"{_SCHEMES[scheme.lower()]}://{rest}"
    else:
        url = f"ws://{host or 'unknown.invalid'}{target if target.startswith('/') else '/'}"
    return {
        "method": method,
        "url": url,
        "httpVersion": version,
        "headers": _headers(head),
        "queryString": [
            {"name": name, "value": value}
            for name, value in parse_qsl(_target(url).partition("?")[2], keep_blank_values=True)
        ],
        "cookies": [],
        "headersSize": head.length if head else -1,
        "bodySize": 0,
    }


def _target(url: str) -> str:
    """The path and query of a URL, which may hold anything that a peer sent."""
    rest = re.sub(r"[\t\r\n]", "", url).partition("#")[0]
    rest = re.sub("^[A-Za-z][A-Za-z0-9+.-]*://[^/?]*", "", rest)
    return rest if rest.startswith("/") else f"/{rest}"


def _response(unit: Unit | None) -> dict[str, Any]:
    head = parse_head(unit.data) if unit else None
    version, _, rest = (head.first_line if head else "").partition(" ")
    return {
        "status": (head.status or 0) if head else 0,
        "statusText": rest.partition(" ")[2],
        "httpVersion": version,
        "headers": _headers(head),
        "cookies": [],
        "content": {
            "size": unit.length - head.length if unit and head else 0,
            "mimeType": (head.get("Content-Type") if head else None) or "x-unknown",
        },
        "redirectURL": (head.get("Location") if head else None) or "",
        "headersSize": head.length if head else -1,
        "bodySize": unit.length - head.length if unit and head else -1,
        "_transferSize": unit.length if unit else 0,
        "_error": None if unit else "no response was recorded",
    }


def _headers(head: Head | None) -> list[dict[str, str]]:
    named = [header for header in head.headers if header.name] if head else []
    return [{"name": header.name, "value": header.value} for header in named]


# --- Reading --------------------------------------------------------------------------------------


class _Step(NamedTuple):
    """One thing that happened according to an entry; steps are sorted by time."""

    time: float
    entry: int
    direction: Direction | None
    """The sender; None if the connection opens."""
    data: bytes
    """The bytes that were sent; empty if the direction's stream ends."""
    upgraded: bool = False
    turn: float = 0.0
    """The time by which the step is sorted among the others."""
    marks: tuple[Event, ...] = ()
    """What a debugger did to these bytes or, in an opening step, to the connection."""
    name: str = ""
    """In an opening step: the connection's name."""


def loads(text: str) -> Capture:
    """Load the WebSocket conversations of a HAR, with bytes constructed from its messages.

    Raises CaptureError for a text that is not a HAR. `Capture.notes` lists faults in its entries.
    """
    try:
        log = json.loads(text)["log"]
        entries = log["entries"]
        if not isinstance(entries, list):
            raise TypeError("its entries are no list")
    except (ValueError, LookupError, TypeError, RecursionError) as error:
        raise CaptureError(
            f"expected a HAR: JSON with log.entries ({type(error).__name__}: {error})"
        ) from error
    comment = log.get("comment")
    notes = [encodable(comment[:1000])] if isinstance(comment, str) and comment else []
    steps: list[_Step] = []
    found = 0
    for number, entry in enumerate(entries):
        if not isinstance(entry, dict) or not _is_websocket(entry):
            continue
        found += 1
        try:
            steps += list(_steps(number, entry, notes))  # all of it or nothing
        except (ValueError, LookupError, TypeError, AttributeError) as error:
            notes.append(f"entry {number} was left out: {type(error).__name__}: {error}")
    if len(entries) > found:
        other = len(entries) - found
        notes.append(f"{other} entr{'y' if other == 1 else 'ies'} without a WebSocket left out")
    if steps:
        notes.insert(0, MADE_UP)
    capture = _record(sorted(_in_turn(steps), key=lambda step: step.turn))
    capture.notes += map(masked_text, notes)  # they quote the file, which may hold logins
    return capture


def _in_turn(steps: Iterable[_Step]) -> Iterator[_Step]:
    """The steps sorted by time, except that the steps of one entry keep their order."""
    latest: dict[int, float] = {}
    for step in steps:
        latest[step.entry] = max(step.time, latest.get(step.entry, step.time))
        yield step._replace(turn=latest[step.entry])


def _is_websocket(entry: dict[str, Any]) -> bool:
    if "_webSocketMessages" in entry or entry.get("_resourceType") == "websocket":
        return True
    request = entry.get("request")
    url = request.get("url") if isinstance(request, dict) else None
    return isinstance(url, str) and url.startswith(("ws://", "wss://"))


def _record(steps: list[_Step]) -> Capture:
    first = steps[0].time if steps else 0.0
    capture = Capture(limit=NO_LIMIT)
    if steps:
        capture.started = datetime.fromtimestamp(first, UTC)
    numbers: dict[int, int] = {}
    marks: list[Event] = []
    for step in steps:
        at, offset = step.time - first, 0
        if step.direction is None:
            numbers[step.entry] = capture.open_connection(upgraded=step.upgraded, at=at)
            capture.set_name(numbers[step.entry], step.name)
        elif not step.data:
            capture.end(numbers[step.entry], step.direction, at=at)
        else:
            offset = capture.size(numbers[step.entry], step.direction)
            capture.record(numbers[step.entry], step.direction, step.data, at=at)
        marks += [
            mark._replace(
                position=len(capture), time=mark.time - first, connection=numbers[step.entry],
                direction=step.direction or mark.direction, offset=offset, length=len(step.data),
            )
            for mark in step.marks
        ]  # fmt: skip
    capture.insert(marks)
    return capture


def _steps(number: int, entry: dict[str, Any], notes: list[str]) -> Iterator[_Step]:
    request, response = entry["request"], entry.get("response") or {}
    messages = entry.get("_webSocketMessages") or []
    messages = _dicts(messages, number, notes)
    stamps = [_stamp(message.get("time")) for message in messages]
    times = [stamp for stamp in stamps if stamp is not None]
    opened = _seconds(entry.get("startedDateTime"))
    if opened is None or (times and opened > min(times)):
        opened = min(times, default=opened or 0.0)
    status = response.get("status") or 0
    sent = _head(request.get("headers"))
    line = f"{request.get('method', 'GET')} {_target(request.get('url', ''))} HTTP/1.1\r\n"
    asked = _ascii(line) + (sent or b"")
    line = f"HTTP/1.1 {status} {response.get('statusText', '')}".rstrip() + "\r\n"
    answered = _ascii(line) + (_head(response.get("headers")) or b"\r\n")
    # Without the request's headers, or over HTTP/2, there is no handshake to show. Messages may
    # have crossed even if the entry records no upgrade before them.
    agreed = _is_head(asked) and _is_head(answered) and parse_head(answered).status == 101
    upgraded = sent is None or bool(messages and not agreed)
    answer = opened
    cuts, name = tuple(_cuts(entry, number, notes)), str(entry.get("_wslabName") or "")
    yield _Step(opened, number, None, b"", upgraded, marks=cuts, name=name)
    if upgraded:
        lacks = f"messages, but the status {status}"
        if sent is None or status == 101:
            lacks = "no handshake as HTTP/1.1 writes it"
        notes.append(f"entry {number} has {lacks}: frames alone")
    else:
        marks = _marks(request, number, notes)
        yield _Step(opened, number, "client", asked, marks=marks)
        if status:
            wait = _number((entry.get("timings") or {}).get("wait")) or 0.0
            answer = min([_moment(opened + max(0.0, wait) / 1000) or opened, *times])
            marks = _marks(response, number, notes)
            yield _Step(answer, number, "server", answered, marks=marks)
            if status != 101:
                # The bytes lack its body, so the headers that describe the body must not count.
                yield _Step(answer, number, "server", b"")
    timeless = sum("time" not in message for message in messages)
    if timeless:
        notes.append(
            f"entry {number}: messages without a time are put beside the one before: {timeless}"
        )
    bare = sum("opcode" not in m and isinstance(m.get("data"), str) for m in messages)
    if bare:
        notes.append(f"entry {number}: messages without an opcode are taken for text: {bare}")
    at = answer
    for message, stamp in zip(messages, stamps, strict=True):
        at = at if stamp is None else stamp  # unknown: at the time of the step before it
        frame = _frame(message, number, notes)
        if frame is not None:
            direction: Direction = "client" if message["type"] == "send" else "server"
            marks = _marks(message, number, notes)
            yield _Step(at, number, direction, frame, marks=marks)


def _is_head(data: bytes) -> bool:
    """Whether `data` is exactly one head, whatever its lines contain."""
    return find_end(data, 0, 0, len(data)) == len(data) < MAX_HEAD


def _dicts(messages: list[Any], number: int, notes: list[str]) -> list[dict[str, Any]]:
    """The messages that are JSON objects; any other one is reported in `notes`."""
    found = []
    for message in messages:
        if isinstance(message, dict):
            found.append(message)
        else:
            notes.append(f"entry {number}: a message was left out: {str(message)[:80]!r}")
    return found


def _marks(of: dict[str, Any], number: int, notes: list[str]) -> tuple[Event, ...]:
    """Read back what a debugger did to a message, request or response."""
    written = _written_marks(_listed(of), number, notes)
    # A message that came in several frames is one frame now, with the time of the last of them.
    last = max((mark.offset for mark in written), default=0)
    parts = len({mark.offset for mark in written} | {0}) > 1
    if parts and any(mark.data for mark in written):
        notes.append(f"entry {number}: what an edit put into one frame of a message is left out")
    return tuple(
        mark._replace(data=None if parts else mark.data)
        for mark in written
        if mark.name != "delivered" or mark.offset == last
    )


def _cuts(entry: dict[str, Any], number: int, notes: list[str]) -> Iterator[Event]:
    """The directions that a debugger cut; marks of frames not in the HAR go into `notes`."""
    others: Counter[str] = Counter()
    for written in _listed(entry):
        for mark in _written_marks([written], number, notes):
            if mark.name == "cut" and mark.direction:
                yield mark
            else:
                others[f"{mark.name} a {written.get('kind', 'frame')} of the {mark.direction}"] += 1
    for what, count in others.items():
        times = f" {count} times" if count > 1 else ""
        notes.append(f"entry {number}: a debugger {what}{times}, which is not in a HAR")


def _listed(of: dict[str, Any]) -> list[Any]:
    marks = of.get("_marks") or []
    return marks if isinstance(marks, list) else [marks]


def _written_marks(written: list[Any], number: int, notes: list[str]) -> list[Event]:
    marks = []
    for mark in written:
        try:
            if mark["name"] not in (*get_args(MarkName), "cut"):
                raise ValueError(f"there is no mark {mark['name']!r}")
            time = _stamp(mark["time"])
            if time is None:
                raise ValueError(f"expected a time in seconds since 1970, got {mark['time']!r}")
            direction = mark.get("direction")
            event = Event(
                0, time, 0, direction if direction in get_args(Direction) else None,
                cast("EventName", mark["name"]), int(mark.get("offset", 0)), 0,
                bytes.fromhex(mark["hex"]) if "hex" in mark else None, str(mark.get("note", "")),
            )  # fmt: skip
        except (ValueError, LookupError, TypeError, AttributeError, OverflowError) as error:
            notes.append(f"entry {number}: a mark was left out: {type(error).__name__}: {error}")
            continue
        marks.append(event)
    return marks


_LATEST = 1e11  # seconds: the year 5138


def _stamp(written: Any) -> float | None:
    """The time of a message in seconds since 1970, read from seconds or milliseconds, or None."""
    time = _number(written)
    return None if time is None else _moment(time / 1000 if time > _LATEST else time)


def _moment(time: float) -> float | None:
    """`time`, in seconds since 1970, or None if it is outside the range of dates."""
    return time if 0 <= time <= _LATEST else None


def _number(written: Any) -> float | None:
    try:
        return float(written)
    except (ValueError, TypeError, OverflowError):
        return None


def _seconds(text: Any) -> float | None:
    try:
        return _moment(datetime.fromisoformat(text).timestamp())
    except (ValueError, TypeError, OverflowError, OSError):
        return None


def _ascii(text: str) -> bytes:
    return text.encode("latin-1", "replace")


def _head(headers: Any) -> bytes | None:
    """The bytes of the header lines and the empty line; None if they are not HTTP/1.1."""
    lines = []
    for header in headers or []:
        name, value = str(header["name"]), str(header["value"])
        if name.startswith(":"):
            return None
        # DevTools join repeated headers with line breaks, which inside a value would end the head.
        lines += [f"{name}: {part}\r\n" for part in value.splitlines() or [""]]
    return _ascii("".join(lines) + "\r\n") if lines else None


def _frame(message: dict[str, Any], number: int, notes: list[str]) -> bytes | None:
    """A frame that may have carried a message, constructed because a HAR holds no frames."""
    kind, data = message.get("type"), message.get("data") or ""
    opcode = message.get("opcode", int(Opcode.TEXT) if isinstance(data, str) else None)
    if kind not in ("send", "receive") or not isinstance(opcode, int) or not 0 <= opcode <= 15:
        notes.append(f"entry {number}: {kind} with opcode {opcode}: {str(data)[:80]!r}")
        return None
    payload = str(data).encode("utf-8", "replace")
    if opcode == Opcode.BINARY:
        try:
            payload = base64.b64decode(data, validate=True)
        except (binascii.Error, ValueError, TypeError) as error:
            notes.append(f"entry {number}: binary data that is not base64, taken as it is: {error}")
    return encode_frame(opcode, payload, masking_key=NO_MASK if kind == "send" else None)
