"""Finds out who sees a token: a server's logs, for each place in which a client can send one."""

from __future__ import annotations

import logging
from collections.abc import MutableSequence
from typing import Any, NamedTuple

from websockets.asyncio.server import ServerConnection
from websockets.http11 import Request, Response

from wslab.net.clients.client import Client
from wslab.net.servers.echo import EchoServer

PLACES: dict[str, dict[str, Any]] = {
    "the query of the URL": {"query": "?token={}"},
    "a subprotocol": {"subprotocols": ["chat", "bearer.{}"]},
    "a header, Authorization": {"headers": {"Authorization": "Bearer {}"}},
    "the first message": {"message": "token: {}"},
}
"""Where a client can put a token; a browser's script has no way to set a header."""


class LoggingServer(EchoServer):
    """An echo server that speaks chat and keeps two logs, as servers in production do."""

    def __init__(self, name: str) -> None:
        super().__init__(name, subprotocols=["chat"])
        self.access: list[str] = []
        """The first line of each request: what web servers and proxies write by default."""
        self.debug: list[str] = []
        """All that the `websockets` library tells its logger at level DEBUG."""
        self.heard: list[str] = []
        """What the server itself got: whole requests, and messages."""
        logger = logging.Logger(f"{name}.debug", logging.DEBUG)
        logger.addHandler(Lines(self.debug))
        self.log.logger = logger

    def answer(self, connection: ServerConnection, request: Request) -> Response | None:
        self.access.append(f"GET {request.path} HTTP/1.1")
        self.heard.append(f"{request.path} {request.headers}")
        return super().answer(connection, request)

    async def handle(self, connection: ServerConnection) -> None:
        async for message in connection:
            self.heard.append(str(message))


class Lines(logging.Handler):
    """Puts what a logger is told into a list."""

    def __init__(self, lines: MutableSequence[str]) -> None:
        super().__init__()
        self._lines = lines

    def emit(self, record: logging.LogRecord) -> None:
        self._lines.append(record.getMessage())


class TokenTrace(NamedTuple):
    """Who saw a token that was sent in one place."""

    place: str
    heard: bool
    """Whether the server itself got it."""
    access: bool
    debug: bool
    client: Client
    """The client that sent it; closed by now."""


def send_token(server: LoggingServer, url: str, place: str, token: str) -> TokenTrace:
    """Send a token to a logging server at `url`, in one of `PLACES`, and look through its logs."""
    how = PLACES[place]
    for log in (server.access, server.debug, server.heard):
        log.clear()
    client = Client(url + how.get("query", "").format(token), name="sends a token")
    offered = [name.format(token) for name in how.get("subprotocols", ["chat"])]
    headers = {name: value.format(token) for name, value in how.get("headers", {}).items()}
    try:
        client.connect(subprotocols=offered, headers=headers)
        if "message" in how:
            client.send(how["message"].format(token))
        client.close()  # and whatever was sent before has arrived
    finally:
        client.stop()

    def seen(log: list[str]) -> bool:
        return any(token in line for line in log)

    return TokenTrace(place, seen(server.heard), seen(server.access), seen(server.debug), client)
