"""What is particular to the exercises on frames; `test_every_exercise.py` has the rest."""

from __future__ import annotations

import pytest

from wslab.exercises.frames import check_encode, check_length, check_read, puzzle
from wslab.wire import encode_frame, mask


def test_hex_is_no_frame():
    verdict = check_encode(lambda p, k: encode_frame(1, p, masking_key=k).hex())
    assert "Expected bytes, got str" in verdict.misconception


def test_long_bytes_are_shown_as_far_as_they_part():
    verdict = check_encode(lambda p, k: encode_frame(1, p[:60], masking_key=k))
    assert len(verdict.got) == len(verdict.expected) == 24


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
