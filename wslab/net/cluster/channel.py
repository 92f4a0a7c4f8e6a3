"""What passes a message on from one server to all: Redis, a broker of our own, or nothing."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine, Iterator
from contextlib import ExitStack, asynccontextmanager, contextmanager
from typing import Any

from websockets.asyncio.client import connect
from websockets.asyncio.server import ServerConnection, broadcast

from wslab.net.errors import Missing
from wslab.net.packages import extra
from wslab.net.programs import Redis
from wslab.net.servers.server import Server

CHANNEL = "chat"
"""The channel's name at Redis."""

Hear = Callable[[bytes], None]
Publish = Callable[[bytes], Awaitable[object]]


@asynccontextmanager
async def meanwhile(work: Coroutine[Any, Any, None]) -> AsyncIterator[None]:
    """Do some work meanwhile. Where it fails, so does what is inside the `async with`."""
    async with asyncio.TaskGroup() as group:
        task = group.create_task(work)
        try:
            yield
        finally:
            task.cancel()


@contextmanager
def redis_or_broker(name: str) -> Iterator[tuple[str, str]]:
    """Start Redis; where it is missing, or its package, a `Broker` in this process.

    Yields where to join it, and for a broker why it is one.
    """
    with ExitStack() as opened:
        try:
            with extra("production"):
                import redis.asyncio  # noqa: F401 (the servers will need it)
            where, why = opened.enter_context(Redis(name)).url, ""
        except Missing as missing:
            where, why = opened.enter_context(Broker(name)).url, str(missing)
        yield where, why


@asynccontextmanager
async def joined(where: str, hear: Hear) -> AsyncIterator[Publish]:
    """Join the channel; yields what publishes a message. `hear` gets every message, one's own too.

    `where` is ``unix://`` and the path of Redis's socket, the URL of a `Broker`, or empty: then
    there is nobody else. Raises `PackageMissing` for Redis without its package.
    """
    if where.startswith("unix://"):
        opened = _over_redis(where, hear)
    else:
        opened = _over_broker(where, hear) if where else _alone(hear)
    async with opened as publish:
        yield publish


@asynccontextmanager
async def _over_redis(url: str, hear: Hear) -> AsyncIterator[Publish]:
    with extra("production"):
        from redis.asyncio import from_url
    async with from_url(url) as redis, redis.pubsub() as pubsub:

        async def listen() -> None:
            async for told in pubsub.listen():
                hear(told["data"])

        await pubsub.subscribe(CHANNEL)
        await pubsub.get_message(timeout=None)  # that this has been done
        async with meanwhile(listen()):
            yield lambda message: redis.publish(CHANNEL, message)


@asynccontextmanager
async def _over_broker(url: str, hear: Hear) -> AsyncIterator[Publish]:
    async with connect(url, compression=None, ping_interval=None, proxy=None) as broker:

        async def listen() -> None:
            async for message in broker:
                hear(message if isinstance(message, bytes) else message.encode())

        async with meanwhile(listen()):
            yield lambda message: broker.send(message, text=True)


@asynccontextmanager
async def _alone(hear: Hear) -> AsyncIterator[Publish]:
    async def publish(message: bytes) -> None:
        hear(message)

    yield publish


class Broker(Server):
    """Passes each message of a client on to all of them: what Redis does, in this process."""

    def __init__(self, name: str = "broker") -> None:
        super().__init__(name)
        self._clients: set[ServerConnection] = set()

    async def handle(self, connection: ServerConnection) -> None:
        self._clients.add(connection)
        try:
            async for message in connection:
                broadcast(self._clients, message)
        finally:
            self._clients.discard(connection)
