"""What the benchmarks of pages have in common: a notebook in a real browser, and what it costs."""

from __future__ import annotations

import json
import os
import platform
import re
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple, Protocol

from playwright.sync_api import Browser, sync_playwright
from websockets.sync.client import connect

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "tools"))

from real_lab import BROWSER_ARGS, OpenNotebook, RunningLab, running_browser, running_lab

from wslab.installed import CHROMIUM, find

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
    path = find(CHROMIUM)
    if path is None:
        sys.exit(f"no browser on this machine: {CHROMIUM.remedy}")
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
    """The part of the time in which the main thread was busy, 0 to 1: it also is while it waits
    for one of the machine's cores."""
    computing: float
    """The part of the time in which it had a core."""

    def __str__(self) -> str:
        return (
            f"{self.painted:3.0f} painted/s   "
            f"main thread {self.busy:4.0%} busy ({self.computing:.0%} of a core)"
        )


class Busy(NamedTuple):
    """Seconds of a page's main thread."""

    busy: float
    computing: float


class Page(Protocol):
    """What a page can be asked by whoever measures it."""

    def evaluate(self, script: str) -> Any:
        """What a JavaScript expression comes to."""

    def busy(self) -> Busy:
        """For how long the main thread has been busy so far."""


class Meter:
    """Measures what a page costs from here on, until `stop`."""

    def __init__(self, page: Page) -> None:
        self._page = page
        page.evaluate(f"({COUNT_FRAMES})()")
        self._before = self._read()

    def stop(self) -> Cost:
        """What it came to."""
        now, frames, busy, computing = (
            after - before for after, before in zip(self._read(), self._before, strict=True)
        )
        self._page.evaluate("wslabFrames.on = false")
        seconds = now / 1000
        return Cost(seconds, frames / seconds, busy / seconds, computing / seconds)

    def _read(self) -> tuple[float, float, float, float]:
        now, frames = self._page.evaluate("[performance.now(), wslabFrames.count]")
        return now, frames, *self._page.busy()


def busy_seconds(answer: dict[str, Any]) -> Busy:
    """The main thread's seconds in the answer to `Performance.getMetrics`."""
    metrics = {metric["name"]: float(metric["value"]) for metric in answer["metrics"]}
    return Busy(metrics["TaskDuration"], metrics["ThreadTime"])


class DrivenPage:
    """A page that Playwright drives."""

    def __init__(self, notebook: OpenNotebook) -> None:
        self.evaluate = notebook.page.evaluate
        self._session = notebook.page.context.new_cdp_session(notebook.page)
        self._session.send("Performance.enable")

    def busy(self) -> Busy:
        """For how long the main thread has been busy so far."""
        return busy_seconds(self._session.send("Performance.getMetrics"))


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


class UnwatchedPage:
    """A page with no Playwright attached, spoken to by the DevTools protocol alone.

    Playwright has the browser tell it of every WebSocket frame that a page gets: at ten thousand a
    second that alone keeps half a core busy, and the page waiting.
    """

    def __init__(self, endpoint: str) -> None:
        with urllib.request.urlopen(f"{endpoint}/json/list") as answer:
            pages = [one for one in json.load(answer) if "/lab/" in one["url"]]
        self._socket = connect(pages[0]["webSocketDebuggerUrl"], max_size=None, compression=None)
        self._asked = 0
        self._ask("Performance.enable")

    def evaluate(self, script: str) -> Any:
        """What a JavaScript expression comes to, a promise's result included."""
        answer = self._ask(
            "Runtime.evaluate", expression=script, awaitPromise=True, returnByValue=True
        )
        if "exceptionDetails" in answer:
            raise RuntimeError(json.dumps(answer["exceptionDetails"])[:1000])
        return answer["result"].get("value")

    def wait_for(self, script: str, patience: float = 60.0) -> None:
        """Ask four times a second until an expression is true."""
        deadline = time.monotonic() + patience
        while not self.evaluate(script):
            if time.monotonic() > deadline:
                sys.exit(f"waited {patience:g} s in vain for {script}")
            time.sleep(0.25)

    def busy(self) -> Busy:
        """For how long the main thread has been busy so far."""
        return busy_seconds(self._ask("Performance.getMetrics"))

    def close(self) -> None:
        """Let the page alone."""
        self._socket.close()

    def _ask(self, method: str, **parameters: Any) -> dict[str, Any]:
        self._asked += 1
        self._socket.send(json.dumps({"id": self._asked, "method": method, "params": parameters}))
        while True:
            answer = json.loads(self._socket.recv(timeout=60))
            if answer.get("id") == self._asked:
                return dict(answer["result"])


class Workshop:
    """A notebook in a browser that Playwright can leave and come back to."""

    def __init__(self, lab: RunningLab, endpoint: str, name: str) -> None:
        self._lab = lab
        self._endpoint = endpoint
        self._name = name

    @contextmanager
    def driven(self) -> Iterator[OpenNotebook]:
        """The notebook, with Playwright attached."""
        with sync_playwright() as playwright:
            browser: Browser = playwright.chromium.connect_over_cdp(self._endpoint)
            context = browser.contexts[0]
            page = next((one for one in context.pages if "/lab/" in one.url), None)
            notebook = OpenNotebook(self._lab, page or context.new_page(), self._name)
            if page is None:
                notebook.load()
            yield notebook
            browser.close()

    @contextmanager
    def alone(self) -> Iterator[UnwatchedPage]:
        """The page, with nobody attached who would hear of its traffic."""
        page = UnwatchedPage(self._endpoint)
        try:
            yield page
        finally:
            page.close()


@contextmanager
def workshop(*cells: str, note: str = "") -> Iterator[Workshop]:
    """A notebook of these cells in a JupyterLab and a Chromium of its own, not opened yet."""
    path = find(CHROMIUM)
    if path is None:
        sys.exit(f"no browser on this machine: {CHROMIUM.remedy}")
    with tempfile.TemporaryDirectory() as folder, running_lab(Path(folder)) as lab:
        lab.write_notebook("measured.ipynb", *cells)
        arguments = [path, "--headless=new", "--remote-debugging-port=0", *BROWSER_ARGS]
        arguments += [f"--user-data-dir={folder}/browser", "--window-size=1440,900", "about:blank"]
        if hasattr(os, "geteuid") and os.geteuid() == 0:
            arguments.insert(1, "--no-sandbox")
        with subprocess.Popen(arguments, stderr=subprocess.PIPE, text=True) as browser:
            try:
                found = None
                while found is None:
                    line = browser.stderr.readline()
                    if not line:
                        sys.exit("the browser ended before it could be spoken to")
                    found = re.search(r"DevTools listening on ws://([^/]+)/", line)
                endpoint = f"http://{found[1]}"
                with urllib.request.urlopen(f"{endpoint}/json/version") as answer:
                    version = json.load(answer)["Browser"]
                print(
                    f"{platform.platform()}, {os.cpu_count()} cores, "
                    f"Python {platform.python_version()}, {version}{note}"
                )
                yield Workshop(lab, endpoint, "measured.ipynb")
            finally:
                browser.terminate()
                browser.stderr.close()
