"""The window that was agreed on: measured to the byte, at the cost of what was sent alone."""

from __future__ import annotations

import zlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wslab.wire import Inflater
from wslab.wire.protocol.deflate import WindowJudge


def squeezed(content: bytes, bits: int = 15, strategy: int = zlib.Z_DEFAULT_STRATEGY) -> bytes:
    deflating = zlib.compressobj(wbits=-bits, strategy=strategy)
    return deflating.compress(content) + deflating.flush(zlib.Z_SYNC_FLUSH)


def repeated_after(distance: int) -> bytes:
    return bytes(range(256)) + bytes(distance - 256) + bytes(range(100))


@pytest.mark.parametrize("bits", [8, 9, 12, 14])
@pytest.mark.parametrize("strategy", [zlib.Z_DEFAULT_STRATEGY, zlib.Z_FIXED])
def test_a_reference_may_reach_as_far_as_the_window_and_no_byte_farther(bits, strategy):
    within, beyond = (
        squeezed(repeated_after(distance), strategy=strategy)
        for distance in (1 << bits, (1 << bits) + 1)
    )
    assert WindowJudge(bits).allows(within)
    assert not WindowJudge(bits).allows(beyond)


def test_a_kilobyte_that_stands_for_a_thousand_is_measured_to_its_end():
    payload = squeezed(bytes(3 << 20) + repeated_after(513))
    assert len(payload) < 4000
    inflater = Inflater(9)
    for _ in inflater.feed(payload):
        pass
    assert inflater.fault == "deflate-window-too-big"


def test_what_stands_for_very_much_is_judged_in_larger_steps():
    judge = WindowJudge(9)
    judge.EXACT_FOR_EACH = 0
    judge._exact = 0
    calls = []
    inflating = judge._zlib

    class Counting:
        def decompress(self, data, most):
            calls.append(most)
            return inflating.decompress(data, most)

        def __getattr__(self, name):
            return getattr(inflating, name)

    judge._zlib = Counting()
    assert not judge.allows(squeezed(bytes(1 << 20) + repeated_after(2000)))
    assert set(calls) == {512}
    assert len(calls) < 2 * (1 << 20) / 512


@pytest.mark.parametrize(
    ("payload", "known", "allowed"),
    [
        ("03 02 00", 0, True),  # a distance of 1 where nothing was said yet: malformed
        ("03 16 00 00", 32768, False),  # a fixed block: 3 bytes, 1025 back (and 9 bits allow 512)
        ("03 00 03 16 00 00", 32768, False),  # behind a block that calls itself the last
        ("00 01 00 fe ff 41 03 16 00 00", 32768, False),  # behind a byte that is stored
        ("00 01 00 fe fe 41 03 16 00 00", 32768, True),  # behind what is malformed
        ("07", 32768, True),  # a kind of block that is not there
    ],
)
def test_references_by_hand(payload, known, allowed):
    assert WindowJudge(9, known).allows(bytes.fromhex(payload)) is allowed


def of_zlib(bits: int, data: bytes) -> bool:
    """What zlib itself says, exact where a call gives one byte: see its `whave`."""
    inflating = zlib.decompressobj(-bits)
    for number in range(len(data)):
        piece = data[number : number + 1]
        while True:
            try:
                given_byte = inflating.decompress(piece, 1)
            except zlib.error as error:
                return "too far back" not in str(error)
            piece = inflating.unconsumed_tail
            if inflating.eof or not (piece or given_byte):
                break
    return True


contents = st.lists(
    st.binary(max_size=300) | st.builds(bytes.__mul__, st.binary(max_size=9), st.integers(0, 99)),
    max_size=8,
).map(b"".join)


@given(contents, st.integers(9, 12), st.sampled_from([0, 2, 3, 4]), st.integers(1, 50))
def test_it_says_what_zlib_says_in_pieces_of_any_size(content, bits, strategy, size):
    payload = squeezed(content, strategy=strategy)
    judge = WindowJudge(bits)
    said = [judge.allows(payload[at : at + size]) for at in range(0, len(payload), size)]
    assert all(said) is WindowJudge(bits).allows(payload) is of_zlib(bits, payload)


@given(contents, st.binary(min_size=1, max_size=3), st.integers(0, 500))
def test_what_is_malformed_for_zlib_is_never_more_than_that(content, noise, at):
    payload = squeezed(content)
    payload = payload[:at] + noise + payload[at + len(noise) :]
    assert of_zlib(9, payload) <= WindowJudge(9).allows(payload)
