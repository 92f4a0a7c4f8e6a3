"""A server that shortens each message by a given rule before it sends it back."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

from websockets.asyncio.server import ServerConnection

from wslab.net.clients.client import Client
from wslab.net.errors import WslabError
from wslab.net.servers.server import Server

Cut = Callable[[str], str | bytes]
"""A rule that shortens a text. Bytes that it returns are sent in a text frame as they are, as from
a program that slices a buffer before it sends it on."""


class CutServer(Server):
    """A server that applies `cut` to each message and sends it back. Options: see `Server`."""

    def __init__(self, cut: Cut, name: str = "cut", *, max_size: int | None = 2**20) -> None:
        super().__init__(name, max_size=max_size)
        self.cut = cut

    async def handle(self, connection: ServerConnection) -> None:
        async for message in connection:
            await connection.send(self.cut(str(message)), text=True)


class CutResult(NamedTuple):
    """What became of one message."""

    sent: str
    arrived: str | None
    """The message that arrived; None if none did: `ending` says how the connection ended."""
    ending: str


def send_through(url: str, messages: list[str]) -> list[CutResult]:
    """Send each message on a connection of its own; returns what came back for each."""
    results = []
    for message in messages:
        client = Client(url, name="cut")
        try:
            client.connect()
            client.send(message)
            results.append(CutResult(message, str(client.recv(5.0)), ""))
        except WslabError as error:
            results.append(CutResult(message, None, client.error or str(error)))
        finally:
            client.stop()
    return results
