"""Has a `WordServer` answer over SSE and over a WebSocket: first word, cancelling, resuming."""

from __future__ import annotations

import asyncio
import contextlib
import json
import time
from collections.abc import AsyncGenerator, Callable
from typing import Any, NamedTuple

import httpx
from websockets.asyncio.client import ClientConnection
from websockets.exceptions import ConnectionClosed

from wslab.net import loop
from wslab.net.feeds.clients import http_client, open_socket
from wslab.net.feeds.words import LENGTH, WordServer

ENOUGH = 10
"""Words after which the client cancels, or loses its connection."""

GRACE = 0.3
"""Seconds after a cancellation in which words are still counted."""

PATIENCE = 20.0


class Answered(NamedTuple):
    """How one way did."""

    way: str
    first_word: float
    """Seconds from the question to the first word, the connection included."""
    next_first_word: float
    """The same for a second question to the same server."""
    made_in_vain: int
    """Words that were made after the client had cancelled."""
    came_back: float
    """Seconds from the end of a broken connection to the next word."""
    lost: int
    """Words of the broken answer that never arrived."""
    doubled: int
    """And those that arrived twice."""


Word = tuple[int, str]


class _Events:
    """Asks as `EventSource` does: by a request, and after a break with the last event's id."""

    def __init__(self, url: str) -> None:
        self._http = http_client(url)
        self._last = ""

    async def ask(self, prompt: str) -> AsyncGenerator[Word, None]:
        async for word in self._get({"prompt": prompt}, {}):
            yield word

    async def resume(self) -> AsyncGenerator[Word, None]:
        async for word in self._get({}, {"Last-Event-ID": self._last}):
            yield word

    async def _get(
        self, params: dict[str, str], headers: dict[str, str]
    ) -> AsyncGenerator[Word, None]:
        headers = {"Accept": "text/event-stream", **headers}
        async with self._http.stream("GET", "/words", params=params, headers=headers) as answer:
            async for line in answer.aiter_lines():
                field, _, value = line.partition(": ")
                if field == "id":
                    self._last = value
                elif field == "event":
                    return
                elif field == "data":
                    yield int(self._last.partition("/")[2]), value

    async def cancel(self) -> None:
        """Nothing to say: to leave is to cancel."""

    async def close(self) -> None:
        await self._http.aclose()


class _Socket:
    """Asks and cancels in messages, over one connection; makes a new one when it has to."""

    def __init__(self, url: str) -> None:
        self._url = f"{url}socket"
        self._connection: ClientConnection | None = None
        self._answer, self._after = 0, 0

    async def ask(self, prompt: str) -> AsyncGenerator[Word, None]:
        async for word in self._say({"ask": prompt}):
            yield word

    async def resume(self) -> AsyncGenerator[Word, None]:
        self._connection = None
        async for word in self._say({"resume": self._answer, "after": self._after}):
            yield word

    async def _say(self, said: dict[str, Any]) -> AsyncGenerator[Word, None]:
        if self._connection is None:
            self._connection = await open_socket(self._url)
        await self._connection.send(json.dumps(said))
        mine = None
        async for text in self._connection:
            told = json.loads(text)
            if mine is None and len(told) == 1:
                mine = self._answer = told["id"]
            elif told["id"] == mine and "word" in told:
                self._after = told["n"]
                yield told["n"], told["word"]
            elif told["id"] == mine:
                return

    async def cancel(self) -> None:
        if self._connection is not None:
            await self._connection.send(json.dumps({"cancel": self._answer}))

    async def close(self) -> None:
        if self._connection is not None:
            await self._connection.close()


CLIENTS: dict[str, Callable[[str], _Events | _Socket]] = {
    "server-sent events": _Events,
    "WebSocket": _Socket,
}


def ask_for_words(server: WordServer, url: str, way: str, cut: Callable[[], object]) -> Answered:
    """Ask three times at `url`: read to the end, cancel, lose the connection (by `cut`).

    Raises KeyError for a way that is not in `CLIENTS`.
    """
    return loop.run(_ask(server, CLIENTS[way](url), way, cut), 60.0)


async def _ask(
    server: WordServer, client: _Events | _Socket, way: str, cut: Callable[[], object]
) -> Answered:
    async with contextlib.AsyncExitStack() as stack:
        stack.push_async_callback(client.close)
        first_word, _ = await _read(client.ask("what is a frame?"), LENGTH)
        next_first_word, got = await _read(client.ask("and a packet?"), ENOUGH)
        await client.cancel()
        cancelled = max(server.answers)
        await asyncio.sleep(GRACE)
        in_vain = len(server.answers[cancelled].words) - len(got)
        _, got = await _read(client.ask("and a message?"), ENOUGH, then=cut)
        came_back, more = await _read(client.resume(), LENGTH)
        return Answered(
            way, first_word, next_first_word, in_vain, came_back,
            LENGTH - len({*got, *more}), len(got) + len(more) - len({*got, *more}),
        )  # fmt: skip


async def _read(
    words: AsyncGenerator[Word, None], most: int, then: Callable[[], object] | None = None
) -> tuple[float, list[Word]]:
    """The seconds until the first word, and up to `most` words; then leaves, or breaks and reads on
    to the end of what still comes."""
    began, first, got = time.perf_counter(), 0.0, []
    try:
        async with contextlib.aclosing(words), asyncio.timeout(PATIENCE):
            async for word in words:
                first = first or time.perf_counter() - began
                got.append(word)
                if len(got) == most:
                    if then is None:
                        break
                    await asyncio.to_thread(then)
    except (httpx.HTTPError, ConnectionClosed):
        pass  # it was cut
    return first, got
