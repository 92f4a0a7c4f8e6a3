"""What browsers tell of a WebSocket, put beside what crossed the wire."""

from __future__ import annotations

import base64
from collections.abc import Iterable
from typing import Any, NamedTuple

from wslab.net.browsers.commands import BrowserEvent
from wslab.net.browsers.conversation import RECORDED, read_lines
from wslab.wire import Capture, Direction, Kind, Opcode, Row

KINDS: dict[int, Kind] = {
    Opcode.CONTINUATION: "continuation",
    Opcode.TEXT: "text",
    Opcode.BINARY: "binary",
    Opcode.CLOSE: "close",
    Opcode.PING: "ping",
    Opcode.PONG: "pong",
}


BITS = ("FIN", "RSV1", "RSV2", "RSV3", "MASK")


class Told(NamedTuple):
    """Something that a browser told: an event for its DevTools, or a row of their list."""

    name: str
    """The event's name, without its domain; "" for a row of a list."""
    direction: Direction | None = None
    """Who sent what it tells of; None where it tells of nothing that was sent."""
    kind: Kind | None = None
    content: bytes = b""
    """The message or, of a control frame, the payload."""
    text: str = ""
    """The data as DevTools write them."""
    length: str = ""
    """The length as DevTools write it; "" where they write none."""
    header: str = ""
    """What is told of the frame's header, in words; "" for nothing."""
    hidden: bool = False
    """Whether the list has it only after its control frames were switched on."""


def told_by_chrome(events: Iterable[BrowserEvent]) -> list[Told]:
    """The events of CDP's domain Network about one WebSocket, and what Chrome's pane makes of them.

    The pane has a row for each FrameSent, FrameReceived and FrameError.
    """
    events = list(events)
    # The request's text is only told together with the response.
    answers = (e.params["response"] for e in events if e.method.endswith("ResponseReceived"))
    heads: dict[str, Any] = next(answers, {})
    return [_told(e.method.removeprefix("Network."), e.params, heads) for e in events]


def _told(name: str, params: dict[str, Any], heads: dict[str, Any]) -> Told:
    match name:
        case "webSocketWillSendHandshakeRequest":
            return _head(name, "client", "request", heads.get("requestHeadersText", ""))
        case "webSocketHandshakeResponseReceived":
            return _head(name, "server", "response", heads.get("headersText", ""))
        case "webSocketFrameError":
            return Told(name, text=params["errorMessage"], length="N/A")
        case "webSocketFrameSent" | "webSocketFrameReceived":
            direction: Direction = "client" if name.endswith("Sent") else "server"
            opcode, data = params["response"]["opcode"], params["response"]["payloadData"]
            header = f"opcode {opcode}, mask {str(params['response']['mask']).lower()}"
            if opcode == Opcode.TEXT:
                return Told(name, direction, "text", data.encode(), data, str(len(data)), header)
            content = base64.b64decode(data)
            shown = "Binary message" if opcode == Opcode.BINARY else f"opcode {opcode}"
            return Told(
                name,
                direction,
                KINDS.get(opcode, "reserved"),
                content,
                shown,
                _bytes(len(content)),
                header,
            )
        case _:
            return Told(name, text=params.get("url", ""))


def _head(name: str, direction: Direction, kind: Kind, text: str) -> Told:
    return Told(name, direction, kind, b"", text.partition("\r\n")[0], _bytes(len(text)))


def _bytes(count: int) -> str:
    return f"{count}\N{NO-BREAK SPACE}B"


def told_by_firefox() -> list[Told]:
    """The rows of Firefox's list of messages, as the picture shows them (a recorded run)."""
    _, *rows = read_lines(RECORDED / "firefox.jsonl")
    return [
        Told(
            "",
            row["direction"],
            row["kind"],
            _content(row["kind"], row["data"]),
            row["data"],
            row["cells"].get("Size", ""),
            hidden=row["control"],
        )
        for row in rows
    ]


def _content(kind: Kind | None, data: str) -> bytes:
    if kind in ("request", "response"):
        return b""
    return data.encode("utf-8" if kind in ("text", None) else "latin-1")


def bits(capture: Capture, row: Row) -> str:
    """The bits that are set in a frame's header, such as `FIN MASK`; "" for a head."""
    fields = {field.name: field.value for field in capture.index.unit(row.number).fields}
    return " ".join(name for name in BITS if fields.get(name))


Line = tuple[Row | None, list[Told | None]]
"""A row of the wire, and what each witness told of it."""


def beside(capture: Capture, connection: int, *witnesses: Iterable[Told]) -> list[Line]:
    """What crossed on a connection, and what each witness told of it, if anything.

    A message belongs to its last frame. What was told of nothing that crossed has a line of its
    own, with None for the row: before the request if it was told first of all, else at the end.
    """
    contents = _contents(capture, connection)
    first: list[Line] = []
    last: list[Line] = []
    found: list[dict[int, Told]] = []
    for place, witness in enumerate(witnesses):
        found.append({})
        for told in witness:
            fits = (told.direction, told.kind, told.content)
            same = (
                row for row in contents if contents[row] == fits and row.number not in found[-1]
            )
            if row := next(same, None):
                found[-1][row.number] = told
            else:
                alone: list[Told | None] = [None] * len(witnesses)
                alone[place] = told
                (last if found[-1] else first).append((None, alone))
    lines = [(row, [of.get(row.number) for of in found]) for row in contents]
    return [*first, *lines, *last]


def _contents(capture: Capture, connection: int) -> dict[Row, tuple[Direction, Kind, bytes] | None]:
    """What each row of a connection holds: a message, if it is the last of its frames."""
    index = capture.index
    messages = {message.row: message for message in index.messages()}
    contents: dict[Row, tuple[Direction, Kind, bytes] | None] = {}
    for row in index.rows():
        if row.connection != connection:
            continue
        if row.number in messages:
            contents[row] = (row.direction, messages[row.number].kind, messages[row.number].content)
        elif row.kind in ("text", "binary", "continuation"):
            contents[row] = None
        else:
            head = row.kind in ("request", "response")
            payload = b"" if head else index.unit(row.number).payload
            contents[row] = (row.direction, row.kind, payload)
    return contents
