"""From the wire to the eye: how long until a frame is painted in a real browser?

    python benchmarks/view_latency.py [--seconds 5] [--rates 10,1000] [--rows 100000]

A real JupyterLab, a real kernel, a real Chromium. In the kernel a client talks to the echo server
through the tap at a steady rate; the page notes at each painted frame which row is the newest in
the wire view. A row's latency is from the moment the tap recorded its last byte to the end of the
first frame of the screen in which it, or a later one, stood in the list. Both clocks are the
machine's. Printed beside it: the widget messages in the busiest second, frames of the screen a
second, how much of the time the page's main thread was busy, and rows that never came. At the end:
what a move of the replay's slider costs at the end of the recording and near its start, in turns.

Times are printed with the machine, not asserted: they are this machine's, on this day.
"""

from __future__ import annotations

import argparse
import json
import statistics

from measured_page import DrivenPage, Meter, busiest_second, measured_page, told
from real_lab import OpenNotebook

CAST = """\
import threading, time
from wslab.net import Client, EchoServer, Tap
from wslab.view import WireView
from wslab.wire.recording import Capture

server = EchoServer()
server.start()
capture = Capture()
zero = time.time() - capture.now()  # the capture's zero on the clock that the page has too
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
  const seen = window.wslabSeen = {painted: []};
  let newest = -1;
  const look = () => {
    let now = -1;
    for (const row of list.querySelectorAll('[data-wslab-row]')) {
      now = Math.max(now, Number(row.dataset.wslabRow));
    }
    if (now <= newest) return;
    newest = now;
    requestAnimationFrame(() => wslabAfterPaint(
      () => seen.painted.push([now, performance.timeOrigin + performance.now()])));
  };
  const observer = seen.observer = new MutationObserver(look);
  observer.observe(list, {subtree: true, childList: true, attributeFilter: ['data-wslab-row']});
}
"""


MOVE = """\
slider => {
  const move = (rows) => {
    const before = performance.now();
    slider.value = rows;
    slider.dispatchEvent(new Event('input'));
    slider.getBoundingClientRect();  // the layout belongs to it
    return performance.now() - before;
  };
  const spent = {start: [], end: []};
  for (let turn = 0; turn < 50; turn++) {
    spent.start.push(move(500 + turn));
    spent.end.push(move(slider.max - 500 - turn));
  }
  return spent;
}
"""


def measure(notebook: OpenNotebook, how: str, rate: float, seconds: float) -> None:
    page = notebook.page
    first = int(notebook.execute("print(len(capture.index))"))
    notebook.execute("messages.clear()")
    page.evaluate(WATCH)
    page.wait_for_timeout(300)  # let the page settle: this is a measurement, not a test
    meter = Meter(DrivenPage(notebook))
    notebook.execute(f"{how}({rate}, {seconds})", timeout=seconds * 20 + 60)
    cost = meter.stop()
    last = int(notebook.execute("print(len(capture.index))"))
    page.wait_for_function(
        "last => window.wslabSeen.painted.some(([row]) => row >= last - 1)",
        arg=last,
        timeout=60_000,
    )
    painted = page.evaluate("() => { wslabSeen.observer.disconnect(); return wslabSeen.painted }")
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
    shown = page.locator("[data-wslab=count]").first.inner_text()
    print(
        f"{len(times):>7,} frames at {len(times) / cost.seconds:>6,.0f}/s   {told(latencies)}   "
        f"{busiest_second(stamps):2d} messages in the busiest second   {cost}   page has {shown}",
        flush=True,
    )


def move_slider(notebook: OpenNotebook) -> None:
    slider = notebook.view("wire-view").get_by_role("slider", name="replay")
    spent = slider.evaluate(MOVE)
    start, end = (statistics.median(spent[place]) for place in ("start", "end"))
    print(
        f"a slider's move takes {end:.1f} ms at the end, {end / start:.2f} times one at the start"
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seconds", type=float, default=5.0)
    parser.add_argument("--rates", default="10,1000", help="frames a second, through the tap")
    parser.add_argument("--rows", type=int, default=100_000, help="for the flood; 0: none")
    options = parser.parse_args()
    with measured_page(CAST, TALK, RECORD, "view") as notebook:
        notebook.view("wire-view").wait_for()
        notebook.page.wait_for_selector("[data-wslab-row]")
        notebook.page.evaluate(
            "() => document.querySelector('[data-wslab=wire-view]').scrollIntoView()"
        )
        for rate in options.rates.split(","):
            measure(notebook, "talk", float(rate), options.seconds)
        if options.rows:
            measure(notebook, "record", 10_000, options.rows / 10_000)
            move_slider(notebook)


if __name__ == "__main__":
    main()
