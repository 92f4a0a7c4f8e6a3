"""permessage-deflate: round trips, all parameters, agreement, and no bytes that cost too much."""

from __future__ import annotations

import random
import zlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wslab.wire import Agreement, Deflater, Inflater
from wslab.wire.protocol import deflate
from wslab.wire.protocol.deflate import STEP, answer_faults, parameter_faults

# RFC 7692 §7.2.3: the same text, compressed in each of the ways that the section shows.
EXAMPLES = [
    ("f2 48 cd c9 c9 07 00", b"Hello"),  # §7.2.3.1
    ("00 05 00 fa ff 48 65 6c 6c 6f 00", b"Hello"),  # §7.2.3.3: not compressed
    ("f3 48 cd c9 c9 07 00 00", b"Hello"),  # §7.2.3.4: a block that calls itself the last
    ("f2 48 05 00 00 00 ff ff ca c9 c9 07 00", b"Hello"),  # §7.2.3.5: two blocks
    ("00", b""),  # §7.2.3.6
]


def inflate(inflater: Inflater, payload: bytes, piece: int = 1 << 20) -> bytes:
    pieces = [payload[i : i + piece] for i in range(0, len(payload), piece)]
    content = b"".join(part for data in pieces for part in inflater.feed(data))
    return content + b"".join(inflater.finish())


@pytest.mark.parametrize(("payload", "content"), EXAMPLES)
@pytest.mark.parametrize("piece", [1, 3, 100])
def test_the_examples_of_the_rfc(payload, content, piece):
    inflater = Inflater()
    assert inflate(inflater, bytes.fromhex(payload), piece) == content
    assert (inflater.fault, inflater.lost) == (None, False)
    # What comes after goes on with the same window (§7.2.3.2).
    if content:
        assert inflate(inflater, bytes.fromhex("f2 00 11 00 00")) == b"Hello"


messages = st.lists(
    st.binary(max_size=2000) | st.builds(bytes.__mul__, st.binary(max_size=20), st.integers(0, 99)),
    max_size=6,
)


@given(messages, st.integers(9, 15), st.booleans(), st.integers(1, 500))
def test_what_is_deflated_is_inflated_again(contents, window_bits, no_context_takeover, piece):
    deflater = Deflater(window_bits, no_context_takeover)
    inflater = Inflater(window_bits, no_context_takeover)
    for content in contents:
        assert inflate(inflater, deflater.deflate(content), piece) == content
        assert inflater.fault is None
        # A walk may start again between any two messages.
        inflater = Inflater(window_bits, no_context_takeover, inflater.window)


@given(st.lists(st.binary(max_size=300)), st.integers(8, 15), st.booleans(), st.integers(1, 99))
def test_no_bytes_make_it_raise_and_pieces_change_nothing(payloads, bits, no_takeover, piece):
    whole, cut = Inflater(bits, no_takeover), Inflater(bits, no_takeover)
    for payload in payloads:
        assert inflate(whole, payload) == inflate(cut, payload, piece)
        assert (whole.fault, whole.lost) == (cut.fault, cut.lost)


@pytest.mark.parametrize("bits", [9, 10, 14])
def test_a_window_is_measured_exactly(bits):
    size = 1 << bits
    for distance, fault in [(size, None), (size + 1, "deflate-window-too-big")]:
        start = bytes(range(256))
        content = start + bytes(distance - 256) + start[:100]
        inflater = Inflater(bits)
        assert inflate(inflater, Deflater(15).deflate(content)) == content
        assert inflater.fault == fault


def test_a_bomb_comes_in_small_pieces_and_to_an_end(monkeypatch):
    most = 1 << 23
    monkeypatch.setattr(deflate, "MAX_INFLATED", most)
    squeezed = zlib.compressobj(wbits=-15)
    bomb = squeezed.compress(bytes(2 * most)) + squeezed.flush()
    assert len(bomb) < most / 250
    inflater = Inflater()
    size = 0
    for piece in inflater.feed(bomb):
        assert len(piece) <= STEP
        size += len(piece)
    assert most < size <= most + STEP
    assert inflater.lost
    # Later messages may refer to it, so that they are lost, too.
    assert inflate(inflater, bytes.fromhex("f2 48 cd c9 c9 07 00")) == b""
    assert inflater.fault is None


def test_blocks_without_end_that_call_themselves_the_last():
    inflater = Inflater()
    assert inflate(inflater, b"\x03\x00" * 1_000_000) == b""
    assert inflater.lost


def test_without_context_takeover_one_bad_message_spoils_no_other():
    inflater = Inflater(no_context_takeover=True)
    assert inflate(inflater, b"\xff\xff") == b""
    assert inflater.fault == "deflate-malformed"
    assert inflate(inflater, bytes.fromhex("f2 48 cd c9 c9 07 00")) == b"Hello"
    assert inflater.fault is None


NO_TAKEOVER = ("server_no_context_takeover", None)
CLIENT_HINT = (("client_max_window_bits", None),)


def server_bits(value: str) -> deflate.Parameters:
    return (("server_max_window_bits", value),)


@pytest.mark.parametrize(
    ("offers", "answer", "faults"),
    [
        ([()], (), []),
        ([()], (NO_TAKEOVER, ("client_no_context_takeover", None)), []),
        ([()], (("server_max_window_bits", "8"),), []),
        ([(("client_max_window_bits", None),)], (("client_max_window_bits", "8"),), []),
        ([(("client_max_window_bits", "10"),)], (), []),
        # RFC 7692 §7.2.1: the client's number is a hint, and the response may name a bigger one.
        ([(("client_max_window_bits", "9"),)], (("client_max_window_bits", "10"),), []),
        ([()], (("client_max_window_bits", "10"),), ["client-max-window-bits-not-offered"]),
        ([(NO_TAKEOVER,)], (), ["server-no-context-takeover-ignored"]),
        ([(NO_TAKEOVER,), ()], (), []),  # the second offer was accepted
        ([(("unknown", None),)], (), ["deflate-offer-not-acceptable"]),
        ([(("unknown", None),), ()], (), []),
        ([CLIENT_HINT], CLIENT_HINT, ["deflate-value-invalid"]),
        ([server_bits("10")], server_bits("11"), ["server-max-window-bits-ignored"]),
        ([()], server_bits("08"), ["deflate-value-invalid"]),
    ],
)
def test_an_answer_must_fit_an_offer(offers, answer, faults):
    assert answer_faults(offers, answer) == faults


def test_what_an_offer_may_say():
    assert parameter_faults((("client_max_window_bits", None),), in_response=False) == []
    assert parameter_faults((NO_TAKEOVER, NO_TAKEOVER), in_response=False) == [
        "deflate-parameter-repeated"
    ]
    assert parameter_faults((("server_max_window_bits", None),), in_response=False) == [
        "deflate-value-invalid"
    ]


def test_an_agreement_is_read_from_the_response():
    said = ((NO_TAKEOVER), ("client_max_window_bits", "9"), ("server_max_window_bits", "99"))
    agreed = Agreement.of_response(said)
    assert agreed == Agreement(True, False, 15, 9)
    client, server = Inflater.of("client", agreed), Inflater.of("server", agreed)
    assert (client.window_bits, client.no_context_takeover) == (9, False)
    assert (server.window_bits, server.no_context_takeover) == (15, True)


def test_a_window_that_zlib_cannot_make():
    with pytest.raises(ValueError, match="from 9 to 15, got 8"):
        deflate.Deflater(8)


@pytest.mark.parametrize("seed", range(200))
def test_a_message_at_once_is_the_same_as_piece_by_piece_or_left_to_that(seed):
    chance = random.Random(seed)
    bits, no_takeover = chance.choice([15, 15, 9]), chance.random() < 0.3
    deflater = Deflater(bits, no_takeover)
    at_once, in_pieces = Inflater(bits, no_takeover), Inflater(bits, no_takeover)
    for _ in range(12):
        size = chance.choice([0, 3, 50, 3000, 70_000 if seed % 50 == 0 else 9])
        payload = bytearray(deflater.deflate(bytes(chance.choices(b"abcde\n", k=size))))
        if payload and chance.random() < 0.08:
            payload[chance.randrange(len(payload))] ^= 1 << chance.randrange(8)  # damaged
        if chance.random() < 0.05:
            del payload[chance.randint(0, len(payload)) :]
        expected = b"".join([*in_pieces.feed(payload), *in_pieces.finish()])
        content = at_once.whole(bytes(payload))
        if content is None:
            content = b"".join([*at_once.feed(payload), *at_once.finish()])
        else:
            assert (in_pieces.fault, in_pieces.lost) == (None, False)
        assert content == expected
