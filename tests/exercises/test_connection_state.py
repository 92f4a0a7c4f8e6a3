"""What is particular to the exercises on the states: a table, a trace, an outbox."""

from __future__ import annotations

import pytest

from wslab.exercises import connection_state
from wslab.exercises.connection_state import check_next_state, check_outbox, check_trace
from wslab.wire import TRANSITIONS, State


@pytest.fixture
def story(lesson):
    return lesson.made["story"]


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
        ({("CONNECTING", "receives 101"): None}, "needs a return"),
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
        (lambda s, w, m: None, "needs a return"),
        (lambda s, w, m: ([m], []), "has to wait"),
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
