"""A page's own WebSocket under a flood: does its panel keep up, and does Python hear all of it?

    python benchmarks/browser_socket.py [--rate 10000] [--seconds 10] [--wire]

A real JupyterLab, a real kernel, a real Chromium. A server in the kernel sends small text messages
through the tap at a steady rate; the page's socket logs each. A message's latency is from the
moment at which it was written to the end of the first frame of the screen in which it, or a later
one, stood in the panel's log; both clocks are the machine's. With --wire a wire view of the same
connection is on the page too. Printed: latency, messages that the page or Python lost, frames of
the screen a second, how much of the time the page's main thread was busy, how long a scroll took,
and the page's messages to the kernel in the busiest second.

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
import asyncio, time
from wslab.net import RawServer, Tap
from wslab.view import WireView
from wslab.view.browser_socket import BrowserSocket
from wslab.wire.capture import Capture

rate, seconds = {rate}, {seconds}

async def flood(connection):
    await connection.respond(
        "101 Switching Protocols", "Upgrade: websocket", "Connection: Upgrade",
        f"Sec-WebSocket-Accept: {{connection.accept}}",
    )
    started, sent, total = time.perf_counter(), 0, int(rate * seconds)
    while sent < total:
        due = min(total, int((time.perf_counter() - started) * rate) + 1)
        for number in range(sent, due):
            text = f"{{time.time():.6f}} {{number}}".encode()
            connection.writer.write(bytes([0x81, len(text)]) + text)
        sent = due
        await connection.writer.drain()
        await asyncio.sleep(0.002)
    connection.writer.write(bytes.fromhex("8802 03e8"))
    await connection.wait_end()

server = RawServer(flood).start()
capture = Capture()
tap = Tap(server.port, capture).start()
socket = BrowserSocket(tap.url)
heard = []
page_says = socket.panel._page_says

def counted(content):
    heard.append(time.time())
    page_says(content)

socket.panel._page_says = counted
"""

WATCH = """\
() => {
  const log = document.querySelector('[data-wslab="browser-socket"] .ws-log');
  const seen = window.wslabSeen = {late: [], frames: 0, on: true};
  let newest = -1;
  const look = () => {
    if (!seen.on) return;
    seen.frames++;
    const words = log.querySelector('li:last-child .ws-words')?.textContent ?? '';
    const [, sent, number] = /"([0-9.]+) ([0-9]+)"/.exec(words) ?? [];
    if (number !== undefined && Number(number) > newest) {
      const before = newest;
      newest = Number(number);
      const channel = new MessageChannel();
      channel.port1.onmessage = () => seen.late.push(
        [performance.timeOrigin + performance.now() - sent * 1000, newest - before]);
      channel.port2.postMessage(0);
    }
    requestAnimationFrame(look);
  };
  requestAnimationFrame(look);
}
"""

# Somebody scrolls the log to its beginning: from then to the frame in which that is painted.
CLICK = """\
() => new Promise((resolve) => {
  const log = document.querySelector('[data-wslab="browser-socket"] .ws-log');
  const start = performance.now();
  setTimeout(() => {
    log.scrollTop = 0;
    requestAnimationFrame(() => {
      const channel = new MessageChannel();
      channel.port1.onmessage = () => {
        log.scrollTop = log.scrollHeight;
        resolve(performance.now() - start);
      };
      channel.port2.postMessage(0);
    });
  });
})
"""


def percentile(values: list[float], part: float) -> float:
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(part * len(ordered)))]


def measure(notebook: OpenNotebook, rate: float, seconds: float) -> None:
    page = notebook.page
    session = page.context.new_cdp_session(page)
    session.send("Performance.enable")

    def busy() -> float:
        metrics = session.send("Performance.getMetrics")["metrics"]
        return next(m["value"] for m in metrics if m["name"] == "TaskDuration")

    page.evaluate(WATCH)
    page.wait_for_timeout(300)  # let the page settle: this is a measurement, not a test
    panel = notebook.view("browser-socket")
    panel.locator('[data-action="connect"]').click()
    panel.locator('[data-event="message"]').first.wait_for()
    busy_before, frames_before = busy(), page.evaluate("() => window.wslabSeen.frames")
    before = page.evaluate("() => performance.now()")
    page.wait_for_timeout(seconds * 500)
    click = page.evaluate(CLICK)
    page.wait_for_timeout(seconds * 400)
    took = (page.evaluate("() => performance.now()") - before) / 1000
    share = (busy() - busy_before) / took
    frames = (page.evaluate("() => window.wslabSeen.frames") - frames_before) / took
    panel.locator('[data-event="close"]').wait_for(timeout=60_000)
    late = page.evaluate("() => { wslabSeen.on = false; return wslabSeen.late }")
    latencies = [ms for ms, count in late for _ in range(count)]
    notebook.execute("socket.wait('close', timeout=30)")
    total = int(rate * seconds)
    got = json.loads(
        notebook.execute(
            "import json; m = [e.text.split()[1] for e in socket.events if e.name == 'message']\n"
            "print(json.dumps([len(m), len(set(m))]))"
        )
    )
    stamps = json.loads(notebook.execute("print(json.dumps(heard))"))
    busiest = max(sum(t <= s < t + 1 for s in stamps) for t in stamps)
    print(
        f"{total:>7,} messages at {rate:>6,.0f}/s   p50 {percentile(latencies, 0.5):5.1f} ms   "
        f"p99 {percentile(latencies, 0.99):5.1f} ms   max {max(latencies):5.1f} ms   "
        f"Python has {got[1]:,}, {total - got[1]:,} gone   {frames:3.0f} painted/s   "
        f"main thread {share:4.0%} busy   a scroll {click:.0f} ms   "
        f"{busiest} reports reached the kernel in the busiest second",
        flush=True,
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rate", type=float, default=10_000, help="messages a second")
    parser.add_argument("--seconds", type=float, default=10.0)
    parser.add_argument("--wire", action="store_true", help="with a wire view on the same page")
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
            f"Chromium {browser.version} (headless)" + (", with a wire view" * options.wire)
        )
        cast = CAST.format(rate=options.rate, seconds=options.seconds)
        cells = [cast, "socket", *(["WireView(capture)"] if options.wire else [])]
        lab.write_notebook("flood.ipynb", *cells)
        notebook = lab.open(browser, "flood.ipynb")
        notebook.run_all()
        notebook.view("browser-socket").wait_for()
        measure(notebook, options.rate, options.seconds)
        notebook.close()


if __name__ == "__main__":
    main()
