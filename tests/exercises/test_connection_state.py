"""Every stub in the notebook fails its check, every solution passes, mistakes get names."""

from __future__ import annotations

import pytest

from wslab.exercises import connection_state
from wslab.exercises.connection_state import SOLUTIONS, check_next_state, check_outbox, check_trace
from wslab.wire import TRANSITIONS, Capture, State, steps


@pytest.fixture
def story():
    """A client that was OPEN, and then TCP broke off."""
    capture = Capture()
    connection = capture.open_connection()
    capture.record(
        connection,
        "client",
        b"GET / HTTP/1.1\r\nHost: a\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n",
    )
    capture.record(
        connection,
        "server",
        b"HTTP/1.1 101 Yes\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        b"Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\r\n",
    )
    capture.end(connection, "server", "reset")
    return steps(capture, connection)


@pytest.mark.parametrize("exercise", ["next_state", "trace", "outbox"])
def test_every_stub_fails_with_a_hint(lesson, exercise, story):
    verdict = lesson.run(lesson.stub(exercise), story=story)
    assert not verdict
    assert verdict.hint


@pytest.mark.parametrize("exercise", SOLUTIONS)
def test_every_solution_passes(lesson, exercise):
    assert lesson.run(f"{SOLUTIONS[exercise]}\ncheck_{exercise}({exercise})")


def right(state, word):
    event = connection_state.EVENTS[word]
    return TRANSITIONS.get((State[state], event), State[state]).name


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({("OPEN", "sends close"): "CLOSED"}, "TCP has ended as well"),
        ({("OPEN", "receives close"): "OPEN"}, "must be answered"),
        ({("CLOSED", "receives 101"): "OPEN"}, "Nothing leads out of CLOSED"),
        ({("CONNECTING", "sends close"): "CLOSING"}, "there are no frames"),
        ({("CONNECTING", "receives 101"): None}, "nothing yet"),
    ],
)
def test_mistakes_with_the_table_get_names(wrong, said):
    verdict = check_next_state(lambda s, e: wrong.get((s, e), right(s, e)))
    assert not verdict
    assert said in verdict.misconception


def test_a_table_that_fails_is_told():
    assert check_next_state(right)
    assert "KeyError" in check_next_state(lambda state, event: {}[state]).text


def test_the_trace(story):
    assert check_trace(["CONNECTING", "OPEN", "CLOSED"], story)
    assert check_trace(["connecting", " open ", "closed"], story)
    verdict = check_trace(["CONNECTING", "OPEN", "CLOSING", "CLOSED"], story)
    assert "no close frame" in verdict.misconception
    assert not check_trace("CLOSED", story)
    assert not check_trace([1, 2], story)


def loses(state, waiting, message):
    return ([], waiting) if state == "CONNECTING" else good(state, waiting, message)


def good(state, waiting, message):
    if state == "CONNECTING":
        return [], [*waiting, message]
    if state == "OPEN":
        return [*waiting, message], []
    raise ConnectionError


@pytest.mark.parametrize(
    ("outbox", "said"),
    [
        (loses, "has to wait"),
        (
            lambda s, w, m: ([m, *w], []) if s == "OPEN" else good(s, w, m),
            "goes out first",
        ),
        (
            lambda s, w, m: ([m], []) if s == "CLOSING" else good(s, w, m),
            "nothing more may be sent",
        ),
        (lambda s, w, m: ([], w) if s == "CLOSED" else good(s, w, m), "vanish in silence"),
        (lambda s, w, m: None, "has to wait"),
    ],
)
def test_mistakes_with_the_outbox_get_names(outbox, said):
    verdict = check_outbox(outbox)
    assert not verdict
    assert said in verdict.misconception


def test_an_outbox_that_raises_at_the_wrong_time():
    def refuses(state, waiting, message):
        raise ConnectionError

    assert "raised ConnectionError" in check_outbox(refuses).text
    assert "ZeroDivisionError" in check_outbox(lambda s, w, m: 1 / 0).text
