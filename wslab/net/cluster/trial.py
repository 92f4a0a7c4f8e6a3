"""People talk, and something happens to the servers: who hears what, and what is lost."""

from __future__ import annotations

import asyncio
import random
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import NamedTuple

from wslab.net import loop
from wslab.net.cluster.cluster import Cluster
from wslab.net.cluster.guests import NAMES, Guest, all_connected, connected, hear, soon
from wslab.net.resume.client import ForgetfulClient, ResumingClient
from wslab.net.resume.store import Store

PATIENCE = 30.0
"""Seconds for one trial."""


class Heard(NamedTuple):
    """What one guest heard."""

    guest: str
    stays: tuple[str, ...]
    """The servers it was at, with their versions, such as `A1`, one after the other."""
    ends: tuple[int, ...]
    """The close codes with which the connections before the last one ended."""
    texts: tuple[tuple[str, ...], ...]
    """What it heard, in each phase of the trial."""


# --- Who hears whom


def who_hears(url: str, names: Sequence[str] = NAMES) -> list[Heard]:
    """Everybody says one thing, which is the own name."""
    return loop.run(_who_hears(url, names), PATIENCE)


async def _who_hears(url: str, names: Sequence[str]) -> list[Heard]:
    guests = [Guest(url, name) for name in names]
    async with connected(guests):
        await _all_say(guests, names)
        return [_heard(guest, [set(names)]) for guest in guests]


async def _all_say(guests: Sequence[Guest], texts: Sequence[str]) -> None:
    """Each guest says a text of its own. Waits until all who will hear it have heard it.

    Whoever says something hears it when it has been through the channel. What is said after that
    comes after it, everywhere.
    """
    for wanted in (texts, [f"after {text}" for text in texts]):
        for guest, text in zip(guests, wanted, strict=True):
            await guest.say(text)
        for guest, text in zip(guests, wanted, strict=True):
            await hear(guest, text)


# --- One is killed


class Killed(NamedTuple):
    """What came of it."""

    said: list[int]
    """How much was said before, while its guests were away, and when they were back."""
    heard: list[Heard]


def kill_one(cluster: Cluster, url: str, server: str = "A", names: Sequence[str] = NAMES) -> Killed:
    """Kill a server while people talk; `url` leads to the cluster's nginx."""
    return loop.run(_kill_one(cluster, url, server, names), PATIENCE)


async def _kill_one(cluster: Cluster, url: str, server: str, names: Sequence[str]) -> Killed:
    guests = [Guest(url, name, wait=soon) for name in names]
    phases: list[list[str]] = []

    async def talk(speakers: Sequence[Guest], phase: str) -> None:
        said = [[f"{guest.name} {phase} {number}" for guest in speakers] for number in (1, 2, 3)]
        for texts in said:
            await _all_say(speakers, texts)
        phases.append([text for texts in said for text in texts])

    async with connected(guests):
        await talk(guests, "before")
        await asyncio.to_thread(cluster.kill, server)
        await talk([one for one in guests if one.greetings[-1]["server"] != server], "without")
        await all_connected(guests)
        await talk(guests, "after")
        return Killed([len(phase) for phase in phases], [_heard(guest, phases) for guest in guests])


def _heard(guest: ResumingClient, phases: Sequence[Sequence[str] | set[str]]) -> Heard:
    stays = tuple(f"{one['server']}{one['version']}" for one in guest.greetings)
    texts = [tuple(text for _, text in guest.received if text in phase) for phase in phases]
    return Heard(guest.name, stays, tuple(guest.ended), tuple(texts))


# --- A rolling restart


class Rolled(NamedTuple):
    """What a rolling restart was for one guest."""

    guest: str
    stays: tuple[str, ...]
    ends: tuple[int, ...]
    in_vain: int
    """How much of what it said never came into the room."""
    lost: int
    """How much of what came into the room it never heard."""
    doubled: int
    """How much it heard twice."""


TRAVELLERS: Mapping[str, type[ResumingClient]] = {
    "Ada": ForgetfulClient,
    "Ben": ForgetfulClient,
    "Cy": ResumingClient,
    "Di": ResumingClient,
}


def roll(
    cluster: Cluster,
    url: str,
    guests: Mapping[str, type[ResumingClient]] = TRAVELLERS,
    *,
    seconds: float = 0.3,
) -> tuple[int, list[Rolled]]:
    """Restart all servers of a numbered room, one after the other, while people talk.

    Each server has `seconds` to send its guests away, and is then started in version 2. Returns how
    much came into the room, and what it was for each guest.
    """
    return loop.run(_roll(cluster, url, guests, seconds), PATIENCE)


async def _roll(
    cluster: Cluster, url: str, kinds: Mapping[str, type[ResumingClient]], seconds: float
) -> tuple[int, list[Rolled]]:
    guests = [
        kind(url, name, wait=lambda failed: random.uniform(0.1, 0.3))
        for name, kind in kinds.items()
    ]
    said: dict[str, list[str]] = {name: [] for name in kinds}

    async def talk(guest: ResumingClient) -> None:
        mine = said[guest.name]
        while True:
            if guest.is_connected:
                mine.append(f"{len(mine) + 1} of {guest.name}")
                await guest.say(mine[-1])
            await asyncio.sleep(random.uniform(0.0, 0.08))

    async with connected(guests):
        talking = [asyncio.ensure_future(talk(guest)) for guest in guests]
        try:
            for server in cluster.servers:
                await asyncio.to_thread(cluster.restart, server, 2, seconds)
            await all_connected(guests)
        finally:
            for task in talking:
                task.cancel()
            await asyncio.gather(*talking, return_exceptions=True)
        # Whoever hears its own last words has heard what others have said before.
        for guest in guests:
            await guest.say(f"last words of {guest.name}")
        for guest in guests:
            await hear(guest, f"last words of {guest.name}")
    with Store.open(cluster.database) as store:
        stored = {one.text for one in store.after(0)} & {t for mine in said.values() for t in mine}
    return len(stored), [_rolled(guest, said[guest.name], stored) for guest in guests]


def _rolled(guest: ResumingClient, said: Sequence[str], stored: set[str]) -> Rolled:
    (_, stays, ends, _), got = _heard(guest, []), Counter(text for _, text in guest.received)
    return Rolled(
        guest.name, stays, ends, len(set(said) - stored), len(stored - set(got)),
        sum(count - 1 for count in got.values()),
    )  # fmt: skip
