"""Sends any bytes to a real peer: to a server from a raw client, to a client from a raw server.

It reports the peer's reaction from both sides: the bytes that it answered, and what its API told
its program. The peers run on Python's `websockets`, without any code of ours in between.
"""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Callable
from typing import Any, NamedTuple

from websockets.asyncio.server import ServerConnection
from websockets.exceptions import ConnectionClosed

from wslab.net import loop
from wslab.net.clients.client import Client
from wslab.net.clients.raw import RawClient
from wslab.net.errors import WslabError
from wslab.net.servers.echo import EchoServer
from wslab.net.servers.raw import RawConnection, RawServer
from wslab.wire import Capture, Direction

QUIET = 0.15
"""Seconds of silence after which a peer's answer counts as complete."""

PATIENCE = 1.0
"""Seconds to wait for a peer's first reaction; many frames cause none."""


class Reaction(NamedTuple):
    """A peer's reaction to the bytes that were sent."""

    answer: bytes
    """What the peer sent back."""
    said: tuple[str, ...]
    """What the peer's API told its program, in its own words, oldest first."""
    ended: bool
    """Whether the peer ended the TCP connection."""
    awaited: int = 0
    """Bytes that the peer still waits for: of a frame whose length announced more than came."""
    swallowed: bool = False
    """Whether what was sent went into a frame that was begun before."""

    @property
    def waits(self) -> str:
        """What is to be said of a peer that waits; "" where it does not."""
        if not self.awaited or self.ended:
            return ""
        start = "swallowed" if self.swallowed else "nothing yet"
        return f"{start}: {self.awaited:,} bytes still awaited"

    @property
    def frames(self) -> list[str]:
        """The frames that came back, in words: `pong "?"`."""
        capture, masked = Capture(), len(self.answer) > 1 and self.answer[1] >= 0x80
        sender: Direction = "client" if masked else "server"
        capture.record(capture.open_connection(upgraded=True), sender, self.answer)
        return [f"{row.kind} {row.preview}".strip() for row in capture.index.rows()]

    def __repr__(self) -> str:
        said = [f"the peer's API: {text}" for text in self.said]
        back = ", ".join(self.frames) or self.waits or "nothing"
        ended = ["the peer ended the TCP connection"] if self.ended else []
        return "; ".join([f"back on the wire: {back}", *said, *ended])


class TellingEchoServer(EchoServer):
    """An echo server that notes what the library's API tells its handler, in `said`.

    ``options``: see `Server`.
    """

    def __init__(self, name: str, **options: Any) -> None:
        super().__init__(name, **options)
        self.said: list[str] = []
        self.endings = 0
        """How many connections have ended for its handlers."""
        self._ended = threading.Condition()

    def wait_for_ending(self, number: int, timeout: float = 2.0) -> None:
        """Wait until `number` connections have ended for its handlers, or for `timeout` seconds."""
        with self._ended:
            self._ended.wait_for(lambda: self.endings >= number, timeout)

    async def handle(self, connection: ServerConnection) -> None:
        try:
            while True:
                message = await connection.recv()
                self.said.append(f"recv() returned {_short(message)}")
                await connection.send(message)
        except ConnectionClosed as closed:
            self.said.append(f"recv() raised {type(closed).__name__}: {closed}")
        finally:
            with self._ended:
                self.endings += 1
                self._ended.notify_all()


class RawToServer:
    """A raw client of a `TellingEchoServer`: it does the handshake, you provide the frames.

    `url` is the server's, or that of a tap in front of it. If the connection has ended, the next
    `send` opens a new one. A tap shows its connections under `wire_name`.
    """

    def __init__(self, url: str, server: TellingEchoServer, wire_name: str = "raw client") -> None:
        self.url = url
        self.wire_name = wire_name
        self.server = server
        self._client: RawClient | None = None
        self._begun = b""  # of a frame that is not all there

    def send(self, data: bytes) -> Reaction:
        """Send exactly `data` and wait for the reaction. Raises `ConnectFailed`."""
        before, endings = len(self.server.said), self.server.endings
        swallowed = self._goes_on() and bool(self._begun)
        self.send_piece(data)
        client = self._client
        assert client is not None
        answer = bytearray()

        def progress() -> int:
            answer.extend(client.read_some(timeout=0.02))
            return len(answer) + len(self.server.said) - before

        _wait_until_quiet(progress, lambda: client.ended is not None)
        ended = client.ended is not None
        if ended:
            client.close()
            self.server.wait_for_ending(endings + 1)  # TCP ends before the API says so
        awaited = _awaited(self._begun)
        return Reaction(bytes(answer), tuple(self.server.said[before:]), ended, awaited, swallowed)

    def _goes_on(self) -> bool:
        return self._client is not None and self._client.ended is None

    def send_piece(self, data: bytes) -> None:
        """Send `data` without waiting for a reaction; the next `send` sends the rest."""
        if not self._goes_on():
            self._connect()
        assert self._client is not None
        self._client.send(data)
        self._begun = _rest(self._begun + data)

    def hang_up(self) -> None:
        """End the connection, and wait until the server's program has been told.

        Otherwise the reaction to the next `send` would include this end.
        """
        here = self._goes_on()
        endings = self.server.endings
        self.close()
        if here:
            self.server.wait_for_ending(endings + 1)

    def close(self) -> None:
        """End the connection. May be called twice."""
        if self._client is not None:
            self._client.close()
            self._client = None

    def _connect(self) -> None:
        self.close()
        self._begun = b""
        self._client = RawClient(self.url, wire_name=self.wire_name).connect().upgrade()


class RawToClient:
    """A raw server for a real `Client`: it does the handshake, you provide the frames.

    `through` takes the server's address and returns the one to connect to, such as a tap's.
    """

    def __init__(self, name: str, through: Callable[[str], str]) -> None:
        self.name = name
        self._through = through
        self._server = RawServer(self._script, name=f"{name}: raw server")
        self._client = Client(name=f"{name}: real client", wire_name="real client")
        self._connected = threading.Event()
        self._connection: RawConnection | None = None
        self._answer = bytearray()
        self._ended = False
        self._begun = b""  # of a frame that is not all there

    def send(self, data: bytes) -> Reaction:
        """Send exactly `data` to the client and wait for the reaction."""
        if self._connection is None or self._ended or self._client.state != "OPEN":
            self._connect()
        assert self._connection is not None
        swallowed = bool(self._begun)
        before, answered = len(self._client.events), len(self._answer)
        loop.run(self._connection.send(data), 5.0)
        self._begun = _rest(self._begun + data)
        _wait_until_quiet(
            lambda: len(self._answer) - answered + len(self._client.events) - before,
            lambda: self._ended and self._client.state == "CLOSED",
        )
        said = tuple(f"{e.name}: {e.text}" for e in self._client.events[before:])
        answer = bytes(self._answer[answered:])
        return Reaction(answer, said, self._ended, _awaited(self._begun), swallowed)

    def hang_up(self) -> None:
        """End the connection; the next `send` opens a new one."""
        self._client.stop()
        self._connection = None
        self._begun = b""

    def close(self) -> None:
        """Stop client and server. May be called twice."""
        self.hang_up()
        self._server.stop()

    def _connect(self) -> None:
        self.hang_up()
        self._server.start()
        self._connected.clear()
        self._answer.clear()
        self._ended = False
        self._client.connect(self._through(self._server.url))
        if not self._connected.wait(5.0):
            raise WslabError("the raw server never got to see its client")

    async def _script(self, connection: RawConnection) -> None:
        await connection.upgrade()
        self._connection = connection
        self._connected.set()
        try:
            while data := await connection.reader.read(64 * 1024):
                self._answer += data
                if len(data) >= 2 and data[0] & 0x0F == 8:
                    # A close frame, perhaps the answer to ours: in both cases the server ends TCP
                    # now (RFC 6455 §7.1.1).
                    break
        finally:
            self._ended = True


def _rest(data: bytes) -> bytes:
    """What is left behind the last whole frame."""
    while (end := _end(data)) is not None and end <= len(data):
        data = data[end:]
    return data


def _awaited(begun: bytes) -> int:
    """How many bytes the frame that is begun still needs, as far as its header says so."""
    end = _end(begun)
    return 0 if end is None or not begun else max(0, end - len(begun))


def _end(data: bytes) -> int | None:
    """Where the first frame ends (RFC 6455 §5.2); None where its header is not all there."""
    if len(data) < 2:
        return None
    longer = {126: 2, 127: 8}.get(data[1] & 0x7F, 0)
    if len(data) < 2 + longer:
        return None
    length = int.from_bytes(data[2 : 2 + longer], "big") if longer else data[1] & 0x7F
    return 2 + longer + (4 if data[1] >= 0x80 else 0) + length


def _wait_until_quiet(progress: Callable[[], int], over: Callable[[], bool]) -> None:
    """Wait until `progress()` has grown from 0 and then not changed for `QUIET` seconds."""
    before, moved = 0, time.monotonic()
    pause = threading.Event()
    while not over():
        count, now = progress(), time.monotonic()
        if count != before:
            before, moved = count, now
        if now - moved >= (QUIET if count else PATIENCE):
            # On a busy machine the loop thread, where all of this happens, may not have run yet.
            loop.run(_some_rounds(), 5.0)
            if progress() == count:
                return
        pause.wait(0.01)


async def _some_rounds() -> None:
    """Run the loop often enough for bytes to pass through a tap, there and back."""
    for _ in range(20):
        await asyncio.sleep(0)


def _short(message: str | bytes) -> str:
    text = repr(message)
    return text if len(text) <= 70 else f"{text[:60]}… ({len(message)} in all)"
