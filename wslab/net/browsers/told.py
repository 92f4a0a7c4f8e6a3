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
            if opcode == Opcode.TEXT:
                return Told(name, direction, "text", data.encode(), data, str(len(data)))
            content = base64.b64decode(data)
            shown = "Binary message" if opcode == Opcode.BINARY else f"opcode {opcode}"
            return Told(name, direction, KINDS[opcode], content, shown, _bytes(len(content)))
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


def beside(
    capture: Capture, connection: int, told: Iterable[Told]
) -> list[tuple[Row | None, Told | None]]:
    """What crossed on a connection, each with what was told of it, if anything was.

    A message belongs to its last frame. What was told of nothing that crossed comes where it was
    told: the first of it before the request, the rest at the end.
    """
    index = capture.index
    rows = [row for row in index.rows() if row.connection == connection]
    messages = {message.row: message for message in index.messages()}

    def what(row: Row) -> tuple[Direction, Kind, bytes] | None:
        if row.number in messages:
            return row.direction, messages[row.number].kind, messages[row.number].content
        if row.kind in ("text", "binary", "continuation"):
            return None  # a message's frame, and not its last
        head = row.kind in ("request", "response")
        return row.direction, row.kind, b"" if head else index.unit(row.number).payload

    contents = {row.number: what(row) for row in rows}
    found: dict[int, Told] = {}
    first: list[Told] = []
    last: list[Told] = []
    for one in told:
        fits = (one.direction, one.kind, one.content)
        number = next((n for n in contents if contents[n] == fits and n not in found), None)
        if number is not None:
            found[number] = one
        else:
            (last if found else first).append(one)
    return [
        *((None, one) for one in first),
        *((row, found.get(row.number)) for row in rows),
        *((None, one) for one in last),
    ]
