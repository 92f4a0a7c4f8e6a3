"""A cell that waits for a server on the loop that it holds is told so, in every call that waits."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import time

import pytest
from websockets.asyncio.server import serve

from wslab.conformance import check_server
from wslab.net import (
    Address,
    Client,
    ConnectTimedOut,
    EchoServer,
    LoopHeld,
    RawClient,
    Tap,
    connect,
    held_loop,
    loop,
    replay,
    visit,
)
from wslab.wire import Capture


async def echo(websocket):
    async for message in websocket:
        await websocket.send(message)


@contextlib.asynccontextmanager
async def on_this_loop(handler=echo):
    """A server on the loop of this very thread, as one in a notebook's cell: yields its URL."""
    async with serve(handler, "127.0.0.1", 0, ping_interval=None) as server:
        yield f"ws://127.0.0.1:{server.sockets[0].getsockname()[1]}/"


def request_of(url):
    """A recording in which a client asked something of the server."""
    capture = Capture()
    number = capture.open_connection()
    capture.record(number, "client", b"GET / HTTP/1.1\r\nHost: a\r\n\r\n")
    capture.record(number, "server", b"HTTP/1.1 204 No Content\r\n\r\n")
    return capture


@pytest.fixture(autouse=True)
def given_up():
    """What a refused call had begun on the loop thread ends a moment after it."""
    yield
    deadline = time.monotonic() + 5
    while loop.tasks() and time.monotonic() < deadline:
        loop.run(asyncio.sleep(0))


CALLS = {
    "Client.connect": lambda url: connect(url),
    "replay": lambda url: replay(request_of(url), url),
    "RawClient.read": lambda url: raw(url),
    "visit": lambda url: visit("missing-key", url),
    "check_server": lambda url: check_server(url),
}


def raw(url):
    with RawClient(url) as client:
        client.send(b"GET / HTTP/1.1\r\n\r\n")
        client.read_head()


@pytest.mark.parametrize("call", CALLS)
def test_a_call_that_would_wait_for_ever_says_what_to_do(call):
    async def cell():
        async with on_this_loop() as url:
            with pytest.raises(LoopHeld, match=r"await asyncio\.to_thread") as held:
                CALLS[call](url)
            assert url.split(":")[-1].strip("/") in str(held.value)

    asyncio.run(cell())


@pytest.mark.parametrize("wait", [Client.recv, Client.ping, Client.close])
def test_so_do_calls_on_a_connection_that_was_opened_without_holding_the_loop(wait):
    async def cell():
        async with on_this_loop() as url:
            with Client() as client:
                await asyncio.to_thread(client.connect, url)
                with pytest.raises(LoopHeld):
                    wait(client)
                await asyncio.to_thread(client.close)

    asyncio.run(cell())


@pytest.mark.parametrize(
    ("bound", "asked", "held"),
    [
        ("127.0.0.1", "localhost", True),
        ("0.0.0.0", "127.0.0.1", True),
        ("::1", "[::1]", True),
        ("127.0.0.1", "127.0.0.2", False),
        ("127.0.0.1", "another.example", False),
    ],
)
def test_it_is_said_of_the_host_that_is_meant(bound, asked, held):
    async def cell():
        async with serve(echo, bound, 0) as server:
            port = server.sockets[0].getsockname()[1]
            where = Address.parse(f"ws://{asked}:{port}/")
            with pytest.raises(LoopHeld) if held else contextlib.nullcontext():
                held_loop.refuse(where, "connect")

    asyncio.run(cell())


def test_a_slow_server_elsewhere_at_the_same_port_is_not_meant():
    with socket.create_server(("127.0.0.2", 0)) as slow:  # it accepts, and never answers
        port = slow.getsockname()[1]

        async def cell():
            async with serve(echo, "127.0.0.1", port):
                with pytest.raises(ConnectTimedOut):
                    connect(f"ws://127.0.0.2:{port}/", open_timeout=0.6)

        asyncio.run(cell())


def test_a_tap_before_the_server_changes_nothing():
    async def cell():
        async with on_this_loop() as url:
            port = url.split(":")[-1].strip("/")
            with (
                Tap(url, Capture(), name="before") as tap,
                pytest.raises(LoopHeld, match=port),
            ):
                connect(tap.url)

    asyncio.run(cell())


def test_what_it_says_works():
    async def cell():
        async with on_this_loop() as url:
            client = await asyncio.to_thread(connect, url)
            await asyncio.to_thread(client.send, "Hello")
            assert await asyncio.to_thread(client.recv) == "Hello"
            await asyncio.to_thread(client.close)

    asyncio.run(cell())


def test_a_server_on_another_thread_is_not_meant():
    async def cell():
        async with on_this_loop():  # another one, on this loop
            with EchoServer("elsewhere") as server, connect(server.url) as client:
                client.send("Hello")
                assert client.recv() == "Hello"
                with pytest.raises(TimeoutError):
                    client.recv(timeout=0.5)

    asyncio.run(cell())
