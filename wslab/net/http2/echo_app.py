"""An echo for both: WebSocket messages come back, and a GET is told which HTTP it came by.

Plain ASGI, run by hypercorn in a process of its own; it imports nothing of wslab.
"""

from __future__ import annotations

from typing import Any


async def app(scope: dict[str, Any], receive: Any, send: Any) -> None:
    """Answer one request, or talk to one socket to its end."""
    if scope["type"] == "http":
        html = [(b"content-type", b"text/html")]
        await send({"type": "http.response.start", "status": 200, "headers": html})
        body = f"<title>echo</title>HTTP/{scope['http_version']}".encode()
        await send({"type": "http.response.body", "body": body})
    elif scope["type"] == "websocket":
        await receive()
        await send({"type": "websocket.accept"})
        while (message := await receive())["type"] == "websocket.receive":
            # The same code, whatever is below: what came is sent back.
            await send({**message, "type": "websocket.send"})
    else:  # the server starts and ends
        while (message := await receive())["type"] != "lifespan.shutdown":
            await send({"type": f"{message['type']}.complete"})
        await send({"type": "lifespan.shutdown.complete"})
