"""A conversation that has in it what a browser's DevTools may not show, and recordings of it.

One page and one server, always the same: a 101 that is spelt oddly, short and compressed messages,
a ping, a message in three frames, an unasked pong, binary data, and more after the page has closed.
`tools/devtools_pictures.py` records it anew, together with the pictures of DevTools.
"""

from __future__ import annotations

import asyncio
import json
from pathlib import Path
from typing import Any, NamedTuple, get_args

from wslab.net import loop
from wslab.net.browsers.chromium import Chromium, ChromiumPage
from wslab.net.browsers.commands import BrowserEvent
from wslab.net.peers.frame_peer import FramePeer
from wslab.net.servers.raw import RawConnection, RawServer
from wslab.wire import Capture, Deflater, Direction, Opcode, load

PAGE = Path(__file__).with_name("conversation.html")
RECORDED = Path(__file__).with_name("recorded")
"""The folder of the recordings, and of the pictures that were taken with them."""

HEAD = (
    "HTTP/1.1 101 Web  Socket Protocol Handshake",
    "upgrade: WebSocket",
    "CONNECTION:   Upgrade",
    "Sec-WebSocket-Accept: {accept}",
    "X-Lab: one",
    "X-Lab:  two ",
    "Sec-WebSocket-Extensions: permessage-deflate",
    "",
    "",
)
"""The lines of the response: correct, and in a spelling that a tool may tidy up."""


class ConversationServer(RawServer):
    """Serves the page of the conversation, and plays the server's part of it."""

    def __init__(self, name: str) -> None:
        super().__init__(_serve, name=name)


async def _serve(connection: RawConnection) -> None:
    if not connection.key:
        page = PAGE.read_bytes()
        length = f"Content-Length: {len(page)}"
        kind = "Content-Type: text/html; charset=utf-8"
        await connection.respond("200 OK", kind, length, "Connection: close", body=page)
        return
    await connection.send("\r\n".join(HEAD).format(accept=connection.accept).encode())
    server = FramePeer(connection, "server")
    for _ in ("Hello", "haha…"):
        await server.read()
    await server.send(Opcode.TEXT, b"Hello")
    await server.send(Opcode.TEXT, Deflater().deflate(b"ha" * 200), rsv1=True)
    await server.send(Opcode.PING, b"are you there?")
    await server.read()  # the pong
    await server.send(Opcode.TEXT, b"in ", fin=False)
    await server.send(Opcode.CONTINUATION, b"three ", fin=False)
    await server.send(Opcode.CONTINUATION, b"frames")
    await server.send(Opcode.PONG, b"unasked")
    await server.send(Opcode.BINARY, b"\0\1\xff")
    close = await server.read_close()
    await server.send(Opcode.TEXT, b"still here")  # RFC 6455 §5.5.1 lets it finish before it closes
    await server.send(Opcode.CLOSE, close.payload if close else b"")
    await server.send(Opcode.TEXT, b"too late")  # and forbids any data after that
    server.end()
    await server.read_to_end()


class Played(NamedTuple):
    """The conversation, as a Chromium told of it and as it crossed."""

    browser: str
    """Such as `Chrome/156.0.8078.108`."""
    events: list[BrowserEvent]
    """Everything that CDP told of the WebSocket, oldest first."""
    page: list[str]
    """What the API told the page."""
    capture: Capture
    connection: int
    """The WebSocket's connection in the recording."""
    live: bool = True
    """Whether this happened just now; False if it was recorded some day."""


def play(chromium: Chromium, page: ChromiumPage, url: str, capture: Capture) -> Played:
    """Play it in a page of a running Chromium, with the server at `url`: a tap that records in
    `capture`. Raises `TimedOut` where it does not come to its end.
    """
    page.command("Network.enable")
    page.go_to(url.replace("ws://", "http://", 1))
    said = page.evaluate("play()")
    page.wait_for("Network.webSocketClosed")
    loop.run(asyncio.sleep(0))  # a tap forwards first and records second
    events = [event for event in page.events if event.method.startswith("Network.webSocket")]
    connection = connection_of(events, capture)
    capture.set_name(connection, "Chrome")
    return Played(chromium.version, events, said, capture, connection)


def connection_of(events: list[BrowserEvent], capture: Capture) -> int:
    """The connection in the recording that these events tell of, by its key."""
    asked = next(e for e in events if e.method == "Network.webSocketWillSendHandshakeRequest")
    key = f": {asked.params['request']['headers']['Sec-WebSocket-Key']}\r\n".encode()
    index = capture.index
    requests = [row for row in index.rows() if row.kind == "request"]
    return next(row.connection for row in requests if key in index.unit(row.number).data)


def response_texts(played: Played) -> tuple[str, str]:
    """The head of the response: as it crossed, and as Chrome told it."""
    index = played.capture.index
    crossed = next(
        index.unit(row.number).data.decode("latin-1")
        for row in index.rows()
        if (row.connection, row.kind) == (played.connection, "response")
    )
    told = next(e.params["response"] for e in played.events if "response" in e.params)
    return crossed, told["headersText"]


def recorded_play(capture: Capture) -> Played:
    """A recording of the conversation, for machines without a Chromium.

    What crossed is appended to `capture`, as a connection that is called "recorded".
    """
    head, *lines = read_lines(RECORDED / "chrome.jsonl")
    events = [BrowserEvent(line["method"], line["params"], "") for line in lines]
    index = (then := load(RECORDED / "chrome-wire.jsonl")).index
    of_socket = connection_of(events, then)
    connection = capture.open_connection()
    capture.set_name(connection, "recorded")
    for row in index.rows():
        if row.connection == of_socket:
            capture.record(connection, row.direction, index.unit(row.number).data)
    for direction in get_args(Direction):
        capture.end(connection, direction)
    return Played(head["browser"], events, head["page"], capture, connection, live=False)


def read_lines(path: Path) -> list[dict[str, Any]]:
    """The objects in a file of JSON Lines."""
    return [json.loads(line) for line in path.read_text("utf-8").splitlines()]
