"""What the benchmarks of pages have in common: a notebook in a real browser, and what it costs."""

from __future__ import annotations

import os
import platform
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "tools"))

import find_browser
from real_lab import OpenNotebook, running_browser, running_lab

# For the benchmarks' own scripts: a message posted from a frame's callback arrives when that frame
# has been painted.
AFTER_PAINT = """\
() => {
  window.wslabAfterPaint = (done) => {
    const channel = new MessageChannel();
    channel.port1.onmessage = done;
    channel.port2.postMessage(0);
  };
}
"""

COUNT_FRAMES = """\
() => {
  const counted = window.wslabFrames = {count: 0, on: true};
  const count = () => {
    counted.count++;
    if (counted.on) requestAnimationFrame(count);
  };
  requestAnimationFrame(count);
}
"""


@contextmanager
def measured_page(*cells: str, note: str = "") -> Iterator[OpenNotebook]:
    """A notebook of these cells, opened in a JupyterLab of its own and run.

    Prints which machine it is, with `note` behind. Ends the program where there is no browser.
    """
    path = find_browser.find()
    if path is None:
        sys.exit(f"no browser on this machine: {find_browser.REMEDY}")
    with (
        tempfile.TemporaryDirectory() as folder,
        running_lab(Path(folder)) as lab,
        running_browser(path) as browser,
    ):
        print(
            f"{platform.platform()}, {os.cpu_count()} cores, Python {platform.python_version()}, "
            f"Chromium {browser.version} (headless){note}"
        )
        lab.write_notebook("measured.ipynb", *cells)
        notebook = lab.open(browser, "measured.ipynb")
        notebook.run_all()
        notebook.page.evaluate(AFTER_PAINT)
        yield notebook
        notebook.close()


class Cost(NamedTuple):
    """What a stretch of time took of a page."""

    seconds: float
    painted: float
    """Frames of the screen a second."""
    busy: float
    """The part of the time in which the main thread was busy, 0 to 1."""

    def __str__(self) -> str:
        return f"{self.painted:3.0f} painted/s   main thread {self.busy:4.0%} busy"


class Meter:
    """Measures what a page costs from here on, until `stop`."""

    def __init__(self, notebook: OpenNotebook) -> None:
        self._page = notebook.page
        self._session = self._page.context.new_cdp_session(self._page)
        self._session.send("Performance.enable")
        self._page.evaluate(COUNT_FRAMES)
        self._before = self._read()

    def stop(self) -> Cost:
        """What it came to."""
        now, frames, busy = (
            after - before for after, before in zip(self._read(), self._before, strict=True)
        )
        self._page.evaluate("() => { wslabFrames.on = false }")
        self._session.detach()
        seconds = now / 1000
        return Cost(seconds, frames / seconds, busy / seconds)

    def _read(self) -> tuple[float, float, float]:
        metrics = self._session.send("Performance.getMetrics")["metrics"]
        busy = next(m["value"] for m in metrics if m["name"] == "TaskDuration")
        now, frames = self._page.evaluate("() => [performance.now(), wslabFrames.count]")
        return now, frames, busy


def percentile(values: Sequence[float], part: float) -> float:
    """The value below which `part` (0 to 1) of the values lie."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(part * len(ordered)))]


def busiest_second(stamps: Sequence[float]) -> int:
    """How many of these moments, in seconds, lie within one second at most."""
    return max((sum(t <= s < t + 1 for s in stamps) for t in stamps), default=0)


def told(latencies: Sequence[float]) -> str:
    """Latencies in milliseconds, in a few words."""
    return (
        f"p50 {percentile(latencies, 0.5):5.1f} ms   p99 {percentile(latencies, 0.99):5.1f} ms   "
        f"max {max(latencies):5.1f} ms"
    )
