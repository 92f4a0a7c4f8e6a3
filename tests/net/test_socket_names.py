"""A tap learns the names of this process's clients, and of no others; no byte changes for it."""

import asyncio
import socket
import time
from contextlib import ExitStack

import pytest

from wslab.net import Client, HandshakeFailed, loop, socket_names
from wslab.net.cases import meet
from wslab.net.clients import RawClient, opening_request
from wslab.net.servers import ChatServer
from wslab.net.tap import Tap


def head_without_key(capture, connection):
    head, _, _ = capture.stream(connection, "client").partition(b"\r\n\r\n")
    lines = head.split(b"\r\n")
    return sorted(line for line in lines if not line.startswith(b"Sec-WebSocket-Key"))


def test_each_connection_has_the_name_of_its_client(lab):
    with (
        Client(lab.tap.url, name="Ada").connect() as ada,
        Client(lab.tap.url, name="a client of mine", wire_name="cell 4").connect() as second,
        RawClient(lab.tap.url, wire_name="by hand") as raw,
    ):
        raw.send(opening_request(raw.address))
        assert raw.read_head().startswith(b"HTTP/1.1 101 ")
        assert lab.capture.labels() == {1: "#1 Ada", 2: "#2 cell 4", 3: "#3 by hand"}
        ada.connect()
        assert lab.capture.label(4) == "#4 Ada"
        assert second.state == "OPEN"
    silent = RawClient(lab.tap.url, wire_name="says nothing").connect().upgrade()
    assert lab.capture.label(5) == "#5 says nothing"
    silent.stop()


def test_a_name_changes_no_byte(lab):
    for name in ("Ada", "Grace"):
        Client(lab.tap.url, name=name).connect().close()
    assert head_without_key(lab.capture, 1) == head_without_key(lab.capture, 2)
    assert b"Ada" not in lab.capture.stream(1, "client")


def test_a_client_that_is_refused_is_named_too(lab):
    lab.server.allowed_origins = {"https://school.example"}
    with pytest.raises(HandshakeFailed):
        Client(lab.tap.url, name="Mallory").connect(origin="https://evil.example")
    assert lab.capture.label(1) == "#1 Mallory"


def test_a_socket_of_another_program_gets_no_name(lab):
    with socket.create_connection(("127.0.0.1", lab.tap.port), 5) as other:
        other.sendall(opening_request(RawClient(lab.tap.url).address))
        assert other.recv(12) == b"HTTP/1.1 101"
        assert lab.capture.label(1) == "#1"


def test_a_port_that_is_used_again_does_not_inherit_its_name(lab):
    with ExitStack() as stack:
        # Two sockets share the port, so that no other process can take it in between.
        first, second = (stack.enter_context(socket.socket()) for _ in range(2))
        port = 0
        for one in (first, second):
            for option in ("SO_REUSEADDR", "SO_REUSEPORT"):
                if hasattr(socket, option):
                    one.setsockopt(socket.SOL_SOCKET, getattr(socket, option), 1)
            one.bind(("127.0.0.1", port))
            port = one.getsockname()[1]
        first.connect(("127.0.0.1", lab.tap.port))
        writer = loop.run(_opened(first, "Ada"), 5)
        assert lab.capture.wait_until(lambda: lab.capture.label(1) == "#1 Ada", 5)
        lab.tap.cut(hard=True)  # no TIME_WAIT: the port is free at once
        with pytest.raises(ConnectionResetError):
            loop.run(writer.wait_closed(), 5)
        second.settimeout(5)
        second.connect(("127.0.0.1", lab.tap.port))
        second.sendall(opening_request(RawClient(lab.tap.url).address))
        assert second.recv(12) == b"HTTP/1.1 101"
        assert lab.capture.label(2) == "#2"
        socket_names.forget(writer.transport)


async def _opened(sock, name):
    _, writer = await asyncio.open_connection(sock=sock)
    socket_names.tell(writer.transport, name)
    return writer


def test_guests_with_hostile_names_are_shown_safely(capture):
    with ChatServer("names") as room, Tap(room.url, capture) as tap:
        for name in ("Bin", "Reverse\u202e", "Nul\x00"):
            meet(name, tap.url)
    assert capture.labels() == {1: "#1 Bin", 2: r"#2 Reverse\u202e", 3: r"#3 Nul\x00"}


def test_what_has_no_name_of_its_own_gets_the_one_that_the_server_knows(capture):
    before = loop.run(_remembered(), 5)
    with ChatServer("names") as room, Tap(room.url, capture) as tap:
        address = RawClient(f"{tap.url}?name=Ada").address
        with (
            socket.create_connection((address.host, address.port), 5) as other,
            Client(f"{tap.url}?name=Ada", name="a client of mine") as client,
        ):
            other.sendall(opening_request(address))
            assert capture.wait_until(lambda: capture.label(1) == "#1 Ada", 5)
            client.connect()
            assert "Ada (2)" in client.recv(5)
            assert capture.label(2) == "#2 a client of mine"
    assert loop.run(_remembered(), 5) <= before


def test_nothing_is_remembered_when_all_is_over(lab):
    before = loop.run(_remembered(), 5)
    Client(lab.tap.url, name="Ada").connect().close()
    Client(lab.server.url, name="not through the tap").connect().close()
    with RawClient(lab.tap.url) as raw:
        raw.send(b"GET / HTTP/1.1\r\n")
    lab.tap.stop()
    deadline = time.monotonic() + 5
    while not loop.run(_remembered(), 5) <= before:
        assert time.monotonic() < deadline


async def _remembered():
    return {*socket_names._names, *socket_names._asking}
