"""The checks of the first lesson read the wire; here a program plays the page that they look for.

That the very stubs fail and the very solutions pass, run as JavaScript in a real page, is proved in
tests/browser/test_first_connection.py.
"""

from __future__ import annotations

import contextlib

import pytest
from websockets.frames import Close, Frame, Opcode

from wslab.exercises.first_connection import (
    SOLUTIONS,
    check_bytes,
    check_goodbye,
    check_order,
)
from wslab.labs import first_connection
from wslab.net import stop_all
from wslab.wire import Capture


@pytest.fixture
def lab():
    with first_connection.open() as lab:
        yield lab
    stop_all()


@pytest.fixture
def page(lab):
    """What a page would do, with the Origin of a %%browser cell's frame."""

    def page(*sent, close=None, wait=True, cut=False):
        client = lab.connect(origin="null")
        for message in sent:
            client.send(message)
            if wait:
                client.recv()
        if cut:
            lab.tap.cut()
            with contextlib.suppress(Exception):
                client.recv()
        elif close is not None:
            client.close(*close)
        return lab.capture

    return page


def test_without_a_page_there_is_nothing_to_check(lab):
    lab.connect().close()  # a program, no page
    for check in (check_goodbye, check_bytes):
        verdict = check(lab.capture)
        assert not verdict
        assert "no page has connected" in verdict.text
        assert "%%browser" in verdict.hint


def test_hello_echo_and_goodbye_pass(page):
    assert check_goodbye(page("My name is Ada", close=(4001, "enough")))


def test_behind_a_hubs_proxy_the_order_counts_and_the_code_is_left_to_the_reader(lab):
    # jupyter-server-proxy leaves Origin and Host as they were; its goodbye is its own.
    for check, message in ((check_goodbye, "My name is Ada"), (check_bytes, b"\x01\x02\x03")):
        client = lab.connect(origin=f"http://127.0.0.1:{lab.port}")
        assert not check(lab.capture)
        client.send(message)
        client.recv()
        assert not check(lab.capture)
        client.close()
        verdict = check(lab.capture)
        assert verdict
        assert "cannot be seen from here" in verdict.text
        assert "look at your cell" in verdict.text


def recorded(*frames):
    """A page's connection with these frames: (who sent it, the frame)."""
    capture = Capture()
    connection = capture.open_connection()
    capture.record(connection, "client", b"GET / HTTP/1.1\r\nHost: a\r\nOrigin: null\r\n\r\n")
    capture.record(connection, "server", b"HTTP/1.1 101 Yes\r\n\r\n")
    for direction, frame in frames:
        capture.record(connection, direction, frame.serialize(mask=direction == "client"))
    return capture


NAME = Frame(Opcode.TEXT, b"My name is Ada")
GOODBYE = Frame(Opcode.CLOSE, Close(4001, "enough").serialize())


def test_a_goodbye_that_is_on_its_way_is_waited_for():
    capture = recorded(("client", NAME), ("server", NAME))
    wait = capture.wait_until

    # As a hub's proxy has it: the page is told that it is over before the server is.
    def wait_until(condition, timeout):
        assert not condition()
        capture.record(1, "client", GOODBYE.serialize(mask=True))
        return wait(condition, timeout)

    capture.wait_until = wait_until
    assert check_goodbye(capture)


def test_the_last_page_counts(page):
    page("My name is Ada", close=(4001, "enough"))
    assert not check_goodbye(page())


@pytest.mark.parametrize(
    ("deed", "told"),
    [
        ({"sent": ()}, "said nothing"),
        ({"sent": (), "close": (4001, "enough")}, "said nothing"),
        ({"sent": ("Hello",)}, "something else"),
        ({"sent": ("My name is ",)}, "something else"),
        ({"sent": ("My name is Ada",)}, "no close frame"),
        ({"sent": ("My name is Ada",), "cut": True}, "no close frame"),
        ({"sent": ("My name is Ada",), "close": (1000, "enough")}, "another one"),
        ({"sent": ("My name is Ada",), "close": (4001, "")}, "another one"),
    ],
)
def test_a_goodbye_that_is_not_right_is_told_why(page, deed, told):
    sent = deed.pop("sent")
    verdict = check_goodbye(page(*sent, **deed))
    assert not verdict
    assert told in verdict.text
    assert verdict.hint


def test_who_leaves_before_the_echo_is_told_so():
    verdict = check_goodbye(recorded(("client", NAME), ("client", GOODBYE), ("server", NAME)))
    assert not verdict
    assert "before its echo came" in verdict.text


def test_three_bytes_and_a_count_pass(page):
    assert check_bytes(page(b"\x01\x02\x03", close=(4000, "got 3 bytes")))


@pytest.mark.parametrize(
    ("sent", "close", "named"),
    [
        ((), None, "CONNECTING"),
        (("\x01\x02\x03",), None, "CONNECTING"),
        ((b"\x01\x02\x03",), None, "InvalidAccessError"),
        ((b"\x01\x02\x03",), (4000, "got 0 bytes"), "binaryType"),
    ],
)
def test_each_fault_of_the_bug_hunt_gets_its_name(page, sent, close, named):
    verdict = check_bytes(page(*sent, close=close))
    assert not verdict
    assert named in verdict.misconception


def test_other_bytes_and_another_code_are_seen(page):
    assert "other bytes" in check_bytes(page(b"\x01\x02", close=(4000, "got 3 bytes"))).text
    verdict = check_bytes(page(b"\x01\x02\x03", close=(4001, "got 3 bytes")))
    assert (verdict.got, verdict.expected) == (4001, 4000)


@pytest.mark.parametrize(
    ("order", "code", "told"),
    [
        ("", ..., "write the seven letters"),
        ("AGBCDEF", ..., "write the seven letters"),
        ("ABC", 1005, "each of the seven"),
        ("ABCDEFG", 1005, "does not wait. The script runs"),
        ("AGBDCEF", 1005, "send() does not wait"),
        ("AGBCDFE", 1005, "only begins the goodbye"),
        ("GABCDEF", 1005, "not in this order"),
        ("AGBCDEF", 1000, "close frame without one"),
        ("AGBCDEF", 1006, "ended in peace"),
        ("AGBCDEF", 7, "the number is not"),
    ],
)
def test_the_trace_names_what_was_misunderstood(order, code, told):
    verdict = check_order(order, code)
    assert not verdict
    assert told in verdict.text + verdict.misconception


def test_the_trace_is_solved_however_it_is_written():
    assert check_order("a g b c d e f", 1005)
    assert eval(SOLUTIONS["order"])


def test_the_hint_is_for_the_fault_however_often_it_is_tried(page):
    check_goodbye.hints.given = 0
    capture = page()
    hints = [check_goodbye(capture).hint for _ in range(5)]
    assert "onopen" in hints[0]
    assert all(hint.startswith(hints[0]) for hint in hints)
    assert hints[-1].endswith("Or: solution('goodbye') shows one.")
