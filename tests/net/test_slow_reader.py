"""Where bytes wait for a slow reader, against a count of our own; and who waits for whom."""

from __future__ import annotations

import json
import socket

import pytest

from wslab.net import Client, buffers
from wslab.net.trials import (
    MESSAGE_SIZE,
    SENDERS,
    SlowReader,
    TokenBucket,
    WorkingServer,
    measure_fairness,
    measure_sender,
)
from wslab.net.trials.slow_reader import FRAME, SMALL

JUST, EMPTY, LIMIT, AWAIT = SENDERS


@pytest.fixture
def server():
    with SlowReader(rate=1000.0) as server:
        yield server


def test_what_the_systems_say_is_what_left_one_library_and_has_not_come_to_the_other(server):
    looks = []
    sent = measure_sender(server, AWAIT, messages=300, on_look=looks.append)
    assert sent.arrived == 300
    full = [look for look in looks if look.sender_library]
    assert full
    if not buffers.IS_TOLD:
        assert {look.sender_system for look in looks} == {None}
        return
    for look in looks:
        # A header that the reader's library has taken, without its payload: it counts in neither.
        assert look.systems - look.sender_system - look.reader_system in (0, FRAME - MESSAGE_SIZE)
    assert max(look.reader_system for look in full) <= 4 * SMALL


def test_the_reader_that_reads_nothing_keeps_it_all_waiting_and_the_sender_is_stopped():
    with SlowReader(rate=0.0) as server:
        looks = []
        sent = measure_sender(server, AWAIT, seconds=0.5, on_look=looks.append)
    assert sent.arrived == 0
    assert sent.ending == "stopped after 0.5 s"
    last = looks[-1]
    assert last.sender_library > 2**15
    assert last.reader_library > 15 * MESSAGE_SIZE
    assert "stopped after 0.5 s" in repr(sent)


def test_a_sender_that_nobody_knows_is_refused(server):
    with pytest.raises(KeyError):
        measure_sender(server, "by post")


def test_a_report_that_is_none_is_left_out(server):
    with Client(server.url, name="reports").connect() as client:
        for report in ("Hello", "[1]", '{"most": null}', '{"offered": "x"}', "[" * 5000):
            client.send(report)
        client.send(json.dumps({"sender": "x" * 100, "offered": 2, "most": 3}))
    server.stop()
    (report,) = server.reports
    assert (report.sender, report.offered, report.most) == ("x" * 60, 2, 3)


def test_a_closed_socket_tells_nothing_and_small_buffers_are_small():
    with socket.socket() as one:
        before = one.getsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF)
        buffers.shrink(one, send=4096, receive=4096)
        assert one.getsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF) < before
    assert buffers.not_sent(one) is None
    assert buffers.not_read(one) is None


def test_what_has_arrived_and_was_not_read_is_counted():
    with (
        socket.create_server(("127.0.0.1", 0)) as listening,
        socket.create_connection(listening.getsockname()) as client,
        listening.accept()[0] as accepted,
    ):
        client.sendall(b"Hello")
        accepted.recv(1, socket.MSG_PEEK)  # waits until it is there, and takes nothing
        assert buffers.not_read(accepted) == (5 if buffers.IS_TOLD else None)
        assert buffers.not_sent(client) == (0 if buffers.IS_TOLD else None)


def test_a_bucket_pays_for_time_and_for_nothing_else():
    bucket = TokenBucket(rate=2, burst=3)
    assert [bucket.take(10.0) for _ in range(4)] == [True, True, True, False]
    assert [bucket.take(10.5) for _ in range(2)] == [True, False]
    assert [bucket.take(99.0) for _ in range(4)] == [True, True, True, False]


def test_a_bucket_stops_the_fast_client_and_spares_the_quiet_one():
    with WorkingServer("works") as open_to_all:
        crowded = measure_fairness(open_to_all, open_to_all.url)
    with WorkingServer("works", lambda: TokenBucket(50, 20)) as guarded_server:
        guarded = measure_fairness(guarded_server, guarded_server.url)
    assert (crowded.code, guarded.code) == (None, 1008)
    assert crowded.worked > 10 * guarded.worked
    assert crowded.worst > 2 * guarded.worst
