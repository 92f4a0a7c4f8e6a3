"""Socket.IO: python-socketio's server, on Jupyter's own Tornado, and its client."""

from __future__ import annotations

import asyncio
from typing import Any

from wslab.net.payloads.talk import PATIENCE, HostedTalk
from wslab.net.servers.tornado_server import TornadoServer


class SocketIOTalk(HostedTalk):
    """An event that is acknowledged, an event with bytes, and the goodbye."""

    name = "socket_io"
    cast = "a server and a client of python-socketio"
    packages = {"socketio": "python-socketio", "engineio": "python-engineio"}  # noqa: RUF012
    install = "pip install python-socketio requests websocket-client"

    def __init__(self) -> None:
        super().__init__(_Greeter("Socket.IO"))

    def play(self, url: str) -> None:
        import socketio

        with socketio.SimpleClient() as client:
            client.connect(url.replace("ws://", "http://", 1), transports=["websocket"])
            client.call("greet", {"name": "Ada"}, timeout=int(PATIENCE))
            client.receive(timeout=PATIENCE)
            engine = client.client.eio
            close = engine.ws.close

            def close_after_the_last_packet() -> None:
                # Its thread that writes is told to end, but may not have come to the last packet.
                engine.write_loop_task.join(PATIENCE)
                close()

            engine.ws.close = close_after_the_last_packet


class _Greeter(TornadoServer):
    """Says hello to everybody who says who they are."""

    def _handlers(self) -> list[Any]:
        import socketio

        self._server = server = socketio.AsyncServer(async_mode="tornado")

        async def greet(session: str, who: dict[str, str]) -> str:
            await server.emit("greeted", {"by": who["name"], "face": b"\x3a\x29"}, to=session)
            return f"Hello, {who['name']}!"

        server.on("greet", greet)
        return [("/socket.io/", socketio.get_tornado_handler(server))]

    async def _close(self) -> None:
        await self._server.shutdown()
        await super()._close()
        # Its sessions' pings sleep on for up to 25 s, for nobody.
        for task in asyncio.all_tasks():
            code = getattr(task.get_coro(), "cr_code", None)
            if code is not None and code.co_qualname.startswith("AsyncSocket."):
                task.cancel()
