"""Measures how long a quiet client waits for its answers while another one floods the server."""

from __future__ import annotations

import asyncio
import contextlib
import statistics
import threading
import time
from collections.abc import Callable, Iterator
from typing import Literal, NamedTuple, Protocol

from websockets.asyncio.server import ServerConnection
from websockets.exceptions import ConnectionClosed
from websockets.sync.client import ClientConnection, connect

from wslab.net.servers.server import Server

WORK = 0.001
"""Seconds of work that each message makes, in which the server can do nothing else."""

FLOOD = 800
"""Messages of the fast client, sent as fast as it can: so many times `WORK` in all."""

SIZE = 200
"""Bytes of each."""

ROUND_TRIPS = 10
PAUSE = 0.02
"""Seconds between two questions of the quiet client."""


Reaction = Literal["close", "drop", "wait"]
"""What a server does about a client that sends too much."""


class Bucket(Protocol):
    def take(self, now: float) -> object: ...


class TokenBucket:
    """A bucket of `burst` tokens at most, into which `rate` tokens fall each second."""

    def __init__(self, rate: float, burst: float) -> None:
        self.rate, self.burst = rate, burst
        self.tokens = burst  # it begins full
        self.then: float | None = None

    def take(self, now: float) -> bool:
        """Take a token, at `now` seconds by any clock; returns False if there is none."""
        if self.then is not None:
            self.tokens = min(self.burst, self.tokens + (now - self.then) * self.rate)
        self.then = now
        if self.tokens < 1:
            return False
        self.tokens -= 1
        return True


class WorkingServer(Server):
    """A server that works on each message and sends it back.

    `bucket` makes one for each client. `reaction` is what becomes of one whose bucket is empty:
    it is closed with 1008, its message is dropped, or it has to wait for the next token.
    """

    def __init__(
        self,
        name: str,
        bucket: Callable[[], Bucket] | None = None,
        reaction: Reaction = "close",
    ) -> None:
        super().__init__(name)
        self.bucket = bucket
        self.reaction = reaction
        self.worked = 0
        """Messages that it has worked on."""
        self.refused = 0
        """Clients that it has closed, as their bucket was empty."""

    async def handle(self, connection: ServerConnection) -> None:
        bucket = None if self.bucket is None else self.bucket()
        async for message in connection:
            if bucket is not None and not bucket.take(time.monotonic()):
                if self.reaction == "drop":
                    continue
                if self.reaction == "close":
                    self.refused += 1
                    await connection.close(1008, "too many messages")
                    return
                while not bucket.take(time.monotonic()):  # noqa: ASYNC110
                    await asyncio.sleep(WORK)  # nothing is read meanwhile: TCP holds the client up
            time.sleep(WORK)  # noqa: ASYNC251 (not asyncio.sleep: nothing else runs meanwhile)
            self.worked += 1
            await connection.send(message)


class Fairness(NamedTuple):
    """How a quiet client fared. Times in seconds."""

    median: float
    worst: float
    """The longest time that one of its messages took there and back."""
    worked: int
    """Messages of the fast client that the server worked on meanwhile."""
    code: int | None
    """The close code that the fast client was given; None if it was not closed."""


def measure_fairness(server: WorkingServer, url: str, *, flood: bool = True) -> Fairness:
    """Let a quiet client ask `ROUND_TRIPS` times while a fast one sends `FLOOD` messages.

    `url` is the server's, or that of a tap before it. Without `flood` the other sends nothing.
    """
    with _leaving(url) as quiet, _leaving(url) as fast:
        _ask(quiet)  # the first question takes longer, whoever is there
        answered, before = 1, server.worked
        flooding = threading.Thread(
            target=_flood, args=(fast, FLOOD * flood), name="wslab-flood", daemon=True
        )
        flooding.start()
        if flood:
            _wait_for(lambda: server.worked > before or server.refused > 0)
        times = []
        for _ in range(ROUND_TRIPS):
            times.append(_ask(quiet))
            answered += 1
            time.sleep(PAUSE)
        worked = server.worked - answered
        if server.refused:
            _wait_for(lambda: fast.protocol.close_rcvd is not None)
        end = fast.protocol.close_rcvd
        fast.close_socket()  # it may still be sending
        flooding.join(5.0)
        return Fairness(
            statistics.median(times), max(times), worked, None if end is None else int(end.code)
        )


@contextlib.contextmanager
def _leaving(url: str) -> Iterator[ClientConnection]:
    # With no limit to the queue: the fast one reads no answers, and is to hear of its end.
    with connect(
        url, compression=None, ping_interval=None, proxy=None, max_queue=None
    ) as connection:
        try:
            yield connection
        finally:
            connection.close_socket()  # with no goodbye: the server may be busy for seconds
            connection.recv_events_thread.join(5.0)


def _ask(quiet: ClientConnection) -> float:
    began = time.perf_counter()
    quiet.send("?")
    quiet.recv(timeout=30.0)
    return time.perf_counter() - began


def _flood(fast: ClientConnection, count: int) -> None:
    with contextlib.suppress(ConnectionClosed, OSError):
        for _ in range(count):
            fast.send(bytes(SIZE))


def _wait_for(condition: Callable[[], bool], patience: float = 5.0) -> None:
    until = time.perf_counter() + patience
    while not condition() and time.perf_counter() < until:
        time.sleep(0.001)
