"""Attacks on a server that wants too much memory: each against one without limits and one with."""

from __future__ import annotations

import asyncio
import sys
from collections import Counter
from collections.abc import AsyncGenerator, Callable
from contextlib import AsyncExitStack, aclosing, suppress
from pathlib import Path
from typing import NamedTuple

from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, InvalidStatus

from wslab.net import loop
from wslab.net.address import Address
from wslab.net.clients.silent import connect_silently
from wslab.net.guarding.limited_server import OPEN_TIMEOUT, PATIENCE, PER_ADDRESS, PIECE, PIECES
from wslab.net.peers.process import PeerProcess
from wslab.net.reset import reset

SERVER = Path(__file__).with_name("limited_server.py")

MANY = 100
"""How many connections one attacker opens."""

MARGIN = 0.7
"""Seconds after which a server that has not reacted is not going to."""

Attack = AsyncGenerator[str]
"""An attack: it yields "" when it is at its worst, and then what came of it."""


async def _connections(url: str) -> Attack:
    came = Counter[str]()
    async with AsyncExitStack() as stack:
        for _ in range(MANY):
            try:
                attacker = await _connect(url)
                stack.callback(reset, attacker.transport)
                came["are open"] += 1
            except InvalidStatus as refused:
                came[f"got {refused.response.status_code}"] += 1
        yield ""
        yield ", ".join(f"{count} {what}" for what, count in came.items())


async def _half_handshakes(url: str) -> Attack:
    address = Address.parse(url)
    async with AsyncExitStack() as stack:
        begun, ends = [], []
        for _ in range(MANY):
            reader, writer = await asyncio.open_connection(address.host, address.port)
            stack.callback(reset, writer.transport)
            writer.write(b"GET / HTTP/1.1\r\nHost: ")
            begun.append(writer)  # one that nobody holds is closed
            ends.append(asyncio.ensure_future(reader.read()))
        await asyncio.wait(ends, timeout=OPEN_TIMEOUT + MARGIN)
        yield ""
        waiting = sum(not end.done() for end in ends)
        yield f"{waiting} go on waiting" if waiting else "all are cut off"
    await asyncio.gather(*ends, return_exceptions=True)


async def _large_message(url: str) -> Attack:
    attacker = await _connect(url)
    try:
        # AttributeError: CPython 3.11, of a transport that is closed already, as in `reset`.
        with suppress(ConnectionClosed, AttributeError):
            await attacker.send(bytes(PIECE * PIECES))
            await (await attacker.ping())  # the library has answered, so it has all before it
        yield ""
        code = attacker.close_code
        yield f"close {code}" if code else "it is taken"
    finally:
        reset(attacker.transport)


async def _unread_messages(url: str) -> Attack:
    attacker, sent = await _connect(url + "busy"), 0
    try:
        while sent < PIECES:
            async with asyncio.timeout(MARGIN):
                await attacker.send(bytes(PIECE))
            sent += 1
        await (await attacker.ping())
    except TimeoutError:
        pass
    try:
        yield ""
        yield "all are taken" if sent == PIECES else f"the attacker waits, after {sent}"
    finally:
        reset(attacker.transport)


async def _no_reader(url: str) -> Attack:
    attacker = await connect_silently(url + "feed", receive_buffer=PIECE)
    came = 0
    try:
        await asyncio.sleep(PATIENCE + MARGIN)
        yield ""
        attacker.transport.resume_reading()
        with suppress(ConnectionClosed):
            while came < PIECES:
                await attacker.recv()
                came += 1
        yield "all of it waits for the reader" if came == PIECES else "the reader is cut off"
    finally:
        reset(attacker.transport)


async def _connect(url: str) -> ClientConnection:
    return await connect(url, compression=None, ping_interval=None, proxy=None)


class LimitAttack(NamedTuple):
    """One attack, and the limit that stops it."""

    what: str
    limit: str
    run: Callable[[str], Attack]
    """Attacks the server at a URL."""


ATTACKS = (
    LimitAttack(f"{MANY} connections from one address", f"a count: {PER_ADDRESS}", _connections),
    LimitAttack(f"{MANY} handshakes that stop halfway", "open_timeout", _half_handshakes),
    LimitAttack("a message of 16 MiB", "max_size", _large_message),
    LimitAttack(f"{PIECES} messages of 64 KiB for a busy program", "max_queue", _unread_messages),
    LimitAttack("a reader that takes nothing of 16 MiB", "write_limit, and a time", _no_reader),
)


class Attempt(NamedTuple):
    """What came of one attack on one server."""

    memory: int
    """Bytes more that the server's program held when the attack was at its worst."""
    came: str


def attack_limits() -> list[tuple[LimitAttack, Attempt, Attempt]]:
    """Try every attack on a server without limits and on one with them, each in its own process."""
    servers = [
        PeerProcess([sys.executable, "-I", str(SERVER), limited]) for limited in ("no", "yes")
    ]
    try:
        ports = [int(one.process.stdout.readline()) for one in servers if one.process.stdout]
        return [(attack, *loop.run(_on_both(attack, servers, ports), 30.0)) for attack in ATTACKS]
    finally:
        for server in servers:
            server.end()


async def _on_both(
    attack: LimitAttack, servers: list[PeerProcess], ports: list[int]
) -> tuple[Attempt, Attempt]:
    one, other = await asyncio.gather(
        *(_try(attack, *at) for at in zip(servers, ports, strict=True))
    )
    return one, other


async def _try(attack: LimitAttack, server: PeerProcess, port: int) -> Attempt:
    await asyncio.to_thread(server.order, "begin")
    async with aclosing(attack.run(f"ws://127.0.0.1:{port}/")) as steps:
        await anext(steps)
        memory = await asyncio.to_thread(server.order, "report")
        return Attempt(max(0, memory), await anext(steps))
