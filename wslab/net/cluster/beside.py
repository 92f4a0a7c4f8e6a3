"""An HTTP server and a WebSocket server, each a process, which share nothing but a database."""

from __future__ import annotations

import asyncio
import random
import secrets
import sys
import time
from collections.abc import Sequence
from typing import Any, NamedTuple, Self

import httpx

from wslab.net import loop
from wslab.net.address import LOOPBACK, Address
from wslab.net.cluster.guests import NAMES, connected
from wslab.net.peers.process import PeerProcess
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


class Beside:
    """The two processes; `database` is that of `Store.open`. They end with the `with` block."""

    def __init__(self, database: str) -> None:
        self._database = database
        self._processes: list[PeerProcess] = []
        self.http_url = self.socket_url = ""
        """Where the two listen, both as ``ws://…``, as taps want it."""

    def __enter__(self) -> Self:
        try:
            for program in ("http_server", "server"):
                command = [sys.executable, "-m", f"wslab.net.cluster.{program}"]
                self._processes.append(PeerProcess(command))
            self.http_url = self._serve(0)
            self.socket_url = self._serve(1, name="A", port=0)
        except BaseException:
            self.__exit__()
            raise
        return self

    def _serve(self, process: int, **options: Any) -> str:
        port = self._processes[process].order("serve", database=self._database, **options)
        return Address(False, LOOPBACK, port).url

    def __exit__(self, *_: object) -> None:
        for process in self._processes:
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
