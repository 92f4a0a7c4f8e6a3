"""What does the tap cost, beside a plain relay, no relay, socat and mitmproxy?

    python benchmarks/tap.py [--rounds 5] [--mitmdump PATH] [--memory FRAMES]

Client, server and whatever stands between are processes of their own. Each round measures every
contender in turn, and what is printed is the median over the rounds of each round's own ratio, so
that a slow moment of the machine hits all alike. Measured are the round trip of one 100-byte
message (p50; the contenders take turns with every message), 100-byte messages a second with 64
under way (turns of a twentieth of a second), and MB/s of 64 KiB messages one way. `relay again` is
the plain relay a second time: how far its ratio is from 1 says how exact the others are.

The server answers each frame with a ready-made one of the same size and understands nothing else,
and the client is a plain socket: so that the difference is the relay's. What a lesson has is
measured besides: the library's own client and server on one loop with the tap between them (`lab`),
against the same two connected directly, each in a process of its own (`two processes`). socat and
mitmproxy take part where they are installed (`apt-get install socat`; `pip install mitmproxy` into
an environment of its own, then --mitmdump). Numbers are this machine's, on this day: the ratios are
what counts. socat runs with its own buffer of 8 KiB; given 256 KiB (-b) it is faster in bulk.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import os
import platform
import shutil
import socket
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from typing import NamedTuple

SIZE = 100
WINDOW = 64
BLOCK = 65_536
PATIENCE = 60.0

SMALL = b"\x82" + bytes([0x80 + SIZE]) + bytes(4) + b"x" * SIZE
ANSWER = b"\x82" + bytes([SIZE]) + b"x" * SIZE
LARGE = b"\x82\xff" + BLOCK.to_bytes(8, "big") + bytes(4) + b"x" * BLOCK
REQUEST = (
    b"GET /%s HTTP/1.1\r\nHost: 127.0.0.1\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n"
)
RESPONSE = (
    b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    b"Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\r\n"
)

# --- The parts that run as processes of their own -------------------------------------------------


class Answering(asyncio.Protocol):
    """After the handshake: an answer for each small frame (/small), or one at the end (/large)."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = transport
        self.head = bytearray()
        self.unit = 0
        self.came = 0

    def data_received(self, data: bytes) -> None:
        if not self.unit:
            self.head += data
            end = self.head.find(b"\r\n\r\n")
            if end < 0:
                return
            self.total = int(self.head.split(b" ")[1].rpartition(b"/")[2] or 0)
            self.unit = len(LARGE) if self.total else len(SMALL)
            self.transport.write(RESPONSE)
            data = bytes(self.head[end + 4 :])
        before = self.came // self.unit
        self.came += len(data)
        now = self.came // self.unit
        if not self.total:
            self.transport.write(ANSWER * (now - before))
        elif before < self.total <= now:
            self.transport.write(ANSWER)


class Relay(asyncio.Protocol):
    """The least that a relay in asyncio can do: what comes here goes out there."""

    def __init__(self, port: int) -> None:
        self.port = port

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = transport
        transport.pause_reading()
        self.task = asyncio.get_running_loop().create_task(self.dial())

    async def dial(self) -> None:
        loop = asyncio.get_running_loop()
        other, _ = await loop.create_connection(lambda: Onward(self.transport), port=self.port,
                                                host="127.0.0.1")  # fmt: skip
        self.write = other.write
        self.close = other.close
        self.transport.resume_reading()

    def data_received(self, data: bytes) -> None:
        self.write(data)

    def connection_lost(self, error: Exception | None) -> None:
        self.close()


class Onward(asyncio.Protocol):
    def __init__(self, back: asyncio.Transport) -> None:
        self.write = back.write
        self.close = back.close

    def data_received(self, data: bytes) -> None:
        self.write(data)

    def connection_lost(self, error: Exception | None) -> None:
        self.close()


async def listen(factory: Callable[[], asyncio.Protocol]) -> None:
    server = await asyncio.get_running_loop().create_server(factory, "127.0.0.1", 0)
    print(server.sockets[0].getsockname()[1], flush=True)
    await asyncio.Event().wait()


def run_tap(port: int, rule: str) -> None:
    """Serve until told to end; a line on standard input asks for memory, bytes and rows."""
    from wslab.net import Tap
    from wslab.wire import Capture

    capture = Capture()
    with Tap(port, capture) as tap:
        if rule:
            tap.add_rule(rule)
        print(tap.port, flush=True)
        for _ in sys.stdin:
            rows = len(capture.index)
            print(resident(), sum(map(len, capture.log.streams)), rows, flush=True)


def resident() -> int:
    """Bytes of memory that this process holds."""
    with open(f"/proc/{os.getpid()}/statm") as file:  # noqa: PTH123
        return int(file.read().split()[1]) * os.sysconf("SC_PAGE_SIZE")


def run_echo() -> None:
    from wslab.net import EchoServer

    with EchoServer() as server:
        print(server.port, flush=True)
        sys.stdin.read()


def run_library(port: int, together: str) -> None:
    """The library's client; `together`: its server and the tap are on the same loop."""
    from wslab.net import EchoServer, Tap, loop
    from wslab.wire import Capture

    with contextlib.ExitStack() as stack:
        if together:
            server = stack.enter_context(EchoServer())
            port = stack.enter_context(Tap(server.port, Capture())).port
        print(port, flush=True)
        for line in sys.stdin:
            trip, rate = loop.run(talk(f"ws://127.0.0.1:{port}", float(line)))
            print(trip, rate, flush=True)


async def talk(url: str, seconds: float) -> tuple[float, float]:
    """p50 of the round trip in microseconds, and messages a second with 64 under way."""
    from websockets.asyncio.client import connect as library_connect

    message = b"x" * SIZE
    times = []
    async with library_connect(url, compression=None, ping_interval=None, proxy=None) as socket:
        for _ in range(1000):
            start = time.perf_counter()
            await socket.send(message)
            await socket.recv()
            times.append(time.perf_counter() - start)
        start = time.perf_counter()
        sent = 0
        while time.perf_counter() - start < seconds:
            for _ in range(WINDOW):
                await socket.send(message)
            for _ in range(WINDOW):
                await socket.recv()
            sent += WINDOW
        return statistics.median(times[100:]) * 1e6, sent / (time.perf_counter() - start)


ROLES = {
    "server": lambda _port, _rule: asyncio.run(listen(Answering)),
    "relay": lambda port, _rule: asyncio.run(listen(lambda: Relay(port))),
    "tap": run_tap,
    "echo": lambda _port, _rule: run_echo(),
    "library": run_library,
}


# --- The contenders -------------------------------------------------------------------------------


class Contender(NamedTuple):
    name: str
    port: int
    process: subprocess.Popen[str] | None


@contextlib.contextmanager
def process(*command: str) -> Iterator[subprocess.Popen[str]]:
    child = subprocess.Popen(
        command,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )
    try:
        yield child
    finally:
        child.terminate()
        child.wait(PATIENCE)
        child.stdin.close()
        child.stdout.close()


@contextlib.contextmanager
def role(name: str, what: str, port: int = 0, rule: str = "") -> Iterator[Contender]:
    with process(sys.executable, __file__, "--role", what, str(port), rule) as child:
        yield Contender(name, int(child.stdout.readline()), child)


@contextlib.contextmanager
def program(name: str, port: int, *command: str) -> Iterator[Contender]:
    with process(*command) as child:
        deadline = time.monotonic() + PATIENCE
        while True:
            with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port)):
                break
            if child.poll() is not None or time.monotonic() > deadline:
                sys.exit(f"{name} did not start: {' '.join(command)}")
            time.sleep(0.1)
        yield Contender(name, port, child)


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as sock:
        return int(sock.getsockname()[1])


# --- Measuring ------------------------------------------------------------------------------------


def connect(port: int, total: int = 0) -> socket.socket:
    sock = socket.create_connection(("127.0.0.1", port), timeout=PATIENCE)
    sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    sock.sendall(REQUEST % str(total or "").encode())
    head = b""
    while b"\r\n\r\n" not in head:
        head += receive(sock)
    return sock


def receive(sock: socket.socket) -> bytes:
    data = sock.recv(262_144)
    if not data:
        sys.exit("the connection ended in the middle of a measurement")
    return data


def receive_exactly(sock: socket.socket, size: int) -> None:
    while size > 0:
        size -= len(receive(sock))


def round_trips(contenders: list[Contender], count: int) -> dict[str, float]:
    """p50 of each in microseconds. They take turns with every single message: from one second to
    the next a machine differs more than they do."""
    times: dict[str, list[float]] = {contender.name: [] for contender in contenders}
    with contextlib.ExitStack() as stack:
        turns = [(one.name, stack.enter_context(connect(one.port))) for one in contenders]
        for _ in range(count):
            for name, sock in turns:
                start = time.perf_counter()
                sock.sendall(SMALL)
                receive_exactly(sock, len(ANSWER))
                times[name].append(time.perf_counter() - start)
            turns = turns[1:] + turns[:1]
    return {name: statistics.median(found[count // 10 :]) * 1e6 for name, found in times.items()}


def rates(contenders: list[Contender], seconds: float) -> dict[str, float]:
    """100-byte messages a second of each, every one sent by a call of its own, 64 under way. They
    take turns of a twentieth of a second."""
    sent = dict.fromkeys((contender.name for contender in contenders), 0)
    took = dict.fromkeys(sent, 0.0)
    with contextlib.ExitStack() as stack:
        turns = [(one.name, stack.enter_context(connect(one.port))) for one in contenders]
        while min(took.values()) < seconds:
            for name, sock in turns:
                start = time.perf_counter()
                sent[name] += exchange(sock, start + 0.05)
                took[name] += time.perf_counter() - start
            turns = turns[1:] + turns[:1]
    return {name: sent[name] / took[name] for name in sent}


def exchange(sock: socket.socket, until: float) -> int:
    """Messages sent until that moment, all answered."""
    came = sent = 0
    while time.perf_counter() < until:
        while sent - came // len(ANSWER) < WINDOW:
            sock.sendall(SMALL)
            sent += 1
        came += len(receive(sock))
    receive_exactly(sock, sent * len(ANSWER) - came)
    return sent


def bulk(port: int, megabytes: int) -> float:
    """MB/s of 64 KiB messages, until the server says that the last one is there."""
    count = megabytes * 1_000_000 // BLOCK
    with connect(port, count) as sock:
        start = time.perf_counter()
        for _ in range(count):
            sock.sendall(LARGE)
        receive_exactly(sock, len(ANSWER))
        return count * BLOCK / 1e6 / (time.perf_counter() - start)


LIBRARY = ("lab", "two processes")


class Result(NamedTuple):
    round_trip: float
    messages: float
    bulk: float


def measure(contenders: list[Contender], options: argparse.Namespace) -> dict[str, Result]:
    """One round."""
    raw = [contender for contender in contenders if contender.name not in LIBRARY]
    trips, messages = round_trips(raw, 1000), rates(raw, options.seconds)
    results = {}
    for contender in contenders:
        if contender.name in LIBRARY:
            contender.process.stdin.write(f"{options.seconds}\n")
            contender.process.stdin.flush()
            trip, rate = map(float, contender.process.stdout.readline().split())
            results[contender.name] = Result(trip, rate, 0.0)
        else:
            slow = contender.name == "mitmproxy"
            speed = 0.0 if slow else bulk(contender.port, options.megabytes)
            results[contender.name] = Result(trips[contender.name], messages[contender.name], speed)
    return results


GOALS = [
    # contender, against, what, bound, whether it is a minimum
    ("relay again", "relay", "round_trip", 1.0, False),
    ("tap", "relay", "round_trip", 1.05, False),
    ("relay again", "relay", "messages", 1.0, True),
    ("tap", "relay", "messages", 0.95, True),
    ("lab", "two processes", "round_trip", 1.25, False),
    ("lab", "two processes", "messages", 0.6, True),
    ("tap", "direct", "round_trip", 0.0, False),
    ("tap", "direct", "messages", 0.6, True),
    ("tap", "socat", "bulk", 1.0, True),
    ("tap", "mitmproxy", "round_trip", 0.25, False),
    ("tap", "mitmproxy", "messages", 15.0, True),
    ("tap, rule on every frame", "mitmproxy", "round_trip", 1.0, False),
    ("tap, rule on every frame", "mitmproxy", "messages", 1.0, True),
]
WORDS = {"round_trip": "round trip p50", "messages": "messages/s", "bulk": "bulk MB/s"}


def report(results: dict[str, list[Result]]) -> None:
    print(f"\n{'':<26}{'round trip p50':>16}{'messages/s':>14}{'bulk MB/s':>12}")
    for name, rounds in results.items():
        trip, rate, speed = (statistics.median(values) for values in zip(*rounds, strict=True))
        print(f"{name:<26}{trip:>13.1f} µs{rate:>14,.0f}{speed:>12,.0f}")
    print("\nratios (median of each round's own)")
    for name, against, what, bound, minimum in GOALS:
        if name not in results or against not in results:
            print(f"  {WORDS[what]:<15} {name} / {against}: not measured, {against} is not here")
            continue
        ratio = statistics.median(
            getattr(mine, what) / getattr(other, what)
            for mine, other in zip(results[name], results[against], strict=True)
        )
        reached = ratio >= bound if minimum else ratio <= bound
        goal = f"({'at least' if minimum else 'at most'} {bound:g}: {'yes' if reached else 'NO'})"
        if name == "relay again":
            goal = "(the same program twice: how exact this is)"
        if not bound:
            goal = "(no goal: a process more to wake up, which the lab does without)"
        print(f"  {WORDS[what]:<15} {name} / {against}: {ratio:.3f} {goal}")


def measure_memory(server: Contender, frames: int) -> None:
    """Frames through a tap of its own; what its memory grew by, beside the recorded bytes."""
    with role("tap", "tap", server.port) as tap:

        def ask() -> tuple[int, int, int]:
            tap.process.stdin.write("\n")
            tap.process.stdin.flush()
            memory, recorded, rows = map(int, tap.process.stdout.readline().split())
            return memory, recorded, rows

        with connect(tap.port) as sock:
            before = ask()
            came, sent = 0, 0
            while sent < frames // 2:
                sock.sendall(SMALL * WINDOW)
                sent += WINDOW
                receive_exactly(sock, WINDOW * len(ANSWER))
            memory, recorded, rows = (b - a for a, b in zip(before, ask(), strict=True))
        came += rows
        print(
            f"\n{rows:,} frames: {recorded / 1e6:,.0f} MB recorded, memory grew by "
            f"{memory / 1e6:,.0f} MB: {(memory - recorded) / rows:.1f} bytes a frame beside the "
            "bytes themselves (at most 40)"
        )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=float, default=1.0, help="of messages, per contender")
    parser.add_argument("--megabytes", type=int, default=100)
    parser.add_argument("--mitmdump", default=shutil.which("mitmdump"), metavar="PATH")
    parser.add_argument("--memory", type=int, default=0, metavar="FRAMES", help="3600000")
    parser.add_argument("--role", nargs=3, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.role:
        what, port, rule = options.role
        ROLES[what](int(port), rule)
        return
    print(f"{platform.platform()}, {os.cpu_count()} cores, Python {platform.python_version()}")
    with contextlib.ExitStack() as stack:
        server = stack.enter_context(role("direct", "server"))
        contenders = [server]
        contenders.append(stack.enter_context(role("relay", "relay", server.port)))
        contenders.append(stack.enter_context(role("relay again", "relay", server.port)))
        contenders.append(stack.enter_context(role("tap", "tap", server.port)))
        rule = "drop every frame on connection 999999"
        name = "tap, rule on every frame"
        contenders.append(stack.enter_context(role(name, "tap", server.port, rule)))
        echo = stack.enter_context(role("echo", "echo"))
        contenders.append(stack.enter_context(role("lab", "library", 0, "together")))
        contenders.append(stack.enter_context(role("two processes", "library", echo.port)))
        upstream = f"127.0.0.1:{server.port}"
        if path := shutil.which("socat"):
            port = free_port()
            here = f"TCP-LISTEN:{port},bind=127.0.0.1,reuseaddr,fork,nodelay"
            command = (path, here, f"TCP:{upstream},nodelay")
            contenders.append(stack.enter_context(program("socat", port, *command)))
        if options.mitmdump:
            port = free_port()
            command = (options.mitmdump, "--mode", f"reverse:http://{upstream}", "-q")
            command += ("--listen-host", "127.0.0.1", "--listen-port", str(port))
            contenders.append(stack.enter_context(program("mitmproxy", port, *command)))
        results: dict[str, list[Result]] = {contender.name: [] for contender in contenders}
        for number in range(options.rounds):
            # Each round begins with another one, so that none is always the first.
            place = number % len(contenders)
            for name, result in measure(contenders[place:] + contenders[:place], options).items():
                results[name].append(result)
            print(f"round {number + 1} of {options.rounds}", file=sys.stderr)
        report(results)
        if options.memory:
            measure_memory(server, options.memory)


if __name__ == "__main__":
    main()
