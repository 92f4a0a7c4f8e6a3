"""STOMP: stomp.py's client, and a small broker that makes its frames with the same library."""

from __future__ import annotations

import itertools
import threading
from collections.abc import AsyncIterator
from contextlib import suppress
from typing import Any

from websockets import ConnectionClosed
from websockets.asyncio.server import Server, ServerConnection, serve

from wslab.net.address import LOOPBACK, Address
from wslab.net.errors import TimedOut
from wslab.net.payloads.talk import PATIENCE, HostedTalk
from wslab.net.servers.hosted import HostedServer


class StompTalk(HostedTalk):
    """CONNECT, SUBSCRIBE, SEND, the MESSAGE that comes of it, DISCONNECT with a receipt."""

    name = "stomp"
    cast = "a client of stomp.py, and a broker of 30 lines"
    packages = {"stomp": "stomp.py"}  # noqa: RUF012
    install = "pip install stomp.py"

    def __init__(self) -> None:
        super().__init__(HostedServer(_serve, "STOMP"))

    def play(self, url: str) -> None:
        from stomp import ConnectionListener, WSStompConnection

        heard, gone = threading.Event(), threading.Event()

        class Listener(ConnectionListener):  # type: ignore[misc]
            def on_message(self, frame: Any) -> None:
                heard.set()

            def on_disconnected(self) -> None:
                gone.set()

        address = Address.parse(url)
        client = WSStompConnection(
            [(address.host, address.port)], ws_path=address.path,
            header={"Sec-WebSocket-Protocol": "v12.stomp"}, reconnect_attempts_max=1,
        )  # fmt: skip
        client.set_listener("", Listener())
        client.connect("learner", "opensesame", wait=True)
        client.subscribe("/queue/room 3", "1", "client-individual")
        client.send("/queue/room 3", '{"temperature": 20.5}', "application/json")
        came = heard.wait(PATIENCE)
        client.disconnect()
        if not came or not gone.wait(PATIENCE):
            raise TimedOut(f"expected a MESSAGE and the end within {PATIENCE:g} s; none came")


async def _until_gone(connection: ServerConnection) -> AsyncIterator[str | bytes]:
    """The messages of a client that may leave without a close frame, as stomp.py does."""
    with suppress(ConnectionClosed):
        async for message in connection:
            yield message


async def _serve() -> Server:
    from stomp.utils import Frame, convert_frame, parse_frame

    names = itertools.count(1)

    async def handle(connection: ServerConnection) -> None:
        subscriptions: dict[str, str] = {}  # by destination: the client's name for it

        async def send(command: str, headers: dict[str, str], body: str | None = None) -> None:
            frame = Frame(command, headers, body)
            await connection.send(b"".join(convert_frame(frame)), text=True)

        async for message in _until_gone(connection):
            data = message.encode() if isinstance(message, str) else message
            frame = parse_frame(data.rstrip(b"\0"))
            if frame is None:
                continue  # a sign of life
            headers = frame.headers
            match frame.cmd:
                case "CONNECT" | "STOMP":
                    await send("CONNECTED", {"version": "1.2", "heart-beat": "0,0"})
                case "SUBSCRIBE":
                    subscriptions[headers["destination"]] = headers["id"]
                case "SEND" if headers["destination"] in subscriptions:
                    where = headers["destination"]
                    about = {"destination": where, "subscription": subscriptions[where]}
                    about |= {"message-id": f"m{next(names)}", "content-length": "0"}
                    await send("MESSAGE", about, frame.body.decode())
            if "receipt" in headers:
                await send("RECEIPT", {"receipt-id": headers["receipt"]})

    return await serve(
        handle, LOOPBACK, 0, subprotocols=["v12.stomp"], compression=None,  # type: ignore[list-item]
        ping_interval=None,
    )  # fmt: skip
