"""Five clients of a `FeedServer`: polling, long polling, an event stream, a stream, a WebSocket."""

from __future__ import annotations

import asyncio
import inspect
import json
import time
from collections.abc import AsyncGenerator, Callable
from typing import NamedTuple

import httpx
from websockets.asyncio.client import connect

from wslab.net.feeds.server import LONG_POLL, Message

COOKIE = "session=5f2b0c7de9a84c61b3f0a9d27c4e8f10; theme=dark"
"""What a browser that is logged in would send with each request to this server."""


class Received(NamedTuple):
    """A message that has arrived."""

    message: Message
    after: float
    """Seconds since it was published."""


Receiving = AsyncGenerator[list[Message]]


class Way(NamedTuple):
    """One way to get a feed."""

    name: str
    """As people say it: `long polling`."""
    path: str
    """Where the server offers it."""
    summary: str
    """How it works, in a sentence."""
    receive: Callable[[str, int, float], Receiving]
    """Gets the feed at an `http://` address, behind the message of that number. A poller asks every
    so many seconds."""
    helper: Callable[..., object]
    """What `receive` asks or reads with."""

    @property
    def code(self) -> str:
        """The code of the client."""
        return "\n\n\n".join(inspect.getsource(one).rstrip() for one in (self.receive, self.helper))


async def _poll(url: str, after: int, interval: float) -> Receiving:
    async with http_client(url) as http:
        while True:
            asked = time.perf_counter()
            found = await _ask(http, "/poll", after)
            after = found[-1].number if found else after
            yield found
            await asyncio.sleep(max(0.0, asked + interval - time.perf_counter()))


async def _long_poll(url: str, after: int, interval: float) -> Receiving:
    async with http_client(url) as http:
        while True:
            found = await _ask(http, "/long-poll", after)
            after = found[-1].number if found else after
            yield found


async def _events(url: str, after: int, interval: float) -> Receiving:
    async for line in _lines(f"{url}events?after={after}", "text/event-stream"):
        field, _, value = line.partition(": ")
        if field == "data":
            yield [_message(value)]


async def _stream(url: str, after: int, interval: float) -> Receiving:
    async for line in _lines(f"{url}stream?after={after}", "application/x-ndjson"):
        if line:  # an empty one says that the server is still there
            yield [_message(line)]


async def _socket(url: str, after: int, interval: float) -> Receiving:
    connection = await open_socket(f"{url}socket?after={after}")
    try:
        async for text in connection:
            yield [_message(text)]
    finally:
        await connection.close()  # with 1000, where `async with` would say 1011


def http_client(url: str) -> httpx.AsyncClient:
    """A client that keeps its connection and brings the cookie, as a browser does."""
    return httpx.AsyncClient(
        base_url=url,
        headers={"Cookie": COOKIE},
        timeout=LONG_POLL + 10,
        trust_env=False,  # a proxy that the machine names is not for loopback
        verify=False,  # there is no TLS here, and loading certificates takes 0.2 s
    )


def open_socket(url: str) -> connect:
    """A WebSocket to an `http://` address, which brings the cookie too: to be awaited, or for
    `async with`."""
    return connect(
        url.replace("http://", "ws://", 1), compression=None, ping_interval=None, proxy=None,
        additional_headers={"Cookie": COOKIE},
    )  # fmt: skip


async def _ask(http: httpx.AsyncClient, path: str, after: int) -> list[Message]:
    answer = await http.get(path, params={"after": after})
    return [Message(**one) for one in answer.json()]


async def _lines(url: str, accept: str) -> AsyncGenerator[str]:
    async with (
        http_client(url) as http,
        http.stream("GET", url, headers={"Accept": accept}) as answer,
    ):
        async for line in answer.aiter_lines():
            yield line


def _message(text: str | bytes) -> Message:
    return Message(**json.loads(text))


WAYS: dict[str, Way] = {
    way.name: way
    for way in (
        Way("polling", "/poll", "Ask every so often: is there anything new?", _poll, _ask),
        Way(
            "long polling", "/long-poll",
            "Ask, and the server answers only when there is something.", _long_poll, _ask,
        ),
        Way(
            "server-sent events", "/events",
            "Ask once, and the answer does not end: each message is an event in it.",
            _events, _lines,
        ),
        Way(
            "streamed fetch", "/stream",
            "The same with lines of JSON, read by the page's own code.", _stream, _lines,
        ),
        Way("WebSocket", "/socket", "Ask once to leave HTTP, then send frames.", _socket, _message),
    )
}  # fmt: skip
"""The five ways, by name."""
