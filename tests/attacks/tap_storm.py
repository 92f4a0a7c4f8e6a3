"""A real `wslab tap` in front of a server that misbehaves, with clients that do so too.

    python tests/attacks/tap_storm.py [part of an attack's name]

Connections in thousands, resets, a byte at a time, no file descriptors left, floods that nobody
reads, that are held, changed or recorded at the limit. Exits 1 where the tap took 200 MB or more,
left a descriptor open, did no longer work afterwards, or took over 5 s to end on Ctrl-C.
"""

from __future__ import annotations

import os
import resource
import select
import signal
import socket
import struct
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from tap_burst import ENDLESS, MASK, MOST_END, MOST_MEMORY, TINY, connect, memory, talk

from wslab.wire import encode_frame

BIG = encode_frame(2, bytes(60_000), masking_key=MASK) * 8
ALIVE = encode_frame(9, b"alive", masking_key=MASK)
GET = b"GET / HTTP/1.1\r\nHost: x\r\n"


class Server:
    """Answers handshakes; then it echoes or swallows what comes, or does what `then` says."""

    def __init__(self, then: Callable[[socket.socket], None] | None = None) -> None:
        self.sock = socket.create_server(("127.0.0.1", 0), backlog=1024)
        self.port, self.then = self.sock.getsockname()[1], then
        self.kept: list[socket.socket] = []
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self) -> None:
        while True:
            connection, _ = self.sock.accept()
            self.kept.append(connection)  # else it ends as soon as nobody reads it
            threading.Thread(target=self._serve, args=(connection,), daemon=True).start()

    def _serve(self, connection: socket.socket) -> None:
        with suppress(OSError):
            if self.then is None:
                talk(connection)
                connection.close()
            else:
                self.then(connection)
        if self.then is None:
            self.kept.remove(connection)


class Storm:
    """A running tap, with what it costs."""

    def __init__(self, server: Server, *options: str, files: int = 0) -> None:
        command = [sys.executable, "-m", "wslab", "tap", str(server.port), *options]
        self.tap = subprocess.Popen(
            command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            env={**os.environ, "PYTHONPATH": str(Path.cwd())},
            preexec_fn=(lambda: resource.setrlimit(resource.RLIMIT_NOFILE, (files, files)))
            if files
            else None,
        )
        self.port = int(self.tap.stdout.readline().decode().rpartition(":")[2].strip("/\n"))
        threading.Thread(target=self.tap.stdout.read, daemon=True).start()
        self.peak, self.over = 0.0, threading.Event()
        threading.Thread(target=self._watch, daemon=True).start()
        self.files = self.open_files

    def _watch(self) -> None:
        while not self.over.wait(0.05):
            with suppress(OSError):
                self.peak = max(self.peak, memory(self.tap.pid))

    @property
    def open_files(self) -> int:
        return sum(1 for _ in Path(f"/proc/{self.tap.pid}/fd").iterdir())

    def obey(self, line: str) -> None:
        self.tap.stdin.write(f"{line}\n".encode())
        self.tap.stdin.flush()

    def works(self) -> bool:
        """Whether a connection of its own gets its echo."""
        try:
            with shaken(self.port, "X-Echo: 1\r\n") as sock:
                sock.settimeout(5)
                sock.sendall(ALIVE)
                return sock.recv(100) == ALIVE
        except OSError:
            return False

    def settles(self) -> bool:
        """Whether all descriptors of connections are closed soon."""
        return wait(lambda: self.open_files <= self.files + 2)

    def end(self) -> str:
        """End the tap; says what is wrong, or nothing."""
        began = time.monotonic()
        self.tap.send_signal(signal.SIGINT)
        with suppress(subprocess.TimeoutExpired):
            self.tap.wait(60)
        took, status = time.monotonic() - began, self.tap.returncode
        self.over.set()
        self.tap.kill()
        self.tap.wait()
        wrong = []
        if status != 0 or took > MOST_END:
            wrong.append(f"its end took {took:.1f} s, with status {status}")
        if self.peak >= MOST_MEMORY:
            wrong.append(f"it took {self.peak:.0f} MB")
        return ", ".join(wrong)


@contextmanager
def storm(server: Server, *options: str, files: int = 0) -> Iterator[Storm]:
    one = Storm(server, *options, files=files)
    try:
        yield one
    finally:
        one.over.set()
        one.tap.kill()
        one.tap.wait()


def wait(condition: Callable[[], bool], seconds: float = 15.0) -> bool:
    until = time.monotonic() + seconds
    while not condition() and time.monotonic() < until:
        time.sleep(0.05)
    return condition()


def shaken(port: int, extra: str = "") -> socket.socket:
    """A connection with its handshake done."""
    sock, got = connect(port, extra), b""
    while b"\r\n\r\n" not in got:
        data = sock.recv(4096)
        if not data:
            raise ConnectionError("ended within the handshake")
        got += data
    return sock


def reset(sock: socket.socket) -> None:
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    sock.close()


def flood(sock: socket.socket, data: bytes, seconds: float, most: int = 1 << 30) -> int:
    """Send until it is enough, or nothing was taken for 3 s (or `seconds`); returns the bytes."""
    sock.setblocking(False)
    began, sent = time.monotonic(), 0
    while time.monotonic() - began < seconds and sent < most:
        if not select.select([], [sock], [], min(3, seconds))[1]:
            break
        try:
            sent += sock.send(data[sent % len(data) :][: 1 << 18])
        except BlockingIOError:
            continue
        except OSError:
            break
    return sent


# --- The attacks; each returns what was seen, and what is wrong or nothing


def many_in_turn() -> tuple[str, str]:
    with storm(Server(), "--limit", "4") as tap:
        worked = sum(tap.works() for _ in range(1500))
        wrong = (
            "" if worked == 1500 and tap.settles() else f"{worked} worked, then {tap.open_files}"
        )
        return f"{worked} connections in turn, {tap.peak:.0f} MB", wrong or tap.end()


def resets() -> tuple[str, str]:
    with storm(Server(), "--limit", "4") as tap:
        for number in range(2000):
            sock = socket.create_connection(("127.0.0.1", tap.port), 5)
            with suppress(OSError):
                sock.sendall([b"", GET, GET + b"\r\n", GET + b"\r\n" + BIG[:60_000]][number % 4])
            reset(sock)
        wrong = "" if tap.settles() and tap.works() else f"{tap.open_files} descriptors are open"
        return f"2000 resets, {tap.peak:.0f} MB", wrong or tap.end()


def byte_by_byte() -> tuple[str, str]:
    with storm(Server()) as tap:
        socks = [socket.create_connection(("127.0.0.1", tap.port), 5) for _ in range(200)]
        for byte in (GET + b"X: " + b"a" * 50)[:50]:
            for sock in socks:
                sock.sendall(bytes((byte,)))
        works = tap.works()
        for sock in socks:
            sock.close()
        wrong = "" if works and tap.settles() else "it no longer works"
        return f"200 heads byte by byte, {tap.peak:.0f} MB", wrong or tap.end()


def no_descriptors() -> tuple[str, str]:
    with storm(Server(), files=128) as tap:
        socks = []
        for _ in range(200):
            with suppress(OSError):
                socks.append(connect(tap.port))
        full = wait(lambda: tap.open_files > 64)
        for sock in socks:
            sock.close()
        wrong = "" if full and tap.settles() and wait(tap.works) else "it no longer works"
        return f"{len(socks)} connections for 128 descriptors", wrong or tap.end()


def half_a_frame() -> tuple[str, str]:
    def then(sock: socket.socket) -> None:
        sock.recv(4096)
        sock.sendall(b"HTTP/1.1 101 Switching Protocols\r\n\r\n\x82\x7e\xff\xffabc")
        reset(sock)

    with storm(Server(then)) as tap:
        ends = set()
        for _ in range(50):
            sock = connect(tap.port)
            sock.settimeout(5)
            try:
                while sock.recv(4096):
                    pass
                ends.add("end")
            except OSError as error:
                ends.add(type(error).__name__)
            sock.close()
        wrong = "" if "TimeoutError" not in ends and tap.settles() else f"{ends}"
        return f"50 servers die within a frame: {', '.join(sorted(ends))}", wrong or tap.end()


def deaf() -> tuple[str, str]:
    def then(sock: socket.socket) -> None:
        sock.recv(4096)
        sock.sendall(b"HTTP/1.1 101 Switching Protocols\r\n\r\n")

    with storm(Server(then)) as tap:
        with shaken(tap.port) as sock:
            sent = flood(sock, BIG, 10)
        return f"{sent / 2**20:.0f} MB to a server that does not read, {tap.peak:.0f} MB", tap.end()


def burst(*options: str, data: bytes, first: bytes = b"", shake: bool = True) -> tuple[str, str]:
    """A flood at a tap with some options: is it bounded, and does the tap work meanwhile?"""
    with storm(Server(), *options) as tap:
        if "--hold" in options:
            tap.obey("g")
        sock = shaken(tap.port) if shake else socket.create_connection(("127.0.0.1", tap.port), 5)
        if "--hold" in options:
            tap.obey("h")
        sock.sendall(first)
        sent = flood(sock, data, 8, 300 << 20)
        wrong = "" if "--hold" in options or tap.works() else "it no longer works"
        seen = f"{sent / 2**20:.0f} MB, {' '.join(options) or 'no options'}"
        wrong = wrong or tap.end()
        sock.close()
        return f"{seen}: {tap.peak:.0f} MB of memory", wrong


def many_held() -> tuple[str, str]:
    """Each of many connections has held frames, more than all may have together."""
    with storm(Server(), "--limit", "8", "--rule", "hold every text") as tap:
        socks = [shaken(tap.port) for _ in range(100)]
        sent = sum(flood(sock, TINY, 0.1) for sock in socks)
        with shaken(tap.port, "X-Echo: 1\r\n") as other:
            other.settimeout(5)
            ping = encode_frame(9, b"", masking_key=MASK)
            other.sendall(ping)
            wrong = "" if other.recv(100) == ping else "another connection is held up"
        seen = f"{sent / 2**20:.0f} MB to be held on 100 connections, {tap.peak:.0f} MB"
        return seen, wrong or tap.end()


ATTACKS: dict[str, Callable[[], tuple[str, str]]] = {
    "many in turn": many_in_turn,
    "resets": resets,
    "byte by byte": byte_by_byte,
    "no descriptors": no_descriptors,
    "half a frame": half_a_frame,
    "deaf": deaf,
    "held: tiny": lambda: burst("--hold", data=TINY),
    "held: 60 kB": lambda: burst("--hold", data=BIG),
    "held: endless": lambda: burst("--hold", first=ENDLESS, data=bytes(1 << 18)),
    "held: many": many_held,
    "rule: edit": lambda: burst("--rule", 'edit every text to "hello"', data=TINY),
    "rule: drop": lambda: burst("--rule", "drop every text", data=TINY),
    "limit: 60 kB": lambda: burst("--limit", "8", data=BIG),
    "limit: a body": lambda: burst(
        "--limit", "8", first=GET + b"Content-Length: 1099511627776\r\n\r\n", data=BIG, shake=False
    ),
    "limit: a head": lambda: burst("--limit", "8", first=GET + b"X: ", data=b"a" * (1 << 18),
                                   shake=False),
}  # fmt: skip


def main(wanted: str) -> int:
    got_through = 0
    for name, attack in ATTACKS.items():
        if wanted not in name:
            continue
        began = time.monotonic()
        seen, wrong = attack()
        took = time.monotonic() - began
        print(
            f"{'GOT THROUGH' if wrong else 'held'}: {name}, {took:.0f} s: {seen} {wrong}",
            flush=True,
        )
        got_through += bool(wrong)
    return bool(got_through)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1] if len(sys.argv) > 1 else ""))
