"""Measures how long a dead connection looks OPEN, and predicts it from interval and timeout."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import NamedTuple

from wslab.net.clients.client import Client


class KeepaliveResult(NamedTuple):
    """One measurement. All times are in seconds after the connection went dead."""

    ping_interval: float
    ping_timeout: float
    found: float | None
    """When the client stopped looking OPEN; None if it never did within the time limit."""
    told: float | None
    """When its program was told: `recv` raised, and the state was CLOSED."""
    code: int | None
    """The close code that the API reported then."""

    @property
    def earliest(self) -> float:
        """The shortest time: a ping went out just before the line died, and its timeout passes."""
        return self.ping_timeout

    @property
    def latest(self) -> float:
        """The longest time: a pong came just before, and the next ping is an interval away."""
        return self.ping_interval + self.ping_timeout


def measure_keepalive(
    client: Client, url: str, kill: Callable[[], None], patience: float
) -> KeepaliveResult:
    """Connect `client` (made with a ping interval), let the line die, and wait for it to notice.

    `kill` must stop the delivery in both directions. The line dies right after the connection
    opens, which is the longest case: interval plus timeout.
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
