"""Kills a server again and again in mid-conversation, and counts what is lost and doubled."""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import random
import tempfile
import time
from collections import Counter
from collections.abc import AsyncIterator, Callable, Mapping
from functools import partial
from pathlib import Path
from typing import NamedTuple

from wslab.net import loop
from wslab.net.resume.client import ResumingClient, full_jitter
from wslab.net.resume.process import RoomProcess
from wslab.net.resume.store import Store
from wslab.net.tap import InFlight, Tap

PATIENCE = 30.0
"""Seconds after which a message that has not come will not come."""

Guest = Callable[..., ResumingClient]
"""Makes a client of a URL, a name and `wait`."""

_quick = partial(full_jitter, most=0.5)


class Survived(NamedTuple):
    """What came of a conversation whose server was killed."""

    kills: int
    said: int
    """Messages that the clients said."""
    lost: int
    """Of these, those that are not in the store, or that one of the clients never got."""
    doubled: int
    """Those that are in the store twice, or that one of the clients got twice."""
    out_of_order: int
    """How often a client got a message after one with a higher number."""
    connected: int
    """How often the clients connected, in all."""
    seconds: float


def survive(
    kills: int,
    guests: Mapping[str, Guest] | None = None,
    *,
    each: int = 5,
    seed: int = 0,
    before: Callable[[str, str], str] = lambda url, kind: url,
) -> dict[str, Survived]:
    """Have two guests say `each` messages between two kills, and count in the end.

    `guests` are the kinds of client to try, by name; each has a room of its own, and all are tried
    at the same time. `seed` decides at which message, and how soon after it, the server is killed.
    In the end, when all are connected, each says two messages more, so that who has got the last
    one has got all that will ever come. `before` gives the address of something in front of a room,
    such as a tap, by URL and kind.
    """
    kinds = guests or {"resuming": ResumingClient}
    began = time.perf_counter()
    with tempfile.TemporaryDirectory(prefix="wslab-resume-") as folder:
        rooms = RoomProcess(*(Path(folder) / f"{number}.db" for number in range(len(kinds))))
        pairs = []
        for url, (kind, guest) in zip(rooms.urls, kinds.items(), strict=True):
            address = before(url, kind)
            pairs.append([guest(address, name, wait=_quick) for name in ("Ada", "Bob")])
        work = _survive(rooms, pairs, kills, each, random.Random(seed))
        said = loop.run(work, 10.0 * kills + 2 * PATIENCE)
        return {
            kind: Survived(
                kills, len(said), *_faults(said, _stored(path), pair),
                sum(guest.connected for guest in pair), time.perf_counter() - began,
            )
            for kind, path, pair in zip(kinds, rooms.paths, pairs, strict=True)
        }  # fmt: skip


async def _survive(
    rooms: RoomProcess,
    pairs: list[list[ResumingClient]],
    kills: int,
    each: int,
    chance: random.Random,
) -> list[str]:
    """All that is said, in each room the same."""
    said: list[str] = []
    guests = [guest for pair in pairs for guest in pair]
    async with _talking(rooms, *guests):
        for _ in range(kills):
            for guest in guests:
                await guest.wait_until(lambda guest=guest: guest.is_connected)  # type: ignore[misc]
            fatal = chance.randrange(each)
            for number in range(each):
                for speakers in zip(*pairs, strict=True):
                    said.append(f"message {len(said) + 1} of {speakers[0].name}")
                    for guest in speakers:
                        await guest.say(said[-1])
                if number == fatal:
                    # Somewhere between the message, its place in the file, and the confirmation.
                    await asyncio.sleep(chance.uniform(0.0, 0.01))
                    await rooms.kill()
            await rooms.start()
        last = await asyncio.gather(*map(_finish, pairs))
    return said + last[0]


@contextlib.asynccontextmanager
async def _talking(room: RoomProcess, *guests: ResumingClient) -> AsyncIterator[None]:
    """The room's server and these guests run; in the end neither does."""
    await room.start()
    running = [asyncio.ensure_future(guest.run()) for guest in guests]
    try:
        yield
    finally:
        for task in running:
            task.cancel()
        await asyncio.gather(*running, return_exceptions=True)
        await room.kill()


def _stored(path: Path) -> list[str]:
    with Store.open(path) as store:
        return [one.text for one in store.after(0)]


async def _finish(guests: list[ResumingClient]) -> list[str]:
    """Say the last words; returns them. Who has heard itself is one whom the others reach."""
    words = [[f"{word}, {one.name}" for one in guests] for word in ("here", "the end")]
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(PATIENCE):
            for said, others in zip(words, (False, True), strict=True):
                for guest, text in zip(guests, said, strict=True):
                    await guest.wait_until(lambda guest=guest: guest.is_connected)  # type: ignore[misc]
                    await guest.say(text)
                for guest, text in zip(guests, said, strict=True):
                    wanted = set(said) if others else {text}
                    await guest.wait_until(
                        lambda guest=guest, wanted=wanted: wanted <= guest.texts  # type: ignore[misc]
                    )
    return [text for said in words for text in said]


def _faults(
    said: list[str], stored: list[str], guests: list[ResumingClient]
) -> tuple[int, int, int]:
    views = [Counter(stored), *(Counter(text for _, text in guest.received) for guest in guests)]
    lost = sum(any(view[text] == 0 for view in views) for text in said)
    doubled = sum(any(view[text] > 1 for view in views) for text in said)
    numbers = [[number for number, _ in guest.received] for guest in guests]
    wrong = sum(b <= a for one in numbers for a, b in itertools.pairwise(one))
    return lost, doubled, wrong


def lose_confirmation(guest: Guest, name: str, tap: Callable[[str], Tap]) -> list[str]:
    """Say "Hello", and have a tap cut the connection in place of the confirmation; returns what the
    room has stored when the guest of that name, which has come back, is confirmed.

    `tap` puts one in front of a server, by URL.
    """
    with tempfile.TemporaryDirectory(prefix="wslab-resume-") as folder:
        room = RoomProcess(Path(folder) / "room.db")
        before, answers = tap(room.urls[0]), iter(["cut"])

        def cut_the_first(frame: InFlight) -> str | None:
            return next(answers, None) if b'"stored"' in frame.payload else None

        before.add_rule(cut_the_first)
        try:
            return loop.run(_confirmed(room, guest(before.url, name, wait=_quick)), PATIENCE)
        finally:
            before.remove_rule(cut_the_first)


async def _confirmed(room: RoomProcess, guest: ResumingClient) -> list[str]:
    async with _talking(room, guest):
        await guest.wait_until(lambda: guest.is_connected)
        await guest.say("Hello")
        await guest.wait_until(lambda: not guest.unconfirmed)
    return _stored(room.paths[0])
