"""From the wire to the eye: how long until a frame is painted in a real browser?

    python benchmarks/view_latency.py [--seconds 5] [--rates 10,1000] [--rows 100000]

A real JupyterLab, a real kernel, a real Chromium. In the kernel a client talks to the echo server
through the tap at a steady rate; the page notes at each painted frame which row is the newest in
the wire view. A row's latency is from the moment the tap recorded its last byte to the end of the
first frame of the screen in which it, or a later one, stood in the list. Both clocks are the
machine's. Printed beside it: the widget messages in the busiest second, frames of the screen a
second, how much of the time the page's main thread was busy, and rows that never came.

Times are printed with the machine, not asserted: they are this machine's, on this day.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import sys
import tempfile
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "tools"))

import find_browser
from real_lab import OpenNotebook, running_browser, running_lab

CAST = """\
import threading, time
from wslab.net import Client, EchoServer, Tap
from wslab.view import WireView
from wslab.wire.capture import Capture

server = EchoServer()
server.start()
capture = Capture()
zero = time.time() - capture._now()  # the capture's zero on the clock that the page has too
tap = Tap(server.url, capture)
tap.start()
client = Client(tap.url)
client.connect()
view = WireView(capture)
messages = []
post = view._post

def counted(content, buffers):
    messages.append(time.time())
    post(content, buffers)

view._post = counted
"""

TALK = """\
def talk(rate, seconds):
    '''Messages at `rate` frames a second, counting the echoes; late ones are made up for.'''
    started = time.perf_counter()
    for number in range(int(rate * seconds / 2)):
        wait = started + number * 2 / rate - time.perf_counter()
        if wait > 0:
            time.sleep(wait)
        client.send("frame %d" % number)
        client.recv()
"""

RECORD = """\
def record(rate, seconds):
    '''Frames straight into the recording: faster than one Python process can echo them.'''
    frame = bytes.fromhex("8105") + b"Hello"
    connection = capture.open_connection(upgraded=True)
    started = time.perf_counter()
    done, all = 0, int(rate * seconds)
    while done < all:
        due = min(all, int((time.perf_counter() - started) * rate) + 1)
        for _ in range(due - done):
            capture.record(connection, "server", frame)
        done = due
        time.sleep(0.002)
"""

WATCH = """\
() => {
  const list = document.querySelector('[data-wslab="wire-view"] [role=listbox]');
  const seen = window.wslabSeen = {painted: [], frames: 0, on: true};
  let newest = -1;
  const look = () => {
    let now = -1;
    for (const row of list.querySelectorAll('[data-wslab-row]')) {
      now = Math.max(now, Number(row.dataset.wslabRow));
    }
    if (now <= newest) return;
    newest = now;
    // A message posted from a frame's callback arrives when that frame has been painted.
    requestAnimationFrame(() => {
      const channel = new MessageChannel();
      channel.port1.onmessage =
        () => seen.painted.push([now, performance.timeOrigin + performance.now()]);
      channel.port2.postMessage(0);
    });
  };
  const observer = new MutationObserver(look);
  observer.observe(list, {subtree: true, childList: true, attributeFilter: ['data-wslab-row']});
  const count = () => {
    seen.frames++;
    if (seen.on) requestAnimationFrame(count);
    else observer.disconnect();
  };
  requestAnimationFrame(count);
}
"""


def percentile(values: list[float], part: float) -> float:
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(part * len(ordered)))]


def measure(notebook: OpenNotebook, how: str, rate: float, seconds: float) -> None:
    page = notebook.page
    session = page.context.new_cdp_session(page)
    session.send("Performance.enable")

    def busy() -> float:
        metrics = session.send("Performance.getMetrics")["metrics"]
        return next(m["value"] for m in metrics if m["name"] == "TaskDuration")

    first = int(notebook.execute("print(len(capture.index))"))
    notebook.execute("messages.clear()")
    page.evaluate(WATCH)
    page.wait_for_timeout(300)  # let the page settle: this is a measurement, not a test
    busy_before, frames_before = busy(), page.evaluate("() => window.wslabSeen.frames")
    before = page.evaluate("() => performance.now()")
    notebook.execute(f"{how}({rate}, {seconds})", timeout=seconds * 20 + 60)
    took = (page.evaluate("() => performance.now()") - before) / 1000
    busy_share = (busy() - busy_before) / took
    frames = (page.evaluate("() => window.wslabSeen.frames") - frames_before) / took
    last = int(notebook.execute("print(len(capture.index))"))
    page.wait_for_function(
        "last => window.wslabSeen.painted.some(([row]) => row >= last - 1)",
        arg=last,
        timeout=60_000,
    )
    painted = page.evaluate("() => { wslabSeen.on = false; return wslabSeen.painted }")
    times = json.loads(
        notebook.execute(
            f"import json; print(json.dumps([zero + row.time for row in "
            f"capture.index.rows({first}, {last})]))"
        )
    )
    stamps = json.loads(notebook.execute("print(json.dumps(messages))"))
    latencies, at = [], 0
    for number, crossed in enumerate(times, first):
        while painted[at][0] < number:
            at += 1
        latencies.append(painted[at][1] - crossed * 1000)
    busiest = max((sum(t <= s < t + 1 for s in stamps) for t in stamps), default=0)
    shown = page.locator("[data-wslab=count]").first.inner_text()
    print(
        f"{len(times):>7,} frames at {len(times) / took:>6,.0f}/s   "
        f"p50 {percentile(latencies, 0.5):5.1f} ms   p99 {percentile(latencies, 0.99):5.1f} ms   "
        f"max {max(latencies):5.1f} ms   {busiest:2d} messages in the busiest second   "
        f"{frames:3.0f} painted/s   main thread {busy_share:4.0%} busy   page has {shown}",
        flush=True,
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seconds", type=float, default=5.0)
    parser.add_argument("--rates", default="10,1000", help="frames a second, through the tap")
    parser.add_argument("--rows", type=int, default=100_000, help="for the flood; 0: none")
    options = parser.parse_args()
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
            f"Chromium {browser.version} (headless)"
        )
        lab.write_notebook("latency.ipynb", CAST, TALK, RECORD, "view")
        notebook = lab.open(browser, "latency.ipynb")
        notebook.run_all()
        notebook.view("wire-view").wait_for()
        notebook.page.wait_for_selector("[data-wslab-row]")
        notebook.page.evaluate(
            "() => document.querySelector('[data-wslab=wire-view]').scrollIntoView()"
        )
        for rate in options.rates.split(","):
            measure(notebook, "talk", float(rate), options.seconds)
        if options.rows:
            measure(notebook, "record", 10_000, options.rows / 10_000)
        notebook.close()


if __name__ == "__main__":
    main()
