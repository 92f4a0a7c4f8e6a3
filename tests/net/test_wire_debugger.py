"""The debugger in the tap: hold, step, change, end; and the traffic is never worse for a fault."""

from __future__ import annotations

import asyncio
import socket
import struct
import threading
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from wslab.net import (
    EchoServer,
    NotConnected,
    NotHeld,
    Tap,
    TimedOut,
    WrongRule,
    WrongValue,
    connect,
    loop,
    stop_all,
)
from wslab.net.clients import RawClient
from wslab.net.tap import gate, relay
from wslab.net.tap.assembler import LARGEST, UnitAssembler
from wslab.net.tap.rules import Rule
from wslab.net.tap.settings import Settings
from wslab.wire import Capture, Opcode, encode_frame, load, save

from .conftest import PATIENCE, Lab
from .test_tap import (
    ILLEGAL,
    Streams,
    Upstream,
    chunk,
    joined,
    send_all,
    until,
    upstream,
    within,
)

__all__ = ["upstream"]  # a fixture


class Watch:
    """Waits until something is so, woken by the capture and by the debugger, not by the clock."""

    def __init__(self, lab: Lab) -> None:
        self.changed = threading.Condition()
        lab.capture.subscribe(self.wake)
        lab.tap.subscribe(self.wake)
        self.tap, self.capture = lab.tap, lab.capture

    def wake(self) -> None:
        with self.changed:
            self.changed.notify_all()

    def until(self, condition: Callable[[], bool]) -> None:
        deadline = time.monotonic() + PATIENCE
        with self.changed:
            while not condition():
                # In slices: a connection's end on the loop thread may have nobody to tell.
                assert self.changed.wait(min(0.05, deadline - time.monotonic())) or (
                    time.monotonic() < deadline
                )

    def waiting(self, count: int) -> None:
        self.until(lambda: self.tap.status()["waiting"] >= count)

    @property
    def marks(self) -> list[str]:
        """What was done to each frame, times left out."""
        rows = [row for row in self.capture.index.rows() if row.kind not in HEADS]
        return [row.mark.replace("0.0 s", "").strip() for row in rows]


Pair = tuple[Streams, Streams]

HEADS = ("request", "response")
HELLO = encode_frame(1, b"Hello")


@pytest.fixture
def watch(lab):
    return Watch(lab)


@pytest.fixture
def client(lab):
    with connect(lab.tap.url) as client:
        yield client
        lab.tap.disarm()


def test_a_tap_has_the_controls_of_its_debugger(lab):
    assert lab.tap.hold == lab.tap.debugger.hold
    assert {"hold", "held", "connections"} <= set(dir(lab.tap)), "for the Tab key"
    with pytest.raises(AttributeError, match="hodl"):
        _ = lab.tap.hodl


def test_taps_that_share_a_debugger_are_held_together(lab, watch):
    with (
        Tap(lab.server.port, lab.capture, name="second", debugger=lab.tap.debugger) as second,
        connect(lab.tap.url) as one,
        connect(second.url) as two,
    ):
        lab.tap.hold("client")
        one.send("1")
        two.send("2")
        watch.waiting(2)
        assert {frame.connection for frame in second.held} == {1, 2}
        second.resume()
        assert [one.recv(), two.recv()] == ["1", "2"]
    assert lab.tap.debugger.attached == [lab.tap._relays]


# --- Hold and step


def test_what_is_held_is_recorded_and_visible_and_not_delivered(lab, client, watch):
    lab.tap.hold()
    client.send("one")
    client.send("two")
    watch.waiting(2)
    assert [frame.payload for frame in lab.tap.held] == [b"one", b"two"]
    assert watch.marks == ["held", "held"]
    assert lab.capture.delivered(1, "client") == lab.capture.sent(1, "client")[: -2 * 9]
    with pytest.raises(TimedOut):
        client.recv(timeout=0.05)
    lab.tap.resume()
    assert [client.recv(), client.recv()] == ["one", "two"]
    assert lab.capture.delivered(1, "client") == lab.capture.sent(1, "client")
    assert all(relay.gate is None for relay in lab.tap._relays), "a plain relay again"


def test_step_delivers_one_at_a_time_the_oldest_first(lab, client, watch):
    lab.tap.hold("client")
    for text in ("one", "two"):
        client.send(text)
    watch.waiting(2)
    assert lab.tap.step().payload == b"one"
    assert client.recv() == "one"
    assert lab.tap.step().payload == b"two"
    assert client.recv() == "two"
    assert lab.tap.step() is None


@pytest.mark.parametrize("armed", ["hold", "rule"])
def test_what_is_too_large_to_be_held_passes_and_it_is_said(armed):
    with EchoServer(max_size=None) as server, Tap(server.port, Capture()) as tap:
        watch = Watch(Lab(server, tap, tap.capture))
        with connect(tap.url, max_size=None) as client:
            if armed == "hold":
                tap.hold("client")
            else:
                tap.add_rule("drop every client frame")
            assert tap.status()["passed"] == ""
            client.send(bytes(LARGEST + 1))
            assert client.recv() == bytes(LARGEST + 1)
            assert f"a frame of {LARGEST + 15:,} bytes from the client was not" in repr(tap.log)
            assert tap.status()["passed"] in repr(tap.log)
            assert "sent in fragments it can be held" in tap.status()["passed"]
            row = next(row for row in watch.capture.index.rows() if row.kind == "binary")
            (event,) = watch.capture.index.marks(row.number)
            assert (event.name, event.note) == ("delivered", "over 16 MiB: it passes as it comes")
            assert watch.capture.delivered(1, "client") == watch.capture.sent(1, "client")
            client.send("small")
            watch.until(lambda: bool(watch.marks[-1]))
            assert watch.marks[-1] == ("held" if armed == "hold" else "dropped")
            tap.disarm()
            assert tap.status()["passed"] == ""


def test_deliver_all_goes_on_holding(lab, client, watch):
    lab.tap.hold("client")
    client.send("one")
    watch.waiting(1)
    assert lab.tap.deliver_all() == 1
    assert client.recv() == "one"
    client.send("two")
    watch.waiting(1)
    assert lab.tap.is_holding


def test_the_handshake_can_be_held_too(lab, watch):
    lab.tap.hold("server")
    done = threading.Thread(target=lambda: outcome.append(connect(lab.tap.url)))
    outcome: list = []
    done.start()
    watch.waiting(1)
    assert lab.tap.held[0].kind == "response"
    assert lab.capture.index.rows()[1].mark == "held"
    lab.tap.resume()
    done.join(PATIENCE)
    assert outcome[0].state == "OPEN"
    outcome[0].stop()


@pytest.mark.parametrize("cut", [4, 12, 20, 50])
def test_a_connection_is_joined_within_a_line_of_its_answer(upstream, cut):
    answer, frame = b"HTTP/1.1 101 Switching Protocols\r\nSet-Cookie: secret\r\n\r\n", HELLO
    capture = Capture()
    with Tap(upstream.port, capture) as tap:

        async def exchange() -> None:
            async with joined(tap, upstream) as (client, server):
                server[1].write(answer[:cut])
                await client[0].readexactly(cut)
                await until(lambda: capture.size(1, "server") == cut)
                await asyncio.to_thread(tap.hold)
                server[1].write(answer[cut:] + frame)
                await until(lambda: tap.status()["waiting"] == 1)
                (held,) = await asyncio.to_thread(lambda: tap.held)
                assert (held.kind, held.data) == ("text", frame)
                await asyncio.to_thread(tap.resume)
                assert (
                    await client[0].readexactly(len(answer + frame) - cut) == (answer + frame)[cut:]
                )

        within(exchange)
        assert [row.kind for row in capture.index.rows()] == ["response", "text"]
        assert b"secret" not in capture.stream(1, "server")


def test_one_connection_is_held_and_another_is_not(lab, watch):
    with connect(lab.tap.url) as first, connect(lab.tap.url) as second:
        lab.tap.hold(connection=1)
        first.send("waits")
        second.send("passes")
        assert second.recv() == "passes"
        watch.waiting(1)
        lab.tap.resume(1)
        assert first.recv() == "waits"
        assert not lab.tap.is_armed


@pytest.mark.parametrize(("stop", "go_on"), [("hold", "resume"), ("freeze", "thaw")])
def test_of_all_that_is_stopped_one_connection_can_go_on(lab, watch, stop, go_on):
    with connect(lab.tap.url) as first, connect(lab.tap.url) as second:
        getattr(lab.tap, stop)()
        first.send("waits")
        watch.waiting(1)
        getattr(lab.tap, go_on)(1)
        assert first.recv() == "waits"
        first.send("passes")
        assert first.recv() == "passes"
        (relay,) = [relay for relay in lab.tap._relays if relay.number == 1]
        assert relay.gate is None, "a plain relay again"
        second.send("waits")
        watch.waiting(1)
        with pytest.raises(TimedOut):
            second.recv(timeout=0.02)
        getattr(lab.tap, stop)()  # and now it is among all again
        first.send("waits too")
        watch.waiting(2)
        getattr(lab.tap, go_on)()
        assert [first.recv(), second.recv()] == ["waits too", "waits"]
        assert not lab.tap.is_armed


# --- One frame


def test_a_frame_is_dropped_duplicated_and_edited(lab, client, watch):
    lab.tap.hold("client")
    for text in ("one", "two", "three"):
        client.send(text)
    watch.waiting(3)
    first, second, third = lab.tap.held
    lab.tap.drop(first)
    lab.tap.duplicate(second)
    lab.tap.edit(third, "3")
    lab.tap.resume()
    assert [client.recv() for _ in range(3)] == ["two", "two", "3"]
    words = [row.mark for row in lab.capture.index.rows()[2:5]]
    assert "dropped" in words[0]
    assert "duplicated" in words[1]
    assert "edited" in words[2]
    sent = lab.capture.sent(1, "client")
    assert b"three" not in sent  # masked
    assert len(lab.capture.delivered(1, "client")) == len(sent) - 9 + 9 - 4


def test_any_bit_of_the_header_can_be_edited(lab, client, watch):
    lab.tap.hold("client")
    client.send("Hello")
    watch.waiting(1)
    frame = lab.tap.edit(rsv1=True, fin=False, opcode=Opcode.BINARY, masked=False)
    assert frame.data == encode_frame(2, b"Hello", rsv1=True, fin=False)
    assert frame.sent != frame.data
    lab.tap.edit(data=b"\x88\x00")
    assert lab.tap.held[0].kind == "close"
    lab.tap.drop()


def test_a_frame_is_named_by_its_row_and_may_overtake_another(lab, client, watch):
    lab.tap.hold("client")
    client.send("first")
    client.send("second")
    watch.waiting(2)
    rows = [row.number for row in lab.capture.index.rows() if row.mark == "held"]
    lab.tap.deliver(rows[1])
    assert client.recv() == "second"
    lab.tap.deliver(rows[0])
    assert client.recv() == "first"
    with pytest.raises(NotHeld, match=f"row {rows[0]} does not wait at the tap"):
        lab.tap.drop(rows[0])


def test_a_delayed_frame_goes_by_itself_and_those_behind_it_after_it(lab, client, watch):
    lab.tap.add_rule("delay the 1st client text by 50 ms")
    client.send("late")
    client.send("behind")
    assert [client.recv(), client.recv()] == ["late", "behind"]
    assert lab.capture.index.rows()[2].mark == "delayed 0.1 s"


@pytest.mark.parametrize("key", ["step", "deliver", "deliver_all", "drop"])
def test_what_follows_a_delayed_frame_does_not_wait_for_it_once_that_is_gone(
    lab, client, watch, key
):
    lab.tap.add_rule("delay the 1st client text by 3600 s")
    client.send("late")
    watch.waiting(1)
    getattr(lab.tap, key)()
    assert key == "drop" or client.recv() == "late"
    client.send("next")
    assert client.recv() == "next"


@pytest.mark.parametrize("direction", ["client", "server"])
def test_a_frame_is_injected_in_either_direction(lab, client, direction):
    client.send("before")
    assert client.recv() == "before"
    lab.tap.inject("from nowhere", direction)
    assert client.recv() == "from nowhere"  # a client's comes back as an echo
    injected = next(row for row in lab.capture.index.rows() if row.mark == "injected")
    assert (injected.direction, injected.broken) == (direction, False)
    assert b"nowhere" not in lab.capture.sent(1, "server" if direction == "server" else "client")
    client.send("after")
    assert client.recv() == "after"


def test_an_injected_frame_overtakes_what_is_held(lab, client, watch):
    lab.tap.hold("server")
    client.send("held")
    watch.waiting(1)
    lab.tap.inject("now")
    assert client.recv() == "now"
    lab.tap.inject(raw=encode_frame(9, b"?"))
    lab.tap.resume()
    assert client.recv() == "held"


def test_errors_say_what_was_expected(lab, client):
    for wrong, error, says in [
        (lambda: lab.tap.drop(), NotHeld, "nothing waits at the tap: hold"),
        (lambda: lab.tap.hold("both"), WrongValue, "expected 'client' or 'server'"),
        (lambda: lab.tap.add_rule("drp every pong"), WrongRule, "did you mean 'drop'"),
        (lambda: lab.tap.add_rule(7), WrongValue, "a rule as text, a Rule or a function"),
        (lambda: lab.tap.inject("x", connection=9), NotHeld, "no open connection #9"),
        (lambda: lab.tap.inject(b"x" * 200, opcode=99), WrongValue, "opcode from 0 to 15"),
        (lambda: lab.tap.slow(0), WrongValue, "more than 0 bytes a second"),
        (lambda: lab.tap.slow("x"), WrongValue, "more than 0 bytes a second, got 'x'"),
        (lambda: lab.tap.slow(jitter="x"), WrongValue, "jitter from 0 to 3600 seconds, got 'x'"),
        (lambda: lab.tap.inject("x", None), WrongValue, "'client' or 'server', .* got None"),
        (lambda: lab.tap.half_close(None), WrongValue, "'client' or 'server', .* got None"),
        (lambda: lab.tap.inject(raw="abc"), WrongValue, "raw as bytes, .* got 'abc'"),
        (lambda: lab.tap.inject(masking_key="abcd"), WrongValue, "masking_key as bytes"),
        (lambda: lab.tap.slow(latency=-1), WrongValue, "latency from 0 to 3600"),
        (lambda: lab.tap.cut(7), NotHeld, "no open connection #7"),
        (lambda: lab.tap.hold(connection=99), NotHeld, "no open connection #99"),
        (lambda: lab.tap.freeze(connection=99), NotHeld, "no open connection #99"),
        (lambda: lab.tap.slow(9, connection=99), NotHeld, "no open connection #99"),
        (lambda: lab.tap.hold(connection="1"), WrongValue, "a connection's number, .* got '1'"),
        (lambda: lab.tap.resume("1"), WrongValue, "a connection's number, .* got '1'"),
        (lambda: lab.tap.remove_rule("x"), NotHeld, "the rules are: none"),
    ]:
        with pytest.raises(error, match=says):
            wrong()
    assert not lab.tap.is_armed


def test_a_connection_has_the_name_that_views_show(lab, watch):
    with connect(lab.tap.url, name="Ada") as ada:
        lab.tap.freeze("client")
        ada.send("Hello")
        watch.waiting(1)
        assert repr(lab.tap.held) == "[<text client → server, 11 bytes, connection #1 Ada>]"
        with pytest.raises(NotHeld, match="what the client sends on connection #1 Ada is frozen"):
            lab.tap.deliver()
        lab.tap.thaw()
        assert ada.recv() == "Hello"
    with RawClient(lab.tap.url, wire_name="Mallory") as raw:
        raw.send(b"GET / HTTP/1.1\r\n")
        assert lab.capture.wait_until(lambda: lab.capture.stream(2, "client"), 5)
        with pytest.raises(NotHeld, match="connection #2 Mallory speaks HTTP still"):
            lab.tap.inject("too early", connection=2)
    assert lab.capture.wait_until(lambda: not lab.tap.connections, 5)
    with pytest.raises(NotHeld, match="there is no open connection #1 Ada at the tap"):
        lab.tap.hold(connection=1)


def test_an_edit_that_makes_no_frame_is_refused_and_the_frame_waits_on(lab, client, watch):
    lab.tap.hold("client")
    client.send("Hello")
    watch.waiting(1)
    with pytest.raises(WrongValue, match="lone surrogate"):
        lab.tap.edit(payload="\ud800")
    with pytest.raises(WrongValue, match="does not fit the 7-bit form"):
        lab.tap.edit(payload="x" * 200, length_form=7)
    for changes, says in [
        ({"data": "abc"}, "data as bytes, .* got 'abc'"),
        ({"masking_key": "abcd"}, "masking_key as bytes, .* got 'abcd'"),
        ({"masking_key": b"abc"}, "a masking key of 4 bytes"),
        ({"opcode": "1"}, "opcode as a whole number, got '1'"),
        ({"announced_length": "5"}, "announced_length as a whole number"),
    ]:
        with pytest.raises(WrongValue, match=says):
            lab.tap.edit(**changes)
    with pytest.raises(WrongValue, match="expected 0 to 86400 seconds"):
        lab.tap.delay(seconds="x")
    assert lab.tap.held[0].payload == b"Hello"
    assert lab.tap.held[0].data == lab.tap.held[0].sent


def test_what_an_edit_left_too_short_for_a_header_can_be_replaced_as_a_whole(lab, client, watch):
    lab.tap.hold("client")
    client.send("Hello")
    watch.waiting(1)
    lab.tap.edit(data=b"\x81")
    with pytest.raises(WrongValue, match=r"got 81, .* give all its bytes as data"):
        lab.tap.edit(payload="x")
    lab.tap.edit(data=lab.tap.held[0].sent)
    lab.tap.resume()
    assert client.recv() == "Hello"


def test_a_fault_in_one_recording_keeps_no_other_connection_from_being_held(lab, watch):
    with connect(lab.tap.url) as faulty, connect(lab.tap.url) as whole:
        (end,) = [relay.client for relay in lab.tap._relays if relay.number == 1]

        def broken(data: bytes) -> None:
            raise RuntimeError("no room")

        end.record = broken
        faulty.send("x")
        assert faulty.recv() == "x"
        lab.tap.hold()
        assert f"connection #1 {faulty.name} cannot be held from its middle" in repr(lab.tap.log)
        whole.send("waits")
        watch.waiting(1)
        lab.tap.resume()
        assert whole.recv() == "waits"


# --- The connection


def test_a_clean_cut_is_a_fin_for_both_sides(lab, client, watch):
    lab.tap.hold()
    client.send("never arrives")
    watch.waiting(1)
    assert lab.tap.cut() == 1
    with pytest.raises(NotConnected, match="1006"):
        client.recv()
    watch.until(lambda: lab.tap.connections == 0)
    events = [(e.name, e.direction, e.note) for e in lab.capture.events if e.name == "cut"]
    assert events == [("cut", "client", "FIN"), ("cut", "server", "FIN")]
    assert "dropped" in lab.capture.index.rows()[2].mark
    assert [e.name for e in lab.capture.events][-2:].count("reset") == 0


def test_a_hard_cut_is_a_reset(lab, client):
    lab.tap.cut(hard=True)
    with pytest.raises(NotConnected, match="1006"):
        client.recv()
    assert [e.name for e in lab.capture.events][-2:] == ["reset", "reset"]
    assert [e.note for e in lab.capture.events if e.name == "cut"] == ["RST", "RST"]


def test_a_half_closed_direction_ends_and_the_other_goes_on(upstream):
    capture = Capture()
    with Tap(upstream.port, capture) as tap:

        async def exchange() -> tuple[bytes, bytes]:
            async with joined(tap, upstream) as (client, server):
                client[1].write(b"GET / HTTP/1.1\r\n\r\n")
                heard = await server[0].readexactly(18)
                await asyncio.to_thread(tap.half_close, "client")
                assert await server[0].read() == b""
                client[1].write(b"too late")
                server[1].write(b"still here")
                server[1].write_eof()
                return heard, await client[0].read()

        assert within(exchange) == (b"GET / HTTP/1.1\r\n\r\n", b"still here")
        assert list(tap.faults) == []
    assert capture.delivered(1, "client") == b"GET / HTTP/1.1\r\n\r\n"


def test_a_frozen_connection_accepts_everything_and_delivers_nothing(lab, client, watch):
    lab.tap.freeze()
    client.send("into the void")
    watch.waiting(1)
    assert client.state == "OPEN", "nobody has told it"
    with pytest.raises(TimedOut):
        client.ping(timeout=0.05)
    assert lab.tap.step() is None, "what is frozen cannot be stepped"
    assert lab.tap.deliver_all() == 0
    for by_hand in (lab.tap.deliver, lab.tap.duplicate):
        with pytest.raises(NotHeld, match=r"is frozen: thaw\(\) first"):
            by_hand()
    lab.tap.thaw()
    assert client.recv() == "into the void"


def test_the_end_of_a_stream_waits_behind_what_is_frozen(lab, watch):
    with connect(lab.tap.url) as client:
        lab.tap.freeze()
        client.stop()  # gives up after its grace, without an answer
        watch.until(lambda: lab.server.connections == 1)
    assert lab.server.connections == 1, "the server does not know: half open"
    lab.tap.thaw()
    watch.until(lambda: lab.server.connections == 0 and lab.tap.connections == 0)


def test_a_slow_line_keeps_order_and_its_jitter_repeats(lab, client, watch):
    lab.tap.slow(20_000, latency=0.01, jitter=0.01, seed=3)
    started = time.monotonic()
    for number in range(5):
        client.send(f"{number}" + "x" * 100)
    assert [client.recv()[0] for _ in range(5)] == list("01234")
    assert time.monotonic() - started > 0.04
    assert "delayed" in lab.capture.index.rows()[2].mark
    line = lab.tap.settings.line(1, "client")
    assert line.chance.random() != line.chance.random()
    lab.tap.slow()
    assert not lab.tap.is_armed


def test_each_direction_can_be_slow_in_its_own_way(lab, client):
    lab.tap.slow(latency=0.5, direction="client")
    lab.tap.slow(1000, direction="server")
    lines = [lab.tap.settings.line(1, direction) for direction in ("client", "server")]
    assert [(line.speed.latency, line.speed.bytes_per_second) for line in lines] == [
        (0.5, None),
        (0, 1000),
    ]
    lab.tap.slow(direction="client")
    assert lab.tap.settings.line(1, "client") is None
    assert lab.tap.settings.line(1, "server") is lines[1]
    lab.tap.slow()
    assert not lab.tap.is_armed


# --- Rules at work


def test_rules_work_by_themselves(lab, client, watch):
    lab.tap.add_rule("drop every pong")
    lab.tap.add_rule("duplicate the 2nd client text")
    lab.tap.add_rule('edit the 3rd server text to "changed"')
    with pytest.raises(TimedOut):
        client.ping(timeout=0.05)
    client.send("a")
    client.send("b")
    assert [client.recv() for _ in range(3)] == ["a", "b", "changed"]
    words = [row.mark for row in lab.capture.index.rows() if row.mark]
    assert sorted(words) == ["dropped", "duplicated", "edited"]
    notes = {event.note for event in lab.capture.events if event.name == "dropped"}
    assert notes == {"rule: drop every pong"}
    lab.tap.clear_rules()
    client.ping()


def test_of_two_rules_that_change_a_frame_both_count(lab, client, watch):
    lab.tap.add_rule('edit every client text to "AAAA"')
    lab.tap.add_rule("set opcode=2 on every client text")
    lab.tap.add_rule("duplicate every client binary")
    client.send("zz")
    assert [client.recv(), client.recv()] == [b"AAAA", b"AAAA"]


@pytest.mark.parametrize("how", ["rule", "by hand"])
def test_text_takes_the_place_of_what_was_compressed(how):
    with (
        EchoServer(compression="deflate") as server,
        Tap(server.port, Capture()) as tap,
        connect(tap.url, compression="deflate") as client,
    ):
        watch = Watch(Lab(server, tap, tap.capture))
        if how == "rule":
            tap.add_rule('edit every client text to "plain"')
        else:
            tap.hold("client")
        client.send("compressed" * 10)
        if how == "by hand":
            watch.waiting(1)
            assert tap.edit(payload="plain", rsv1=True).data[0] == 0xC1, "as it was named"
            assert tap.edit(payload=b"\0").data[0] == 0xC1, "bytes may be compressed ones"
            tap.edit(payload="plain")
            tap.resume()
        assert client.recv() == "plain"


def test_a_rule_counts_what_an_earlier_one_dropped(lab, client):
    lab.tap.add_rule("drop the 1st client text")
    lab.tap.add_rule('edit the 2nd client text to "second"')
    for text in ("one", "two"):
        client.send(text)
    assert client.recv() == "second"


def test_a_rule_cuts_in_a_frames_place(lab, client):
    lab.tap.add_rule("cut at the 2nd client frame")
    client.send("first")
    assert client.recv() == "first"
    client.send("second")
    with pytest.raises(NotConnected):
        client.recv()


def test_a_rule_is_removed_by_the_text_by_which_it_was_added(lab):
    for text in ("drop  every pong", 'edit every text to "a  b"'):
        lab.tap.add_rule(text)
        lab.tap.remove_rule(text)
    assert lab.tap.rules == []


def test_a_function_as_a_rule_that_fails_lets_the_frame_pass(lab, client):
    def broken(frame):
        raise RuntimeError("a learner's mistake")

    lab.tap.add_rule(broken)
    client.send("x")
    assert client.recv() == "x"
    assert "a learner's mistake" in repr(lab.tap.faults)
    lab.tap.remove_rule(broken)


# --- The recording


@pytest.mark.parametrize("suffix", [".jsonl", ".pcapng", ".har"])
def test_what_was_done_is_in_every_export_and_comes_back(lab, client, watch, tmp_path, suffix):
    lab.tap.hold("client")
    for text in ("held", "edited", "dropped", "twice"):
        client.send(text)
    watch.waiting(4)
    lab.tap.edit(lab.tap.held[1], "changed")
    lab.tap.drop(lab.tap.held[2])
    lab.tap.duplicate(lab.tap.held[2])
    lab.tap.resume()
    assert [client.recv() for _ in range(4)] == ["twice", "held", "changed", "twice"]
    lab.tap.inject("new", "server")
    assert client.recv() == "new"
    lab.tap.cut()
    watch.until(lambda: lab.capture.index.state(1) == "CLOSED")

    loaded = load(save(lab.capture, tmp_path / f"done{suffix}"))
    texts = [[(r.direction, r.preview, r.mark) for r in capture.index.rows() if r.kind == "text"]
             for capture in (loaded, lab.capture)]  # fmt: skip
    assert texts[0] == texts[1]
    words = [mark for _, _, mark in texts[0]]
    assert [mark.rpartition(" held ")[0] or mark.partition(" ")[0] for mark in words] == [
        "held", "edited,", "held", "duplicated,", "", "", "", "", "injected",
    ]  # fmt: skip
    if suffix != ".har":  # its bytes are made up
        for direction in ("client", "server"):
            assert loaded.delivered(1, direction) == lab.capture.delivered(1, direction)
    cuts = [(event.direction, event.note) for event in loaded.events if event.name == "cut"]
    assert cuts == [("client", "FIN"), ("server", "FIN")]
    assert "held" in str(loaded.index.unit(2))


# --- The traffic


@pytest.mark.parametrize("how", ["rule", "slow", "hold and let go"])
def test_armed_the_same_bytes_arrive_at_any_split(upstream, how):
    capture = Capture()
    with Tap(upstream.port, capture) as tap:
        if how == "rule":
            tap.add_rule("drop every request on connection 999999")
        elif how == "slow":
            tap.slow(10**9)

        @settings(max_examples=40, deadline=None, derandomize=True, database=None)
        @given(st.lists(chunk, max_size=6), st.lists(chunk, max_size=6))
        def cross(from_client: list[bytes], from_server: list[bytes]) -> None:
            async def exchange() -> list[bytes]:
                async with joined(tap, upstream) as (client, server):
                    if how == "hold and let go":
                        await asyncio.to_thread(tap.hold)
                    sending = asyncio.gather(
                        send_all(client[1], from_client), send_all(server[1], from_server)
                    )
                    await sending
                    if how == "hold and let go":
                        await asyncio.to_thread(tap.resume)
                    return list(await asyncio.gather(server[0].read(), client[0].read()))

            assert within(exchange) == [b"".join(from_client), b"".join(from_server)]
            number = capture.index.connections[-1]
            for direction, sent in (("client", from_client), ("server", from_server)):
                assert capture.sent(number, direction) == b"".join(sent)
                assert capture.delivered(number, direction) == b"".join(sent)

        cross()
        assert list(tap.faults) == []


FRAMES = [encode_frame(1, b"x%d" % n) for n in range(6)]


@settings(max_examples=40, deadline=None, derandomize=True, database=None)
@given(st.lists(st.sampled_from("sdxceai"), max_size=25), st.integers(0, 1000))
def test_the_recording_says_exactly_what_was_delivered_whatever_was_done(keys, seed):
    # A server sends six frames and half of one; somebody presses keys; the client compares notes.
    capture = Capture()

    async def exchange() -> bytes:
        accepted: asyncio.Queue = asyncio.Queue()
        server = await asyncio.start_server(lambda *both: accepted.put_nowait(both), "127.0.0.1", 0)
        tap = Tap(server.sockets[0].getsockname()[1], capture)
        await asyncio.to_thread(tap.start)
        try:
            reader, writer = await asyncio.open_connection("127.0.0.1", tap.port)
            _, upstream = await accepted.get()
            upstream.write(b"HTTP/1.1 101 Switching Protocols\r\n\r\n")
            await reader.readuntil(b"\r\n\r\n")
            await asyncio.to_thread(tap.hold)
            upstream.write(b"".join(FRAMES) + FRAMES[0][:2])
            await until(lambda: capture.size(1, "server") == 36 + 4 * 6 + 2)
            for place, key in enumerate(keys):
                await asyncio.to_thread(press, tap, key, seed + place)
            await asyncio.to_thread(tap.resume)
            upstream.write(FRAMES[0][2:])
            upstream.close()
            arrived = await reader.read()
            for end in (writer, upstream):
                end.close()
                with suppress(OSError):
                    await end.wait_closed()
        finally:
            await asyncio.to_thread(tap.stop)
            server.close()
            await server.wait_closed()
        assert list(tap.faults) == []
        return arrived

    arrived = asyncio.run(exchange())
    assert capture.delivered(1, "server")[36:] == arrived
    assert capture.sent(1, "server")[36:] == b"".join(FRAMES) + FRAMES[0]


def press(tap: Tap, key: str, seed: int) -> None:
    held = tap.held
    if key == "a":
        tap.deliver_all()
    elif key == "s":
        tap.step()
    elif held:
        frame = held[seed % len(held)]
        match key:
            case "d":
                tap.deliver(frame)
            case "x":
                tap.drop(frame)
            case "c":
                tap.duplicate(frame)
            case "e":
                tap.edit(frame, b"e%d" % seed, rsv2=bool(seed % 2))
            case "i":
                tap.inject(f"injected {seed}")


@pytest.mark.parametrize("where", ["record", "mark", "split"])
def test_a_fault_while_armed_never_disturbs_the_traffic(upstream, where, monkeypatch):
    capture = Capture()

    def broken(*_, **__):
        raise RuntimeError(f"broken at {where}")

    with Tap(upstream.port, capture) as tap:
        tap.add_rule("delay every frame by 1 ms")
        if where == "split":
            monkeypatch.setattr("wslab.net.tap.assembler.UnitAssembler.feed", broken)
        elif where == "record":
            monkeypatch.setattr(capture, "recorder", lambda *_: broken)
        else:
            monkeypatch.setattr(capture, where, broken)
        frames = b"".join([*FRAMES, *ILLEGAL[:5]])

        async def exchange() -> bytes:
            async with joined(tap, upstream) as (client, server):
                server[1].write(b"HTTP/1.1 101 OK\r\n\r\n")
                await asyncio.gather(send_all(server[1], [frames]), asyncio.sleep(0))
                client[1].write_eof()
                return await client[0].read()

        assert within(exchange) == b"HTTP/1.1 101 OK\r\n\r\n" + frames
        assert f"broken at {where}" in repr(tap.faults)


def test_a_reader_that_is_held_up_slows_the_sender_and_the_tap_holds_little(upstream, monkeypatch):
    monkeypatch.setattr(gate, "HOLD_LIMIT", 100_000)
    capture = Capture()
    frame = encode_frame(2, b"x" * 10_000)
    with Tap(upstream.port, capture) as tap:

        async def exchange() -> int:
            async with joined(tap, upstream) as (client, server):
                server[1].write(b"HTTP/1.1 101 OK\r\n\r\n")
                await client[0].readuntil(b"\r\n\r\n")
                await asyncio.to_thread(tap.hold)
                server[1].write(frame * 2000)
                (relay,) = tap._relays
                await until(lambda: not relay.server.transport.is_reading())
                held = relay.gate.lanes["server"].size
                await asyncio.to_thread(tap.resume)
                await client[0].readexactly(len(frame) * 2000)
                return held

        assert within(exchange) < 100_000 + 300_000


EVENTS = b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n"


@pytest.mark.parametrize(
    "begin", [EVENTS + b"\r\n", EVENTS + b"Transfer-Encoding: chunked\r\n\r\n"]
)
def test_a_response_that_goes_on_and_on_is_not_held_up_by_rules_about_frames(upstream, begin):
    event = b"9\r\ndata: 1\n\n\r\n"
    capture = Capture()
    with Tap(upstream.port, capture) as tap:
        tap.add_rule("drop every pong")

        async def exchange() -> None:
            async with joined(tap, upstream) as (client, server):
                client[1].write(b"GET / HTTP/1.1\r\n\r\n")
                await server[0].readexactly(18)
                server[1].write(begin)
                assert await client[0].readexactly(len(begin)) == begin
                for _ in range(3):
                    server[1].write(event)
                    assert await client[0].readexactly(len(event)) == event

        within(exchange)
        assert list(tap.faults) == []
        assert capture.delivered(1, "server") == begin + 3 * event


@pytest.mark.parametrize("how", ["rule", "by hand"])
def test_where_a_head_is_dropped_its_body_is_too(upstream, how):
    begin = EVENTS + b"Content-Length: 10\r\n\r\n"
    after = b"HTTP/1.1 204 No Content\r\n\r\n"
    capture = Capture()
    with Tap(upstream.port, capture) as tap:
        if how == "rule":
            tap.add_rule("drop the 1st response")
        else:
            tap.hold("server")

        async def exchange() -> bytes:
            async with joined(tap, upstream) as (client, server):
                client[1].write(b"GET / HTTP/1.1\r\n\r\n" * 2)
                await server[0].readexactly(36)
                server[1].write(begin + b"01234")
                await until(lambda: capture.size(1, "server") == len(begin) + 5)
                if how == "by hand":
                    await asyncio.to_thread(tap.drop)
                server[1].write(b"56789" + after)
                await until(lambda: capture.size(1, "server") == len(begin + after) + 10)
                await asyncio.to_thread(tap.resume)
                return await client[0].readexactly(len(after))

        assert within(exchange) == after
        assert capture.delivered(1, "server") == after


def test_many_small_frames_count_for_what_they_take(upstream, monkeypatch):
    monkeypatch.setattr(gate, "HOLD_LIMIT", 100_000)
    with Tap(upstream.port, Capture()) as tap:

        async def exchange() -> None:
            async with joined(tap, upstream) as (client, server):
                server[1].write(b"HTTP/1.1 101 OK\r\n\r\n")
                await client[0].readuntil(b"\r\n\r\n")
                await asyncio.to_thread(tap.hold)
                server[1].write(encode_frame(1, b"") * 1000)
                (relay,) = tap._relays
                await until(lambda: not relay.server.transport.is_reading())
                assert len(relay.gate.lanes["server"].queue) <= 1000
                await asyncio.to_thread(tap.edit, None, b"x")
                await asyncio.to_thread(tap.step)
                await asyncio.to_thread(tap.resume)
                await client[0].readexactly(1 + 2 * 1000)
                assert relay.gate is None
                assert relay.server.transport.is_reading()

        within(exchange)


@asynccontextmanager
async def several(tap: Tap, upstream: Upstream, count: int) -> AsyncIterator[list[Pair]]:
    """Both ends of several connections through the tap."""
    async with joined(tap, upstream) as first:
        pairs = [first]
        try:
            for _ in range(count - 1):
                client = await asyncio.open_connection("127.0.0.1", tap.port)
                pairs.append((client, await upstream.accepted.get()))
            yield pairs
        finally:
            for pair in pairs[1:]:
                for _, writer in pair:
                    writer.close()


def test_what_waits_in_all_connections_together_is_bounded(upstream, monkeypatch):
    # It waited without a limit: each connection had one of its own.
    monkeypatch.setattr(gate, "ALL_HOLD_LIMIT", 200_000)
    count, frames = 5, encode_frame(1, b"") * 4000
    with Tap(upstream.port, Capture()) as tap:

        async def exchange() -> None:
            async with several(tap, upstream, count + 1) as opened:
                for client, server in opened:
                    server[1].write(b"HTTP/1.1 101 OK\r\n\r\n")
                    await client[0].readuntil(b"\r\n\r\n")
                await asyncio.to_thread(tap.hold)
                await asyncio.to_thread(tap.resume, 1)  # it is not held, and not held up
                for _, server in opened[1:]:
                    server[1].write(frames)
                relays = [relay for relay in tap._relays if relay.number > 1]
                await until(lambda: not any(r.server.transport.is_reading() for r in relays))
                room = tap.settings.room
                one_slice = gate.SLICE // 2 * (2 + gate.OVERHEAD)
                assert 200_000 < room.size < 200_000 + count * one_slice
                assert "wait at the tap" in repr(tap.log)
                client, server = opened[0]
                server[1].write(HELLO)
                assert await client[0].readexactly(len(HELLO)) == HELLO
                await asyncio.to_thread(tap.disarm)
                for client, _ in opened[1:]:
                    assert await client[0].readexactly(len(frames)) == frames
                assert room.size == 0
                assert not room.is_full
                assert all(relay.gate is None for relay in relays)

        within(exchange)
        assert list(tap.faults) == []


@pytest.mark.parametrize("how", ["held", "dropped"])
def test_where_a_connection_with_held_frames_ends_its_room_is_free_again(upstream, how):
    with Tap(upstream.port, Capture()) as tap:
        tap.hold()

        async def exchange() -> None:
            async with joined(tap, upstream) as (client, _):
                client[1].write(b"GET / HTTP/1.1\r\n\r\n")
                await until(lambda: tap.settings.room.size > 0)
                await asyncio.to_thread(tap.cut if how == "held" else tap.drop)
                await until(lambda: tap.settings.room.size == 0)

        within(exchange)


def test_no_more_connections_are_open_than_there_is_memory_for(upstream, monkeypatch):
    monkeypatch.setattr(relay, "MOST_CONNECTIONS", 2)
    capture = Capture()
    with Tap(upstream.port, capture) as tap:

        async def exchange() -> None:
            async with several(tap, upstream, 2) as ((client, server), _):
                reader, writer = await asyncio.open_connection("127.0.0.1", tap.port)
                with pytest.raises(ConnectionResetError):
                    await reader.readexactly(1)
                writer.close()
                assert "2 connections are open at the tap" in repr(tap.log)
                server[1].write(HELLO)
                assert await client[0].readexactly(len(HELLO)) == HELLO
            async with joined(tap, upstream) as (client, server):
                server[1].write(HELLO)
                assert await client[0].readexactly(len(HELLO)) == HELLO

        within(exchange)
        assert capture.index.connections == [1, 2, 3]


def test_the_oldest_comes_first_over_all_connections(lab, watch):
    with connect(lab.tap.url) as first, connect(lab.tap.url) as second:
        lab.tap.hold("client")
        for count, client in enumerate([first, second, second, first], 1):
            client.send(str(count))
            watch.waiting(count)
        assert [frame.payload for frame in lab.tap.held] == [b"1", b"2", b"3", b"4"]
        assert [lab.tap.step().payload for _ in range(4)] == [b"1", b"2", b"3", b"4"]
        lab.tap.disarm()


# --- Nothing is left behind


@pytest.mark.parametrize("what", ["held", "frozen", "delayed", "cut", "half-closed"])
def test_stopping_lets_everything_go_in_under_a_second(lab, what):
    clients = [connect(lab.tap.url) for _ in range(3)]
    watch = Watch(lab)
    match what:
        case "held":
            lab.tap.hold()
        case "frozen":
            lab.tap.freeze()
        case "delayed":
            lab.tap.slow(latency=3000)
    for client in clients:
        client.send("x")
    if what == "cut":
        lab.tap.cut()
    elif what == "half-closed":
        lab.tap.half_close("server")
    else:
        watch.waiting(3)
    started = time.monotonic()
    stop_all()
    assert time.monotonic() - started < 1
    assert lab.tap.connections == 0
    assert loop.tasks() == []
    timers = [handle for handle in loop.start()._scheduled if not handle.cancelled()]
    assert timers == []


def test_a_tap_stopped_alone_with_frames_held_marks_them_as_dropped(capture):
    with EchoServer() as server:
        tap = Tap(server.port, capture).start()
        lab = Lab(server, tap, capture)
        watch = Watch(lab)
        with connect(tap.url) as client:
            tap.hold()
            client.send("x")
            watch.waiting(1)
            tap.stop()
        assert "dropped" in capture.index.rows()[2].mark


def test_controls_called_on_the_loop_thread_are_refused(lab):
    async def call() -> None:
        lab.tap.hold()

    with pytest.raises(RuntimeError, match=r"Tap\.hold waits for the thread"):
        loop.run(call())


# --- Whoever waits for something held may go away meanwhile


def hold_the_end_for_a_client_that_is_gone(lab: Lab, watch: Watch) -> None:
    """The client ends its half and then resets, while the server's FIN waits for it at the tap.

    Who has ended his half is not read any more: that he is gone shows only when something goes out.
    """
    sock = socket.create_connection(("127.0.0.1", lab.tap.port))
    try:
        lab.tap.hold("server")
        sock.sendall(b"GET / HTTP/1.0\r\n\r\n")  # the library answers it, and ends
        watch.until(lambda: [e.name for e in lab.capture.events if e.direction][-1:] == ["eof"])
        sock.shutdown(socket.SHUT_WR)
        watch.until(lambda: [e.name for e in lab.capture.events].count("eof") == 2)
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    finally:
        sock.close()
    lab.tap.freeze()
    lab.tap.drop()  # else its write would find out first
    assert (lab.tap.status()["waiting"], lab.tap.connections) == (1, 1)


@pytest.mark.parametrize("how", ["thaw", "disarm", "stop"])
def test_what_is_let_go_to_a_client_that_is_gone_ends_the_connection_and_raises_nothing(
    lab, watch, how
):
    hold_the_end_for_a_client_that_is_gone(lab, watch)
    getattr(lab.tap, how)()
    watch.until(lambda: lab.tap.connections == 0)
    assert list(lab.tap.faults) == []


def test_a_connection_that_fails_to_settle_is_cut_and_the_others_go_on(lab, watch, monkeypatch):
    first, second = connect(lab.tap.url), connect(lab.tap.url)
    lab.tap.hold("client")
    for client in (first, second):
        client.send("Hello")
    watch.waiting(2)
    update = gate.Gate.update

    def fail_for_the_first(one: gate.Gate) -> None:
        if one.connection.number == 1:
            raise OSError("gone")
        update(one)

    monkeypatch.setattr(gate.Gate, "update", fail_for_the_first)
    lab.tap.resume()
    assert second.recv() == "Hello"
    with pytest.raises(NotConnected):
        first.recv()
    assert f"connection #1 {first.name} was cut: OSError: gone" in "".join(lab.tap.faults)


def test_nothing_is_written_to_a_peer_that_was_told_the_end(lab, watch, client):
    lab.tap.freeze("client")  # else it may answer the end with its own, and be gone by then
    lab.tap.half_close("server")
    lab.tap.inject("late", "server")
    assert list(lab.tap.faults) == []


# --- Turn by turn: a burst keeps no other connection waiting


class StillEnd:
    """The tap's end of a connection that only notes what it is told."""

    def __init__(self, direction: str) -> None:
        self.direction, self.ended, self.is_read = direction, False, True
        self.written: list[bytes | str] = []
        self.finish = self.write = self.written.append

    def set_read(self, on: bool) -> None:
        self.is_read = on


class StillConnection:
    """A connection of two such ends that records in `capture`."""

    def __init__(self, capture: Capture) -> None:
        self.capture, self.number = capture, capture.open_connection(upgraded=True)
        self.client, self.server = StillEnd("client"), StillEnd("server")
        self.marks: list[str] = []

    def record(self, direction: str, data: bytes) -> int:
        self.capture.record(self.number, direction, data)
        return self.capture.size(self.number, direction) - len(data)

    def mark(self, direction: str, name: str, *place: int, **details: object) -> None:
        self.marks.append(name)

    def disarm(self) -> None:
        self.marks.append("disarmed")


def bursting(capture: Capture, rule: str) -> tuple[gate.Gate, StillConnection]:
    connection, told = StillConnection(capture), Settings()
    told.rules.append(Rule.parse(rule))
    assembler = UnitAssembler()
    for direction in ("client", "server"):
        assembler.join_upgraded(direction, 0, b"")
    return gate.Gate(connection, told, assembler), connection


EMPTY = encode_frame(1, b"")
FEW = gate.TURN + gate.SLICE // len(EMPTY)
"""The most units that one turn takes: those of a slice are taken together."""


def test_a_burst_arrives_turn_by_turn_and_nothing_is_read_meanwhile(capture):
    async def burst() -> None:
        one, connection = bursting(capture, "drop every ping")
        one.take("server", EMPTY * 30_000 + encode_frame(9, b"") + encode_frame(1, b"last"))
        one.ended("server", "eof")
        turns = before = 0
        while connection.client.written[-1] != "eof":
            arrived = len(connection.client.written)
            assert arrived - before <= FEW
            assert not connection.server.is_read
            before, turns = arrived, turns + 1
            await asyncio.sleep(0)
        assert turns >= 30_000 // FEW
        assert connection.server.is_read
        sent = EMPTY * 30_000 + encode_frame(1, b"last")
        assert b"".join(connection.client.written[:-1]) == sent
        assert connection.marks == ["dropped"]

    within(burst)


def test_many_that_wait_leave_turn_by_turn(capture):
    async def burst() -> None:
        one, connection = bursting(capture, "hold every text")
        one.take("server", EMPTY * 5000)
        await until(lambda: not one.is_behind("server"))
        lane = one.lanes["server"]
        assert (len(lane.queue), connection.client.written) == (5000, [])
        lane.release()
        one.update()
        before = 0
        while lane.queue:
            left = len(connection.client.written)
            assert left - before <= gate.TURN
            before = left
            await asyncio.sleep(0)
        assert len(connection.client.written) == 5000

    within(burst)


def test_what_came_and_has_not_arrived_yet_is_dropped_with_the_connection(capture):
    async def burst() -> None:
        one, connection = bursting(capture, "drop every ping")
        one.take("server", EMPTY * 30_000)
        arrived = len(connection.client.written)
        one.discard("it is over")
        await asyncio.sleep(0)
        assert len(connection.client.written) == arrived
        assert connection.marks == ["dropped"]

    within(burst)


def test_an_injected_frame_follows_what_came_before_it(capture):
    async def burst() -> None:
        one, connection = bursting(capture, "drop every ping")
        one.take("server", EMPTY * 30_000)
        injected = encode_frame(1, b"injected")
        one.lanes["server"].inject(injected)
        await until(lambda: injected in connection.client.written)
        assert connection.client.written.index(injected) == 30_000
        assert capture.index.rows()[-1].preview == '"injected"'

    within(burst)


@pytest.mark.parametrize("frozen", [False, True])
@pytest.mark.parametrize("rule", ["drop every ping", "hold every text"])
def test_a_gate_that_fails_lets_all_pass_in_order(capture, monkeypatch, rule, frozen):
    """Units that wait, then a unit of which a part has come, then the rest; each side its own."""
    texts = b"".join(encode_frame(1, b"%05d" % number) for number in range(5_000))
    assert gate.SLICE % 7
    assert 2 * gate.SLICE // 7 > gate.TURN

    async def burst() -> None:
        one, connection = bursting(capture, rule)
        one.settings.freezing.set(connection.number, ("client", "server"), frozen)
        one.take("client", EMPTY + EMPTY[:1])
        feed, fed = one.assembler.feed, []

        def fail_later(direction: str, data: bytes) -> list[object]:
            fed.append(data)
            if len(fed) > 3:
                raise RuntimeError("split")
            return feed(direction, data)

        monkeypatch.setattr(one.assembler, "feed", fail_later)
        one.take("server", texts)
        one.ended("server", "eof")
        await until(lambda: "disarmed" in connection.marks)
        assert connection.client.written.pop() == "eof"
        assert b"".join(connection.client.written) == texts
        assert b"".join(connection.server.written) == EMPTY + EMPTY[:1]
        assert connection.client.is_read
        assert connection.server.is_read
        assert not one.settings.room.size

    within(burst)


@pytest.mark.parametrize("act", ["hold", "freeze", "add_rule", "inject"])
def test_who_joins_a_long_recording_reads_it_on_the_own_thread(lab, client, monkeypatch, act):
    for _ in range(50):
        client.send("Hello")
        client.recv()
    read = []
    plain = type(lab.capture._index)._read_chunks

    def counted(index, stop, most):
        before = index._chunks_read
        left = plain(index, stop, most)
        read.append((threading.get_ident(), index._chunks_read - before))
        return left

    monkeypatch.setattr(type(lab.capture._index), "_read_chunks", counted)
    arguments = {"add_rule": ["delay every text by 1 ms"], "inject": ["Hello"]}.get(act, [])
    getattr(lab.tap, act)(*arguments)
    assert sum(chunks for thread, chunks in read if thread == threading.get_ident()) >= 100
    assert sum(chunks for thread, chunks in read if thread != threading.get_ident()) < 10
