"""A sniffer: it passes everything on, and reads what the client sends, with no mask over logins."""

from __future__ import annotations

import asyncio
import contextlib
import socket

from wslab.net.address import Address
from wslab.net.listener import Listener
from wslab.wire import mask
from wslab.wire.protocol import read_header


class Sniffer(Listener):
    """Stands before the server or tap at `url`, as any machine on the way does."""

    def __init__(self, url: str, name: str = "sniffer") -> None:
        super().__init__(name)
        self._behind = Address.parse(url)
        self.heard: list[bytearray] = []
        """What each client sent, by connection, oldest first: every byte as it was."""
        self._writers: set[asyncio.StreamWriter] = set()
        self._relays: set[asyncio.Task[None]] = set()

    @property
    def lines(self) -> list[str]:
        """The lines of the last client's head, and its messages: unmasked, as the key is there."""
        head, _, frames = self.heard[-1].partition(b"\r\n\r\n")
        found, at = [bytes(line) for line in head.split(b"\r\n")], 0
        while (header := read_header(frames, at, len(frames))) is not None:
            begin, at = at + header.length, at + header.frame_length
            found.append(mask(frames[begin:at], bytes(frames[begin - 4 : begin])))
        return [line.decode("utf-8", "replace") for line in found]

    async def _open(self, sock: socket.socket) -> None:
        self._server = await asyncio.start_server(self._relay, sock=sock)

    async def _close(self) -> None:
        self._server.close()
        for writer in list(self._writers):
            writer.transport.abort()
        await asyncio.gather(*self._relays)

    async def _relay(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        relay = asyncio.current_task()
        assert relay is not None
        self._relays.add(relay)
        writers = {writer}
        try:
            other, onward = await asyncio.open_connection(self._behind.host, self._behind.port)
            self._writers |= (writers := {writer, onward})
            self.heard.append(heard := bytearray())
            await asyncio.gather(_pass_on(reader, onward, heard), _pass_on(other, writer))
        except OSError as error:
            self.log.note(f"nobody is behind it: {error}")
        finally:
            for one in writers:
                one.close()
            self._writers -= writers
            self._relays.discard(relay)


async def _pass_on(
    source: asyncio.StreamReader, target: asyncio.StreamWriter, kept: bytearray | None = None
) -> None:
    with contextlib.suppress(OSError):
        while data := await source.read(2**16):
            if kept is not None:
                kept += data
            target.write(data)
            await target.drain()
    target.close()
