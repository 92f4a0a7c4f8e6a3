"""A page's own WebSocket under a flood: does its panel keep up, and does Python hear all of it?

    python benchmarks/browser_socket.py [--rate 10000] [--seconds 10] [--wire]

A real JupyterLab, a real kernel, a real Chromium. A server in the kernel sends small text messages
through the tap at a steady rate; the page's socket logs each. A message's latency is from the
moment at which it was written to the end of the first frame of the screen in which it, or a later
one, stood in the panel's log; both clocks are the machine's. With --wire a wire view of the same
connection is on the page too. Printed: latency, messages that the page or Python lost, frames of
the screen a second, how much of the time the page's main thread was busy, how long a scroll took,
with --wire also how long until a row that is clicked shows its bytes, and the page's messages to
the kernel in the busiest second.

Times are printed with the machine, not asserted: they are this machine's, on this day.
"""

from __future__ import annotations

import argparse
import json
import time

from measured_page import (
    AFTER_PAINT,
    Meter,
    UnwatchedPage,
    busiest_second,
    told,
    workshop,
)
from real_lab import OpenNotebook

CAST = """\
import asyncio, time
from wslab.net import RawServer, Tap
from wslab.view import BrowserSocket, WireView
from wslab.wire.recording import Capture

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

def counted(content, buffers):
    heard.append(time.time())
    page_says(content, buffers)

socket.panel._page_says = counted
"""

PANEL = "document.querySelector('[data-wslab=browser-socket]')"

WATCH = """\
() => {
  const log = document.querySelector('[data-wslab="browser-socket"] .ws-log');
  const seen = window.wslabSeen = {late: []};
  let newest = -1;
  const look = () => {
    const words = log.querySelector('li:last-child .ws-words')?.textContent ?? '';
    const [, sent, number] = /"([0-9.]+) ([0-9]+)"/.exec(words) ?? [];
    if (number === undefined || Number(number) <= newest) return;
    const came = Number(number) - newest;
    newest = Number(number);
    requestAnimationFrame(() => wslabAfterPaint(() => seen.late.push(
      [performance.timeOrigin + performance.now() - sent * 1000, came])));
  };
  const observer = seen.observer = new MutationObserver(look);
  observer.observe(log, {subtree: true, childList: true, characterData: true});
}
"""

# Somebody scrolls the log to its beginning: from then to the frame in which that is painted.
SCROLL = """\
() => new Promise((resolve) => {
  const log = document.querySelector('[data-wslab="browser-socket"] .ws-log');
  const start = performance.now();
  setTimeout(() => {
    log.scrollTop = 0;
    requestAnimationFrame(() => wslabAfterPaint(() => {
      log.scrollTop = log.scrollHeight;
      resolve(performance.now() - start);
    }));
  });
})
"""

# Somebody chooses a row of the wire view: from then to the frame in which its bytes, which come
# from the kernel, are painted.
CHOOSE = """\
() => new Promise((resolve) => {
  const wire = document.querySelector('[data-wslab="wire-view"]');
  let number, start;
  const observer = new MutationObserver(() => {
    const detail = wire.querySelector('[data-wslab="detail"]');
    if (!detail.textContent.includes(`row ${number} ·`)) return;
    observer.disconnect();
    requestAnimationFrame(() => wslabAfterPaint(() => resolve(performance.now() - start)));
  });
  observer.observe(wire, {subtree: true, childList: true, characterData: true});
  setTimeout(() => {
    const row = wire.querySelector('[data-wslab-row]');
    number = row.dataset.wslabRow; // as it is now: an element says another row's words soon
    start = performance.now();
    row.click();
  });
})
"""


def measure(page: UnwatchedPage, seconds: float, wire: bool) -> str:
    page.evaluate(f"({AFTER_PAINT})(), ({WATCH})()")
    page.evaluate(f"{PANEL}.querySelector('[data-action=connect]').click()")
    page.wait_for(f"{PANEL}.querySelector('[data-event=message]') !== null")
    meter = Meter(page)
    time.sleep(seconds * 0.5)
    scroll = page.evaluate(f"({SCROLL})()")
    clicked = ""
    if wire:
        took = page.evaluate(f"({CHOOSE})()")
        clicked = f"   a chosen row shows its bytes after {took:.0f} ms"
        page.evaluate("document.querySelector('[data-action=newest]').click()")
    time.sleep(seconds * 0.4)
    cost = meter.stop()
    page.wait_for(f"{PANEL}.querySelector('[data-event=close]') !== null")
    late = page.evaluate("wslabSeen.observer.disconnect(), wslabSeen.late")
    latencies = [ms for ms, count in late for _ in range(count)]
    return f"{told(latencies)}   {cost}   a scroll {scroll:.0f} ms{clicked}"


def count(notebook: OpenNotebook, total: int) -> str:
    notebook.execute("socket.wait('close', timeout=30)")
    got = json.loads(
        notebook.execute(
            "import json; m = [e.text.split()[1] for e in socket.events if e.name == 'message']\n"
            "print(json.dumps([len(m), len(set(m))]))"
        )
    )
    stamps = json.loads(notebook.execute("print(json.dumps(heard))"))
    return (
        f"Python has {got[1]:,}, {total - got[1]:,} gone   "
        f"{busiest_second(stamps)} reports reached the kernel in the busiest second"
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rate", type=float, default=10_000, help="messages a second")
    parser.add_argument("--seconds", type=float, default=10.0)
    parser.add_argument("--wire", action="store_true", help="with a wire view on the same page")
    options = parser.parse_args()
    cast = CAST.format(rate=options.rate, seconds=options.seconds)
    cells = [cast, "socket", *(["WireView(capture)"] if options.wire else [])]
    with workshop(*cells, note=", with a wire view" * options.wire) as place:
        with place.driven() as notebook:
            notebook.run_all()
            notebook.view("browser-socket").wait_for()
        with place.alone() as page:
            measured = measure(page, options.seconds, options.wire)
        with place.driven() as notebook:
            counted = count(notebook, total := int(options.rate * options.seconds))
    print(f"{total:,} messages at {options.rate:,.0f}/s   {measured}   {counted}")


if __name__ == "__main__":
    main()
