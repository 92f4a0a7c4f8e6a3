"""A frame in the making: to bytes and back, whatever its bits are."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wslab.wire import encode_frame
from wslab.wire.protocol.frame_draft import FrameDraft, flip_bit
from wslab.wire.protocol.frames import read_header

KEY = bytes.fromhex("37fa213d")


def test_the_hello_of_the_rfc():
    draft = FrameDraft(payload=b"Hello", masking_key=KEY)
    assert draft.to_bytes() == bytes.fromhex("81 85 37 fa 21 3d 7f 9f 4d 51 58")
    assert FrameDraft.from_bytes(draft.to_bytes()) == draft
    assert draft.violations("client") == []
    assert [rule.rule for rule in draft.violations("server")] == ["frame-masked"]
    assert [field.name for field in draft.fields("client")][-2:] == ["masking key", "payload"]


@given(st.binary(min_size=2, max_size=400))
def test_any_bytes_with_a_header_come_back_as_they_were(data):
    try:
        draft = FrameDraft.from_bytes(data)
    except ValueError:
        assert read_header(data, 0, len(data)) is None
        return
    assert draft.to_bytes() == data
    bits = 0
    for field in draft.fields("client"):
        assert field.bit == bits
        bits += field.bits
    assert bits == 8 * len(data)


@given(st.binary(min_size=1, max_size=50), st.data())
def test_flipping_a_bit_twice_undoes_it(data, pick):
    bit = pick.draw(st.integers(0, 8 * len(data) - 1))
    flipped = flip_bit(data, bit)
    assert flipped != data
    assert flip_bit(flipped, bit) == data


def test_the_first_bit_is_fin_and_the_ninth_is_mask():
    data = encode_frame(1, b"")
    assert flip_bit(data, 0) == b"\x01\x00"
    assert flip_bit(data, 8) == b"\x81\x80"
    with pytest.raises(IndexError, match="from 0 to 15, got 16"):
        flip_bit(data, 16)


def test_a_lie_about_the_length_survives():
    draft = FrameDraft(payload=b"Hello", announced_length=200)
    assert draft.to_bytes()[:4] == bytes.fromhex("81 7e 00c8")
    assert FrameDraft.from_bytes(draft.to_bytes()) == draft
