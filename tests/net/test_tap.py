"""The wire tap: every byte arrives as sent, is recorded, and nothing that records can disturb it.

The peers are bare TCP streams, so that any bytes at all can cross.
"""

from __future__ import annotations

import asyncio
import hashlib
import socket
import struct
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from wslab.net import EchoServer, RawClient, Tap, WrongURL, WrongValue, connect, loop
from wslab.net.reset import reset as cut_off
from wslab.net.tap.relay import WRITE_LIMIT
from wslab.wire import Capture, Direction, encode_frame

Streams = tuple[asyncio.StreamReader, asyncio.StreamWriter]

# Frames that no peer may send: reserved bits and opcodes, no mask or a wrong one, lengths that
# lie, close frames of one byte, text that is not UTF-8, a fragmented ping, and half a handshake.
ILLEGAL = [
    encode_frame(1, b"Hello", rsv1=True),
    encode_frame(1, b"Hello", masking_key=b"\0\0\0\0", rsv2=True, rsv3=True),
    *(encode_frame(opcode, b"?") for opcode in (3, 7, 11, 15)),
    encode_frame(2, b"x", length_form=64),
    b"\x82\x7f\xff\xff\xff\xff\xff\xff\xff\xff",
    encode_frame(8, b"\x03"),
    encode_frame(8, struct.pack("!H", 1006)),
    encode_frame(1, b"\xff\xfe"),
    encode_frame(9, b"x", fin=False),
    b"GET / HTTP/1.1\r\nHost",
    b"HTTP/1.1 101\r\n\r\n",
]


class Upstream:
    """A TCP server behind the tap, on the loop thread, that hands over what connects to it."""

    async def start(self) -> None:
        self.accepted: asyncio.Queue[Streams] = asyncio.Queue()
        self.server = await asyncio.start_server(
            lambda reader, writer: self.accepted.put_nowait((reader, writer)), "127.0.0.1", 0
        )
        self.port = self.server.sockets[0].getsockname()[1]

    async def stop(self) -> None:
        self.server.close()
        await self.server.wait_closed()


@pytest.fixture
def upstream():
    upstream = Upstream()
    loop.run(upstream.start())
    yield upstream
    loop.run(upstream.stop())


@asynccontextmanager
async def joined(tap: Tap, upstream: Upstream) -> AsyncIterator[tuple[Streams, Streams]]:
    """Both ends of one connection through the tap."""
    client = await asyncio.open_connection("127.0.0.1", tap.port)
    server = await upstream.accepted.get()
    try:
        yield client, server
    except BaseException:
        for relay in list(tap._relays):
            relay.cut()  # what waits at the tap would wait for ever, and hide what went wrong
        raise
    finally:
        for _, writer in (client, server):
            writer.close()
            with suppress(OSError):
                await writer.wait_closed()
        for relay in list(tap._relays):
            await relay.gone.wait()


def within(coroutine: Callable[[], Awaitable[Any]]) -> Any:
    """Run on the loop thread; a test that hangs there fails after 20 s."""

    async def limited() -> Any:
        async with asyncio.timeout(20):
            return await coroutine()

    return loop.run(limited(), 40)  # also where what is waited for at the end does not come


async def until(condition: Callable[[], bool]) -> None:
    """Until a transport got into some state, of which there is no event to wait for."""
    while not condition():  # noqa: ASYNC110
        await asyncio.sleep(0)


async def send_all(writer: asyncio.StreamWriter, chunks: list[bytes]) -> None:
    for chunk in chunks:
        writer.write(chunk)
        await asyncio.sleep(0)  # lets the tap read what was sent so far
    writer.write_eof()


chunk = st.one_of(st.binary(max_size=200), st.sampled_from(ILLEGAL), st.binary(max_size=9000))


def test_any_bytes_at_any_split_arrive_and_are_recorded_as_sent_in_both_directions(upstream, log):
    with Tap(upstream.port, log) as tap:

        @settings(max_examples=200, deadline=None, derandomize=True, database=None)
        @given(st.lists(chunk, max_size=8), st.lists(chunk, max_size=8))
        def cross(from_client: list[bytes], from_server: list[bytes]) -> None:
            log.entries.clear()

            async def exchange() -> list[bytes]:
                async with joined(tap, upstream) as (client, server):
                    _, _, at_server, at_client = await asyncio.gather(
                        send_all(client[1], from_client),
                        send_all(server[1], from_server),
                        server[0].read(),
                        client[0].read(),
                    )
                    return [at_server, at_client]

            assert within(exchange) == [b"".join(from_client), b"".join(from_server)]
            number = log.opened
            assert log.bytes(number, "client") == b"".join(from_client)
            assert log.bytes(number, "server") == b"".join(from_server)
            assert log.entries[0] == ("open", number)
            assert log.entries.count((number, "client", "eof")) == 1
            assert log.entries.count((number, "server", "eof")) == 1

        cross()
        assert list(tap.faults) == []


def test_with_a_real_capture_too(upstream):
    frames = b"".join(ILLEGAL[:12])
    request = b"GET / HTTP/1.1\r\nHost: x\r\nCookie: secret=12345\r\n\r\n"
    capture = Capture()
    with Tap(upstream.port, capture) as tap:

        async def exchange() -> bytes:
            async with joined(tap, upstream) as (client, server):
                await asyncio.gather(send_all(client[1], [request, frames]), asyncio.sleep(0))
                return await server[0].read()

        assert within(exchange) == request + frames
    recorded = capture.stream(1, "client")
    assert recorded[len(request) :] == frames
    assert b"secret" not in recorded
    assert len(recorded) == len(request + frames)
    assert list(tap.faults) == []


class Broken(Capture):
    """A recording that fails at one point on purpose."""

    def __init__(self, where: str) -> None:
        super().__init__()
        self.where = where

    def _at(self, where: str) -> None:
        if where == self.where:
            raise RuntimeError(f"broken at {where}")

    def open_connection(self, **options: Any) -> int:
        self._at("open_connection")
        return super().open_connection(**options)

    def recorder(self, connection: int, direction: Direction) -> Callable[[bytes], None]:
        return lambda data: self._at("record")

    def end(self, connection: int, direction: Direction, how: Any = "eof") -> None:
        self._at("end")


@pytest.mark.parametrize("where", ["open_connection", "record", "end"])
def test_a_fault_in_the_recorder_never_disturbs_the_traffic(upstream, where, capfd):
    with Tap(upstream.port, Broken(where)) as tap:

        async def exchange() -> list[bytes]:
            async with joined(tap, upstream) as (client, server):
                return list(
                    await asyncio.gather(
                        server[0].read(),
                        client[0].read(),
                        send_all(client[1], [b"a", b"b"]),
                        send_all(server[1], [b"c", b"d"]),
                    )
                )[:2]

        assert within(exchange) == [b"ab", b"cd"]
        assert f"{where}: RuntimeError: broken at {where}" in repr(tap.faults)
    assert capfd.readouterr() == ("", "")


def test_a_fault_in_a_subscriber_of_the_capture_does_not_either(lab):
    lab.capture.subscribe(lambda: 1 / 0)
    with connect(lab.tap.url) as client:
        client.send("x")
        assert client.recv() == "x"


def test_bytes_are_forwarded_before_they_are_recorded(upstream):
    order: list[str] = []

    class Slow(Capture):
        def recorder(self, connection: int, direction: Direction) -> Callable[[bytes], None]:
            return self.look

        def look(self, data: bytes) -> None:
            # What was written to the socket is already on its way: the peer can have it.
            sock.settimeout(10)
            order.append(sock.recv(10).decode())

    with Tap(upstream.port, Slow()) as tap:

        async def exchange() -> None:
            nonlocal sock
            async with joined(tap, upstream) as (client, server):
                server[1].transport.pause_reading()
                sock = socket.fromfd(
                    server[1].get_extra_info("socket").fileno(), socket.AF_INET, socket.SOCK_STREAM
                )
                client[1].write(b"first")
                await until(lambda: bool(order))
                sock.close()

        sock = socket.socket()
        sock.close()
        within(exchange)
    assert order == ["first"]


def test_a_half_closed_connection_stays_half_closed(upstream, log):
    with Tap(upstream.port, log) as tap:

        async def exchange() -> tuple[bytes, bytes]:
            async with joined(tap, upstream) as (client, server):
                client[1].write(b"that is all I have to say")
                client[1].write_eof()
                heard = await server[0].read()
                log.wait_for(1, "client", "eof")
                assert (1, "server", "eof") not in log.entries
                server[1].write(b"then listen")
                server[1].write_eof()
                return heard, await client[0].read()

        assert within(exchange) == (b"that is all I have to say", b"then listen")
    assert log.entries[-1] == (1, "server", "eof")


@pytest.mark.parametrize("who", ["client", "server"])
def test_a_reset_is_passed_on_as_a_reset(upstream, log, who):
    with Tap(upstream.port, log) as tap:

        async def exchange() -> bytes:
            async with joined(tap, upstream) as (client, server):
                here, there = (client, server) if who == "client" else (server, client)
                here[1].write(b"before")
                arrived = await there[0].readexactly(6)
                cut_off(here[1].transport)
                with pytest.raises(ConnectionResetError):
                    await there[0].read()
                return arrived

        assert within(exchange) == b"before"
    assert (1, "client", "reset") in log.entries
    assert (1, "server", "reset") in log.entries
    assert (1, "client", "eof") not in log.entries


def test_what_was_said_before_the_end_arrives_although_the_speaker_is_gone(log):
    # The client ends its stream properly and is cut off later, while the server still has all of
    # it to read. Plain sockets: a StreamReader forgets what it holds when the reset comes.
    data = b"x" * 10_000
    with (
        socket.create_server(("127.0.0.1", 0)) as listener,
        Tap(listener.getsockname()[1], log) as tap,
        socket.create_connection(("127.0.0.1", tap.port)) as client,
        listener.accept()[0] as server,
    ):
        client.sendall(data)
        client.shutdown(socket.SHUT_WR)
        log.wait_for(1, "client", "eof")
        client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        client.close()
        with suppress(OSError):
            while tap.connections:  # the tap notices when it has something to deliver
                server.send(b"too late")
        arrived = bytearray()
        with suppress(ConnectionResetError):
            while block := server.recv(65536):
                arrived += block
    assert arrived == data


def test_a_slow_reader_slows_the_sender_and_the_tap_holds_little(upstream, log):
    data = bytes(range(256)) * (20 * 2**20 // 256)
    with Tap(upstream.port, log) as tap:

        async def exchange() -> tuple[int, bytes]:
            async with joined(tap, upstream) as (client, server):
                server[1].transport.pause_reading()
                (relay,) = tap._relays
                client[1].write(data)
                await until(lambda: not relay.client.transport.is_reading())
                held = relay.server.transport.get_write_buffer_size()
                unsent = client[1].transport.get_write_buffer_size()
                assert unsent > 10 * 2**20  # the sender waits, not the tap
                server[1].transport.resume_reading()
                client[1].write_eof()
                digest = hashlib.sha256()
                while block := await server[0].read(2**20):
                    digest.update(block)
                return held, digest.digest()

        held, digest = within(exchange)
    assert held <= WRITE_LIMIT + 2**18  # what was waiting, and the one read that went over
    assert digest == hashlib.sha256(data).digest()
    assert hashlib.sha256(log.bytes(1, "client")).digest() == digest


def test_a_slow_client_slows_the_server_too(upstream, log):
    data = b"0123456789abcdef" * 2**19
    with Tap(upstream.port, log) as tap:

        async def exchange() -> bytes:
            async with joined(tap, upstream) as (client, server):
                client[1].transport.pause_reading()
                (relay,) = tap._relays
                server[1].write(data)
                server[1].write_eof()
                await until(lambda: not relay.server.transport.is_reading())
                client[1].transport.resume_reading()
                return await client[0].read()

        assert within(exchange) == data


def test_nobody_behind_the_tap_resets_the_client_and_the_capture_says_so(refused_port, log):
    with Tap(refused_port, log) as tap, RawClient(tap.port) as client:
        assert client.read_to_end() == b""
        log.wait_for(1, "client", "reset")
        log.wait_for(1, "server", "reset")
        assert log.entries[0] == ("open", 1)
        assert f"no connection to 127.0.0.1:{refused_port}" in repr(tap.log)


def test_stopping_ends_every_connection_at_once(upstream, log):
    tap = Tap(upstream.port, log).start()

    async def open_three() -> list[Streams]:
        return [await asyncio.open_connection("127.0.0.1", tap.port) for _ in range(3)]

    clients = within(open_three)

    async def wait_for_servers() -> list[Streams]:
        return [await upstream.accepted.get() for _ in range(3)]

    servers = within(wait_for_servers)
    assert tap.connections == 3
    tap.stop()
    assert tap.connections == 0

    async def all_ended() -> None:
        for reader, writer in clients + servers:
            with pytest.raises(ConnectionResetError):
                await reader.read()
            writer.close()

    within(all_ended)
    assert sum(entry[2:] == ("reset",) for entry in log.entries) == 6


def test_stopping_does_not_wait_for_a_connection_that_is_just_being_made(log):
    # A listener that never accepts: its backlog is full, so connecting to it hangs.
    with socket.socket() as full:
        full.bind(("127.0.0.1", 0))
        full.listen(0)
        port = full.getsockname()[1]
        fillers = []
        for _ in range(4):
            filler = socket.socket()
            filler.setblocking(False)
            filler.connect_ex(("127.0.0.1", port))
            fillers.append(filler)
        with Tap(port, log) as tap, RawClient(tap.port) as client:
            log.wait_for("open", 1)
            tap.stop()
            assert client.read_to_end() == b""
        for filler in fillers:
            filler.close()


def test_many_connections_at_once_do_not_mix(lab):
    clients = [connect(lab.tap.url) for _ in range(30)]
    for number, client in enumerate(clients):
        client.send(f"I am {number}")
    assert [client.recv() for client in clients] == [f"I am {n}" for n in range(30)]
    for client in clients:
        client.close()
    assert len(lab.capture.index.connections) == 30


@pytest.mark.parametrize(
    ("form", "url"),
    [
        (lambda port: port, "ws://127.0.0.1:{}/"),
        (lambda port: f"127.0.0.1:{port}", "ws://127.0.0.1:{}/"),
        (lambda port: ("127.0.0.1", port), "ws://127.0.0.1:{}/"),
        (lambda port: f"ws://127.0.0.1:{port}/chat?room=1", "ws://127.0.0.1:{}/chat?room=1"),
        (lambda port: f"ws://localhost:{port}", "ws://127.0.0.1:{}/"),
    ],
)
def test_upstream_may_be_given_in_any_form(form, url, capture):
    with EchoServer() as server, Tap(form(server.port), capture) as tap:
        assert tap.url == url.format(tap.port)
        with connect(tap.url) as client:
            client.send("x")
            assert client.recv() == "x"


@pytest.mark.parametrize(
    "upstream",
    [0, 70000, 10**5000, "http://127.0.0.1:80", "nowhere", None,
     ("h", "80"), ("a", 1, 2), (5, 80), f"h:{'9' * 5000}"],
    ids=range(10),
)  # fmt: skip
def test_an_upstream_that_is_none_is_refused_at_once(upstream, capture):
    with pytest.raises(WrongURL):
        Tap(upstream, capture)


class FindsItself(Tap):
    """Stands in front of whatever port it got, so that no port has to be guessed."""

    def _bind(self) -> socket.socket:
        sock = super()._bind()
        self.upstream = self.upstream._replace(port=self.port)
        return sock


@pytest.mark.parametrize(
    "host",
    [
        "127.0.0.1", "127.1", "127.0.1", "2130706433", "0x7f000001", "0x7F.1", "017700000001",
        "localhost", "LOCALHOST", "0.0.0.0", "0", "0.0", "0x0",
        "::ffff:127.0.0.1", "::FFFF:7f00:1", "::ffff:0.0.0.0", "0:0:0:0:0:ffff:127.0.0.1",
    ],
)  # fmt: skip
def test_a_tap_in_front_of_itself_is_refused(host, capture):
    tap = FindsItself((host, 1), capture)
    with pytest.raises(WrongValue, match="it would connect to itself without end"):
        tap.start()
    assert not tap.is_running
    assert tap.debugger.attached == []


@pytest.mark.parametrize("host", ["192.0.2.1", "127.0.0.2", "::1", "no-such-host.invalid", "a..b"])
def test_the_same_port_elsewhere_is_no_such_thing(host, capture):
    with FindsItself((host, 1), capture) as tap:
        assert tap.upstream.port == tap.port


def test_small_frames_do_not_wait_for_each_other(upstream, log):
    with Tap(upstream.port, log) as tap:

        async def look() -> list[int]:
            async with joined(tap, upstream):
                (relay,) = tap._relays
                return [
                    end.transport.get_extra_info("socket").getsockopt(
                        socket.IPPROTO_TCP, socket.TCP_NODELAY
                    )
                    for end in (relay.client, relay.server)
                ]

        assert all(within(look))
