"""The base class of all WebSocket servers here, built on `websockets.asyncio.server`."""

from __future__ import annotations

import asyncio
import re
import socket
import ssl
from collections.abc import Callable, Iterable, Sequence
from typing import Any, cast

from websockets.asyncio.server import Server as LibraryServer
from websockets.asyncio.server import ServerConnection, serve
from websockets.exceptions import (
    ConnectionClosed,
    InvalidHeader,
    InvalidMessage,
    InvalidMethod,
)
from websockets.http11 import Request, Response
from websockets.protocol import State
from websockets.typing import Origin, Subprotocol

from wslab.net.compression import Compression, check_compression, server_options
from wslab.net.listener import Listener

HANDSHAKE_TIME = 600.0
"""Seconds that a client has for its request. Somebody may hold it at the tap, and look at it."""

GRACE = 0.5
"""Seconds that peers have for the closing handshake when a server stops; then they are cut off.
"""

VERSION = "13"
"""The only version of the protocol since the drafts (RFC 6455 §4.1)."""


class Server(Listener):
    """A WebSocket server on the loopback interface. A subclass serves a connection in `handle`.

    ``origins``: the Origins that may connect, as text or compiled patterns, None standing for "no
    Origin field"; others get 403 (RFC 6455 §4.2.2, §10.2). None instead of a list lets everybody
    in. ``subprotocols``: those the server speaks, the preferred one first; a client that offers
    none of them is let in without one (RFC 6455 §4.2.2). ``max_size``: bytes of the largest message
    taken; a larger one is answered with close code 1009. ``compression``: see `net/compression.py`
    (RFC 7692). ``ping_interval``: seconds between keepalive pings, or None. ``tls``: a context with
    a certificate, such as `Authority.server` makes; the server is then a ``wss`` one (RFC 6455 §3).

    Compression and pings are off by default: compressed payloads and unexpected pings would
    distract from what a lesson shows.
    """

    def __init__(
        self,
        name: str,
        port: int = 0,
        *,
        origins: Sequence[str | re.Pattern[str] | None] | str | re.Pattern[str] | None = None,
        subprotocols: Sequence[str] | str | None = None,
        max_size: int | None = 2**20,
        compression: Compression = None,
        ping_interval: float | None = None,
        tls: ssl.SSLContext | None = None,
    ) -> None:
        super().__init__(name, port)
        self.tls = tls
        self.secure = tls is not None
        # A single origin may be a text: iterating over it would give its letters.
        self.origins = [origins] if isinstance(origins, str | re.Pattern) else origins
        one = isinstance(subprotocols, str)
        self.subprotocols = (subprotocols,) if one else tuple(subprotocols or ())
        check_compression(compression)
        self.max_size = max_size
        self.compression = compression
        self.ping_interval = ping_interval
        self.ping_timeout: float | None = 20.0
        """Seconds that a client has for the pong; then it is closed with 1011. May be set before
        the start."""
        self.close_timeout: float | None = 10.0
        """Seconds that a client has to answer a close frame. May be set before the start."""
        self._server: LibraryServer | None = None
        self._accepted: set[_Connection] = set()
        self._open_connections = 0

    @property
    def connections(self) -> int:
        """How many WebSocket connections are open."""
        return self._open_connections

    async def handle(self, connection: ServerConnection) -> None:
        """Serve one connection, on the loop thread. When this returns, the connection is closed
        with code 1000.
        """
        raise NotImplementedError

    def answer(self, connection: ServerConnection, request: Request) -> Response | None:
        """The answer to a request if no WebSocket is to be opened: a page, or a refusal.

        None (here always) means: continue with the handshake. Runs on the loop thread.
        """
        return None

    async def _open(self, sock: socket.socket) -> None:
        self._server = await serve(
            self._handle,
            sock=sock,
            origins=cast("Sequence[Origin | re.Pattern[str] | None] | None", self.origins),
            subprotocols=cast("Sequence[Subprotocol]", self.subprotocols) or None,
            select_subprotocol=self._select_subprotocol,
            **server_options(self.compression),
            process_request=self.answer,
            process_response=_conform,
            ping_interval=self.ping_interval,
            ping_timeout=self.ping_timeout,
            close_timeout=self.close_timeout,
            max_size=self.max_size,
            ssl=self.tls,
            ssl_handshake_timeout=HANDSHAKE_TIME if self.tls else None,
            open_timeout=HANDSHAKE_TIME,
            logger=self.log.logger,
            create_connection=cast("type[ServerConnection]", self._make_connection),
            # In two steps, so that a start that is interrupted in between knows what to close.
            start_serving=False,
        )
        await self._server.start_serving()

    async def _close(self) -> None:
        server, self._server = self._server, None
        if server is None:
            return
        server.close()  # 1001 (going away) to every open connection
        for connection in list(self._accepted):
            # No closing handshake with a peer that has not finished its request: it could take
            # forever.
            if connection.state is State.CONNECTING:
                connection.transport.abort()
        await wait_closed(server, lambda: self._accepted)

    async def _handle(self, connection: ServerConnection) -> None:
        self._open_connections += 1
        try:
            await self.handle(connection)
        except ConnectionClosed as closed:
            self.log.note(f"a connection ended: {closed}")
        finally:
            self._open_connections -= 1

    def _make_connection(self, *arguments: Any, **options: Any) -> _Connection:
        connection = _Connection(*arguments, **options)
        connection.owner = self
        return connection

    def _select_subprotocol(
        self, connection: ServerConnection, offered: Sequence[Subprotocol]
    ) -> Subprotocol | None:
        # The library answers 400 if no subprotocol fits. RFC 6455 §4.2.2 lets the server continue
        # without one, and the client decide whether to accept that.
        return next(
            (cast("Subprotocol", ours) for ours in self.subprotocols if ours in offered), None
        )


class _Connection(ServerConnection):
    """A connection that its server knows from the first byte on, not only after the handshake, so
    that stopping the server ends it too.
    """

    owner: Server
    _beginning = b""
    _told_off = False
    _cut_off: asyncio.TimerHandle | None = None

    def data_received(self, data: bytes) -> None:
        if len(self._beginning) < 5:  # enough to tell GET and HEAD
            self._beginning += data[:5]
        super().data_received(data)
        if self._cut_off is None and self.close_deadline is not None:
            # A peer that broke a rule was told so, and should disconnect. The library limits the
            # time for that only in a close or send; a handler that reads would wait forever.
            self._cut_off = self.loop.call_at(self.close_deadline, self.transport.abort)

    # The library calls this whenever there is something to write, the end of the stream included.
    def send_data(self) -> None:
        problem = self.protocol.handshake_exc
        if isinstance(problem, InvalidMessage) and not self._told_off:
            # The library would close the connection without an answer. RFC 9112 §2.2: answer 400.
            self._told_off = True
            self.transport.write(_tell_off(problem, self._beginning.partition(b" ")[0]))
        super().send_data()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        super().connection_made(transport)
        self.owner._accepted.add(self)
        if self.owner._server is None:  # accepted just as the server stops
            self.transport.abort()

    def connection_lost(self, exc: Exception | None) -> None:
        self.owner._accepted.discard(self)
        if self._cut_off is not None:
            self._cut_off.cancel()
        super().connection_lost(exc)


async def wait_closed(
    server: LibraryServer, connections: Callable[[], Iterable[ServerConnection]]
) -> None:
    """Wait until a closing server is closed; peers still connected after `GRACE` are cut off."""
    try:
        async with asyncio.timeout(GRACE):
            await server.wait_closed()
    except TimeoutError:
        for connection in list(connections()):
            connection.transport.abort()
        for task in list(server.handler_tasks):
            task.cancel()
        # Those that have not finished their TLS handshake are known to asyncio alone, since 3.13.
        getattr(server.server, "abort_clients", lambda: None)()
        await server.wait_closed()


def _conform(connection: ServerConnection, request: Request, response: Response) -> Response | None:
    """Correct an answer of the library where the RFCs demand more, or less, than it says."""
    problem = connection.protocol.handshake_exc
    # The library's versions before 16 take no other method, and tell none.
    is_head = getattr(request, "method", "GET") == "HEAD"
    if isinstance(problem, InvalidHeader) and problem.name == "Sec-WebSocket-Version":
        # The library answers 400 and names no version. RFC 6455 §4.2.2 (4) and §4.4: the answer
        # must list the versions the server speaks, with "an appropriate HTTP error code (such as
        # 426 Upgrade Required)". A version that is missing altogether is a malformed request, hence
        # 400 (§4.2.1).
        got = request.headers.get_all("Sec-WebSocket-Version")
        if got:
            text = f"Expected Sec-WebSocket-Version: {VERSION}, got {', '.join(got)}"
            response = _replace(connection, response, 426, f"{text} (RFC 6455 section 4.4).\n")
            response.headers["Upgrade"] = "websocket"
        response.headers["Sec-WebSocket-Version"] = VERSION
    elif response.status_code == 101 and len(request.headers.get_all("Host")) != 1:
        # The library does not check Host. RFC 9112 §3.2: a server must answer 400 to an HTTP/1.1
        # request with no Host or several; RFC 6455 §4.2.1 (2) requires the field as well.
        text = "Expected exactly one Host header field"
        response = _replace(
            connection, response, 400, f"{text} (RFC 9112 section 3.2, RFC 6455 section 4.2.1).\n"
        )
    elif is_head and isinstance(problem, InvalidMethod) and "Upgrade" not in request.headers:
        # RFC 9110 §9.3.2: HEAD is answered like GET, which gets 426.
        text = "Expected GET with Upgrade: websocket (RFC 6455 section 4.2.1).\n"
        response = _replace(connection, response, 426, text)
        response.headers["Upgrade"] = "websocket"
    if response.status_code == 426:
        # RFC 9110 §7.8: a sender of Upgrade must name it in Connection too. The library only says
        # "close".
        del response.headers["Connection"]
        response.headers["Connection"] = "Upgrade, close"
    if is_head:
        # RFC 9110 §9.3.2: the same header fields, Content-Length included, and no content.
        response.body = b""
    return response


def _tell_off(problem: InvalidMessage, method: bytes) -> bytes:
    has_body = "body" in str(problem.__cause__) or "transfer" in str(problem.__cause__)
    # A request with a body is usually a POST or the like, which a WebSocket's path does not accept.
    wrong_method = has_body and method not in (b"GET", b"HEAD")
    status = "405 Method Not Allowed\r\nAllow: GET" if wrong_method else "400 Bad Request"
    text = "Expected a GET request without a body.\n"
    return (
        f"HTTP/1.1 {status}\r\nConnection: close\r\nContent-Type: text/plain; charset=utf-8\r\n"
        f"Content-Length: {len(text)}\r\n\r\n{'' if method == b'HEAD' else text}"
    ).encode()


def _replace(connection: ServerConnection, response: Response, status: int, text: str) -> Response:
    replacement = connection.respond(status, text)
    if server := response.headers.get("Server"):
        replacement.headers["Server"] = server
    return replacement
