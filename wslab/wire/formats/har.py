"""HAR, the HTTP archive that a browser's DevTools save: a recording out, WebSocket messages in.

Sources: the HAR 1.2 specification, and what Chrome's DevTools write for a WebSocket: the entry's
`_resourceType` is `websocket`, and `_webSocketMessages` lists its messages, each with `type`
(`send` or `receive`), `time` (seconds since 1970), `opcode` (1 or 2) and `data` (text; base64 for
opcode 2). Playwright's `record_har` writes the same with `time` in milliseconds, or -1 where it
does not know, and may put the messages into a file beside the HAR, which `content._file` names.
What other tools write is in `har_messages.py`.

A HAR holds messages, but no bytes and no control frames. Saving therefore loses pings, closes and
fragments. Loading has to construct the bytes, and `Capture.notes` says so.

What a debugger did is in a field of our own, `_marks`, of the message, request or response that it
changed: a list of objects with `name`, `time` (as in a message), `note` if there is one, and for an
edit `hex`, the bytes that were sent instead. The `_marks` of an entry tell what was done to the
connection and to frames that a HAR does not hold, with the `direction` and `kind` of such a frame.
"""

from __future__ import annotations

import base64
import json
import re
from bisect import bisect_left, bisect_right
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from datetime import UTC, datetime
from typing import Any, NamedTuple, cast, get_args
from urllib.parse import parse_qsl

from ..fields import Direction, Unit
from ..protocol.frames import Opcode
from ..protocol.handshake import accept_key
from ..protocol.http import MAX_HEAD, Head, find_end, parse_head
from ..protocol.secrets import masked_text
from ..protocol.utf8 import encodable
from ..recording.capture import NO_LIMIT, Capture
from ..recording.index import Row
from ..recording.log import ASSUMED, CaptureError, Event, EventName, MarkName
from ..recording.messages import Message
from .har_messages import (
    as_number,
    as_seconds,
    closed,
    is_message,
    messages_in,
    moment,
    read_messages,
    stamp,
)
from .jsonl import not_kept

_NO_CONTROL = ", and pings, pongs and close frames are missing"
MADE_UP = (
    "a HAR holds messages and headers, but no bytes: the heads were rebuilt from their headers, "
    f"each message became one frame with a made-up masking key of 00 00 00 00{_NO_CONTROL}"
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


def loads(text: str, beside: Callable[[str], bytes] | None = None) -> Capture:
    """Load the WebSocket conversations of a HAR, with bytes constructed from its messages.

    A list of its entries, or of messages alone, is read too. `beside` reads the file of a name that
    the HAR gives, where the messages are in a file of their own; it raises OSError or CaptureError.

    Raises CaptureError for a text that is not a HAR. `Capture.notes` lists faults in its entries.
    """
    try:
        log = _log(text)
        entries = log["entries"]
        if not isinstance(entries, list):
            raise TypeError("its entries are no list")
    except (ValueError, LookupError, TypeError, RecursionError) as error:
        reason = f"{type(error).__name__}: {error}"
        if isinstance(error, json.JSONDecodeError) and _is_cut(text):
            reason = f"it ends in the middle, at character {len(text):,}: save or send it again"
        raise CaptureError(f"expected a HAR: JSON with log.entries ({reason})") from error
    comment = log.get("comment")
    notes = [encodable(comment[:1000])] if isinstance(comment, str) and comment else []
    steps: list[_Step] = []
    others: Counter[str] = Counter()
    for number, entry in enumerate(entries):
        if not isinstance(entry, dict) or not _is_websocket(entry):
            others[_other(entry)] += 1
            continue
        source = _Source(_creator(log), beside, [])
        try:
            steps += list(_steps(number, entry, source))  # all of it or nothing
            notes += source.notes
        except (ValueError, LookupError, TypeError, AttributeError) as error:
            notes.append(f"entry {number} was left out: {type(error).__name__}: {error}")
    for what, count in sorted(others.items()):
        notes.append(f"{count} entr{'y' if count == 1 else 'ies'} {what} left out")
    if steps:
        control = any(step.data[:1] in _CONTROL for step in steps)
        notes.insert(0, MADE_UP.removesuffix(_NO_CONTROL) if control else MADE_UP)
    capture = _record(sorted(_in_turn(steps), key=lambda step: step.turn))
    capture.notes += map(masked_text, notes)  # they quote the file, which may hold logins
    return capture


def _is_cut(text: str) -> bool:
    """Whether a text of JSON lacks its end."""
    return (text.lstrip()[:1] in ("{", "[") and text.rstrip()[-1:] not in ("}", "]")) or (
        text.count("{") > text.count("}")
    )


_CONTROL = (b"\x88", b"\x89", b"\x8a")
"""How a constructed close, ping or pong begins."""


class _Source(NamedTuple):
    """What is known of the file that an entry comes from."""

    creator: str
    """The program that wrote it."""
    beside: Callable[[str], bytes] | None
    notes: list[str]
    """What is to say about the entry."""


def _log(text: str) -> dict[str, Any]:
    """The `log` of a HAR, or one around a list of its entries or messages, also one a line."""
    try:
        parsed = json.loads(text)
    except ValueError:
        parsed = _objects(text)
        if not all(isinstance(one, dict) for one in parsed):
            raise
    if isinstance(parsed, dict) and "log" not in parsed:
        found = messages_in(parsed)  # an entry, or its messages alone
        parsed = parsed.get("entries", [parsed] if "request" in parsed else found or parsed)
    if isinstance(parsed, list):
        objects = [one for one in parsed if isinstance(one, dict)]
        if logs := [one["log"] for one in objects if isinstance(one.get("log"), dict)]:
            return {**logs[0], "entries": [one for log in logs for one in log.get("entries", [])]}
        if any("request" in one for one in objects):
            return {"entries": parsed}
        if not any(is_message(one) for one in objects):
            raise TypeError("a list in which nothing has a request or data")
        return {"entries": [{"_webSocketMessages": parsed, "request": {}}]}
    log: dict[str, Any] = parsed["log"]
    return log


def _objects(text: str) -> list[Any]:
    """The values of a JSON list, or of JSON Lines; a line that is no JSON stays text."""
    values: list[Any] = []
    for line in text.splitlines():
        try:
            value = json.loads(line) if line.strip() else []
        except (ValueError, RecursionError):
            value = line
        values += value if isinstance(value, list) else [value]
    return values


def _creator(log: dict[str, Any]) -> str:
    creator = log.get("creator")
    name = creator.get("name") if isinstance(creator, dict) else None
    return re.sub("[^ -~]", "?", name[:40]) if isinstance(name, str) and name else "its program"


def _other(entry: Any) -> str:
    """What an entry is that is no WebSocket's."""
    if isinstance(entry, dict) and (
        entry.get("_resourceType") == "eventsource"
        or "text/event-stream" in _header(entry.get("response"), "Content-Type")
    ):
        return "of Server-Sent Events, which are HTTP and no WebSocket,"
    return "without a WebSocket"


def _in_turn(steps: Iterable[_Step]) -> Iterator[_Step]:
    """The steps sorted by time, except that the steps of one entry keep their order."""
    latest: dict[int, float] = {}
    for step in steps:
        latest[step.entry] = max(step.time, latest.get(step.entry, step.time))
        yield step._replace(turn=latest[step.entry])


_HOLDS_MESSAGES = re.compile("_?web_?socket_?(?:messages|frames)", re.I).match


def _is_websocket(entry: dict[str, Any]) -> bool:
    if any(map(_HOLDS_MESSAGES, entry)) or entry.get("_resourceType") == "websocket":
        return True
    request = entry.get("request")
    url = request.get("url") if isinstance(request, dict) else None
    if isinstance(url, str) and url.startswith(("ws://", "wss://")):
        return True
    # Of a page that was asked for by plain HTTP a server may say that it wants an Upgrade (426).
    response = entry.get("response")
    heads = [request, response if _status_of(response) == 101 else None]
    return entry.get("_resourceType") != "eventsource" and any(
        "websocket" in _header(head, name).lower()
        for head in heads
        for name in ("Upgrade", ":protocol")
    )


def _status_of(response: Any) -> object:
    return response.get("status") if isinstance(response, dict) else None


def _header(head: Any, name: str) -> str:
    """A header's value in an entry's request or response; empty where it has none."""
    for header in _pairs(head.get("headers")) if isinstance(head, dict) else []:
        if isinstance(header, dict) and str(header.get("name")).lower() == name.lower():
            return str(header.get("value") or "")
    return ""


def _pairs(headers: Any) -> list[Any]:
    """Headers as HAR lists them; some tools write one object instead."""
    if isinstance(headers, dict):
        return [{"name": name, "value": value} for name, value in headers.items()]
    return headers if isinstance(headers, list) else []


def _record(steps: list[_Step]) -> Capture:
    first = steps[0].time if steps else 0.0
    capture = Capture(limit=NO_LIMIT)
    capture.only_messages = True
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
            capture.end(numbers[step.entry], step.direction, note=ASSUMED, at=at)
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


def _steps(number: int, entry: dict[str, Any], source: _Source) -> Iterator[_Step]:
    request, response, notes = entry.get("request") or {}, entry.get("response") or {}, source.notes
    messages = read_messages(_messages(number, entry, source), number, notes)
    if not isinstance(request, dict) or not (request or messages):
        raise TypeError("it has no request")
    times = [message.time for message in messages if message.time is not None]
    opened = as_seconds(entry.get("startedDateTime"))
    if opened is None or (times and opened > min(times)):
        opened = min(times, default=opened or 0.0)
    status = int(as_number(response.get("status")) or 0)
    if status == 101 and source.creator != "wslab":
        request, response = _made_whole(number, request, response, bool(messages), notes)
    sent = _head(request.get("headers"))
    line = f"{request.get('method', 'GET')} {_target(str(request.get('url') or ''))} HTTP/1.1\r\n"
    asked = _ascii(line) + (sent or b"")
    line = f"HTTP/1.1 {status} {response.get('statusText') or ''}".rstrip() + "\r\n"
    answered = _ascii(line) + (_head(response.get("headers")) or b"\r\n")
    # Without the request's headers, or over HTTP/2, there is no handshake to show. Messages may
    # have crossed even if the entry records no upgrade before them.
    agreed = _is_head(asked) and _is_head(answered) and parse_head(answered).status == 101
    version = _without_upgrade(request, response, status)
    upgraded = sent is None or bool(version) or bool(messages and not agreed)
    if (agreed or version) and "_webSocketMessages" not in entry and not messages:
        notes.append(
            f"entry {number} has no messages: {source.creator} did not save them in this HAR; the "
            "DevTools of Chrome and Edge do, and `wslab tap` records every frame"
        )
    answer = opened
    cuts, name = tuple(_cuts(entry, number, notes)), str(entry.get("_wslabName") or "")
    yield _Step(opened, number, None, b"", upgraded, marks=cuts, name=name)
    if upgraded:
        lacks = f"has messages, but the status {status}{' of an unknown answer' * (not status)}"
        if version:
            target = _target(str(request.get("url", "")))[:200]
            rfc = "RFC 8441 §5" if version == "HTTP/2" else "RFC 9220 §3"
            lacks = (
                f"is a WebSocket over {version}: a CONNECT to {target}, with no key, "
                f"{f'answered by {status}' if status else 'without an answer here'} ({rfc})"
            )
        elif sent is None or status == 101:
            lacks = "has no handshake as HTTP/1.1 writes it"
        notes.append(f"entry {number} {lacks}: frames alone")
    else:
        marks = _marks(request, number, notes)
        yield _Step(opened, number, "client", asked, marks=marks)
        if status:
            wait = as_number((entry.get("timings") or {}).get("wait")) or 0.0
            answer = min([moment(opened + max(0.0, wait) / 1000) or opened, *times])
            marks = _marks(response, number, notes)
            yield _Step(answer, number, "server", answered, marks=marks)
            if status != 101:
                # The bytes lack its body, so the headers that describe the body must not count.
                yield _Step(answer, number, "server", b"")
    if entry.get("_webSocketClose"):
        notes.append(f"entry {number}: {closed(entry['_webSocketClose'])}")
    at = answer
    for message in messages:
        at = at if message.time is None else message.time  # unknown: that of the step before it
        marks = _marks(message.source, number, notes)
        yield _Step(at, number, message.direction, message.frame, marks=marks)


def _messages(number: int, entry: dict[str, Any], source: _Source) -> Any:
    """An entry's list of messages, from the HAR or from the file beside it that it names."""
    messages, content = messages_in(entry), (entry.get("response") or {}).get("content")
    for named in (messages, content):
        if not isinstance(named, dict) or not isinstance(named.get("_file"), str):
            continue
        try:
            if source.beside is None:
                raise CaptureError("only the text of the HAR is known")
            return _objects(source.beside(named["_file"]).decode("utf-8-sig", "replace"))
        except (OSError, CaptureError) as error:
            reason = error.strerror if isinstance(error, OSError) else error
            source.notes.append(
                f"entry {number}: its messages are in {named['_file'][:80]!r}, which cannot be "
                f"read ({reason}): a HAR and its files must stay in one folder or archive"
            )
            return []
    return messages


def _without_upgrade(request: dict[str, Any], response: dict[str, Any], status: int) -> str:
    """ "HTTP/2" or "HTTP/3" where the WebSocket began there, by an extended CONNECT; or ""."""
    versions = f"{request.get('httpVersion')} {response.get('httpVersion')}".lower()
    if "h3" in versions or "http/3" in versions:
        return "HTTP/3"
    names = [str(header["name"]) for header in _pairs(request.get("headers"))]
    # Playwright writes such a request as a GET of HTTP/1.1; but it has no key.
    no_key = names and status // 100 == 2 and not _header(request, "Sec-WebSocket-Key")
    if no_key or "h2" in versions or "http/2" in versions or request.get("method") == "CONNECT":
        return "HTTP/2"
    return "HTTP/2" if any(name.startswith(":") for name in names) else ""


_MADE_UP_KEY = base64.b64encode(bytes(16)).decode()
_KEY, _ACCEPT = re.compile("[A-Za-z0-9+/]{22}=="), re.compile("[A-Za-z0-9+/]{27}=")


def _made_whole(
    number: int, request: dict[str, Any], response: dict[str, Any], talked: bool, notes: list[str]
) -> tuple[dict[str, Any], dict[str, Any]]:
    """An accepted request and its response, with a key and accept for those that were taken out."""
    names = "Sec-WebSocket-Key", "Sec-WebSocket-Accept"
    key, accept = _header(request, names[0]), _header(response, names[1])
    has_key = bool(_KEY.fullmatch(key))
    if accept == accept_key(key) or (has_key and (_ACCEPT.fullmatch(accept) or not talked)):
        return request, response
    if not _pairs(request.get("headers")) or _without_upgrade(request, response, 101):
        return request, response
    new = key if has_key else _MADE_UP_KEY
    notes.append(
        f"entry {number} was sanitized before it was saved: a made-up "
        f"{'' if has_key else f'{names[0]} of {new} and '}{names[1]} takes its place"
    )
    made = []
    for head, name, value in zip((request, response), names, (new, accept_key(new)), strict=True):
        headers = [h for h in _pairs(head.get("headers")) if str(h["name"]).lower() != name.lower()]
        headers.append({"name": name, "value": value})
        made.append(head | {"headers": headers})
    if not _header(request, "Sec-WebSocket-Version"):
        made[0]["headers"].append({"name": "Sec-WebSocket-Version", "value": "13"})
    return made[0], made[1]


def _is_head(data: bytes) -> bool:
    """Whether `data` is exactly one head, whatever its lines contain."""
    return find_end(data, 0, 0, len(data)) == len(data) < MAX_HEAD


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
            time = stamp(mark["time"])
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


def _ascii(text: str) -> bytes:
    return text.encode("latin-1", "replace")


def _head(headers: Any) -> bytes | None:
    """The bytes of the header lines and the empty line; None if they are not HTTP/1.1."""
    lines = []
    for header in _pairs(headers):
        name, value = str(header["name"]), header["value"]
        value = "" if value is None else str(value)
        if name.startswith(":"):
            return None
        # DevTools join repeated headers with line breaks, which inside a value would end the head.
        lines += [f"{name}: {part}\r\n" for part in value.splitlines() or [""]]
    return _ascii("".join(lines) + "\r\n") if lines else None
