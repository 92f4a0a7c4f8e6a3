"""An HTTP server and a WebSocket server, each a process, which share nothing but a database."""

from __future__ import annotations

import asyncio
import random
import secrets
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import NamedTuple

import httpx

from wslab.net import loop
from wslab.net.address import LOOPBACK, Address
from wslab.net.cluster.guests import NAMES, connected
from wslab.net.cluster.orders import server_process
from wslab.net.resume.client import ResumingClient
from wslab.net.resume.store import POLL

PATIENCE = 20.0
"""Seconds for all posts together."""


class Posted(NamedTuple):
    """What became of one message that was posted."""

    status: int
    number: int
    """The number in the database, from 1."""
    after: dict[str, float]
    """By guest: the seconds from the request until it had the message."""


@contextmanager
def beside(database: str) -> Iterator[tuple[str, str]]:
    """Run the two over a database (see `Store.open`); yields the HTTP server's address and that of
    the WebSocket server, both as `ws://…`, as taps want it."""
    processes = [server_process("http_server"), server_process()]
    try:
        http = processes[0].order("serve", database=database)
        socket = processes[1].order("serve", name="A", port=0, database=database)
        yield Address(False, LOOPBACK, http).url, Address(False, LOOPBACK, socket).url
    finally:
        for process in processes:
            process.end()


def post_and_hear(
    http_url: str,
    socket_url: str,
    texts: Sequence[str],
    guests: Sequence[str] = NAMES[:3],
    *,
    after: int = 0,
) -> list[Posted]:
    """Post each text to the one server, and see when the guests of the other have it.

    `after` is the number of the last message that is already in the database.
    """
    return loop.run(_post_and_hear(http_url, socket_url, texts, guests, after), PATIENCE)


async def _post_and_hear(
    http_url: str, socket_url: str, texts: Sequence[str], names: Sequence[str], after: int
) -> list[Posted]:
    guests = [ResumingClient(socket_url, name) for name in names]
    for guest in guests:
        guest.received.append((after, ""))  # as if it had been there before
    posted = []
    async with (
        connected(guests),
        httpx.AsyncClient(
            base_url=http_url, headers={"User-Agent": "shop"}, trust_env=False
        ) as http,
    ):
        for text in texts:
            # Somebody posts at any moment, and not just after the server has looked.
            await asyncio.sleep(random.uniform(0, 2 * POLL))
            posted.append(await _post(http, text, guests))
    return posted


async def _post(http: httpx.AsyncClient, text: str, guests: Sequence[ResumingClient]) -> Posted:
    key, began = secrets.token_hex(8), time.perf_counter()

    async def hear(guest: ResumingClient) -> float:
        before = len(guest.received)
        await guest.wait_until(lambda: len(guest.received) > before)
        return time.perf_counter() - began

    heard = asyncio.gather(*map(hear, guests))
    answer = await http.post("/messages", json={"key": key, "text": text})
    after = dict(zip([guest.name for guest in guests], await heard, strict=True))
    return Posted(answer.status_code, answer.json()["number"], after)
