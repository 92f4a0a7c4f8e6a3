"""How fast is the wire understood, beside parsers that deliver it?

    python benchmarks/wire_index.py [--frames 200000] [--rounds 5]

All in one process in turns (Node's `ws` in one of its own), the best of each counts, and what is
printed are ratios of one run on this machine, on this day. Nothing is asserted.

- index: where every frame is and which rule of one frame it breaks, out of a recording.
- decode: all messages on top of that: unmasked, UTF-8 checked, joined.
- describe: the fields of one frame, as the wire view asks for them.
- look: a recording of a million frames opened from memory, and any one frame of it shown.

`websockets`' Sans-I/O parser, with its C speed-up, also unmasks and answers pings: it does more
for a frame than the index, about the same as the decoding. Node's `ws` (its Receiver, no socket)
unmasks, checks UTF-8, joins and calls a handler. picows (C) does its work behind a real socket.
`ws` is found as `wslab.net.peers.node` says, picows where it is installed.
"""

from __future__ import annotations

import argparse
import asyncio
import importlib.util
import os
import platform
import socket
import subprocess
import tempfile
import threading
import time
import timeit
import tracemalloc
from collections.abc import Callable

import websockets
import websockets.speedups  # without it the comparison would be no comparison
from websockets.frames import Frame
from websockets.protocol import OPEN
from websockets.server import ServerProtocol
from websockets.streams import StreamReader

from wslab.net.node import NodeMissing, find_node
from wslab.wire import Capture, encode_frame

PIECE = 65536  # bytes that cross at a time

RECEIVER = """\
const { Receiver } = require(process.argv[1]);
const fs = require('fs');
const stream = fs.readFileSync(process.argv[2]);
const wanted = Number(process.argv[3]);
let best = Infinity;
async function once() {
  let seen = 0;
  const copy = Buffer.from(stream);  // it unmasks in place
  const receiver = new Receiver({ isServer: true, allowSynchronousEvents: true });
  const done = new Promise((resolve) =>
    receiver.on('message', () => ++seen === wanted && resolve()));
  const started = process.hrtime.bigint();
  for (let i = 0; i < copy.length; i += 65536) receiver.write(copy.subarray(i, i + 65536));
  await done;
  best = Math.min(best, Number(process.hrtime.bigint() - started) / 1e9);
}
(async () => { for (let i = 0; i < 5; i++) await once(); console.log(best); })();
"""


def masked(payload: bytes, count: int) -> list[bytes]:
    return [encode_frame(1, payload, masking_key=os.urandom(4)) for _ in range(count)]


def recorded(stream: bytes) -> Capture:
    capture = Capture()
    connection = capture.open_connection(upgraded=True)
    for start in range(0, len(stream), PIECE):
        capture.record(connection, "client", stream[start : start + PIECE])
    return capture


def index(stream: bytes) -> float:
    capture = recorded(stream)
    started = time.perf_counter()
    assert len(capture.index)
    return time.perf_counter() - started


def decode(stream: bytes) -> float:
    capture = recorded(stream)
    started = time.perf_counter()
    for message in capture.index.messages():
        assert not message.violations
    return time.perf_counter() - started


def library(stream: bytes) -> float:
    protocol = ServerProtocol(state=OPEN, max_size=None)
    started = time.perf_counter()
    for start in range(0, len(stream), PIECE):
        protocol.receive_data(stream[start : start + PIECE])
        assert protocol.events_received() is not None
    return time.perf_counter() - started


def in_turns(rounds: int, *what: Callable[[], float]) -> list[float]:
    """The best time of each, measured in turns."""
    times = [[measure() for measure in what] for _ in range(rounds)]
    return [min(column) for column in zip(*times, strict=True)]


def node(stream: bytes, frames: int) -> float | str:
    try:
        found = find_node()
    except NodeMissing as missing:
        return str(missing)
    with tempfile.NamedTemporaryFile() as file:
        file.write(stream)
        file.flush()
        command = [found.node, "-e", RECEIVER, str(found.ws), file.name, str(frames)]
        done = subprocess.run(command, capture_output=True, timeout=300)
    if done.returncode:
        return done.stderr.decode().strip()
    return float(done.stdout)


def picows(stream: bytes, frames: int) -> float | str:
    if importlib.util.find_spec("picows") is None:
        return "picows is not installed here (pip install picows)"
    return asyncio.run(_picows(stream, frames))


async def _picows(stream: bytes, frames: int) -> float:
    from picows import WSListener, ws_create_server

    done = asyncio.get_running_loop().create_future()

    class Counter(WSListener):
        seen = 0

        def on_ws_frame(self, transport, frame) -> None:
            self.seen += 1
            if self.seen == 1:
                self.started = time.perf_counter()
            elif self.seen == frames and not done.done():
                done.set_result(time.perf_counter() - self.started)

    server = await ws_create_server(lambda request: Counter(), "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]

    def send() -> None:
        with socket.create_connection(("127.0.0.1", port)) as peer:
            peer.sendall(
                b"GET / HTTP/1.1\r\nHost: a\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
                b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n"
            )
            assert b" 101 " in peer.recv(65536)
            peer.sendall(stream)
            peer.recv(1)  # until the server goes

    thread = threading.Thread(target=send, daemon=True)
    thread.start()
    async with asyncio.timeout(60):
        taken = await done
    server.close()
    return taken


def describe() -> tuple[float, float]:
    """Microseconds to describe a masked frame's fields, and for the library to parse it."""
    frame = masked(b"Hello 123", 1)[0]
    shown = recorded(frame * 1000).index

    def parse() -> None:
        reader = StreamReader()
        reader.feed_data(frame)
        try:
            next(Frame.parse(reader.read_exact, mask=True))
        except StopIteration:
            return

    once = 2000
    ours, theirs = in_turns(
        30,
        lambda: timeit.timeit(lambda: shown.unit(500), number=once),
        lambda: timeit.timeit(parse, number=once),
    )
    return ours / once * 1e6, theirs / once * 1e6


def memory(stream: bytes) -> float:
    """Bytes that the index takes beside the recording."""
    capture = recorded(stream)
    tracemalloc.start()
    count = len(capture.index)
    taken, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    return taken / count


def million(one_by_one: bool) -> tuple[float, float]:
    """Seconds to index a million frames, and then to show rows and one frame in the middle."""
    few = masked(b"Hello 123", 1000)
    if one_by_one:
        capture = Capture()
        connection = capture.open_connection(upgraded=True)
        for _ in range(1000):
            for frame in few:
                capture.record(connection, "client", frame)
    else:
        capture = recorded(b"".join(few) * 1000)
    started = time.perf_counter()
    rows = capture.index
    indexed = time.perf_counter()
    rows.rows(500_000, 500_200)
    rows.unit(765_432)
    return indexed - started, time.perf_counter() - indexed


def line(name: str, seconds: float | str, frames: int, beside: float, note: str = "") -> None:
    if isinstance(seconds, str):
        print(f"  {name:24} {seconds}")
        return
    rate = f"{frames / seconds / 1e6:7.2f} M frames/s"
    print(f"  {name:24} {rate}   {beside / seconds:5.1f} x   {note}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--frames", type=int, default=200_000)
    parser.add_argument("--rounds", type=int, default=5)
    options = parser.parse_args()
    count, rounds = options.frames, options.rounds
    print(
        f"{platform.platform()}, {os.cpu_count()} cores, Python {platform.python_version()}, "
        f"websockets {websockets.__version__} with its C speed-up"
    )

    small = b"".join(masked(b"Hello 123", count))
    ours, decoded, theirs = in_turns(
        rounds, lambda: index(small), lambda: decode(small), lambda: library(small)
    )
    print(f"\n{count} masked text frames of 9 bytes, as many times as fast as websockets:")
    line("websockets, Sans-I/O", theirs, count, theirs, "unmasks, answers pings")
    line("Index (wanted: 12 x)", ours, count, theirs, "frames and their rules")
    line("messages (wanted: 2 x)", decoded, count, theirs, "the same, unmasked, UTF-8, joined")
    line("Node ws, Receiver", node(small, count), count, theirs, "does more: unmasks, joins, calls")
    line(
        "picows, by socket",
        picows(small, count),
        count,
        theirs,
        "does more: sockets, unmasks, calls",
    )

    large = b"".join(masked(bytes(65536), 1000))
    ours, theirs = in_turns(rounds, lambda: index(large), lambda: library(large))
    print(f"\n1000 masked frames of 64 KiB: {ours / theirs:.3f} of websockets' time (wanted: 0.1)")
    print(f"\nIndex beside the recording: {memory(small):.1f} bytes a frame (wanted: 40)")
    ours, theirs = describe()
    print(
        f"\nDescribing one frame: {ours:.2f} µs, {ours / theirs:.2f} of the {theirs:.2f} µs that "
        "websockets takes to parse it (wanted: 2)"
    )
    print("\nA million frames (wanted: under a second):")
    for one_by_one in (False, True):
        opened, shown = million(one_by_one)
        how = "one frame a read" if one_by_one else "64 KiB a read"
        print(f"  {how:18} opened in {opened:.2f} s, any 200 rows and one frame in {shown:.3f} s")


if __name__ == "__main__":
    main()
