"""Ways to send many messages to a reader that is slow, and where the messages wait meanwhile.

::

    the sender's     library ──▶ system ──▶ ··· ──▶ system ──▶ library     the reader's
    program          write_limit SO_SNDBUF          SO_RCVBUF  max_queue        program
"""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import json
import socket
import time
from collections import deque
from collections.abc import Awaitable, Callable
from typing import NamedTuple

from websockets.asyncio.client import ClientConnection, connect
from websockets.asyncio.connection import broadcast
from websockets.asyncio.server import ServerConnection
from websockets.exceptions import ConnectionClosed

from wslab.net import buffers, loop, socket_names
from wslab.net.address import Address
from wslab.net.servers.server import Server

MESSAGE_SIZE = 4096
"""Bytes of each message."""

FRAME = MESSAGE_SIZE + 8
"""Bytes of its frame: two, two more for the length, four for the masking key."""

SMALL = 16 * 1024
"""Bytes of the systems' buffers, at both ends."""

MESSAGES = 500
RATE = 250.0
"""Messages a second that the reader takes."""

SECONDS = 3.0
"""Seconds after which a sender is stopped, whatever it has sent."""

PATIENCE = 1.0
"""Seconds without any progress after which nothing more is expected to arrive."""

EVERY = 0.02
"""Seconds between two looks at the buffers."""


class Waiting(NamedTuple):
    """Bytes that wait on their way from one program to the other, by the place where they wait."""

    at: float
    """Seconds since the sender began."""
    sender_library: int
    sender_system: int | None
    """None where the system does not tell: then `systems` has both."""
    reader_system: int | None
    reader_library: int
    systems: int
    """In both systems, and in whatever stands between them: what was written has left the sender's
    library and has not come to the reader's."""


class Sent(NamedTuple):
    """What came of one way of sending."""

    sender: str
    offered: int
    """Messages that there were to send."""
    arrived: int
    """Messages that the reader's program was given."""
    seconds: float
    """From the first message until the last arrived, or until nothing more did."""
    most: int
    """The most bytes that waited in the sender's memory."""
    idle: float
    """The part of the time in which the reader waited for a message, from 0 to 1."""
    ending: str = ""
    """Why the sender did not come to its end; "" if it did."""

    def __repr__(self) -> str:
        ended = f" (the sender was {self.ending})" if self.ending else ""
        return (
            f"{self.sender}: {self.arrived} of {self.offered} messages arrived, the last after "
            f"{self.seconds:.1f} s{ended}; at most {self.most:,} bytes waited in the sender's "
            f"memory; the reader was idle {self.idle:.0%} of the time"
        )


class Reading:
    """What the reader's program has been given on one connection."""

    def __init__(self, connection: ServerConnection) -> None:
        self.connection = connection
        self.messages = 0
        self.began = self.last = time.perf_counter()
        self.idle = 0.0
        """Seconds in which it waited for a message."""

    @property
    def in_library(self) -> int:
        """Bytes of messages that the library has, and the program has not."""
        frames = self.connection.recv_messages.frames.queue
        return sum(len(frame.data) for frame in list(frames)) + self._begun

    @property
    def received(self) -> int:
        """Bytes of frames that have come from the system, if all are of `MESSAGE_SIZE`."""
        frames = len(self.connection.recv_messages.frames)
        return (self.messages + frames) * FRAME + self._begun

    @property
    def _begun(self) -> int:
        return len(self.connection.protocol.reader.buffer)


class SlowReader(Server):
    """A server whose program takes only `rate` messages a second from each client; 0: none at all.

    Its system's buffers are small. A text message is a sender's report about itself, in JSON: its
    `sender`, how many messages it had to send (`offered`) and the most bytes that waited in its
    memory (`most`). It is added to `reports`, with what arrived before it.
    """

    def __init__(self, name: str = "slow reader", *, rate: float = RATE) -> None:
        super().__init__(name)
        self.rate = rate
        self.expected: dict[str, asyncio.Future[Reading]] = {}
        """By the path of its request: whoever wants to know of a connection."""
        self.reports: deque[Sent] = deque(maxlen=100)

    def _bind(self) -> socket.socket:
        sock = super()._bind()
        buffers.shrink(sock, receive=SMALL)
        return sock

    async def handle(self, connection: ServerConnection) -> None:
        assert connection.request is not None
        reading = Reading(connection)
        expected = self.expected.get(connection.request.path)
        if expected is not None and not expected.done():
            expected.set_result(reading)
        if not self.rate:
            await connection.wait_closed()
            return
        due = time.perf_counter()
        with contextlib.suppress(ConnectionClosed):
            while True:
                asked = time.perf_counter()
                message = await connection.recv()
                now = reading.last = time.perf_counter()
                if isinstance(message, str):
                    self._report(message, reading)
                    continue
                reading.messages += 1
                if reading.messages == 1:
                    reading.began = now
                else:
                    reading.idle += now - asked
                # A little late now and then: the next one comes the sooner. Never a crowd.
                due = max(due + 1 / self.rate, now - 0.1)
                await asyncio.sleep(due - now)

    def _report(self, message: str, reading: Reading) -> None:
        with contextlib.suppress(ValueError, TypeError, AttributeError, RecursionError):
            told = json.loads(message)
            spent = reading.last - reading.began
            self.reports.append(
                Sent(
                    str(told.get("sender", "?"))[:60],
                    int(told.get("offered", reading.messages)),
                    reading.messages,
                    spent,
                    int(told.get("most", 0)),
                    reading.idle / spent if spent else 0.0,
                )
            )


# --- The senders


Sender = Callable[[ClientConnection, list[bytes]], Awaitable[None]]


async def just_send(connection: ClientConnection, messages: list[bytes]) -> None:
    """a loop that just sends"""
    for message in messages:
        broadcast([connection], message)  # like a page's send(): it never waits


async def only_if_empty(connection: ClientConnection, messages: list[bytes]) -> None:
    """every 100 ms, if nothing waits"""
    for message in messages:
        while connection.transport.get_write_buffer_size() > 0:  # noqa: ASYNC110
            await asyncio.sleep(0.1)
        broadcast([connection], message)
        await asyncio.sleep(0.1)


async def up_to_a_limit(connection: ClientConnection, messages: list[bytes]) -> None:
    """every 100 ms, fill up to a limit"""
    for message in messages:
        while connection.transport.get_write_buffer_size() > 128_000:  # noqa: ASYNC110
            await asyncio.sleep(0.1)
        broadcast([connection], message)


async def await_each(connection: ClientConnection, messages: list[bytes]) -> None:
    """await send()"""
    for message in messages:
        await connection.send(message)  # waits while more than write_limit waits


async def steadily(connection: ClientConnection, messages: list[bytes]) -> None:
    """await send(), 300 a second"""
    began = time.perf_counter()
    for number, message in enumerate(messages):
        await asyncio.sleep(began + number / 300 - time.perf_counter())
        await connection.send(message)


SENDERS: dict[str, Sender] = {
    str(sender.__doc__): sender for sender in (just_send, only_if_empty, up_to_a_limit, await_each)
}
"""By what each does."""

STEADY = str(steadily.__doc__)
"""One more: only a little faster than the reader, so that one can watch the places fill."""

_numbers = itertools.count(1)


def measure_sender(
    server: SlowReader,
    sender: str,
    *,
    url: str = "",
    messages: int = MESSAGES,
    seconds: float = SECONDS,
    on_look: Callable[[Waiting], None] = lambda waiting: None,
) -> Sent:
    """Let a sender send `messages` to a slow reader for `seconds`, and see what arrives.

    `url` is another way to the server, such as through a tap. `on_look` is told every 20 ms where
    bytes wait, on the loop thread. Ends some `PATIENCE` after the last message has arrived or the
    reader has stopped. Raises KeyError for a sender that is neither in `SENDERS` nor `STEADY`.
    """
    work = _measure(server, sender, url or server.url, messages, seconds, on_look)
    return loop.run(work, 60.0 + seconds)


def measure_all(server: SlowReader) -> dict[str, Sent]:
    """The same of all `SENDERS` at the same time, each on a connection of its own."""

    async def measure() -> list[Sent]:
        each = (_measure(server, sender, server.url) for sender in SENDERS)
        return await asyncio.gather(*each)

    return dict(zip(SENDERS, loop.run(measure(), 60.0), strict=True))


async def _measure(
    server: SlowReader,
    sender: str,
    url: str,
    messages: int = MESSAGES,
    seconds: float = SECONDS,
    on_look: Callable[[Waiting], None] = lambda waiting: None,
) -> Sent:
    send = {**SENDERS, STEADY: steadily}[sender]
    url = f"{url}run-{next(_numbers)}"
    address, running = Address.parse(url), asyncio.get_running_loop()
    async with contextlib.AsyncExitStack() as stack:
        expected = server.expected[address.path] = running.create_future()
        stack.callback(server.expected.pop, address.path)
        sock = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
        stack.callback(sock.close)
        buffers.shrink(sock, send=SMALL)
        sock.setblocking(False)
        await running.sock_connect(sock, (address.host, address.port))
        connection = await connect(url, sock=sock, compression=None, ping_interval=None, proxy=None)
        stack.push_async_callback(_leave, connection)
        socket_names.tell(connection.transport, "sender")
        async with asyncio.timeout(10.0):
            reading = await expected  # its handler begins a moment later
        watch = _Watch(connection, reading, on_look)
        looking = running.create_task(watch.look_on())
        stack.callback(looking.cancel)
        ending = await watch.send(send, messages, seconds)
        if server.rate:
            await watch.until_still()
        return watch.result(messages, ending)._replace(sender=sender)


async def _leave(connection: ClientConnection) -> None:
    # No closing handshake: it would wait behind all that is still unread.
    socket_names.forget(connection.transport)
    connection.transport.abort()
    await connection.wait_closed()


class _Watch:
    """One run: the sender's end of a connection, and the reader's."""

    def __init__(
        self,
        connection: ClientConnection,
        reading: Reading,
        on_look: Callable[[Waiting], None],
    ) -> None:
        self.connection, self.reading, self.on_look = connection, reading, on_look
        self.began = time.perf_counter()
        self.most = 0
        self.looks: list[Waiting] = []
        # What a message is taken from counts as written: `send` takes the next one when it is done.
        self._written = 0

    async def send(self, send: Sender, messages: int, seconds: float) -> str:
        """Send, for `seconds` at the most; returns why it ended early, or ""."""
        write = self.connection.transport.write

        def count(data: bytes) -> None:
            self._written += len(data)
            write(data)
            self.most = max(self.most, self.connection.transport.get_write_buffer_size())

        self.connection.transport.write = count  # type: ignore[method-assign,assignment]
        try:
            async with asyncio.timeout(seconds):
                await send(self.connection, [bytes(MESSAGE_SIZE)] * messages)
        except TimeoutError:
            return f"stopped after {seconds:g} s"
        except ConnectionClosed as closed:
            return str(closed)
        return ""

    async def until_still(self) -> None:
        """Wait until all that was written has arrived, or nothing more does for `PATIENCE`."""
        seen, since = -1, time.perf_counter()
        while self.reading.messages * FRAME < self._written:
            now = time.perf_counter()
            if self.reading.messages != seen:
                seen, since = self.reading.messages, now
            if now - since > PATIENCE:
                return
            await asyncio.sleep(EVERY)

    async def look_on(self) -> None:
        while True:
            self.look()
            await asyncio.sleep(EVERY)

    def look(self) -> None:
        ours, theirs = self.connection.transport, self.reading.connection.transport
        waiting = ours.get_write_buffer_size()
        look = Waiting(
            time.perf_counter() - self.began,
            waiting,
            buffers.not_sent(ours.get_extra_info("socket")),
            buffers.not_read(theirs.get_extra_info("socket")),
            self.reading.in_library,
            self._written - waiting - self.reading.received,
        )
        self.looks.append(look)
        self.on_look(look)

    def result(self, messages: int, ending: str) -> Sent:
        self.look()
        reading = self.reading
        spent = max(reading.last, self.began) - self.began
        return Sent(
            "",
            messages,
            reading.messages,
            spent,
            self.most,
            reading.idle / spent if spent else 0.0,
            ending,
        )
