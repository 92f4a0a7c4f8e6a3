"""A burst of the smallest frames through `wslab tap`: does it keep memory, others waiting, the end?

    python tests/attacks/tap_burst.py [--mb 500] [--seconds 60] [-- options of wslab tap]

One connection sends frames of six bytes as fast as they are taken, for so many MB or seconds; with
`--endless` one frame of 2^40 bytes. Another connection sends a ping every 20 ms and waits for its
echo; a third does so around the tap, which tells what the machine itself needs. Then Ctrl-C. Exits
1 where the tap took 200 MB or more, an echo 0.5 s longer than one around it, the end more than 5 s,
or where the recording was not saved.

With a rule some 0.4 MB/s pass, so that a burst ends with its seconds. With `--hold` the other
connection is held as well, and not measured: `--rule "hold every text"` holds the burst alone.
"""

from __future__ import annotations

import argparse
import os
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path

from wslab.wire import accept_key, encode_frame, load

MOST_MEMORY, MOST_WAIT, MOST_END = 200.0, 0.5, 5.0  # MB, s, s
KEY = "dGhlIHNhbXBsZSBub25jZQ=="
MASK = b"\x12\x34\x56\x78"
TINY = encode_frame(1, b"", masking_key=MASK) * 10_000
ENDLESS = b"\x82\xff" + (1 << 40).to_bytes(8, "big") + MASK


def serve(server: socket.socket) -> None:
    """Answer handshakes; echo what comes where the request asks for it, else throw it away."""
    while True:
        connection, _ = server.accept()
        threading.Thread(target=talk, args=(connection,), daemon=True).start()


def talk(connection: socket.socket) -> None:
    head = b""
    while b"\r\n\r\n" not in head:
        if not (data := connection.recv(4096)):
            return
        head += data
    connection.sendall(
        "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        f"Sec-WebSocket-Accept: {accept_key(KEY)}\r\n\r\n".encode()
    )
    try:
        while data := connection.recv(1 << 18):
            if b"X-Echo" in head:
                connection.sendall(data)
    except OSError:
        pass  # the tap has ended


def connect(port: int, extra: str = "") -> socket.socket:
    sock = socket.create_connection(("127.0.0.1", port), 60)
    sock.sendall(
        f"GET / HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n{extra}"
        f"Sec-WebSocket-Key: {KEY}\r\nSec-WebSocket-Version: 13\r\n\r\n".encode()
    )
    return sock


def memory(process: int) -> float:
    """MB of memory that a process has now."""
    for line in Path(f"/proc/{process}/status").read_text().splitlines():
        if line.startswith("VmRSS"):
            return int(line.split()[1]) / 1024
    return 0.0


class Prober(threading.Thread):
    """Measures another connection's round trips."""

    def __init__(self, port: int) -> None:
        super().__init__(daemon=True)
        self.sock = connect(port, "X-Echo: 1\r\n")
        while b"\r\n\r\n" not in self.sock.recv(4096):
            pass
        self.worst, self.count, self.began, self.stop = 0.0, 0, 0.0, threading.Event()

    def run(self) -> None:
        ping = encode_frame(9, b"lat", masking_key=MASK)
        while not self.stop.wait(0.02):
            self.began = time.monotonic()
            self.sock.sendall(ping)
            self.sock.recv(100)
            self.worst = max(self.worst, time.monotonic() - self.began)
            self.count, self.began = self.count + 1, 0.0

    def finish(self) -> float:
        """The longest round trip, also one that is not over."""
        began = self.began
        return max(self.worst, time.monotonic() - began if began else 0.0)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--mb", type=int, default=500)
    parser.add_argument("--seconds", type=float, default=60.0)
    parser.add_argument("--endless", action="store_true")
    parser.add_argument("tap", nargs="*", help="options of wslab tap, behind a --")
    options = parser.parse_args()
    server = socket.create_server(("127.0.0.1", 0))
    threading.Thread(target=serve, args=(server,), daemon=True).start()
    with tempfile.TemporaryDirectory() as folder:
        return attack(options, server.getsockname()[1], Path(folder, "burst.jsonl"))


def attack(options: argparse.Namespace, upstream: int, file: Path) -> int:
    command = [sys.executable, "-m", "wslab", "tap", str(upstream), "--save", str(file)]
    tap = subprocess.Popen(
        [*command, *options.tap],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        env={**os.environ, "PYTHONPATH": str(Path.cwd())},
    )
    peak, over = 0.0, threading.Event()

    def watch() -> None:
        nonlocal peak
        while not over.wait(0.05):
            peak = max(peak, memory(tap.pid))

    try:
        port = int(tap.stdout.readline().decode().rpartition(":")[2].strip("/\n"))
        threading.Thread(target=tap.stdout.read, daemon=True).start()
        threading.Thread(target=watch, daemon=True).start()
        if "--hold" in options.tap:  # only what follows the handshakes is held
            tap.stdin.write(b"g\n")
            tap.stdin.flush()
        prober, burst = Prober(port), connect(port)
        while b"\r\n\r\n" not in burst.recv(4096):
            pass
        around = Prober(upstream)
        around.start()
        prober.start()
        if "--hold" in options.tap:  # the prober's frames as well: they are let go by hand
            prober.stop.set()
            tap.stdin.write(b"h\n")
            tap.stdin.flush()
        sent, seconds = send(burst, options)
        prober.stop.wait(5)  # what was sent is not through yet
        prober.stop.set()
        around.stop.set()
        waited, machine = prober.finish(), around.finish()
        began = time.monotonic()
        tap.send_signal(signal.SIGINT)
        try:
            status = tap.wait(60)
        except subprocess.TimeoutExpired:
            status = -1
        ended = time.monotonic() - began
        over.set()
    finally:
        tap.kill()
        tap.wait()
    saved = len(load(file).index) if file.exists() else 0
    fine = peak < MOST_MEMORY and waited < MOST_WAIT + machine and ended <= MOST_END
    fine = fine and status == 0 and saved > 2
    print(
        f"{'held' if fine else 'GOT THROUGH'}: {sent / 2**20:.0f} MB in {seconds:.0f} s, "
        f"{' '.join(options.tap) or 'no options'}: memory {peak:.0f} MB, worst of {prober.count} "
        f"round trips {waited:.2f} s ({machine:.2f} s around the tap), end after {ended:.1f} s "
        f"with status {status}, {saved} rows"
    )
    return not fine


def send(sock: socket.socket, options: argparse.Namespace) -> tuple[int, float]:
    """Send until it is enough; the bytes sent and the seconds that it took."""
    began, sent, data = time.monotonic(), 0, TINY
    if options.endless:
        sock.sendall(ENDLESS)
        data = bytes(1 << 18)
    while sent < options.mb << 20 and (left := began + options.seconds - time.monotonic()) > 0:
        sock.settimeout(left)
        try:
            sent += sock.send(data[sent % len(data) :])
        except TimeoutError:
            break
    return sent, time.monotonic() - began


if __name__ == "__main__":
    sys.exit(main())
