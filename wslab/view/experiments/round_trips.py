"""Measures round trips with pings, and draws them in a live chart."""

from __future__ import annotations

import statistics
import threading
import time
from collections.abc import Callable
from typing import Any, Protocol

from ..live.clicks import one_line
from .chart import Chart

MOST = 600
"""The most pings of one run, so that it ends even if nobody stops it."""

PAUSE = 0.05
"""Seconds between two pings."""


class Pinger(Protocol):
    def ping(self) -> float: ...


class RoundTrips(Chart):
    """A chart of round trips over time: a button, a growing line, and a summary."""

    view_name = "round-trips"

    def __init__(self, client: Pinger, **traits: Any) -> None:
        self.client = client
        self.times: list[float] = []
        """The round trips so far, in seconds."""
        self._began: float | None = None
        self._stop = threading.Event()
        self._running = False
        self._problem = ""
        super().__init__(
            "ping → pong", x="seconds", y="ms", series=["round trip"], most=MOST, **traits
        )

    def unsubscribe(self) -> None:
        self._stop.set()  # a run ends after its present ping

    def measure(self, count: int = 20) -> list[float]:
        """Ping `count` times from code, and return the round trips in seconds.

        Raises LookupError if the lab of this chart is closed.
        """
        self._check_open()
        return [self._ping() for _ in range(count)]

    def during(self, work: Callable[[], object]) -> list[float]:
        """Ping for as long as `work()` runs; the round trips of that time in seconds.

        Raises LookupError if the lab of this chart is closed.
        """
        self._check_open()
        start, over = len(self.times), threading.Event()
        pings = threading.Thread(target=self._keep_on, args=[over], name="wslab-view-pings")
        pings.start()
        try:
            work()
        finally:
            over.set()
            pings.join()
        return self.times[start:]

    def _check_open(self) -> None:
        if self._resting or self.comm is None:  # None once a second lab has closed the view
            raise LookupError(
                "this chart belongs to a lab that is closed, so its client is too: "
                "run the cell that shows a chart, then run this cell again"
            )

    def _keep_on(self, over: threading.Event) -> None:
        while not over.wait(PAUSE):
            self._ping()

    def _ping(self) -> float:
        now = time.monotonic()
        self._began = now if self._began is None else self._began
        took = self.client.ping()
        self.times.append(took)
        self.add("round trip", now - self._began, 1000 * took)
        return took

    def ask(self, question: dict[str, Any]) -> None:
        super().ask(question)
        if question.get("do") != "press":
            return
        if self._running:
            self._stop.set()
            return
        self._running, self._problem = True, ""
        self._stop.clear()
        threading.Thread(target=self._work, name="wslab-view-pings", daemon=True).start()

    def _work(self) -> None:
        try:
            for _ in range(MOST):
                self._ping()
                if self._stop.wait(PAUSE):
                    break
        except Exception as error:
            self._problem = one_line(error)
        self._running = False
        self.changed()

    def state(self) -> dict[str, Any]:
        return {
            "button": "Stop" if self._running else "Start pinging",
            "problem": self._problem or None,
        }

    def summary(self) -> str:
        """The fastest, median and slowest round trip so far."""
        if not self.times:
            return "nothing measured yet"
        times = [1000 * took for took in self.times]
        return (
            f"{len(times)} round trips: fastest {min(times):.2f} ms, "
            f"median {statistics.median(times):.2f} ms, slowest {max(times):.2f} ms"
        )
