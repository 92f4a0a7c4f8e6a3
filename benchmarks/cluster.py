"""One chat, by one process and by two over Redis: deliveries a second, and how long each takes.

    python benchmarks/cluster.py [--guests 1000] [--speakers 16] [--rounds 7] [--seconds 3]

The chat is that of `wslab.net.cluster.server`: in one process without a channel, and in two that
Redis joins, each with half of the guests. All rooms are full from the beginning, and take turns in
rounds, so that what the machine does beside falls on both alike: read the ratios.

The load: `--speakers` guests, spread over the servers, have one message each on its way, and say
the next as soon as the last one has reached every server. So the servers always have work, and
neither runs ahead of the other. Each message goes to all guests.

Guests are bare sockets in this process, which counts bytes. It must leave the processors to the
servers, so it reads most sockets only ten times a second; some, spread over the room, are read 500
times a second, and only they tell how long a message takes: from just before it is written to when
it is read, both on one clock. What this process takes of a core is printed, and so are the
servers'.

With two servers, Redis and this process on two cores, twice as much is not to be had.
"""

from __future__ import annotations

import argparse
import base64
import contextlib
import os
import platform
import resource
import selectors
import socket
import statistics
import sys
import time

import psutil

from wslab.net.cluster.orders import server_process
from wslab.net.peers.process import PeerProcess
from wslab.net.programs import Redis

SIZE = 64
"""Bytes of a message."""

FRAME = 2 + SIZE
"""Bytes of its frame, unmasked."""

WATCHED = 20
"""Guests of each server that are read often."""

OFTEN, SELDOM = 0.002, 0.1
"""Seconds between two looks at them, and at the others."""

PATIENCE = 20.0


class Room:
    """The processes of one chat, and the guests in it."""

    def __init__(self, name: str, channels: list[str], options: argparse.Namespace) -> None:
        self.name = name
        self.servers = [server_process() for _ in channels]
        ports = [
            server.order("serve", name="A", port=0, channel=channel)
            for server, channel in zip(self.servers, channels, strict=True)
        ]
        self.guests = [come_in(ports[number % len(ports)]) for number in range(options.guests)]
        step = max(1, options.guests // len(ports) // WATCHED) * len(ports)
        self.watched = {
            guest: number % len(ports)
            for number, guest in enumerate(self.guests)
            if number % step < len(ports)
        }
        """The guests that are read often, and the number of the server of each."""
        self.others = [guest for guest in self.guests if guest not in self.watched]
        self.speakers = list(self.watched)[: options.speakers]
        self.selector = selectors.DefaultSelector()
        for guest in self.watched:
            self.selector.register(guest, selectors.EVENT_READ)
        self.rates: list[float] = []
        self.delays: list[list[float]] = []
        self.shares: list[list[float]] = []
        """Of each round: what of a core the servers took, one by one, and at last this process."""

    def round(self, seconds: float) -> None:
        """Deliver as much as the servers can, for some seconds."""
        clocks = [*(server_clock(server) for server in self.servers), time.process_time]
        before, began = [clock() for clock in clocks], time.perf_counter()
        delivered, said, delays = 0.0, 0, []
        rest = dict.fromkeys(self.watched, b"")
        missing: dict[bytes, set[int]] = {}  # by message: the servers that have not passed it on

        def say(speaker: int) -> None:
            nonlocal said
            said += 1
            text = b"%02d %06d %.6f " % (speaker, said, time.perf_counter())
            missing[text[:9]] = set(self.watched.values())
            head = b"\x81" + bytes([0x80 | SIZE]) + bytes(4)  # a mask of zeros changes nothing
            self.speakers[speaker].send(head + text.ljust(SIZE, b"."))

        for speaker in range(len(self.speakers)):
            say(speaker)
        look, buffer = began + SELDOM, bytearray(2**18)
        while missing or delivered < said * len(self.guests) - 0.5:
            time.sleep(OFTEN)
            for key, _ in self.selector.select(0):
                guest = key.fileobj
                data = rest[guest] + guest.recv(8192)
                now = time.perf_counter()
                for start in range(0, len(data) - FRAME + 1, FRAME):
                    text = data[start + 2 : start + FRAME]
                    delays.append(now - float(text[10:].split()[0]))
                    if (left := missing.get(text[:9])) is not None:
                        left.discard(self.watched[guest])
                        if not left:
                            del missing[text[:9]]
                            if now - began < seconds:
                                say(int(text[:2]))
                whole = len(data) // FRAME
                rest[guest] = data[whole * FRAME :]
                delivered += whole
            now = time.perf_counter()
            if now >= look:
                look = now + SELDOM
                for guest in self.others:
                    with contextlib.suppress(BlockingIOError):
                        delivered += guest.recv_into(buffer) / FRAME
            if now - began > seconds + PATIENCE:
                raise TimeoutError(f"{self.name}: {delivered:,.0f} of {said * len(self.guests):,}")
        took = time.perf_counter() - began
        self.rates.append(said * len(self.guests) / took)
        self.delays.append(sorted(delays))
        after = [clock() for clock in clocks]
        self.shares.append([(b - a) / took for a, b in zip(before, after, strict=True)])

    def p99(self, number: int) -> float:
        """Seconds that 99% of the deliveries of a round took at most."""
        delays = self.delays[number]
        return delays[int(0.99 * len(delays))]

    def close(self) -> None:
        for guest in self.guests:
            guest.close()
        for server in self.servers:
            server.end()


def come_in(port: int) -> socket.socket:
    """A guest's socket, behind its handshake and the greeting."""
    guest = socket.create_connection(("127.0.0.1", port))
    guest.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    key = base64.b64encode(os.urandom(16)).decode()
    guest.sendall(
        f"GET / HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nUpgrade: websocket\r\n"
        "Connection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"
        f"Sec-WebSocket-Key: {key}\r\n\r\n".encode()
    )
    data = b""
    while not data.endswith(b"}"):
        data += guest.recv(4096)
    assert data.startswith(b"HTTP/1.1 101"), data
    guest.setblocking(False)
    return guest


def server_clock(server: PeerProcess):
    """What gives the seconds that a server's process has computed."""
    process = psutil.Process(server.process.pid)
    return lambda: sum(process.cpu_times()[:2])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--guests", type=int, default=1000)
    parser.add_argument("--speakers", type=int, default=16)
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--seconds", type=float, default=3.0, help="of a round")
    options = parser.parse_args()
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = 3 * options.guests + 200
    resource.setrlimit(resource.RLIMIT_NOFILE, (wanted if hard < 0 else min(wanted, hard), hard))
    print(f"{platform.platform()}, {os.cpu_count()} cores, Python {platform.python_version()}")
    busy = psutil.cpu_percent(2.0)
    print(f"before it began, the machine was {busy:.0f}% busy with something else")
    with Redis("benchmark") as redis:
        clock = psutil.Process(redis.pid)
        one = Room("one process", [""], options)
        two = Room("two over Redis", [redis.url] * 2, options)
        try:
            for room in (one, two):  # warm
                room.round(1.0)
                room.rates, room.delays, room.shares = [], [], []
            before, began = sum(clock.cpu_times()[:2]), time.perf_counter()
            for number in range(options.rounds):
                for room in ((one, two), (two, one))[number % 2]:
                    room.round(options.seconds)
            redis_share = (sum(clock.cpu_times()[:2]) - before) / (time.perf_counter() - began) * 2
        finally:
            one.close()
            two.close()
    rounds = range(options.rounds)
    print(f"\n{options.guests:,} guests, {options.speakers} messages on their way at any time:")
    for room in (one, two):
        shares = [statistics.median(each) for each in zip(*room.shares, strict=True)]
        *servers, own = [f"{share:.0%}" for share in shares]
        p50 = statistics.median(each[len(each) // 2] for each in room.delays)
        p99 = statistics.median(map(room.p99, rounds))
        print(
            f"  {room.name:<16} {statistics.median(room.rates):>9,.0f} deliveries/s   "
            f"p50 {1e3 * p50:5.1f} ms   p99 {1e3 * p99:5.1f} ms   "
            f"of a core: servers {' + '.join(servers)}, the load's own share {own}"
        )
    print(f"  Redis takes {redis_share:.0%} of a core while it joins the two")
    more = [b / a for a, b in zip(one.rates, two.rates, strict=True)]
    later = [two.p99(number) / one.p99(number) for number in rounds]
    for name, ratios in (("deliveries/s", more), ("p99", later)):
        each = " ".join(f"{ratio:.2f}" for ratio in ratios)
        print(f"  two / one: {name} x {statistics.median(ratios):.2f}, the median of {each}")
    if statistics.median(more) < 1.5 or statistics.median(later) >= 2:
        sys.exit("wanted: at least 1.5 times the deliveries, and p99 under twice")


if __name__ == "__main__":
    main()
