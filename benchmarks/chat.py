"""One sender, a thousand in the room: what the chat costs, beside bare `websockets` and Node's ws.

    python benchmarks/chat.py [--clients 1000] [--rate 20] [--rounds 5] [--seconds 4]

Three servers, each in a process of its own: the lab's `ChatServer`; a bare `websockets` server that
calls `broadcast()`; and, where Node and npm are to be had, one on the npm package `ws` (installed
into a temporary folder). All rooms are full from the beginning, and the servers take turns in short
rounds, so that what the machine does beside falls on all alike: read the ratios, not the times.

A delivery's delay is from just before the sender writes to when the receiver's bytes are read, both
on one clock in this process. CPU is the server's process, user and system, over its deliveries.

Then, in smaller rooms: one client reads nothing while the others are sent 4 kB messages, as fast as
they come round. Printed: what the others lost, their delay before and after, and what became of it.
"""

from __future__ import annotations

import argparse
import asyncio
import base64
import contextlib
import os
import platform
import re
import resource
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import psutil

BARE = """\
import asyncio
from websockets.asyncio.server import broadcast, serve

clients = set()

async def handler(client):
    clients.add(client)
    try:
        async for message in client:
            broadcast(clients, message)
    finally:
        clients.discard(client)

async def main():
    async with serve(handler, "127.0.0.1", 0, compression=None, ping_interval=None) as server:
        print(server.sockets[0].getsockname()[1], flush=True)
        await asyncio.get_running_loop().create_future()

asyncio.run(main())
"""

OURS = """\
import sys
from wslab.net.servers.chat import ChatServer

room = ChatServer(rate=float(sys.argv[1])).start()
print(room.port, flush=True)
sys.stdin.read()
"""

NODE = """\
const { WebSocketServer, WebSocket } = require("ws");
const server = new WebSocketServer({ host: "127.0.0.1", port: 0, perMessageDeflate: false });
const clients = new Set();
server.on("listening", () => console.log(server.address().port));
server.on("connection", (client) => {
  clients.add(client);
  client.on("message", (data) => {
    for (const other of clients) {
      if (other.readyState === WebSocket.OPEN) other.send(data, { binary: false });
    }
  });
  client.on("close", () => clients.delete(client));
});
"""

STAMP = re.compile(rb"\[(\d+\.\d{6})\]")


class Client(asyncio.Protocol):
    """As little as a client can be: it reads, and notes how old each time stamp is."""

    def __init__(self, room: Room) -> None:
        self.room = room
        self.opened = asyncio.get_running_loop().create_future()
        self.bytes = b""
        self.kept: bytearray | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:
        self.transport = transport
        key = base64.b64encode(os.urandom(16)).decode()
        transport.write(
            f"GET {self.room.path} HTTP/1.1\r\nHost: 127.0.0.1:{self.room.port}\r\n"
            "Upgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"
            f"Sec-WebSocket-Key: {key}\r\n\r\n".encode()
        )

    def data_received(self, data: bytes) -> None:
        if self.kept is not None:
            self.kept += data
        if b"[" in data:
            now = time.time()
            self.room.delays += [now - float(stamp) for stamp in STAMP.findall(data)]
        if not self.opened.done():
            self.bytes += data
            if b"\r\n\r\n" in self.bytes:
                assert self.bytes.startswith(b"HTTP/1.1 101"), self.bytes[:200]
                self.opened.set_result(None)

    def connection_lost(self, error: Exception | None) -> None:
        self.room.lost += 1

    def say(self, padding: int = 0) -> None:
        """One masked text frame with the time in it."""
        text = f"[{time.time():.6f}]".encode().ljust(padding, b".")
        size = (
            bytes([0x80 | len(text)]) if len(text) < 126 else b"\xfe" + len(text).to_bytes(2, "big")
        )
        self.transport.write(b"\x81" + size + b"\0\0\0\0" + text)  # a mask of zeros changes nothing


class Room:
    """A server's process, and the clients in it."""

    def __init__(self, name: str, process: subprocess.Popen, path: str) -> None:
        self.name = name
        self.path = path
        self.port = int(process.stdout.readline())
        self.process = psutil.Process(process.pid)
        self.clients: list[Client] = []
        self.delays: list[float] = []
        self.lost = 0
        self.cpu: list[float] = []  # seconds a delivery, by round
        self.p99: list[float] = []  # seconds, by round
        self.all: list[float] = []
        self.owed = 0

    async def fill(self, count: int) -> None:
        loop = asyncio.get_running_loop()
        while len(self.clients) < count:
            batch = [
                (await loop.create_connection(lambda: Client(self), "127.0.0.1", self.port))[1]
                for _ in range(min(50, count - len(self.clients)))
            ]
            await asyncio.gather(*(client.opened for client in batch))
            self.clients += batch

    def cpu_now(self) -> float:
        times = self.process.cpu_times()
        return times.user + times.system

    async def round(self, rate: float, seconds: float) -> None:
        """`rate` messages a second from one client to all, and what it cost."""
        self.delays = []
        before, begin = self.cpu_now(), time.perf_counter()
        messages = int(rate * seconds)
        for number in range(messages):
            await asyncio.sleep(begin + number / rate - time.perf_counter())
            self.clients[0].say()
        owed = messages * len(self.clients)
        await until(lambda: len(self.delays) >= owed, 10)
        self.owed += owed
        self.cpu.append((self.cpu_now() - before) / owed)
        self.p99.append(percentile(self.delays, 0.99))
        self.all += self.delays


async def until(condition, patience: float) -> bool:
    end = time.perf_counter() + patience
    while not condition():
        if time.perf_counter() > end:
            return False
        await asyncio.sleep(0.005)
    return True


def percentile(values: list[float], part: float) -> float:
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(part * len(ordered)))] if ordered else float("nan")


@contextlib.contextmanager
def servers(folder: Path, rate: float, *, node: bool) -> Iterator[list[Room]]:
    """The servers' processes; those of Node only where it can be had."""
    commands = {
        "websockets, broadcast()": ([sys.executable, "-c", BARE], "/"),
        "ours": ([sys.executable, "-c", OURS, str(rate)], "/chat"),
    }
    if node:
        (folder / "server.js").write_text(NODE)
        commands["Node ws"] = (["node", str(folder / "server.js")], "/")
    processes = []
    try:
        rooms = []
        for name, (command, path) in commands.items():
            process = subprocess.Popen(
                command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
            )
            processes.append(process)
            rooms.append(Room(name, process, path))
        yield rooms
    finally:
        for process in processes:
            process.kill()
            process.communicate()


def install_ws(folder: Path) -> bool:
    """Whether Node's `ws` could be put into `folder`."""
    if not (shutil.which("node") and shutil.which("npm")):
        return False
    command = ["npm", "install", "--no-audit", "--no-fund", "--silent", "--prefix", folder, "ws@8"]
    return subprocess.run(command, capture_output=True, timeout=120).returncode == 0


async def fan_out(rooms: list[Room], options: argparse.Namespace) -> None:
    for room in rooms:
        await room.fill(options.clients)
    for room in rooms:
        await room.round(options.rate, 1.0)  # warm
        room.cpu, room.p99, room.all, room.owed = [], [], [], 0
    for number in range(options.rounds):
        order = rooms[number % len(rooms) :] + rooms[: number % len(rooms)]
        for room in order:
            await room.round(options.rate, options.seconds)
    print(f"\n{options.clients:,} clients, one sender at {options.rate:g} messages/s:")
    for room in rooms:
        print(
            f"  {room.name:<24} delivered {len(room.all) / room.owed:7.2%}   "
            f"p50 {percentile(room.all, 0.5) * 1e3:5.1f} ms   "
            f"p99 {percentile(room.all, 0.99) * 1e3:5.1f} ms   "
            f"CPU {statistics.median(room.cpu) * 1e6:5.2f} µs a delivery"
        )
    ours = next(room for room in rooms if room.name == "ours")
    for room in rooms:
        if room is not ours:
            cpu = statistics.median(a / b for a, b in zip(ours.cpu, room.cpu, strict=True))
            p99 = statistics.median(a / b for a, b in zip(ours.p99, room.p99, strict=True))
            print(f"  ours / {room.name}: CPU x {cpu:.2f}, p99 x {p99:.2f} (medians of rounds)")


async def one_reads_nothing(room: Room, megabytes: int) -> None:
    """Ten read, one does not: `megabytes` for each in 4 kB messages, one when the last has come.

    Ends soon after the one that reads nothing is out, while its last word can still be read.
    """
    await room.fill(10)
    memory = room.process.memory_info().rss
    loop = asyncio.get_running_loop()
    _, stuck = await loop.create_connection(lambda: Client(room), "127.0.0.1", room.port)
    await stuck.opened
    stuck.transport.pause_reading()
    watcher = room.clients[1]
    watcher.kept = bytearray()
    room.delays, phases, sent = [], [[], []], 0
    out = None
    while sent < megabytes * 256 and len(phases[1]) < 10 * 300:
        room.delays = []
        room.clients[0].say(4000)
        sent += 1
        if not await until(lambda: len(room.delays) >= 10, 10):
            break
        if out is None and b'"leave"' in watcher.kept:
            out = re.search(rb'"leave".*?"why": "(.*?)"', bytes(watcher.kept))
            out = out[1].decode() if out else "?"
        phases[out is not None] += room.delays
        del watcher.kept[:-8000]
    grown = (room.process.memory_info().rss - memory) / 2**20
    stuck.kept = bytearray()
    lost_before = room.lost
    stuck.transport.resume_reading()
    closed = await until(lambda: room.lost > lost_before, 5)
    close = bytes(stuck.kept).rfind(b"\x88") if closed else -1
    code = int.from_bytes(stuck.kept[close + 2 : close + 4], "big") if close >= 0 else None
    delays = [f"{percentile(phase, 0.99) * 1e3:.1f} ms" if phase else "-" for phase in phases]
    got = len(phases[0]) + len(phases[1])
    print(
        f"  {room.name:<24} the others got {got / (sent * 10):7.2%} of {sent:,} messages   "
        f"p99 {delays[0]} before it was out, {delays[1]} after   memory +{grown:.1f} MB\n"
        f"  {'':<24} the one that reads nothing: {out or 'still in the room'}"
        + (f"; then it read close code {code}" if code else "")
    )


async def run(folder: Path, options: argparse.Namespace, node: bool) -> None:
    with servers(folder, 1e3, node=node) as rooms:
        await fan_out(rooms, options)
    print("\none client reads nothing:")
    with servers(folder, 1e9, node=node) as rooms:
        for room in rooms:
            await one_reads_nothing(room, options.megabytes)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--clients", type=int, default=1000)
    parser.add_argument("--rate", type=float, default=20.0, help="messages a second")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=float, default=4.0, help="of a round")
    parser.add_argument("--megabytes", type=int, default=32, help="for the one that reads nothing")
    options = parser.parse_args()
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = 4 * options.clients + 200
    resource.setrlimit(resource.RLIMIT_NOFILE, (wanted if hard < 0 else min(wanted, hard), hard))
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        node = install_ws(folder)
        print(
            f"{platform.platform()}, {os.cpu_count()} cores, Python {platform.python_version()}"
            + ("" if node else "; no Node with npm here: compared with websockets only")
        )
        asyncio.run(run(folder, options, node))


if __name__ == "__main__":
    main()
