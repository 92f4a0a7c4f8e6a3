"""How fast does `wslab explain` list a capture file, beside tshark?

    python benchmarks/explain.py [--frames 300000] [--rounds 3]

The same pcapng, twice: one small masked text frame a packet, and the same frames in segments of
1,448 bytes, as TCP cuts a fast stream. Both programs read it and print when, who, opcode, length
and unmasked text; both as a new process with their output thrown away, in turns, and the best of
each counts. What is printed are ratios of one run on this machine, on this day. Nothing is
asserted.

tshark prints its fields a line per *packet*, so with segments it writes fewer lines. It also
dissects IP, TCP and HTTP for whoever asks; `wslab explain` reads no more of them than it needs.
"""

from __future__ import annotations

import argparse
import os
import platform
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from wslab.wire import Capture, accept_key, encode_frame, save

KEY = "dGhlIHNhbXBsZSBub25jZQ=="
REQUEST = (
    "GET / HTTP/1.1\r\nHost: example.test\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    f"Sec-WebSocket-Key: {KEY}\r\nSec-WebSocket-Version: 13\r\n\r\n"
).encode()
RESPONSE = (
    "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    f"Sec-WebSocket-Accept: {accept_key(KEY)}\r\n\r\n"
).encode()
SEGMENT = 1448  # what is left of 1,500 bytes behind IP, TCP and its timestamps

TSHARK = [
    "tshark", "-n", "-Y", "websocket", "-T", "fields", "-e", "frame.time_relative",
    "-e", "tcp.srcport", "-e", "websocket.opcode", "-e", "websocket.payload_length",
    "-e", "websocket.payload.text", "-r",
]  # fmt: skip
WSLAB = [sys.executable, "-m", "wslab", "explain", "--brief"]
# Compiled once and kept, as with any installed program, whatever this shell says.
ENVIRONMENT = {
    name: value
    for name, value in os.environ.items()
    if name not in ("PYTHONDONTWRITEBYTECODE", "PYTHONUNBUFFERED")
}


def write(path: Path, count: int, segment: int | None) -> int:
    """A recording of `count` frames from a client, at a thousand a second; how many packets."""
    now = 0.0
    capture = Capture(clock=lambda: now)
    connection = capture.open_connection()
    capture.record(connection, "client", REQUEST)
    capture.record(connection, "server", RESPONSE)
    waiting = bytearray()
    for number in range(count):
        now += 0.001
        text = b"message %d" % number
        waiting += encode_frame(1, text, masking_key=number.to_bytes(4, "big"))
        size = segment or len(waiting)
        while len(waiting) >= size:
            capture.record(connection, "client", bytes(waiting[:size]))
            del waiting[:size]
            size = segment or 1
    capture.record(connection, "client", bytes(waiting))
    save(capture, path)
    return len(capture)


def seconds(command: list[str], path: Path) -> float:
    started = time.perf_counter()
    subprocess.run(
        [*command, path],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        check=True,
        env=ENVIRONMENT,
    )
    return time.perf_counter() - started


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--frames", type=int, default=300_000)
    parser.add_argument("--rounds", type=int, default=3)
    options = parser.parse_args()
    if shutil.which("tshark") is None:
        sys.exit("tshark is not installed: apt-get install tshark")
    version = subprocess.run(["tshark", "--version"], capture_output=True, text=True).stdout
    print(
        f"{platform.platform()}, {os.cpu_count()} cores, Python {platform.python_version()}, "
        f"{version.splitlines()[0]}"
    )
    with tempfile.TemporaryDirectory() as folder:
        for words, segment, wanted in (
            ("one frame a packet", None, 8),
            (f"segments of {SEGMENT:,} bytes", SEGMENT, 2),
        ):
            path = Path(folder) / "frames.pcapng"
            packets = write(path, options.frames, segment)
            best = {"tshark": float("inf"), "wslab": float("inf")}
            for _ in range(options.rounds):
                for name, command in (("tshark", TSHARK), ("wslab", WSLAB)):
                    best[name] = min(best[name], seconds(command, path))
            each = {name: time / options.frames * 1e6 for name, time in best.items()}
            print(
                f"{words:>24}: {options.frames:,} frames in {packets:,} packets   "
                f"tshark {best['tshark']:6.2f} s ({each['tshark']:5.1f} µs a frame)   "
                f"wslab {best['wslab']:6.2f} s ({each['wslab']:5.1f} µs)   "
                f"{best['tshark'] / best['wslab']:5.1f} times (wanted: {wanted})",
                flush=True,
            )


if __name__ == "__main__":
    main()
