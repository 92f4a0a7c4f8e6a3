"""The server of the first lessons: it sends back what it gets."""

from __future__ import annotations

from typing import Any

from websockets.asyncio.server import ServerConnection
from websockets.http11 import Request, Response

from wslab.net.servers import origin, pages
from wslab.net.servers.server import Server


class EchoServer(Server):
    """Sends every message back as it came: text as text, binary as binary. See `Server` for the
    options.

    Programs and pages of this machine are let in, pages of other sites get 403 (`net.origin`),
    unless ``origins`` says who may come, or ``open_to_all`` that everybody may.
    """

    def __init__(
        self, name: str = "echo", port: int = 0, *, open_to_all: bool = False, **options: Any
    ) -> None:
        super().__init__(name, port, **options)
        self.open_to_all = open_to_all

    def answer(self, connection: ServerConnection, request: Request) -> Response | None:
        """403 to the pages of strangers."""
        if self.open_to_all or self.origins is not None:
            return None
        problem = origin.refuse_unless_local(request.headers)
        return pages.refusal(problem) if problem else None

    async def handle(self, connection: ServerConnection) -> None:
        async for message in connection:
            await connection.send(message)
