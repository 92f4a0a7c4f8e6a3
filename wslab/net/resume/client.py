"""A guest of a `Room` that loses nothing, whatever becomes of its connection."""

from __future__ import annotations

import asyncio
import contextlib
import json
import random
from collections.abc import Callable
from typing import Any

from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, InvalidHandshake, WebSocketException

from wslab.net import socket_names

FIRST, MOST = 0.05, 2.0
"""Seconds: how long it waits at most before the first new try, and before any."""

Wait = Callable[[int], float]
"""Seconds to wait before a try, by how many have failed since the last success."""


def full_jitter(failed: int, most: float = MOST) -> float:
    """Anything up to a limit that doubles: so a thousand clients do not come all at once."""
    return random.uniform(0.0, back_off(failed, most))


def back_off(failed: int, most: float = MOST) -> float:
    """A time that doubles up to `most`, the same for everybody."""
    return min(most, FIRST * float(2 ** min(failed, 30)))


class ResumingClient:
    """Connects again and again, asks for what it has missed, and repeats what was not confirmed.

    `run` is to be a task of its own; it ends when it is cancelled.
    """

    def __init__(self, url: str, name: str, *, wait: Wait = full_jitter) -> None:
        self.url, self.name = url, name
        self.received: list[tuple[int, str]] = []
        """Number and text of every message of the room, in order."""
        self.greetings: list[dict[str, Any]] = []
        """What the servers said of themselves, where they do: the one of each connection."""
        self.connected = 0
        """How often it got a connection."""
        self.ended: list[int] = []
        """The close codes with which connections ended; 1006 is: without one."""
        self.failed: list[str] = []
        """Why tries to connect failed."""
        self._wait = wait
        self._said = 0
        self._unconfirmed: dict[str, str] = {}
        self._connection: ClientConnection | None = None
        self._changed = asyncio.Event()

    async def say(self, text: str) -> None:
        """Say something. It is sent until the server has confirmed it."""
        self._said += 1
        key = f"{self.name}-{self._said}"
        self._unconfirmed[key] = text
        if self._connection is not None:
            with contextlib.suppress(WebSocketException):
                await self._connection.send(json.dumps({"key": key, "text": text}))

    @property
    def is_connected(self) -> bool:
        """Whether it has a connection, on which all is said that was waiting."""
        return self._connection is not None

    @property
    def unconfirmed(self) -> int:
        """How many messages the server has not confirmed yet."""
        return len(self._unconfirmed)

    @property
    def texts(self) -> set[str]:
        """What it has got."""
        return {text for _, text in self.received}

    async def wait_until(self, condition: Callable[[], bool]) -> None:
        """Wait until a condition holds that depends on this client."""
        while not condition():
            self._changed.clear()
            await self._changed.wait()

    async def run(self) -> None:
        """Stay connected."""
        failed = 0
        while True:
            try:
                async with connect(
                    self.url, compression=None, ping_interval=None, proxy=None, open_timeout=5.0
                ) as connection:
                    self.connected, failed = self.connected + 1, 0
                    socket_names.tell(connection.transport, self.name)
                    try:
                        with contextlib.suppress(ConnectionClosed):
                            await self._talk(connection)
                    except asyncio.CancelledError:
                        await connection.close()  # or the library would tell of a fault, 1011
                        raise
                    finally:
                        socket_names.forget(connection.transport)
                self.ended.append(int(connection.close_code or 1006))
            except (OSError, WebSocketException, InvalidHandshake, TimeoutError) as fault:
                self.failed.append(f"{type(fault).__name__}: {fault}")
            self._tell()
            await asyncio.sleep(self._wait(failed))
            failed += 1

    def _known(self) -> int | None:
        """The number behind which it wants all messages; None is: from now on."""
        return self.received[-1][0] if self.received else 0

    def _to_repeat(self) -> dict[str, str]:
        """What it says again on a new connection, by key."""
        return self._unconfirmed

    async def _talk(self, connection: ClientConnection) -> None:
        await connection.send(json.dumps({"after": self._known()}))
        for key, text in list(self._to_repeat().items()):
            await connection.send(json.dumps({"key": key, "text": text}))
        self._connection = connection
        self._tell()
        try:
            async for message in connection:
                told: dict[str, Any] = json.loads(message)
                if "stored" in told:
                    self._unconfirmed.pop(told["stored"], None)
                elif "number" in told:
                    self.received.append((told["number"], told["text"]))
                else:
                    self.greetings.append(told)
                self._tell()
        finally:
            self._connection = None

    def _tell(self) -> None:
        self._changed.set()


class ForgetfulClient(ResumingClient):
    """Connects again, and that is all: what it missed is gone, and what it said is said."""

    def _known(self) -> None:
        return None

    def _to_repeat(self) -> dict[str, str]:
        self._unconfirmed.clear()
        return {}


class RepeatingClient(ResumingClient):
    """Wants everything again, and repeats what was not confirmed as if it were new."""

    def _known(self) -> int:
        return 0

    def _to_repeat(self) -> dict[str, str]:
        again = self._unconfirmed.items()
        self._unconfirmed = {f"{key}-{self.connected}": text for key, text in again}
        return self._unconfirmed
