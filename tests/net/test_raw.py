"""Raw peers: exact bytes out, exact bytes in, everything bounded."""

from __future__ import annotations

import asyncio
import threading

import pytest

from wslab.net import (
    ConnectFailed,
    NotConnected,
    RawClient,
    RawConnection,
    RawServer,
    TimedOut,
    WrongValue,
)
from wslab.wire import accept_key

from .conftest import PATIENCE

REQUEST = (
    b"GET /where?a=1 HTTP/1.1\r\nHost: x\r\nsec-websocket-key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
)


async def greet(connection: RawConnection) -> None:
    await connection.respond("200 OK", "Content-Length: 5", body=b"Hello")
    more = await connection.reader.read(3)
    await connection.send(more[::-1])


def test_what_is_sent_arrives_and_what_comes_back_is_shown():
    with RawServer(greet) as server, RawClient(server.url) as client:
        client.send(REQUEST[:10])
        client.send(REQUEST[10:])
        assert client.read_head() == b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n"
        assert client.read_exactly(5) == b"Hello"
        client.send(b"abc")
        assert client.read_some() == b"cba"
        assert client.ended is None
        assert client.read_to_end() == b""
        assert client.ended == "eof"
        (connection,) = server.connections
        assert connection.request == REQUEST
        assert connection.path == "/where?a=1"
        assert connection.key == "dGhlIHNhbXBsZSBub25jZQ=="
        assert connection.accept == accept_key(connection.key)
        assert bytes(connection.sent).endswith(b"\r\n\r\nHellocba")


def test_what_came_is_returned_when_the_time_is_up():
    async def half(connection: RawConnection) -> None:
        await connection.send(b"HTTP/1.1 200")
        await connection.wait_end()

    with RawServer(half) as server, RawClient(server.port, timeout=0.05) as client:
        client.send(REQUEST)
        assert client.read_head() == b"HTTP/1.1 200"
        assert client.ended is None
        assert client.read_exactly(1) == b""


def test_a_server_that_takes_nothing_holds_nobody_up():
    async def deaf(connection: RawConnection) -> None:
        connection.writer.transport.pause_reading()
        await asyncio.get_running_loop().create_future()

    with RawServer(deaf) as server:
        client = RawClient(server.port, timeout=0.1).connect()
        client.send(REQUEST)
        with pytest.raises(TimedOut, match="took no data"):
            client.send(b"x" * 20_000_000)
        close = threading.Thread(target=client.close, daemon=True)
        close.start()
        close.join(PATIENCE)
        assert not close.is_alive()


def test_a_reset_is_told_from_an_end():
    async def cut(connection: RawConnection) -> None:
        connection.reset()

    with RawServer(cut) as server, RawClient(server.port) as client:
        client.send(REQUEST)
        assert client.read_to_end() == b""
        assert client.ended == "reset"


def test_a_client_may_half_close():
    async def until_the_end(connection: RawConnection) -> None:
        await connection.send(b"got " + await connection.reader.read())

    with RawServer(until_the_end) as server, RawClient(server.port) as client:
        client.send(REQUEST + b"all of this")
        client.send_eof()
        assert client.read_to_end() == b"got all of this"


def test_reading_a_head_is_bounded():
    async def endless(connection: RawConnection) -> None:
        while True:
            await connection.send(b"X-Filler: " + b"x" * 1000 + b"\r\n")

    with RawServer(endless) as server, RawClient(server.port) as client:
        client.send(REQUEST)
        assert len(client.read_head()) == 64 * 1024


def test_a_request_head_without_end_is_not_read_for_ever():
    with RawServer(greet) as server, RawClient(server.port) as client:
        client.send(b"GET / HTTP/1.1\r\n" + b"X: " + b"x" * 70_000)
        assert client.read_to_end() == b""
        assert "the script failed: LimitOverrunError" in repr(server.log)


def test_a_script_that_fails_is_logged_but_not_printed(capfd):
    async def fail(connection: RawConnection) -> None:
        raise RuntimeError("my own mistake")

    with RawServer(fail) as server, RawClient(server.port) as client:
        client.send(REQUEST)
        assert client.read_to_end() == b""
        assert "the script failed: RuntimeError: my own mistake" in repr(server.log)
    assert capfd.readouterr() == ("", "")


def test_stopping_ends_scripts_that_never_end():
    async def for_ever(connection: RawConnection) -> None:
        await connection.send(b"hanging on")
        await asyncio.get_running_loop().create_future()

    with RawServer(for_ever) as server, RawClient(server.port) as client:
        client.send(REQUEST)
        assert client.read_exactly(10) == b"hanging on"
        server.stop()
        assert client.read_to_end() == b""


def test_a_client_must_be_connected_and_say_bytes(refused_port):
    client = RawClient(refused_port)
    with pytest.raises(NotConnected, match=r"call connect\(\) first"):
        client.send(b"x")
    with pytest.raises(WrongValue, match="expected bytes, got str"):
        client.send("x")
    with pytest.raises(ConnectFailed, match=f"expected a server at 127.0.0.1:{refused_port}"):
        client.connect()
    client.close()
    assert repr(client) == f"<RawClient 127.0.0.1:{refused_port}, closed>"
