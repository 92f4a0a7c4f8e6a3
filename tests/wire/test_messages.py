"""Messages: joined from fragments, checked as they come, the same however the bytes were cut."""

from __future__ import annotations

import itertools

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from wslab.wire import Agreement, Capture, Deflater, Inflater, encode_frame
from wslab.wire.protocol.messages import Assembler
from wslab.wire.protocol.utf8 import Utf8Check, utf8_fault

from .test_handshake import REQUEST, RESPONSE

KEY = b"\x9a\x01\x00\xff"
PMD = b"Sec-WebSocket-Extensions: permessage-deflate\r\n\r\n"


def frame(opcode: int, payload: bytes = b"", **how) -> bytes:
    return encode_frame(opcode, payload, masking_key=KEY, **how)


def recorded(data: bytes, compression: bool = False, piece: int = 1 << 20) -> Capture:
    capture = Capture()
    connection = capture.open_connection()
    extended = PMD if compression else b"\r\n"
    capture.record(connection, "client", REQUEST[:-2] + extended)
    capture.record(connection, "server", RESPONSE[:-2] + extended)
    for start in range(0, len(data), piece):
        capture.record(connection, "client", data[start : start + piece])
    return capture


@given(st.binary(max_size=30) | st.text("aß€𝄞\ud7ff\ue000", max_size=9).map(str.encode))
@example(b"\xed\xa0")
@example(b"a\xed\xbf\xbf")
@example(b"\xed\x9f")
def test_utf8_is_checked_as_python_does_and_as_soon_as_can_be(data):
    check = Utf8Check()
    certain = None
    for position in range(len(data)):
        if not check.feed(data[position : position + 1]):
            certain = position
            break
    try:
        data.decode()
    except UnicodeDecodeError:
        check.feed(b"", final=True)
        assert check.fault is not None
    else:
        assert check.feed(b"", final=True)
        assert check.fault is None
    if certain is not None:
        # Known at the very byte that cannot stand there: with any other ending it stays wrong.
        assert check.fault == certain
        assert not _could_go_on(data[: certain + 1])
    assert _could_go_on(data[: len(data) if certain is None else certain])
    assert utf8_fault(data) == check.fault


def _could_go_on(data: bytes) -> bool:
    """Whether some bytes behind these make them UTF-8."""
    endings = [
        bytes(rest) for n in range(4) for rest in itertools.product((0x80, 0x90, 0xA0), repeat=n)
    ]
    return any(utf8_ok(data + ending) for ending in endings)


def utf8_ok(data: bytes) -> bool:
    try:
        data.decode()
    except UnicodeDecodeError:
        return False
    return True


def test_a_message_in_fragments_with_a_ping_between():
    data = frame(1, b"Gr\xc3", fin=False) + frame(9, b"?") + frame(0, b"\xbc\xc3\x9fe")
    index = recorded(data).index
    (message,) = index.messages()
    assert (message.kind, message.text, message.frames, message.size) == ("text", "Grüße", 2, 7)
    assert message.offset == len(REQUEST)
    assert message.row == 4
    assert [row.preview for row in index.rows(2)] == ['"Gr\ufffd"', '"?"', '"\ufffdße"']
    assert not any(row.broken for row in index.rows())
    assert "of a text message" in index.unit(4).field("payload").meaning


@pytest.mark.parametrize(
    ("fragments", "broken", "where"),
    [
        ([b"\xe2\x82", b"\xac"], None, ""),
        ([b"a\xff", b"b", b"c"], 0, "byte 1 (0xff)"),
        ([b"a", b"\xe2", b"(c"], 2, "byte 0 (0x28)"),
        ([b"a", b"\xed", b"\xa0\x80"], 2, "byte 0 (0xa0)"),  # half of a surrogate pair
        ([b"a", b"b", b"\xe2\x82"], 2, "ends inside a character"),
    ],
)  # fmt: skip
@pytest.mark.parametrize("compression", [False, True])
def test_the_frame_that_makes_it_certain_is_the_one_that_is_broken(
    fragments, broken, where, compression
):
    # Stored blocks: each fragment's bytes are there as soon as the fragment is.
    payloads = [
        b"\x00" + len(f).to_bytes(2, "little") + (len(f) ^ 0xFFFF).to_bytes(2, "little") + f
        for f in fragments
    ]
    payloads[-1] += b"\x00"
    data = b"".join(
        frame(
            1 if number == 0 else 0,
            payload if compression else fragment,
            fin=number == len(fragments) - 1,
            rsv1=compression and number == 0,
        )
        for number, (fragment, payload) in enumerate(zip(fragments, payloads, strict=True))
    )
    index = recorded(data, compression).index
    rows = index.rows(2)
    assert [row.broken for row in rows] == [number == broken for number in range(len(fragments))]
    # Backwards: nobody looked at the frames before.
    for number in reversed(range(len(fragments))):
        violations = index.unit(2 + number).violations
        assert [v.rule for v in violations] == ["text-not-utf8"] * (number == broken)
        assert all(where in violation.text for violation in violations)
    (message,) = index.messages()
    assert message.content == b"".join(fragments)
    assert bool(message.violations) == (broken is not None)


def test_compressed_messages_are_shown_inflated_wherever_one_looks_first():
    deflater = Deflater()
    texts = [f"message {number} " * 30 for number in range(300)]
    data = b"".join(frame(1, deflater.deflate(text.encode()), rsv1=True) for text in texts)
    for order in ([299, 5, 150], [0, 299, 1]):
        index = recorded(data, compression=True).index
        for number in order:
            unit = index.unit(2 + number)
            assert unit.inflated == texts[number].encode()
            said = unit.field("payload").meaning
            assert f"{len(unit.payload)} bytes, compressed" in said
            assert f"{len(texts[number])} bytes when inflated" in said
        assert [row.preview[:12] for row in index.rows(2 + 150, 2 + 152)] == [
            '"message 150',
            '"message 151',
        ]
    assert [message.text for message in index.messages()] == texts


def test_a_message_that_cannot_be_inflated_is_shown_as_it_is():
    data = frame(1, b"\xff\xff", rsv1=True) + frame(1, b"\xf2\x48\xcd\xc9\xc9\x07\x00", rsv1=True)
    index = recorded(data, compression=True).index
    broken, after = index.rows(2)
    assert broken.preview == "cannot be inflated: ff ff"
    assert broken.broken
    # The peer would have closed; that the next is lost is the first one's fault.
    assert after.preview.startswith("cannot be inflated: f2 48")
    assert not after.broken
    assert "it cannot be inflated" in index.unit(3).field("payload").meaning


def test_both_directions_of_several_connections_in_the_order_of_time():
    capture = Capture()
    for _ in range(2):
        capture.open_connection(upgraded=True)
    for number in range(5000):  # more than are joined at a time
        text = str(number).encode()
        if number % 2:
            capture.record(1 + number % 3 % 2, "client", frame(1, text))
        else:
            capture.record(1 + number % 3 % 2, "server", encode_frame(1, text))
    index = capture.index
    found = list(index.messages())
    assert [message.text for message in found] == [str(number) for number in range(5000)]
    assert [message.row for message in found] == list(range(5000))
    one = [message for message in found if message.connection == 2]
    assert list(index.messages(2)) == one


@st.composite
def streams(draw):
    """Frames as they come, legal or not."""
    return b"".join(
        encode_frame(
            draw(st.integers(0, 15)),
            draw(st.binary(max_size=150)),
            masking_key=draw(st.sampled_from([KEY, None])),
            fin=draw(st.booleans()),
            rsv1=draw(st.booleans()),
            length_form=draw(st.sampled_from([None, 16, 64])) if draw(st.booleans()) else 64,
        )
        for _ in range(draw(st.integers(0, 8)))
    ) + draw(st.binary(max_size=20))


@given(streams(), st.booleans(), st.integers(1, 60))
def test_the_index_sees_the_same_however_it_was_cut(data, compression, piece):
    whole, cut = recorded(data, compression).index, recorded(data, compression, piece).index
    assert len(whole) == len(cut)
    for number in range(len(whole)):
        assert whole.unit(number)._replace(time=0) == cut.unit(number)._replace(time=0)
    said, other = (
        [message._replace(time=0) for message in index.messages()] for index in (whole, cut)
    )
    assert said == other
    assert whole.incomplete(1, "client") == cut.incomplete(1, "client")
    found = whole.incomplete_violations(1, "client")
    assert found == cut.incomplete_violations(1, "client")


@given(streams(), st.booleans())
def test_the_index_says_of_each_frame_what_the_assembler_says(data, compression):
    index = recorded(data, compression).index
    assembler = Assembler(Inflater.of("client", Agreement()) if compression else None)
    messages = index.messages()
    for number in range(2, len(index)):
        unit = index.unit(number)
        assembler.begin(unit.data[0])
        content = b"".join([*assembler.feed(unit.payload), *assembler.end()])
        assert {*assembler.faults} <= {violation.rule for violation in unit.violations}
        if unit.inflated is not None:
            assert unit.inflated == content
        if assembler.ended:
            made, message = assembler, next(messages)
            assert (made.kind, made.frames, made.size, made.length) == (
                message.kind, message.frames, message.size, len(message.content),
            )  # fmt: skip
            assert made.message_faults == [violation.rule for violation in message.violations]
            assert message.content.endswith(content)
            assert message.row == number
    assert next(messages, None) is None
