"""Every stub in the notebook fails its check, every solution passes, mistakes get names."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from wslab.exercises import frames
from wslab.exercises.frames import (
    KEY,
    QUESTIONS,
    SOLUTIONS,
    check_encode,
    check_length,
    check_read,
    puzzle,
    solution,
)
from wslab.exercises.verdict import Verdict
from wslab.wire import encode_frame, mask

NOTEBOOK = Path(__file__).parents[2] / "notebooks" / "03_frames.ipynb"


def run(source: str) -> Verdict:
    names = {name: getattr(frames, name) for name in dir(frames)} | {"mystery": puzzle(7)}
    *body, last = source.strip().split("\n")
    exec("\n".join(body), names)
    return eval(last, names)


@pytest.mark.parametrize("exercise", ["encode", "length", "read"])
def test_every_stub_fails_with_a_hint(exercise):
    cells = json.loads(NOTEBOOK.read_text("utf-8"))["cells"]
    (source,) = [
        "".join(cell["source"])
        for cell in cells
        if f"exercise:{exercise}" in cell["metadata"].get("tags", [])
    ]
    verdict = run(source)
    assert not verdict
    assert verdict.hint


@pytest.mark.parametrize("exercise", SOLUTIONS)
def test_every_solution_passes(exercise):
    assert run(f"{SOLUTIONS[exercise]}\ncheck_{exercise}({exercise})")


def right(payload: bytes, key: bytes) -> bytes:
    return encode_frame(1, payload, masking_key=key)


MISTAKES = [
    (lambda p, k: encode_frame(1, p), "what a server sends"),
    (lambda p, k: bytes([0x81, len(p)]) + k + mask(p, k), "MASK bit is missing"),
    (lambda p, k: bytes([0x81, 0x80 | len(p)]) + k + p, "payload is not"),
    (lambda p, k: bytes([0x81, 0x80 | len(p)]) + mask(p, k), "key is missing"),
    (lambda p, k: bytes([0x81, 0x80 | len(p)]) + mask(p, k) + k, "stands before"),
    (lambda p, k: encode_frame(1, p, masking_key=k, fin=False), "FIN is 0"),
    (lambda p, k: encode_frame(2, p, masking_key=k), "2 is binary"),
    (lambda p, k: bytes([0x81, 0x84 + len(p)]) + k + mask(p, k), "payload only"),
    (lambda p, k: right(p, k).hex(), "Expected bytes, got str"),
]


@pytest.mark.parametrize(("function", "named"), MISTAKES)
def test_a_known_mistake_gets_its_name(function, named):
    verdict = check_encode(function)
    assert not verdict
    assert named in verdict.misconception


def test_what_raises_is_told():
    assert "ZeroDivisionError" in check_encode(lambda p, k: 1 // 0).text
    assert "IndexError" in check_length(lambda frame: frame[99]).text


def test_the_mask_bit_in_the_length_is_named():
    verdict = check_length(lambda frame: frame[1])
    assert "does not belong to the length" in verdict.misconception


def test_the_puzzle_is_read_by_taking_the_mask_off():
    frame = puzzle(7)
    assert puzzle(7) == frame != puzzle(8)
    assert check_read(mask(frame[6:], frame[2:6]).decode(), frame)
    assert "still masked" in check_read(frame[6:].decode("latin-1"), frame).misconception


def test_every_question_has_a_reply_to_each_option():
    for question in QUESTIONS.values():
        assert len(set(question.replies)) == len(question.options)


def test_a_solution_is_printed(capsys):
    solution("encode")
    assert "0x80 + len(payload)" in capsys.readouterr().out
    with pytest.raises(KeyError, match="expected one of encode, length"):
        solution("nothing")
    assert KEY.hex() == "37fa213d"
