"""Gets one feed in one way through a tap, and counts what that takes: bytes, requests, time."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import Mapping, Sequence
from typing import NamedTuple

from wslab.net import loop
from wslab.net.feeds.clients import WAYS, Received, Way, http_client, open_socket
from wslab.net.feeds.server import FeedServer
from wslab.wire import Capture, Unit
from wslab.wire.protocol import parse_head

WAIT = 30.0
"""Seconds that a run may take beyond its own time."""


class Traffic(NamedTuple):
    """What crossed on some connections, in bytes, all of HTTP and WebSocket but not of TCP."""

    requests: int
    up: int
    """From the client, in all."""
    down: int
    head: int
    """Of the heads of requests and responses, in both directions."""
    cookies: int
    """Of the Cookie header fields in them."""
    framing: int
    """What else is no message: the headers of frames, the sizes of chunks."""

    @property
    def bytes(self) -> int:
        return self.up + self.down

    @classmethod
    def of(cls, units: Sequence[Unit]) -> Traffic:
        """Count the units of some connections."""
        sums = dict.fromkeys(cls._fields, 0)
        for unit in units:
            sums["up" if unit.direction == "client" else "down"] += unit.length
            if unit.kind in ("request", "response"):
                head = parse_head(unit.data)
                sums["requests"] += unit.kind == "request"
                sums["head"] += head.length
                sums["cookies"] += sum(
                    line.length for line in head.headers if line.name.lower() == "cookie"
                )
            elif unit.kind == "chunk":
                names = ("chunk size", "last chunk", "line end", "empty line")
                lines = [one.bits // 8 for one in unit.fields if one.name in names]
                sums["framing"] += sum(lines)
            else:
                sums["framing"] += unit.length - len(unit.payload)
        return cls(**sums)


class Run(NamedTuple):
    """What came of one run."""

    way: str
    rate: float
    """Messages a second that the feed published."""
    interval: float
    """Seconds between two polls."""
    seconds: float
    received: tuple[Received, ...]
    published: int
    traffic: Traffic
    connections: tuple[int, ...]
    """Their numbers in the capture."""
    crossed: tuple[tuple[float, int], ...]
    """Seconds since the first byte, and bytes in all by then: for each unit."""

    @property
    def latencies(self) -> list[float]:
        """Seconds from publishing a message until it had arrived, in ascending order."""
        return sorted(one.after for one in self.received)

    def quantile(self, part: float) -> float | None:
        """The latency that so large a part of the messages kept below; None without messages."""
        found = self.latencies
        return found[min(len(found) - 1, int(part * len(found)))] if found else None

    @property
    def bytes_each(self) -> float | None:
        """Bytes on the wire for each message that arrived; None if none did."""
        return self.traffic.bytes / len(self.received) if self.received else None

    def __repr__(self) -> str:
        count, requests = len(self.received), self.traffic.requests
        each = f", {self.bytes_each:,.0f} for each message" if self.bytes_each else ""
        return (
            f"{self.way}: {count} of {self.published} messages by {requests} "
            f"request{'s' * (requests != 1)}; {self.traffic.bytes:,} bytes{each}"
        )


def run_way(
    server: FeedServer,
    url: str,
    capture: Capture,
    way: str,
    *,
    rate: float,
    seconds: float,
    interval: float = 1.0,
) -> Run:
    """Get the feed in one way for some seconds, while `rate` messages a second are published.

    `url` leads to the server through a tap that records into `capture`. Raises KeyError for an
    unknown way.
    """
    feeds = {way: (server, url)}
    return run_ways(feeds, capture, rate=rate, seconds=seconds, interval=interval)[way]


def run_ways(
    feeds: Mapping[str, tuple[FeedServer, str]],
    capture: Capture,
    *,
    rate: float,
    seconds: float,
    interval: float = 1.0,
) -> dict[str, Run]:
    """The same in several ways at the same time, each with a server of its own."""

    async def run_all() -> list[tuple[list[Received], int]]:
        each = (_run(*feeds[way], WAYS[way], rate, seconds, interval) for way in feeds)
        return await asyncio.gather(*each)

    before = _last(capture)
    found = zip(feeds, loop.run(run_all(), seconds + WAIT), strict=True)
    runs, here = {}, _since(capture, before)
    for way, (received, published) in found:
        units = _named(capture, here, way, WAYS[way].path)
        crossed, total = [], 0
        for unit in sorted(units, key=lambda one: one.time):
            total += unit.length
            crossed.append((unit.time - units[0].time, total))
        numbers = tuple(sorted({unit.connection for unit in units}))
        runs[way] = Run(
            way, rate, interval, seconds, tuple(received), published, Traffic.of(units), numbers,
            tuple(crossed),
        )  # fmt: skip
    return runs


def ask_once(server: FeedServer, url: str, capture: Capture) -> dict[str, Traffic]:
    """Get the latest messages: by HTTP, a second time by HTTP, and over a WebSocket.

    What each took, by what it is; each on a connection of its own. `url` is as in `run_way`.
    """
    tag = ""

    async def get() -> None:
        nonlocal tag
        async with http_client(url) as http:
            answer = await http.get("/latest", headers={"If-None-Match": tag} if tag else {})
            tag = answer.headers["Etag"]

    async def open_and_read() -> None:
        latest = server.latest
        after = server.published - len(latest)
        async with open_socket(f"{url}socket?after={after}") as connection:
            for _ in latest:
                await connection.recv()

    asked = {"HTTP": get, "HTTP, asked again": get, "WebSocket": open_and_read}
    took = {}
    for name, ask in asked.items():
        before = _last(capture)
        loop.run(ask(), WAIT)
        took[name] = Traffic.of(_named(capture, _since(capture, before), name))
    return took


def _last(capture: Capture) -> int:
    return max(capture.index.connections, default=0)


def _since(capture: Capture, before: int) -> list[Unit]:
    """The units of the connections after number `before`."""
    capture.index.update()
    return [
        capture.index.unit(row.number) for row in capture.index.rows() if row.connection > before
    ]


def _named(capture: Capture, units: list[Unit], name: str, path: str = "/") -> list[Unit]:
    """Of these, those of the connections that asked for `path`; they get this name."""
    asked = {
        unit.connection
        for unit in units
        if unit.kind == "request" and unit.data.startswith(b"GET " + path.encode())
    }
    for number in asked:
        capture.set_name(number, name)
    return [unit for unit in units if unit.connection in asked]


async def _run(
    server: FeedServer,
    url: str,
    way: Way,
    rate: float,
    seconds: float,
    interval: float,
) -> tuple[list[Received], int]:
    received: list[Received] = []
    first, all_here = server.published, asyncio.Event()
    wanted = first + round(rate * seconds)

    async def receive() -> None:
        async for messages in way.receive(url, first, interval):
            now = time.time()
            for message in messages:
                received.append(Received(message, now - message.at))
                if message.number >= wanted:
                    all_here.set()

    receiving = asyncio.ensure_future(receive())
    began = time.perf_counter()
    try:
        for number in range(round(rate * seconds)):
            await asyncio.sleep(began + (number + 0.5) / rate - time.perf_counter())
            server.publish_here(f"news {number + 1}")
        await asyncio.sleep(began + seconds - time.perf_counter())
        if rate:
            waiting = asyncio.ensure_future(all_here.wait())
            # The last poll brings what was published since the one before.
            await asyncio.wait(
                [receiving, waiting], timeout=interval + 5.0, return_when=asyncio.FIRST_COMPLETED
            )
            waiting.cancel()
    finally:
        receiving.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await receiving  # raises what went wrong
    return received, server.published - first
