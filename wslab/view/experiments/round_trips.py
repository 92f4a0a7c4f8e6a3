"""Round trips, measured with pings and drawn as they come."""

from __future__ import annotations

import statistics
import threading
from html import escape
from typing import Any, Protocol

from ..live.assets import script, style
from ..live.live_view import LiveView

MOST = 600
"""Pings of one run at most: nobody has to remember to stop it."""

PAUSE = 0.05
"""Seconds between two pings."""


class Client(Protocol):
    def ping(self) -> float: ...


class RoundTrips(LiveView):
    """A button, a line that grows, and what it comes to. Times are in milliseconds."""

    _esm = script("experiments/round_trips.js")
    _css = style("experiments/round_trips.css")

    def __init__(self, client: Client, **traits: Any) -> None:
        self.client = client
        self.times: list[float] = []
        """The round trips so far, in seconds."""
        self._stop = threading.Event()
        self._running = False
        self._problem = ""
        self._told = 0
        self._stale = True
        super().__init__(**traits)

    def unsubscribe(self) -> None:
        self._stop.set()  # what runs ends after the ping that is under way

    def measure(self, count: int = 20) -> list[float]:
        """Ping `count` times from code; the round trips in seconds."""
        measured = [self.client.ping() for _ in range(count)]
        self.times += measured
        self.tell()
        return measured

    def ask(self, question: dict[str, Any]) -> None:
        self._stale = True
        match question.get("do"):
            case "hello":
                self._told = 0
            case "start" if not self._running:
                self._running, self._problem = True, ""
                self._stop.clear()
                threading.Thread(target=self._work, name="wslab-view-pings", daemon=True).start()
            case "stop":
                self._stop.set()

    def _work(self) -> None:
        try:
            for _ in range(MOST):
                self.times.append(self.client.ping())
                self.tell()
                if self._stop.wait(PAUSE):
                    break
        except Exception as error:
            self._problem = " ".join(str(error).split())
        self._running = False
        self._stale = True
        self.tell()

    def news(self, content: dict[str, Any], buffers: list[bytes]) -> float | None:
        count = len(self.times)
        if self._told == count and not self._stale:
            return None
        self._stale = False
        content["first"] = self._told
        content["times"] = [round(1000 * time, 3) for time in self.times[self._told : count]]
        content["running"] = self._running
        content["problem"] = self._problem or None
        content["summary"] = self.summary()
        self._told = count
        return None

    def summary(self) -> str:
        """Fastest, median and slowest so far."""
        if not self.times:
            return "nothing measured yet"
        times = [1000 * time for time in self.times]
        return (
            f"{len(times)} round trips: fastest {min(times):.2f} ms, "
            f"median {statistics.median(times):.2f} ms, slowest {max(times):.2f} ms"
        )

    def static(self) -> dict[str, str]:
        said = f"round trips: {self.summary()}"
        return {"text/plain": said, "text/html": f"<p>{escape(said)}</p>"}
