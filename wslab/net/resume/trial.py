"""Kills a server again and again in mid-conversation, and counts what is lost and doubled."""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import random
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

from wslab.net import loop
from wslab.net.address import LOOPBACK, Address
from wslab.net.programs.program import free_port
from wslab.net.resume.client import ResumingClient
from wslab.net.resume.store import Store


class Survived(NamedTuple):
    """What came of a conversation whose server was killed."""

    kills: int
    said: int
    """Messages that the clients said."""
    lost: int
    """Of these, those that are not in the store, or that a client never got."""
    doubled: int
    """Those that are in the store twice, or that a client got twice."""
    out_of_order: int
    """Messages that a client got after one with a higher number."""
    connected: int
    """How often the clients connected, in all."""
    seconds: float


Guest = Callable[[str, str], ResumingClient]
"""Makes a client of a URL and a name."""


def survive(
    kills: int,
    clients: int = 2,
    *,
    each: int = 5,
    seed: int = 0,
    guest: Guest = ResumingClient,
    patience: float = 20.0,
) -> Survived:
    """Have some clients say `each` messages between two kills, and count in the end.

    `seed` decides at which message, and how soon after it, the server is killed. `guest` may make
    clients of another kind; after `patience` seconds without the last message it counts as lost.
    """
    with tempfile.TemporaryDirectory(prefix="wslab-resume-") as folder:
        path, chance = Path(folder) / "room.db", random.Random(seed)
        work = _survive(path, kills, clients, each, chance, guest, patience)
        return loop.run(work, 60.0 + 10.0 * kills + patience)


class _Process:
    """The server's process; a new one takes the same port."""

    def __init__(self, path: Path) -> None:
        self._path, self.port = path, free_port()
        self._process: asyncio.subprocess.Process | None = None

    async def start(self) -> None:
        self._process = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "wslab.net.resume.server", str(self._path), str(self.port),
            stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE,
        )  # fmt: skip
        assert self._process.stdout is not None
        if not await self._process.stdout.readline():
            raise RuntimeError("the server of the room did not start")

    async def kill(self) -> None:
        if self._process is not None:
            with contextlib.suppress(ProcessLookupError):
                self._process.kill()
            await self._process.communicate()


async def _survive(
    path: Path,
    kills: int,
    clients: int,
    each: int,
    chance: random.Random,
    make: Guest,
    patience: float,
) -> Survived:
    server, began = _Process(path), time.perf_counter()
    await server.start()
    url = Address(False, LOOPBACK, server.port).url
    guests = [make(url, f"guest {number}") for number in range(1, clients + 1)]
    running = [asyncio.ensure_future(guest.run()) for guest in guests]
    said = 0
    try:
        for _ in range(kills):
            for guest in guests:
                await guest.wait_until(lambda guest=guest: guest.is_connected)  # type: ignore[misc]
            fatal = chance.randrange(each)
            for number in range(each):
                for guest in guests:
                    said += 1
                    await guest.say(f"message {said} of {guest.name}")
                if number == fatal:
                    # Somewhere between the message, its place in the file, and the confirmation.
                    await asyncio.sleep(chance.uniform(0.0, 0.01))
                    await server.kill()
            await server.start()
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(patience):
                for guest in guests:
                    await guest.wait_until(lambda guest=guest: _has_all(guest, said))  # type: ignore[misc]
    finally:
        for task in running:
            task.cancel()
        await asyncio.gather(*running, return_exceptions=True)
        await server.kill()
    with Store.open(path) as store:
        stored = store.after(0)
    return Survived(
        kills, said, *_faults(said, [text for _, _, text in stored], guests),
        sum(guest.connected for guest in guests), time.perf_counter() - began,
    )  # fmt: skip


def _has_all(guest: ResumingClient, said: int) -> bool:
    return not guest.unconfirmed and len({text for _, text in guest.received}) >= said


def _faults(said: int, stored: list[str], guests: list[ResumingClient]) -> tuple[int, int, int]:
    views = [stored, *([text for _, text in guest.received] for guest in guests)]
    lost = sum(said - len(set(view)) for view in views)
    doubled = sum(count - 1 for view in views for count in Counter(view).values())
    numbers = [[number for number, _ in guest.received] for guest in guests]
    wrong = sum(b <= a for one in numbers for a, b in itertools.pairwise(one))
    return lost, doubled, wrong
