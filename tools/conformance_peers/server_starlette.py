"""An echo server on Starlette, run by uvicorn."""

import asyncio
import socket

import uvicorn
from starlette.applications import Starlette
from starlette.routing import WebSocketRoute


async def echo(websocket):
    await websocket.accept()
    while (message := await websocket.receive())["type"] == "websocket.receive":
        if message.get("text") is not None:
            await websocket.send_text(message["text"])
        else:
            await websocket.send_bytes(message["bytes"])


with socket.socket() as sock:
    sock.bind(("127.0.0.1", 0))
    sock.listen(100)
    print(sock.getsockname()[1], flush=True)
    app = Starlette(routes=[WebSocketRoute("/", echo)])
    config = uvicorn.Config(app, log_level="critical", ws_ping_interval=None)
    asyncio.run(uvicorn.Server(config).serve(sockets=[sock]))
