"""One feed in five ways, and an answer word by word in two: real servers and clients, and a tap."""

from __future__ import annotations

import pytest

from wslab.net import Tap, loop
from wslab.net.feeds import CLIENTS, COOKIE, WAYS, FeedServer, WordServer, ask_for_words, run_way
from wslab.wire import Capture

LINE = len(f"Cookie: {COOKIE}\r\n")


@pytest.fixture(scope="module")
def runs():
    """Each way once: 20 messages in half a second."""
    capture = Capture()
    with FeedServer("feed") as server, Tap(server.port, capture) as tap:
        url = f"http://127.0.0.1:{tap.port}/"
        found = {
            way: run_way(server, url, capture, way, rate=40, seconds=0.5, interval=0.2)
            for way in WAYS
        }
    assert not loop.tasks()
    return found


@pytest.mark.parametrize("way", WAYS)
def test_every_message_arrives_once_and_in_order(runs, way):
    received = runs[way].received
    numbers = [one.message.number for one in received]
    assert numbers == list(range(numbers[0], numbers[0] + 20))
    assert [one.message.text for one in received] == [f"news {n}" for n in range(1, 21)]
    assert all(one.after > 0 for one in received)


def test_who_polls_asks_again_and_again_and_each_request_brings_its_head(runs):
    requests = {way: run.traffic.requests for way, run in runs.items()}
    once = ("server-sent events", "streamed fetch", "WebSocket")
    assert [requests[way] for way in once] == [1, 1, 1]
    assert 2 <= requests["polling"] <= 20
    assert requests["long polling"] > requests["polling"]
    for way, run in runs.items():
        assert run.traffic.cookies == LINE * requests[way]
        assert len(run.connections) == 1
    most, least = runs["long polling"].traffic, runs["WebSocket"].traffic
    assert most.head > 5 * least.head


def test_what_crossed_is_counted_to_the_byte(runs):
    """Frames of a server have 2 bytes of header, up to 125 bytes of payload."""
    socket, stream = runs["WebSocket"], runs["streamed fetch"]
    said = sum(len(one.message.as_json()) for one in socket.received)
    closing = 2 * 2 + 4  # two close frames, one of them masked; their two bytes each are payload
    assert socket.traffic.framing == 2 * 20 + closing
    assert socket.traffic.bytes == socket.traffic.head + said + socket.traffic.framing + 2 * 2
    said = sum(len(one.message.as_json()) + 1 for one in stream.received)
    assert stream.traffic.framing == 20 * len("4f\r\n\r\n")
    assert stream.traffic.bytes == stream.traffic.head + said + stream.traffic.framing


def test_a_quiet_feed_costs_a_poller_and_nobody_else():
    capture = Capture()
    with FeedServer("quiet") as server, Tap(server.port, capture) as tap:
        url = f"http://127.0.0.1:{tap.port}/"
        quiet = {
            way: run_way(server, url, capture, way, rate=0, seconds=0.5, interval=0.01)
            for way in WAYS
        }
    assert all(run.received == () for run in quiet.values())
    assert quiet["polling"].traffic.requests >= 2
    assert all(quiet[way].traffic.requests == 1 for way in WAYS if way != "polling")
    assert not loop.tasks()


@pytest.mark.parametrize("way", CLIENTS)
@pytest.mark.parametrize("stops", [False, True])
def test_cancelling_and_resuming(way, stops):
    """To leave is all that SSE can do, and a break looks the same: it is one or the other."""
    with WordServer("words", rate=200, stops=stops) as server, Tap(server.port, Capture()) as tap:
        told = ask_for_words(server, f"http://127.0.0.1:{tap.port}/", way, tap.cut)
    assert 0 < told.first_word < 5
    cannot_tell = way == "server-sent events" and not stops
    assert (told.made_in_vain > 5) == cannot_tell
    assert told.doubled == 0
    assert (told.lost > 0) == stops
    assert not loop.tasks()
