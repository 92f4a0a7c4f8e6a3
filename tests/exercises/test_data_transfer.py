"""What is particular to the exercises on data transfer: frames that are cut wrong, and a count."""

from __future__ import annotations

import pytest

from wslab.exercises.data_transfer import check_count, check_cut, check_text, trace_bytes
from wslab.wire import encode_frame


def parts_of(payload: bytes, parts: int) -> list[bytes]:
    size = -(-len(payload) // parts)
    return [payload[n * size : (n + 1) * size] for n in range(parts)]


CUTS = [
    (lambda p, n: b"".join(p), "raised TypeError"),
    (lambda p, n: p, "list of frames"),
    (lambda p, n: [encode_frame(1, part) for part in parts_of(p, n)], "3 whole messages"),
    (lambda p, n: [encode_frame(1, part, fin=False) for part in parts_of(p, n)], "breaks a rule"),
    (lambda p, n: [encode_frame(1, p)], "number of frames"),
    (
        lambda p, n: [
            encode_frame(0 if i else 2, part, fin=i == n - 1)
            for i, part in enumerate(parts_of(p, n))
        ],
        "a text message was asked for",
    ),
    (
        lambda p, n: [
            encode_frame(0 if i else 1, part.upper(), fin=i == n - 1)
            for i, part in enumerate(parts_of(p, n))
        ],
        "does not say what it should",
    ),
]


@pytest.mark.parametrize(("function", "told"), CUTS)
def test_a_wrong_cut_is_told(function, told):
    verdict = check_cut(function)
    assert not verdict
    assert told in verdict.text


def drops_the_rest(payload: bytes, parts: int) -> list[bytes]:
    size = len(payload) // parts
    return [
        encode_frame(0 if n else 1, payload[n * size : (n + 1) * size], fin=n == parts - 1)
        for n in range(parts)
    ]


def test_the_hint_is_about_the_fault_that_was_found():
    assert "the end is missing" in check_cut(drops_the_rest).hint
    assert "FIN is 1 in the last" in check_cut(CUTS[2][0]).hint
    assert "(1), all others" in check_cut(CUTS[3][0]).hint
    assert "into that many parts" in check_cut(CUTS[4][0]).hint
    assert "messages are right" in check_count(2, 4, trace_bytes()).hint
    assert "frames are right" in check_count(5, 5, trace_bytes()).hint


def test_texts_are_put_together_from_bytes():
    each = check_text(lambda payloads: "".join(part.decode() for part in payloads))
    assert "in the middle of a character" in each.misconception
    lenient = check_text(lambda payloads: b"".join(payloads).decode(errors="replace"))
    assert "gave an answer all the same" in lenient.text
    replaced = check_text(
        lambda payloads: "".join(part.decode(errors="replace") for part in payloads)
    )
    assert "each half was replaced" in replaced.misconception


def test_the_trace_is_counted():
    assert check_count(2, 5, trace_bytes())
    assert not check_count(5, 2, trace_bytes())
