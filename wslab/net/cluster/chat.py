"""The guests of one of many servers: a chat whose messages go through a channel."""

from __future__ import annotations

from websockets.asyncio.server import ServerConnection
from websockets.exceptions import ConnectionClosed
from websockets.frames import CloseCode, Frame, Opcode
from websockets.protocol import State

from wslab.net.cluster.channel import Publish


class Chat:
    """The guests of one server. What they say goes to the channel, and comes back from there."""

    publish: Publish

    def __init__(self) -> None:
        self.guests: set[ServerConnection] = set()

    async def welcome(self, guest: ServerConnection) -> None:
        """Speak with one guest until it goes."""
        self.guests.add(guest)
        try:
            async for text in guest:
                if isinstance(text, bytes):
                    await guest.close(CloseCode.UNSUPPORTED_DATA, "expected text, got bytes")
                else:
                    await self.publish(text.encode())
        except ConnectionClosed:
            pass  # it went without a close frame
        finally:
            self.guests.discard(guest)

    def say(self, message: bytes) -> None:
        """Send a message to the guests of this server."""
        frame = Frame(Opcode.TEXT, message).serialize(mask=False)  # made once, for all of them
        for guest in self.guests:
            if guest.state is State.OPEN:
                guest.transport.write(frame)
