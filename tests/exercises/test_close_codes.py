"""What is particular to the exercises on close codes: limits, a trace, waiting."""

from __future__ import annotations

import pytest

from wslab.exercises import close_codes
from wslab.exercises.close_codes import check_payload, check_trace, check_wait


@pytest.fixture(scope="module")
def mystery(lesson):
    return lesson.made["mystery"]


@pytest.mark.parametrize(
    ("mistake", "said"),
    [
        (lambda code, reason: str(code) + reason, "Expected bytes, got str"),
        (lambda code, reason: reason.encode() or b"?", ""),
        (lambda code, reason: None, "needs a return"),
        (lambda code, reason: code.to_bytes(2, "big") + reason.encode(), "let through"),
        (lambda code, reason: 1 / 0, "ZeroDivisionError"),
    ],
)
def test_mistakes_with_the_payload_get_names(mistake, said):
    verdict = check_payload(mistake)
    assert not verdict
    assert said in verdict.misconception + verdict.text


def counts_characters(code, reason):
    if len(reason) > 123:
        raise ValueError
    return code.to_bytes(2, "big") + reason.encode()


def too_strict(code, reason):
    if len(reason.encode()) > 120:
        raise ValueError("too long")
    return code.to_bytes(2, "big") + reason.encode()


def test_the_limit_is_on_bytes_and_exact():
    assert "not on characters" in check_payload(counts_characters).misconception
    assert "exactly that many" in check_payload(too_strict).misconception


def test_the_trace_is_checked_against_what_really_happened(mystery):
    assert check_trace(1007, 1006, mystery)
    assert "wrong form" in check_trace(1002, 1006, mystery).misconception
    assert "what it received" in check_trace(1007, 1007, mystery).misconception
    assert "could not accept" in check_trace(1007, 1000, mystery).misconception
    assert "server's code" in check_trace(1000, 1000, mystery).misconception
    assert not check_trace("1007", 1006, mystery)


def test_the_hint_is_for_the_code_that_is_wrong_and_nothing_names_it_unasked(mystery):
    sent, reported = check_trace(1002, 1006, mystery), check_trace(1007, 1007, mystery)
    assert "a code of its own" in sent.hint
    assert "could accept" in reported.hint
    assert "1007" not in sent.hint
    assert "1006" not in reported.hint
    assert sent.expected is reported.expected is None


@pytest.mark.parametrize(
    ("mistake", "said"),
    [
        (lambda code, attempt: 1.0, "after 1000"),
        (lambda code, attempt: None, "after 1001"),
        (lambda code, attempt: 0 if code in close_codes._AGAIN else None, "at once"),
        (lambda code, attempt: 1 if code in close_codes._AGAIN else None, "must grow"),
        (lambda code, attempt: 2**attempt if code in close_codes._AGAIN else None, "limit"),
        (lambda code, attempt: None + 1, "TypeError"),
    ],
)
def test_mistakes_with_waiting_get_names(mistake, said):
    verdict = check_wait(mistake)
    assert not verdict
    assert said in verdict.text


def test_a_wrong_first_code_is_no_attempt_at_the_second(mystery):
    close_codes._check_reports.hints.given = 0
    assert not check_trace(1002, 1002, mystery)
    assert close_codes._check_reports.hints.given == 0
    assert "Expected int, got str" in check_trace("1007", 1006, mystery).misconception
