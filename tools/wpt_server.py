"""The server for web-platform-tests of WebSocket: what its tests expect behind each path.

The tests bring handlers for a library of their own, pywebsocket3; these do the same with ours. The
paths are also answered below a hub's proxy/PORT/, as a proxy would do that changes nothing.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Awaitable, Callable

from websockets.asyncio.server import ServerConnection
from websockets.http11 import Request, Response

from wslab.net.servers.pages import Page, answer
from wslab.net.servers.server import Server
from wslab.wire import encode_frame

GOODBYE = "Goodbye"
BASE = "/user/ada/"
"""Where a Jupyter server on a hub has everything, its proxy too."""
_PROXY = re.compile(rf"{BASE}proxy/\d+(?=/)")


class WptServer(Server):
    """Serves the tests' paths, and `pages` by their own."""

    def __init__(self) -> None:
        super().__init__("web-platform-tests")
        self.pages: dict[str, Page] = {}

    def _path(self, request: Request) -> str:
        return _PROXY.sub("", request.path, count=1)

    async def answer(self, connection: ServerConnection, request: Request) -> Response | None:
        path = self._path(request).partition("?")[0]
        handshake = HANDSHAKES.get(path)
        if handshake:
            return await handshake(connection, request)
        return None if path in HANDLERS else answer(request, self.pages)

    async def handle(self, connection: ServerConnection) -> None:
        path = self._path(connection.request).partition("?")[0]
        await HANDLERS.get(path, say_nothing)(connection)


# -- after the handshake ------------------------------------------------------------------------


async def say_nothing(connection: ServerConnection) -> None:
    """Close with 1000 at once."""


async def echo(connection: ServerConnection) -> None:
    async for message in connection:
        await connection.send(message)
        if message == GOODBYE:
            return


async def wait_for_goodbye(connection: ServerConnection) -> None:
    async for message in connection:
        if message == GOODBYE:
            return


async def wait_for_close(connection: ServerConnection) -> None:
    async for _ in connection:
        pass


async def echo_raw(connection: ServerConnection) -> None:
    """Put the payloads on the wire as they are: the tests make frames of them."""
    async for message in connection:
        if message == b"exit":
            return
        connection.transport.write(message)


async def tell_query(connection: ServerConnection) -> None:
    await connection.send(connection.request.path.partition("?")[2])


async def tell_empty(connection: ServerConnection) -> None:
    await connection.send("pass" if await connection.recv() == "" else "fail")


async def tell_protocol(connection: ServerConnection) -> None:
    await connection.send(connection.response.headers["Sec-WebSocket-Protocol"])


async def tell_referrer(connection: ServerConnection) -> None:
    await connection.send(connection.request.headers.get("Referer", "MISSING AS PER FETCH"))


async def read_slowly(connection: ServerConnection) -> None:
    async for message in connection:
        await asyncio.sleep(0.1)
        await connection.send(str(len(message)))


async def close_late(connection: ServerConnection) -> None:
    """Answer the client's close after a second: its close frame is not read before."""
    connection.transport.pause_reading()
    await asyncio.sleep(1.05)
    connection.transport.resume_reading()
    await wait_for_close(connection)


async def closed_already(connection: ServerConnection) -> None:
    """A close frame came with the answer of the handshake: have the library know, and send none."""
    connection.protocol.send_close(1001, "PASS")
    connection.protocol.data_to_send()
    await connection.wait_closed()


HANDLERS: dict[str, Callable[[ServerConnection], Awaitable[None]]] = {
    "/echo": echo,
    "/echo_raw": echo_raw,
    "/echo_exit": wait_for_goodbye,
    "/echo_close_data": wait_for_goodbye,
    "/echo-query": tell_query,
    "/echo-query_v13": tell_query,
    "/empty-message": tell_empty,
    "/referrer": tell_referrer,
    "/protocol": tell_protocol,
    "/protocol_array": tell_protocol,
    "/receive-many-with-backpressure": read_slowly,
    "/delayed-passive-close": close_late,
    "/simple_handshake": closed_already,
    "/handshake_no_extensions": say_nothing,
    "/handshake_no_protocol": say_nothing,
}


# -- in the handshake ---------------------------------------------------------------------------


def accepted(connection: ServerConnection, request: Request, **fields: str) -> Response:
    """The answer that opens the connection, with these fields in place of the library's."""
    response = connection.protocol.accept(request)
    for name, value in fields.items():
        name = name.replace("_", "-")
        response.headers.pop(name, None)
        response.headers[name] = value
    return response


async def first_protocol(connection: ServerConnection, request: Request) -> Response | None:
    offered = request.headers.get("Sec-WebSocket-Protocol")
    if offered is None:
        return None
    return accepted(connection, request, Sec_WebSocket_Protocol=offered.split(",")[0].strip())


async def echo_protocol(connection: ServerConnection, request: Request) -> Response | None:
    """Agree on "echo", the only one that this path speaks."""
    offered = re.split(r",\s*", request.headers.get("Sec-WebSocket-Protocol", ""))
    if "echo" not in offered:
        return None
    return accepted(connection, request, Sec_WebSocket_Protocol="echo")


async def strange_protocol(connection: ServerConnection, request: Request) -> Response:
    return accepted(connection, request, Sec_WebSocket_Protocol="foobar")


async def wrong_accept(connection: ServerConnection, request: Request) -> Response:
    return accepted(connection, request, Sec_WebSocket_Accept="thisisawrongacceptkey")


async def accept_and_close(connection: ServerConnection, request: Request) -> Response:
    """The answer and a close frame in one write."""
    response = accepted(connection, request)
    response.body = encode_frame(8, (1001).to_bytes(2, "big") + b"PASS")
    return response


async def no_http(connection: ServerConnection, request: Request) -> Response:
    connection.transport.write(b"FOO BAR BAZ\r\n\r\n")
    connection.transport.close()
    return Response(400, "Bad Request", connection.protocol.accept(request).headers)


async def sleep_2(connection: ServerConnection, request: Request) -> None:
    await asyncio.sleep(2)


async def sleep_10(connection: ServerConnection, request: Request) -> None:
    await asyncio.sleep(10)


HANDSHAKES: dict[str, Callable[[ServerConnection, Request], Awaitable[Response | None]]] = {
    "/echo": echo_protocol,
    "/protocol": first_protocol,
    "/protocol_array": first_protocol,
    "/handshake_protocol": strange_protocol,
    "/wrong_accept_key": wrong_accept,
    "/simple_handshake": accept_and_close,
    "/invalid": no_http,
    "/handshake_sleep_2": sleep_2,
    "/sleep_10_v13": sleep_10,
}
