"""Socket.IO: python-socketio's server, on Jupyter's own Tornado, and its client."""

from __future__ import annotations

import asyncio
from typing import Any

from wslab.net import loop
from wslab.net.address import LOOPBACK, Address
from wslab.net.errors import NotRunning
from wslab.net.payloads.talk import PATIENCE, Talk


class SocketIOTalk(Talk):
    """An event that is acknowledged, an event with bytes, and the goodbye."""

    name = "socket_io"
    cast = "a server and a client of python-socketio"
    packages = {"socketio": "python-socketio", "engineio": "python-engineio"}  # noqa: RUF012
    install = "pip install python-socketio requests websocket-client"

    def __init__(self) -> None:
        self._port = 0
        self._parts: tuple[Any, Any] | None = None  # socketio's server and Tornado's

    @property
    def url(self) -> str:
        if self._parts is None:
            raise NotRunning("the Socket.IO server does not run: call start() first")
        return Address(False, LOOPBACK, self._port).url

    def start(self) -> None:
        import socketio
        from tornado.httpserver import HTTPServer
        from tornado.netutil import bind_sockets
        from tornado.web import Application

        server = socketio.AsyncServer(async_mode="tornado")

        async def greet(session: str, who: dict[str, str]) -> str:
            await server.emit("greeted", {"by": who["name"], "face": b"\x3a\x29"}, to=session)
            return f"Hello, {who['name']}!"

        server.on("greet", greet)

        def start() -> tuple[Any, int]:
            handler = socketio.get_tornado_handler(server)
            http = HTTPServer(Application([(r"/socket.io/", handler)]))
            sockets = bind_sockets(0, LOOPBACK)
            http.add_sockets(sockets)
            return http, sockets[0].getsockname()[1]

        http, self._port = loop.call(start)
        self._parts = server, http

    def stop(self) -> None:
        parts, self._parts = self._parts, None
        if parts is not None:
            loop.run(_stop(*parts), PATIENCE)

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


async def _stop(server: Any, http: Any) -> None:
    http.stop()
    await server.shutdown()
    await http.close_all_connections()
    # Its sessions' pings sleep on for up to 25 s, for nobody.
    for task in asyncio.all_tasks():
        code = getattr(task.get_coro(), "cr_code", None)
        if code is not None and code.co_qualname.startswith("AsyncSocket."):
            task.cancel()
