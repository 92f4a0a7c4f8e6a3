"""What is particular to the exercises on the handshake: hints in steps, answers, the culprit."""

from __future__ import annotations

import hashlib

import pytest

from wslab.exercises.handshake import SOLUTIONS, check_accept, check_answer, check_culprit
from wslab.exercises.verdict import Verdict, side_by_side

from .conftest import response


def test_hints_come_in_steps_and_the_last_one_stays():
    check_accept.hints.given = 0
    for _ in range(3):  # nobody has touched it: this is no attempt
        assert check_accept(lambda key: ...).hint == check_accept.hints.steps[0]
    hints = [check_accept(lambda key: "").hint for _ in range(6)]
    assert tuple(dict.fromkeys(hints)) == check_accept.hints.steps
    assert hints[-1] == hints[-2]


ANSWER = SOLUTIONS["answer"]
FAULTS = [
    (ANSWER.replace('"\\r\\n"\n    )', '""\n    )'), "never ends"),
    (ANSWER.replace("Connection: Upgrade", "Connection: close"), "must be Upgrade"),
    (
        ANSWER.replace(
            "101 Switching Protocols\\r\\n", "404 Not Found\\r\\nContent-Length: 0\\r\\n"
        ),
        "only 101",
    ),
    (ANSWER.replace("{accept}", "x"), "computed"),
    (ANSWER.replace("    ).encode()", '    ).encode() + b"Hello"'), "bytes behind"),
    ("def answer(request):\n    return 'text'", "expected bytes, got str"),
    ("def answer(request):\n    1 / 0", "ZeroDivisionError"),
]


def test_a_type_error_of_another_kind_is_not_taken_for_the_known_one():
    assert not check_accept(lambda: "").misconception


def test_the_accept_key_in_an_answer_is_looked_into_as_well():
    names: dict[str, object] = {}
    exec(ANSWER.replace("258EAFA5", "258eafa5").replace("E914-47DA", "e914-47da"), names)
    assert check_answer(names["answer"]).got != check_answer(names["answer"]).expected
    exec(ANSWER.replace('+ "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"', ""), names)
    assert "GUID is missing" in check_answer(names["answer"]).misconception


def test_a_hint_is_about_the_fault_that_was_found():
    check_answer.hints.given = 0
    for (source, _), about in zip(
        FAULTS, ("last header", "Connection", "first line"), strict=False
    ):
        names: dict[str, object] = {}
        exec(source, names)
        assert about in check_answer(names["answer"]).hint
    assert "solution('answer')" in check_answer(names["answer"]).hint, "after so many, both"


@pytest.mark.parametrize(("source", "told"), FAULTS)
def test_a_fault_in_the_answer_is_told(source, told):
    names: dict[str, object] = {}
    exec(source, names)
    verdict = check_answer(names["answer"])
    assert not verdict
    assert told in verdict.text


def test_the_culprit_is_found_by_its_name_only():
    bad = response(b"wrong")
    assert check_culprit("sec-websocket-accept:", bad)
    assert "as it should be" in check_culprit("Upgrade", bad).text
    assert "need not be" in check_culprit("Date", bad).text


def test_got_and_expected_are_compared_place_by_place():
    assert side_by_side(b"\x81\x05", b"\x81\x85") == [
        "got       81 05",
        "expected  81 85",
        "             ▲ here they part",
    ]
    assert side_by_side(None, "a") == ["got       nothing (None)", "expected  'a'"]


def test_an_expected_answer_that_is_not_told_is_not_called_nothing():
    assert side_by_side("1000", None) == ["got  '1000'"]


def test_what_a_learner_typed_is_escaped():
    verdict = Verdict(False, "<script>", "<b>", "<i>")
    assert "<script>" not in verdict._repr_html_()
    assert "<b>" not in verdict._repr_html_().replace("<b>✗ Not yet:</b>", "")


def test_what_hashlib_itself_says_to_a_text_is_known():
    verdict = check_accept(lambda key: hashlib.sha1(key))
    assert "sha1 wants bytes" in verdict.misconception
