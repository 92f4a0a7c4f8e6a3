"""Every stub in the notebook fails its check, every solution passes, mistakes get names."""

from __future__ import annotations

import pytest

from wslab.exercises.frames import SOLUTIONS, check_encode, check_length, check_read, puzzle
from wslab.wire import encode_frame, mask


@pytest.mark.parametrize("exercise", ["encode", "length", "read"])
def test_every_stub_fails_with_a_hint(lesson, exercise):
    verdict = lesson.run(lesson.stub(exercise), mystery=puzzle(7))
    assert not verdict
    assert verdict.hint


@pytest.mark.parametrize("exercise", SOLUTIONS)
def test_every_solution_passes(lesson, exercise):
    assert lesson.run(f"{SOLUTIONS[exercise]}\ncheck_{exercise}({exercise})")


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


def reads(bits: int, order: str):
    """A function with one fault: how it reads a longer form of length."""

    def length(frame):
        short = frame[1] & 0x7F
        if short == 126:
            return int.from_bytes(frame[2:4], order if bits == 16 else "big")
        if short == 127:
            return int.from_bytes(frame[2 : 2 + min(8, bits // 8)], order)
        return short

    return length


def test_the_mask_bit_in_the_length_is_named():
    verdict = check_length(lambda frame: frame[1])
    assert "does not belong to the length" in verdict.misconception


@pytest.mark.parametrize(
    ("length", "about"),
    [
        (lambda frame: frame[1], "& 0x7f"),
        (lambda frame: frame[1] & 0x7F, "behind it"),
        (reads(16, "little"), "'big'"),
        (reads(32, "big"), "eight bytes"),
        (reads(64, "little"), "'big'"),
    ],
)
def test_the_hint_is_about_the_fault_in_the_length(length, about):
    assert about in check_length(length).hint


def test_the_puzzle_is_read_by_taking_the_mask_off():
    frame = puzzle(7)
    assert puzzle(7) == frame != puzzle(8)
    assert check_read(mask(frame[6:], frame[2:6]).decode(), frame)
    assert "still masked" in check_read(frame[6:].decode("latin-1"), frame).misconception
