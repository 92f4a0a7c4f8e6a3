"""How long a dead connection looks OPEN: predicted from two numbers, then measured."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import NamedTuple

from wslab.net.clients.client import Client


class KeepaliveResult(NamedTuple):
    """One measurement. All times in seconds, from the moment in which the line went dead."""

    ping_interval: float
    ping_timeout: float
    found: float | None
    """When the client stopped looking OPEN; None if it still did when the time was up."""
    told: float | None
    """When its program was told: `recv` raised, and the state was CLOSED."""
    code: int | None
    """What the API reported then."""

    @property
    def earliest(self) -> float:
        """The least: a ping went out right before the line died, and its timeout passes."""
        return self.ping_timeout

    @property
    def latest(self) -> float:
        """The most: a pong came right before, and the next ping is an interval away."""
        return self.ping_interval + self.ping_timeout


def measure_keepalive(
    client: Client, url: str, kill: Callable[[], None], patience: float
) -> KeepaliveResult:
    """Connect `client` (made with a ping interval), let the line go dead, and wait for the client.

    `kill` makes it dead: nothing is delivered any more, in neither direction. The line dies right
    after the connection opens, which is the longest case: interval plus timeout.
    """
    interval = client.options["ping_interval"]
    timeout = client.options["ping_timeout"]
    changed = threading.Event()
    unsubscribe = client.subscribe(changed.set)
    try:
        client.connect(url)
        kill()
        started = time.perf_counter()
        found = told = None
        while told is None and (left := started + patience - time.perf_counter()) > 0:
            changed.clear()
            state = client.state
            now = time.perf_counter() - started
            if state != "OPEN" and found is None:
                found = now
            if state == "CLOSED":
                told = now
                break
            changed.wait(left)
        return KeepaliveResult(interval or 0.0, timeout or 0.0, found, told, client.close_code)
    finally:
        unsubscribe()
