"""The chat server: a room with names, comings and goings, recent messages, and limits.

A client connects to ``/chat?name=Ada`` and sends text. The server sends JSON, one event to a
message::

    {"event": "welcome", "name": "Ada", "people": ["Grace"]}        to the one who came in
    {"event": "join",    "name": "Ada"}                             to everybody
    {"event": "message", "time": …, "from": "Ada", "text": "Hi!"}   to everybody; seconds since 1970
    {"event": "leave",   "name": "Ada", "why": "said goodbye"}      to everybody else

The server, and not the sender, says who spoke, so that nobody can speak as somebody else.
"""

from __future__ import annotations

import asyncio
import json
import re
import secrets
import time
import unicodedata
from collections import deque
from collections.abc import Collection
from typing import Any
from urllib.parse import parse_qs

from websockets.asyncio.server import ServerConnection
from websockets.frames import Frame, Opcode
from websockets.http11 import Request, Response
from websockets.protocol import State

from wslab.net import socket_names
from wslab.net.servers import origin, pages
from wslab.net.servers.pages import Page
from wslab.net.servers.server import Server

SOCKET = "/chat"
"""The path of the WebSocket; the other paths on this port are pages, or not found."""

LONGEST_NAME = 32
"""Characters of a name."""

# Those of Unicode's default-ignorable characters that a name may contain: they are invisible, or
# only change the character before them.
_UNSEEN = re.compile(
    "[\u034f\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200c\u200d\u3164\ufe00-\ufe0f\uffa0"
    "\U000e0100-\U000e01ef]"
)
_BRAILLE_BLANK = "\u2800"  # Unicode calls it a symbol, but it looks like a space

FAREWELL = 3.0
"""Seconds that a client has to read the close frame when it is dismissed; then it is cut off."""


class ChatServer(Server):
    """A chat server with one room, and its page at ``/`` on the same port.

    ``history``: how many messages a newcomer gets. ``max_size``: the most bytes of a message (else
    1009). ``rate``: the most messages a second from one client, and the most at once (else 1008).
    ``backlog``: the most bytes that may wait for a client that does not read (else 1013).
    ``origins``: other origins whose pages may connect. The other options are those of `Server`.
    """

    def __init__(
        self,
        name: str = "chat",
        port: int = 0,
        *,
        history: int = 20,
        max_size: int = 4096,
        rate: float = 50.0,
        backlog: int = 2**20,
        origins: Collection[str] = (),
        compression: str | None = None,
        ping_interval: float | None = None,
    ) -> None:
        super().__init__(
            name, port, max_size=max_size, compression=compression, ping_interval=ping_interval
        )
        self.path = SOCKET
        self.close_timeout = FAREWELL  # for the library's own closes: 1002, 1007 and 1009
        self.rate = rate
        self.backlog = backlog
        self.allowed_origins = set(origins)
        """Other origins whose pages may connect, besides this server's own."""
        self.members: set[Member] = set()
        self.history: deque[bytes] = deque(maxlen=history)
        self._ticket = secrets.token_urlsafe(16)
        self._pages = _chat_pages(self._ticket)
        self._farewells: set[asyncio.Task[None]] = set()

    @property
    def people(self) -> list[str]:
        """The names of everybody in the room, in alphabetical order."""
        return sorted(member.name for member in list(self.members))

    # --- The room: a set of members, one more, a message to everybody, one less

    async def handle(self, connection: ServerConnection) -> None:
        name, code, problem = wanted_name(connection.request.path if connection.request else "")
        if problem:
            await show_out(connection, code, problem)
            return
        member = Member(connection, self._unused(name), self.rate)
        member.write(as_frame("welcome", name=member.name, people=self.people))
        for frame in self.history:
            member.write(frame)
        self.members.add(member)
        socket_names.tell(connection.transport, member.name, "server")
        self.say("join", name=member.name)
        try:
            async for message in connection:
                if member.has_left:
                    continue  # being dismissed: read on, or its close frame would never be seen
                if isinstance(message, bytes):
                    self.dismiss(member, 1003, "expected text, got a binary message")
                elif member.is_too_fast():
                    self.dismiss(member, 1008, f"more than {self.rate:g} messages a second")
                else:
                    self.say("message", time=_now(), **{"from": member.name}, text=message)
        finally:
            self.leave(member, _tell_end(connection))
            socket_names.forget(connection.transport, "server")

    def say(self, event: str, **details: Any) -> None:
        """Send an event to every member; a member that reads too slowly is dismissed instead."""
        frame = as_frame(event, **details)  # encoded once: everybody gets the same bytes
        if event == "message":
            self.history.append(frame)
        for member in list(self.members):
            if member.behind > self.backlog:
                self.dismiss(member, 1013, f"{member.behind} bytes behind: reads too slowly")
            else:
                member.write(frame)

    def leave(self, member: Member, why: str) -> None:
        """Take a member out of the room and tell the others, once."""
        if not member.has_left:
            member.has_left = True
            self.members.discard(member)
            self.say("leave", name=member.name, why=why)

    def dismiss(self, member: Member, code: int, reason: str) -> None:
        """Close a member's connection, and tell it and the others why."""
        member.has_left = True
        self.members.discard(member)
        task = asyncio.get_running_loop().create_task(self._dismiss(member, code, reason))
        self._farewells.add(task)
        task.add_done_callback(self._farewells.discard)

    async def _dismiss(self, member: Member, code: int, reason: str) -> None:
        # In a task of its own: the caller may be in the middle of `say`.
        self.say("leave", name=member.name, why=f"was shown out: {code}, {reason}")
        await show_out(member.connection, code, reason)

    def _unused(self, name: str) -> str:
        taken = {_looks(member.name) for member in self.members}
        number, unused = 1, name
        while _looks(unused) in taken:
            number += 1
            unused = f"{name} ({number})"
        return unused

    async def _close(self) -> None:
        await super()._close()
        await asyncio.gather(*self._farewells)
        self.history.clear()

    # --- HTTP requests: which pages may connect, and the chat's own pages

    def answer(self, connection: ServerConnection, request: Request) -> Response | None:
        """Answer with one of the pages; refuse the WebSocket to other sites' pages with 403."""
        path, _, query = request.path.partition("?")
        headers = request.headers
        if headers.get_all("Origin") == ["null"] and f"ticket={self._ticket}" in query.split("&"):
            # The unsafe page runs in a sandbox and has no origin. Instead it sends the ticket that
            # was put into it, which no page of another origin can read.
            headers = headers.copy()
            del headers["Origin"]
        problem = origin.refuse_unless_own(headers, self.allowed_origins)
        if problem:
            return pages.refusal(problem)
        return None if path == SOCKET else pages.answer(request, self._pages)


class Member:
    """A client in the room, with its name and its allowance of messages."""

    def __init__(self, connection: ServerConnection, name: str, rate: float) -> None:
        self.connection = connection
        self.name = name
        self.has_left = False
        self._rate = self._allowance = rate
        self._then = time.monotonic()

    @property
    def behind(self) -> int:
        """Bytes in memory that a client does not read, beyond those in the system's buffers."""
        return self.connection.transport.get_write_buffer_size()

    def write(self, frame: bytes) -> None:
        """Send an encoded frame without waiting."""
        connection = self.connection
        if connection.protocol.state is State.OPEN and not connection.transport.is_closing():
            connection.transport.write(frame)

    def is_too_fast(self) -> bool:
        """Count a message; whether it is one too many. `rate` a second are allowed, or at once."""
        now = time.monotonic()
        self._allowance = min(self._rate, self._allowance + (now - self._then) * self._rate) - 1
        self._then = now
        return self._allowance < 0


def as_frame(event: str, **details: Any) -> bytes:
    """An event as the bytes of one text frame, unmasked as a server sends it (RFC 6455 §5.1)."""
    text = json.dumps({"event": event, **details}, ensure_ascii=False)
    return Frame(Opcode.TEXT, text.encode()).serialize(mask=False)


def wanted_name(path: str) -> tuple[str, int, str]:
    """The name in a request's path; or a close code, and what is wrong with the name."""
    try:
        query = parse_qs(path.partition("?")[2], errors="strict")
    except UnicodeDecodeError:
        return "", 1007, "the name is not UTF-8"
    except ValueError:
        return "", 1008, "too many fields in the query"
    name = " ".join(unicodedata.normalize("NFC", query.get("name", ["guest"])[0]).split())
    if len(name) > LONGEST_NAME:
        return "", 1008, f"expected a name of at most {LONGEST_NAME} characters, got {len(name)}"
    for character in name:
        # Control and format characters reverse or hide text. Two format characters are needed for
        # emoji and some scripts: the joiner and the non-joiner.
        if unicodedata.category(character)[0] == "C" and character not in "\u200c\u200d":
            return "", 1008, f"a name may not hold U+{ord(character):04X}"
    if not any(unicodedata.category(character)[0] in "LNPS" for character in _looks(name)):
        return "", 1008, "expected a name that can be seen"
    return name, 0, ""


def _looks(name: str) -> str:
    """A form of a name for comparing what people see: without case, width and invisible parts.

    Letters of two scripts that look alike stay different.
    """
    seen = unicodedata.normalize("NFKC", name).replace(_BRAILLE_BLANK, " ")
    return " ".join(unicodedata.normalize("NFKC", _UNSEEN.sub("", seen).casefold()).split())


async def show_out(
    connection: ServerConnection, code: int, reason: str, patience: float = FAREWELL
) -> None:
    """Close `connection` within `patience` seconds, also if the client reads nothing."""
    try:
        async with asyncio.timeout(patience):
            await connection.close(code, reason)
    except TimeoutError:
        connection.transport.abort()


def _tell_end(connection: ServerConnection) -> str:
    protocol = connection.protocol
    if protocol.close_sent is not None and not protocol.close_rcvd_then_sent:
        return f"was shown out: {protocol.close_sent.code}, {protocol.close_sent.reason}"
    if protocol.close_rcvd is not None:
        return "said goodbye"
    return "vanished: no close frame came (1006)"


def _now() -> float:
    return round(time.time(), 3)


def _chat_pages(ticket: str) -> dict[str, Page]:
    unsafe = pages.text("chat_page/unsafe.html")
    unsafe = unsafe.replace("{{style}}", pages.text("page.css")).replace("{{ticket}}", ticket)
    # It allows inline scripts, so that the attack works through the page's mistake alone, but no
    # way out of the sandbox and no other server.
    careless = pages.POLICY | {
        "script-src": "'unsafe-inline'",
        "style-src": "'unsafe-inline'",
        "img-src": "data: 'self'",
        "sandbox": "allow-scripts allow-forms",
    }
    unsafe_page = Page("text/html", unsafe.encode(), careless)
    return {**pages.folder("chat_page", "chat.js"), "/unsafe": unsafe_page}
