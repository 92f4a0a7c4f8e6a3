"""What is fast finds what the plain version finds, whatever the bytes and wherever they are cut."""

from __future__ import annotations

from array import array

from hypothesis import given
from hypothesis import strategies as st

from wslab.wire import encode_frame
from wslab.wire.protocol.deflate import Inflater
from wslab.wire.protocol.frames import Splitter, frame_payload, header_at
from wslab.wire.recording.fast import FastJoiner, FastSplitter, unmask_short
from wslab.wire.recording.messages import Joiner

DIRECTIONS = st.sampled_from(["client", "server"])
PAYLOADS = st.one_of(
    st.binary(max_size=8),
    st.text(max_size=8).map(str.encode),
    st.sampled_from([0, 124, 125, 126, 127, 128, 255, 65535, 65536]).map(bytes),
)
KEYS = st.one_of(st.none(), st.binary(min_size=4, max_size=4))


@st.composite
def frames(draw) -> bytes:
    """A frame as it may come: mostly legal, in any form of length that can hold it."""
    payload = draw(PAYLOADS)
    opcode = draw(st.one_of(st.sampled_from([0, 1, 2, 8, 9, 10]), st.integers(0, 15)))
    form = draw(st.sampled_from([None, None, None, 7, 16, 64]))
    if form == 7 and len(payload) > 125:
        form = None
    if form == 16 and len(payload) > 65535:
        form = 64
    return encode_frame(
        opcode, payload, masking_key=draw(KEYS), fin=draw(st.booleans()),
        rsv1=draw(st.sampled_from([False, False, True])), length_form=form,
    )  # fmt: skip


STREAMS = st.one_of(
    st.binary(max_size=60),
    st.lists(frames(), max_size=12).map(b"".join),
    st.tuples(st.lists(frames(), max_size=6).map(b"".join), st.binary(max_size=15)).map(b"".join),
)


def split(splitter: Splitter, data: bytes, cuts: list[int]) -> tuple[object, ...]:
    starts, marks = array("Q"), array("H")
    for stop in [*cuts, len(data)]:
        splitter.split(data, stop, starts, marks)
    state = splitter.position, splitter.in_message, splitter.closed, list(splitter.fragmented)
    return list(starts), list(marks), state


@given(STREAMS, DIRECTIONS, st.booleans(), st.data())
def test_the_splitters_find_the_same_frames(data, direction, rsv1_allowed, draw):
    cuts = sorted(draw.draw(st.lists(st.integers(0, len(data)), max_size=5)))
    plain = split(Splitter(direction, 0, rsv1_allowed), data, cuts)
    assert split(FastSplitter(direction, 0, rsv1_allowed), data, cuts) == plain


@given(st.lists(st.tuples(PAYLOADS, KEYS), min_size=1, max_size=12))
def test_short_frames_are_unmasked_together_as_one_by_one(parts):
    """Whatever stands between them: frames that are longer, or not masked."""
    data, payloads = b"", {}
    for payload, key in parts:
        if key is not None:
            payloads[len(data)] = payload
        data += encode_frame(2, payload, masking_key=key)
    if not payloads:
        return
    unmasked, first = unmask_short(data, list(payloads), len(data)), min(payloads)
    for start, payload in payloads.items():
        assert frame_payload(data, start, header_at(data, start)) == payload
        if len(payload) <= 125:
            at = start - first + 6
            assert unmasked[at : at + len(payload)] == payload


@given(STREAMS, DIRECTIONS, st.booleans(), st.integers(1, 5))
def test_the_joiners_give_the_same_messages(data, direction, compressed, together):
    starts, _, _ = split(Splitter(direction, 0, compressed), data, [])
    found = []
    for kind in (Joiner, FastJoiner):
        joiner = kind(1, direction, bytearray(data), Inflater() if compressed else None)
        found.append([])
        for first in range(0, len(starts), together):
            some = range(first, min(first + together, len(starts)))
            times = [float(row) for row in some]
            found[-1] += joiner.join(some, [starts[row] for row in some], times)
    assert found[0] == found[1]
