"""Of every payload protocol: its fields cover each byte once, it never raises, it cites."""

from __future__ import annotations

import json
import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wslab.wire import Field, rfc_url
from wslab.wire.payloads import PAYLOADS, Context

KINDS = st.sampled_from(["text", "binary"])
DIRECTIONS = st.sampled_from(["client", "server"])
LOOKALIKES = st.one_of(
    st.binary(max_size=200),
    st.binary(max_size=60).map(lambda body: bytes([0x30, len(body)]) + body),
    st.binary(max_size=60).map(lambda body: b"\x10\x40\x00\x04MQTT\x05" + body),
    st.binary(max_size=60).map(lambda body: (3).to_bytes(8, "little") + body),
    st.binary(max_size=60).map(lambda body: (2).to_bytes(4, "big") + body),
    st.text(max_size=60).map(lambda text: f"SEND\na:{text}\n\n{text}\0".encode("utf-8", "replace")),
    st.text(max_size=60).map(lambda text: f'42/a,7["{text}"]'.encode("utf-8", "replace")),
    st.recursive(
        st.one_of(st.none(), st.booleans(), st.integers(), st.text(max_size=5)),
        lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner),
        max_leaves=8,
    ).map(lambda value: json.dumps(value).encode()),
)


def check(fields: tuple[Field, ...], data: bytes) -> None:
    bit = 0
    for field in fields:
        assert field.bit == bit
        assert field.bits >= 0
        bit += field.bits
        assert rfc_url(field.rfc).startswith("https://")
        assert field.meaning
        assert isinstance(field.value, int | str | None)
    assert bit == 8 * len(data)


@pytest.mark.parametrize("name", PAYLOADS)
@given(messages=st.lists(st.tuples(LOOKALIKES, KINDS, DIRECTIONS), max_size=5))
def test_fields_cover_every_byte_once_and_nothing_is_raised(name, messages):
    payload, context = PAYLOADS[name], Context()
    for data, kind, direction in messages:
        fields = payload.decode(data, kind, direction, context)
        check(fields, data)
        payload.says(fields)


@pytest.mark.parametrize("name", PAYLOADS)
@given(messages=st.lists(st.tuples(LOOKALIKES, KINDS, DIRECTIONS), max_size=5))
def test_following_notes_the_same_as_decoding(name, messages):
    payload, one, two = PAYLOADS[name], Context(), Context()
    for data, kind, direction in messages:
        payload.decode(data, kind, direction, one)
        if payload.follow is not None:
            payload.follow(data, kind, direction, two)
            assert vars(one) == vars(two)


@pytest.mark.parametrize("name", PAYLOADS)
def test_a_large_message_is_cut_short_not_left_out(name):
    some = random.Random(11)
    for data in (
        b"[" * 300_000,
        b"[" + b"1," * 200_000 + b"1]",
        b"\xc0\x00" * 100_000,
        some.randbytes(200_000),
        b"a:b\n" * 50_000,
    ):
        for kind in ("text", "binary"):
            fields = PAYLOADS[name].decode(data, kind, "client", Context())
            check(fields, data)
            assert len(fields) < 1200
