"""The echo server of the first lessons: it sends every message back."""

from __future__ import annotations

from typing import Any

from websockets.asyncio.server import ServerConnection
from websockets.http11 import Request, Response

from wslab.net.servers import origin, pages
from wslab.net.servers.server import Server


class EchoServer(Server):
    """Sends every message back as it came: text as text, binary as binary. See `Server` for the
    options.

    Programs and pages of this machine may connect, pages of other sites get 403 (`origin.py`),
    unless ``origins`` lists who may, or ``open_to_all`` lets everybody in.
    """

    def __init__(
        self, name: str = "echo", port: int = 0, *, open_to_all: bool = False, **options: Any
    ) -> None:
        super().__init__(name, port, **options)
        self.open_to_all = open_to_all

    def answer(self, connection: ServerConnection, request: Request) -> Response | None:
        """Refuse pages of other sites with 403."""
        if self.open_to_all or self.origins is not None:
            return None
        problem = origin.refuse_unless_local(request.headers)
        return pages.refusal(problem) if problem else None

    async def handle(self, connection: ServerConnection) -> None:
        async for message in connection:
            await connection.send(message)
