"""Frames: literal bytes beside what they mean; the examples of RFC 6455; an oracle."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from websockets.frames import Frame
from websockets.frames import Opcode as LibraryOpcode
from websockets.streams import StreamReader

from wslab.wire import Capture, Opcode, encode_frame, mask, rfc_url
from wslab.wire.fields import Unit

KEY = bytes.fromhex("37fa213d")


def explain(data: bytes, direction="client") -> list[Unit]:
    capture = Capture()
    connection = capture.open_connection(upgraded=True)
    capture.record(connection, direction, data)
    return [capture.index.unit(number) for number in range(len(capture.index))]


def values(unit: Unit) -> dict[str, int | str | None]:
    return {field.name: field.value for field in unit.fields}


# (direction, bytes, kind, fin, payload): the examples of RFC 6455 §5.7
EXAMPLES = [
    ("server", "81 05 48 65 6c 6c 6f", "text", True, b"Hello"),
    ("client", "81 85 37 fa 21 3d 7f 9f 4d 51 58", "text", True, b"Hello"),
    ("server", "01 03 48 65 6c", "text", False, b"Hel"),
    ("server", "89 05 48 65 6c 6c 6f", "ping", True, b"Hello"),
    ("client", "8a 85 37 fa 21 3d 7f 9f 4d 51 58", "pong", True, b"Hello"),
    ("server", "82 7e 01 00" + " ff" * 256, "binary", True, b"\xff" * 256),
    ("server", "82 7f 00 00 00 00 00 01 00 00" + " ff" * 65536, "binary", True, b"\xff" * 65536),
]


@pytest.mark.parametrize(("direction", "data", "kind", "fin", "payload"), EXAMPLES)
def test_the_examples_of_the_rfc(direction, data, kind, fin, payload):
    (unit,) = explain(bytes.fromhex(data), direction)
    assert (unit.kind, unit.fin, unit.payload) == (kind, fin, payload)
    assert unit.data == bytes.fromhex(data)
    assert unit.violations == ()


def test_every_field_of_a_masked_hello():
    (unit,) = explain(bytes.fromhex("81 85 37fa213d 7f9f4d5158"))
    assert [(f.name, f.bit, f.bits, f.value) for f in unit.fields] == [
        ("FIN", 0, 1, 1),
        ("RSV1", 1, 1, 0),
        ("RSV2", 2, 1, 0),
        ("RSV3", 3, 1, 0),
        ("opcode", 4, 4, 1),
        ("MASK", 8, 1, 1),
        ("payload length", 9, 7, 5),
        ("masking key", 16, 32, "37fa213d"),
        ("payload", 48, 40, b"Hello".hex()),
    ]
    assert unit.field("mask").rfc == "RFC 6455 §5.1"
    with pytest.raises(KeyError, match="no field 'nothing'"):
        unit.field("nothing")


@pytest.mark.parametrize(
    ("size", "form", "header"),
    [(0, 7, 2), (125, 7, 2), (126, 16, 4), (65535, 16, 4), (65536, 64, 10)],
)
def test_the_three_forms_of_length(size, form, header):
    (unit,) = explain(encode_frame(Opcode.BINARY, bytes(size)), "server")
    extended = [f for f in unit.fields if f.name == "extended payload length"]
    assert [f.bits for f in extended] == ([] if form == 7 else [form])
    assert [f.value for f in extended] == ([] if form == 7 else [size])
    assert unit.length == header + size


# What breaks a rule: direction, bytes, the rules' names
BROKEN = [
    ("client", "c1 80 00000000", ["rsv1-without-extension"]),
    ("client", "a1 80 00000000", ["rsv2-set"]),
    ("client", "91 80 00000000", ["rsv3-set"]),
    ("client", "83 80 00000000", ["reserved-opcode"]),
    ("client", "8b 80 00000000", ["reserved-opcode"]),
    ("client", "81 00", ["frame-not-masked"]),
    ("server", "81 80 00000000", ["frame-masked"]),
    ("server", "09 00", ["control-frame-fragmented"]),
    ("server", "89 7e 007e" + "00" * 126, ["control-frame-too-long"]),
    ("server", "82 7e 0001 00", ["length-not-minimal"]),
    ("server", "82 7f 000000000000ffff" + "00" * 65535, ["length-not-minimal"]),
    ("server", "80 00", ["continuation-without-message"]),
    ("server", "01 00 81 00", [], ["message-interleaved"]),
    ("server", "88 00 81 00", [], ["frame-after-close"]),
    ("server", "88 01 03", ["close-payload-one-byte"]),
    ("server", "88 02 03ed", ["close-code-not-allowed"]),  # 1005
    ("server", "88 02 03ee", ["close-code-not-allowed"]),  # 1006
    ("server", "88 02 03f7", ["close-code-not-allowed"]),  # 1015
    ("server", "88 02 03e7", ["close-code-not-allowed"]),  # 999
    ("server", "88 03 03e8 ff", ["close-reason-not-utf8"]),
    ("server", "81 01 ff", ["text-not-utf8"]),
]


@pytest.mark.parametrize(("direction", "data", "rules"), [(b[0], b[1], b[2:]) for b in BROKEN])
def test_a_broken_rule_is_named_and_the_rest_goes_on(direction, data, rules):
    units = explain(bytes.fromhex(data) + encode_frame(9, masking_key=None), direction)
    found = [[violation.rule for violation in unit.violations] for unit in units]
    assert found[: len(rules)] == list(rules)
    assert units[-1].kind == "ping"
    assert [row.broken for row in _rows(bytes.fromhex(data), direction)] == [
        bool(names) for names in rules
    ]


@pytest.mark.parametrize(
    ("data", "says"),
    [
        ("81 05 63 61 66 c3 a9", '5 bytes of UTF-8: "café"'),
        ("81 04 63 61 66 c3", '4 bytes that are not UTF-8: "caf\ufffd"'),
        ("01 04 63 61 66 c3", '4 bytes of a text message: "caf\ufffd"'),  # it goes on
    ],
)
def test_a_text_is_said_to_be_utf8_only_where_it_is(data, says):
    (unit,) = explain(bytes.fromhex(data), "server")
    assert unit.fields[-1].meaning == says


def _rows(data, direction):
    capture = Capture()
    capture.record(capture.open_connection(upgraded=True), direction, data)
    return capture.index.rows()


@given(
    opcode=st.sampled_from([0, 1, 2, 8, 9, 10]),
    payload=st.binary(max_size=300),
    key=st.none() | st.binary(min_size=4, max_size=4),
)
def test_frames_are_made_and_read_as_the_library_does(opcode, payload, key):
    payload = payload[:125] if opcode >= 8 else payload
    data = encode_frame(opcode, payload, masking_key=key)
    reader = StreamReader()
    reader.feed_data(data)
    try:
        next(parser := Frame.parse(reader.read_exact, mask=key is not None))
        pytest.fail(f"the library wants more: {parser}")
    except StopIteration as result:
        frame = result.value
    assert (frame.opcode, bytes(frame.data), frame.fin) == (LibraryOpcode(opcode), payload, True)
    (unit,) = explain(data, "server" if key is None else "client")
    assert (unit.opcode, unit.payload, unit.masking_key) == (opcode, payload, key)
    assert _covered_once(unit)


@given(st.binary(max_size=400), st.binary(min_size=4, max_size=4))
def test_masking_undoes_itself(data, key):
    assert mask(mask(data, key), key) == data
    assert mask(data, key) == bytes(byte ^ key[i % 4] for i, byte in enumerate(data))


def _covered_once(unit: Unit) -> bool:
    position = 0
    for field in unit.fields:
        if field.bit != position or field.bits < 1:
            return False
        position += field.bits
    return position == 8 * unit.length


def test_a_frame_that_its_header_cannot_hold_is_refused():
    with pytest.raises(ValueError, match="does not fit the 7-bit form"):
        encode_frame(1, bytes(126), length_form=7)
    with pytest.raises(ValueError, match="masking key of 4 bytes, got 3"):
        encode_frame(1, masking_key=b"abc")
    with pytest.raises(ValueError, match="opcode from 0 to 15, got 16"):
        encode_frame(16)


def test_the_link_of_a_reference():
    assert rfc_url("RFC 6455 §5.2") == "https://www.rfc-editor.org/rfc/rfc6455.html#section-5.2"
    assert rfc_url("RFC 7692") == "https://www.rfc-editor.org/rfc/rfc7692.html"
    with pytest.raises(ValueError, match="expected a reference"):
        rfc_url("somewhere")
