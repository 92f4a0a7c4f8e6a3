"""A proxy on the way that takes whatever passes for HTTP, and what becomes of a WebSocket in it."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Coroutine
from typing import Any, Literal

from wslab.net.address import Address
from wslab.net.clients import Client
from wslab.net.clients.raw import encode_head
from wslab.net.errors import HandshakeFailed, TimedOut
from wslab.net.servers.raw import RawConnection, RawServer
from wslab.net.tls.authority import Authority
from wslab.wire.protocol import parse_head

Habit = Literal["strips", "waits"]
"""What it does to a request: it strips what is for one connection only (RFC 9110 §7.6.1); or it
passes all fields on, and waits for the final answer behind an interim one (RFC 9110 §15.2)."""

SILENCE = 0.5
"""Seconds after which an echo is given up."""


class OldProxy(RawServer):
    """An HTTP/1.1 proxy in front of `upstream`, made when there was no WebSocket.

    It stands on the way unasked, as in hotels and companies, or a client asks it with CONNECT
    (RFC 9110 §9.3.6). Bytes that are no HTTP it passes on as they are.
    """

    def __init__(self, upstream: str, habit: Habit = "strips", *, name: str = "old proxy") -> None:
        super().__init__(self._pass_on, name=name, reads_head=False)
        self.upstream = Address.parse(upstream)
        self.secure = self.upstream.secure
        self.habit = habit
        self.did: list[str] = []
        """What it did with each connection, oldest first."""

    async def _pass_on(self, client: RawConnection) -> None:
        first = await client.reader.readexactly(1)
        if first.isalpha():  # a method: HTTP (RFC 9112 §3)
            client.request = first + await client.reader.readuntil(b"\r\n\r\n")
        method, target, *_ = [*client.request.decode("latin-1").split(" "), "", ""]
        if method == "CONNECT" and target != f"{self.upstream.host_in_url}:{self.upstream.port}":
            await client.respond("403 Forbidden", "Content-Length: 0")
            return
        address = self.upstream
        reader, writer = await asyncio.open_connection(address.host, address.port)
        server = RawConnection(reader, writer)
        try:
            if method and method != "CONNECT":
                await self._pass_http_on(client, server)
                return
            if method:
                self.did.append("was asked to CONNECT, and passed the bytes on as they came")
                await client.respond("200 Connection established")
            else:
                self.did.append("found no HTTP, and passed the bytes on as they came")
                await server.send(first)
            await _until_one_ends(_copy(client, server), _copy(server, client))
        finally:
            writer.close()
            with contextlib.suppress(OSError):
                await writer.wait_closed()

    async def _pass_http_on(self, client: RawConnection, server: RawConnection) -> None:
        strips = self.habit == "strips"
        await server.send(self._stripped(client.request) if strips else client.request)
        answer = await server.reader.readuntil(b"\r\n\r\n")
        await client.send(answer)
        if not answer.startswith(b"HTTP/1.1 1"):
            await _copy(server, client)  # the rest of the final answer
            return
        self.did.append("passed 101 on as an interim answer, and waits for the final one")
        # The head of an answer, or of the next request: neither comes, for these are frames.
        await _until_one_ends(
            client.reader.readuntil(b"\r\n\r\n"), server.reader.readuntil(b"\r\n\r\n")
        )

    def _stripped(self, request: bytes) -> bytes:
        head = parse_head(request)
        gone = {"connection", *head.words("Connection")}
        fields = {one.name: one.value for one in head.headers if one.name.lower() not in gone}
        names = [one.name for one in head.headers if one.name.lower() in gone]
        self.did.append(f"stripped {' and '.join(names)}")
        return encode_head(head.first_line, fields | {"Via": "1.1 old-proxy"})


async def _copy(source: RawConnection, sink: RawConnection) -> None:
    while data := await source.reader.read(64 * 1024):
        await sink.send(data)


async def _until_one_ends(*ways: Coroutine[Any, Any, object]) -> None:
    tasks = [asyncio.ensure_future(way) for way in ways]
    try:
        await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


def echo_through(url: str, authority: Authority | None, proxy: str | None = None) -> str:
    """Send a message to an echo server, and say what comes of it in a few words."""
    tls = authority.client() if authority else None
    client = Client(
        url, name="through a proxy", wire_name="Python", tls=tls, proxy=proxy, close_timeout=0.2
    )
    try:
        with client:
            client.connect()
            client.send("Hello")
            client.recv(SILENCE)
            return "The echo comes back"
    except HandshakeFailed as failed:
        return f"Refused with {failed.status}"
    except TimedOut:
        return "It opens, and no echo comes"
