"""A peer that reads and sends single frames on a raw stream, legal or not."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Iterable
from typing import Any, Literal, NamedTuple

from wslab.net.servers.raw import RawConnection
from wslab.wire import Direction, Opcode, encode_frame, mask
from wslab.wire.protocol import FrameDraft

MASKING_KEY = bytes.fromhex("37fa213d")
"""The masking key of the example in RFC 6455 §5.7: a raw client always sends the same bytes."""

MAX_FRAME = 2**24
"""Bytes of the longest payload that it reads."""


class Frame(NamedTuple):
    """A frame that was received."""

    opcode: int
    payload: bytes
    fin: bool = True


class FramePeer:
    """The client or the server of a connection, on a raw stream. It checks nothing."""

    def __init__(self, connection: RawConnection, side: Direction) -> None:
        self.connection = connection
        self.side = side
        self.close_heard: bytes | None = None
        """The payload of the first close frame that came, or None."""
        self.ended: Literal["eof", "reset"] | None = None
        """How the other peer's stream ended, or None."""
        self._again: Frame | None = None

    async def send(self, opcode: int, payload: bytes = b"", **header: Any) -> None:
        """Send a frame, masked as this side must; see `encode_frame`."""
        key = MASKING_KEY if self.side == "client" else None
        await self.connection.send(encode_frame(opcode, payload, masking_key=key, **header))

    async def send_all(self, frames: Iterable[FrameDraft]) -> None:
        """Send these frames exactly as they are."""
        for frame in frames:
            await self.connection.send(frame.to_bytes())

    async def read(self) -> Frame | None:
        """The next frame; None at the end of the stream."""
        if self._again is not None:
            frame, self._again = self._again, None
            return frame
        reader = self.connection.reader
        try:
            first, second = await reader.readexactly(2)
            length = second & 0x7F
            if length >= 126:
                length = int.from_bytes(await reader.readexactly(2 if length == 126 else 8), "big")
            key = await reader.readexactly(4) if second >= 0x80 else bytes(4)
            payload = mask(await reader.readexactly(min(length, MAX_FRAME)), key)
        except asyncio.IncompleteReadError:
            self.ended = "eof"
            return None
        except OSError:
            self.ended = "reset"
            return None
        frame = Frame(first & 0x0F, payload, first >= 0x80)
        if frame.opcode == Opcode.CLOSE and self.close_heard is None:
            self.close_heard = frame.payload
        return frame

    async def read_close(self) -> Frame | None:
        """Read until a close frame comes; None if the stream ends first."""
        while (frame := await self.read()) is not None and frame.opcode != Opcode.CLOSE:
            pass
        return frame

    async def read_to_end(self) -> None:
        """Read until the other peer ends its stream."""
        while await self.read() is not None:
            pass

    async def first_message(self) -> bool:
        """Answer pings until the first message or close frame comes; it can then be read again.

        False if the stream ends first.
        """
        while (frame := await self.read()) is not None:
            if frame.opcode == Opcode.PING:
                await self.send(Opcode.PONG, frame.payload)
            elif frame.opcode != Opcode.PONG:
                self._again = frame
                return True
        return False

    async def echo(self) -> Frame | None:
        """Echo messages and answer pings until a close frame comes.

        A message in fragments goes back in the same fragments.
        """
        while (frame := await self.read()) is not None:
            match frame.opcode:
                case Opcode.CLOSE:
                    return frame
                case Opcode.PING:
                    await self.send(Opcode.PONG, frame.payload)
                case Opcode.TEXT | Opcode.BINARY | Opcode.CONTINUATION:
                    await self.send(frame.opcode, frame.payload, fin=frame.fin)
        return None

    async def behave(self) -> None:
        """Act as a correct echo server: `echo`, then answer the close frame (RFC 6455 §5.5.1)."""
        if (close := await self.echo()) is not None:
            await self.send(Opcode.CLOSE, close.payload)

    def end(self) -> None:
        """End this half of TCP with FIN; reading goes on."""
        with contextlib.suppress(OSError):
            self.connection.writer.write_eof()

    @property
    def close_code(self) -> int | None:
        """The code of the first close frame received: 1005 if it has none, None without a frame."""
        return None if self.close_heard is None else code_in(self.close_heard)


def code_in(payload: bytes) -> int | None:
    """The code in a close frame's payload: 1005 if it is empty, None if it is a single byte."""
    if len(payload) == 1:
        return None
    return int.from_bytes(payload[:2], "big") if payload else 1005
