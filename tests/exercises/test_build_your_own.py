"""A learner's server on streams: cut bytes, loops without an end, and who is to blame."""

from __future__ import annotations

import asyncio
import contextlib
import socket

import pytest

from wslab.exercises import build_your_own as checks
from wslab.exercises import learner_server, reference_server
from wslab.exercises.learner_server import StreamServer
from wslab.exercises.time_limit import TimeIsUp


@pytest.fixture(autouse=True)
def a_new_ladder(monkeypatch):
    monkeypatch.setattr(checks.ladder, "yours", {})
    monkeypatch.setattr(checks.ladder, "tried", {})


def ask(server: StreamServer, data: bytes) -> bytes:
    with socket.create_connection(("127.0.0.1", server.port), 10) as client:
        client.sendall(data)
        client.shutdown(socket.SHUT_WR)
        return b"".join(iter(lambda: client.recv(100), b""))


def test_bytes_come_in_the_pieces_that_were_asked_for():
    pieces = []

    async def talk(reader, writer):
        while data := await reader.read(100):
            pieces.append(data)
        writer.write(b"all")

    with StreamServer(talk, delivery=2) as server:
        assert ask(server, b"Hello") == b"all"
    assert pieces == [b"He", b"ll", b"o"]


async def loops(reader, writer):
    data = await reader.read(1)
    while data == b"x":
        pass
    writer.write(b"fine")


def test_a_loop_without_an_end_is_stopped_and_the_server_goes_on(monkeypatch):
    monkeypatch.setattr(learner_server, "HELD_UP", 0.3)
    with StreamServer(loops) as server:
        assert ask(server, b"x") == b""
        assert ask(server, b"y") == b"fine"
    assert [type(fault) for fault in server.faults] == [TimeIsUp]


def test_what_never_ends_but_lets_others_run_ends_with_the_server():
    async def waits(reader, writer):
        while True:  # noqa: ASYNC110 (that is the mistake)
            await asyncio.sleep(0)

    with (
        StreamServer(waits) as server,
        socket.create_connection(("127.0.0.1", server.port), 10) as client,
    ):
        server.stop()
        with contextlib.suppress(ConnectionResetError):
            assert client.recv(1) == b""
    assert not server._thread.is_alive()


def test_code_that_leaves_python_leaves_its_connection_only():
    async def leaves(reader, writer):
        raise SystemExit(3)

    with StreamServer(leaves) as server:
        ask(server, b"")
        ask(server, b"")
    assert [type(fault) for fault in server.faults] == [SystemExit] * 2


def test_who_waits_for_ever_is_told_so(monkeypatch):
    monkeypatch.setattr(checks, "SOON", 0.3)

    async def read_head(reader):
        while True:  # noqa: ASYNC110
            await asyncio.sleep(0.01)

    verdict = checks.check_read_head(read_head)
    assert "it waits for what never comes, or is in a loop (with await in it)" in verdict.text


def test_who_sends_for_ever_is_told_so(monkeypatch):
    monkeypatch.setattr(checks, "_MOST", 2**16)

    async def close(payload, send):
        while True:
            await send(8, payload)

    assert "no end within" in checks.check_close(close).text


def test_a_fault_of_an_earlier_function_is_not_blamed_on_a_right_one():
    async def read_payload(reader, head):
        payload = await reference_server.read_payload(reader, head)
        return payload.replace(b"Hel", b"Hal")

    async def messages(frames, send):
        async for message in reference_server.messages(frames, send):
            yield message

    checks.ladder.yours["read_payload"] = read_payload
    verdict = checks.check_messages(messages)
    assert not verdict
    assert "messages is right, but not together with your read_payload" in verdict.text
    assert "messages" not in checks.ladder.yours
    checks.ladder.yours.clear()
    assert checks.check_messages(messages)
    assert checks.ladder.messages is messages


def test_the_ladder_knows_its_rungs_only():
    assert sum(checks.RUNGS.values(), ()) == tuple(checks.CHECKS)
    with pytest.raises(AttributeError, match=r"expected one of answer, accept, .*, got 'serve'"):
        checks.ladder.serve  # noqa: B018
    assert "none yet" in repr(checks.ladder)


def test_the_catalogue_is_large():
    assert sum(len(check.mistakes) for check in checks.CHECKS.values()) >= 80
