"""Bytes as people paste them: each form is read as what it is, or asked about."""

from __future__ import annotations

import contextlib
import subprocess

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wslab.wire import CaptureError, load, load_pasted
from wslab.wire.formats.pasted import read_pasted
from wslab.wire.formats.readings import HEX, ReadTwoWays

TEXT = b'\x81\x11{"id":7,"r":true}'
MASKED = bytes.fromhex("81 92 37 fa 21 3d 4c d8 48 59 15 c0 16 11 15 97 03 07 15 96 40 5f 15 87")
HEAD = b"GET / HTTP/1.1\r\nHost: lab.example\r\n\r\n"
PACKET = (
    bytes.fromhex(
        "020000000001020000000002 0800"  # Ethernet
        "4500 0037 1a2b 4000 4006 0000 c0a80750 c0a80714"  # IPv4, 55 bytes
        "1f90c738 000dbba0 00000bb8 5018 01f6 abcd 0000"  # TCP
    )
    + TEXT[:15]
)

FORMS = [
    (TEXT.hex(), TEXT, HEX),
    (TEXT.hex(" "), TEXT, HEX),
    (TEXT.hex(":"), TEXT, HEX),
    (TEXT.hex("-").upper(), TEXT, HEX),  # C#'s BitConverter
    ("".join(f"\\x{byte:02x}" for byte in TEXT), TEXT, HEX),
    (" ".join(f"0x{byte:x}" for byte in TEXT), TEXT, HEX),
    ("81 5 61 a 62 9 63", b"\x81\x05a\nb\tc", HEX),
    (repr(TEXT), TEXT, "bytes as Python prints them"),
    (repr(bytearray(TEXT)), TEXT, "bytes as Python prints them"),
    (f"<Buffer {MASKED.hex(' ')}>", MASKED, "a Buffer as Node prints it"),
    ('{"type":"Buffer","data":[129,0]}', b"\x81\x00", "a Buffer of Node as JSON"),
    ('{"0":129,"1":0}', b"\x81\x00", "a Buffer of Node as JSON"),
    (f"Uint8Array(19) {list(TEXT)}", TEXT, "a list of numbers"),
    (f"[]byte{{{', '.join(map(hex, TEXT))}}}", TEXT, "a list of numbers"),  # Go
    (f"[{' '.join(map(str, TEXT))}]", TEXT, "a list of numbers"),
    (f"{list(TEXT)}", TEXT, "a list of numbers"),  # Rust
    (f"char peer1_0[] = {{ /* Packet 6 */\n{', '.join(map(hex, TEXT))} }};", TEXT,
     "a list of numbers"),
    (f"new byte[] {{ {', '.join(map(str, TEXT))} }}", TEXT, "a list of numbers"),
    (" ".join(map(str, MASKED)), MASKED, "bytes in decimal"),
    (", ".join(map(str, MASKED)), MASKED, "bytes in decimal"),
    (" ".join(f"{byte:08b}" for byte in TEXT), TEXT, "bytes in binary digits"),
    ("gRF7ImlkIjo3LCJyIjp0cnVlfQ==", TEXT, "Base64"),
    ("gRF7ImlkIjo3LCJyIjp0cnVlfQ", TEXT, "Base64"),
    ("data:application/octet-stream;base64,gRF7ImlkIjo3LCJyIjp0cnVlfQ==", TEXT, "Base64"),
    (f"```hex\n{TEXT.hex(' ')}\n```", TEXT, HEX),
    (f"> {TEXT[:9].hex(' ')}\n> {TEXT[9:].hex(' ')}", TEXT, HEX),  # a quoted mail
    (f">>> {TEXT!r}", TEXT, "bytes as Python prints them"),
    (TEXT.hex(" ").replace(" ", "\u00a0"), TEXT, HEX),
    (f"“{TEXT.hex(' ')}”", TEXT, HEX),
    (f"\x1b[1;32m{TEXT.hex(' ')}\x1b[0m", TEXT, HEX),
    (f"2026-11-29 14:20:01,123 DEBUG {TEXT.hex(' ')}", TEXT, HEX),
    (f"bytes.fromhex('{TEXT.hex()}')", TEXT, HEX),
    (f"Buffer.from('{TEXT.hex()}', 'hex')", TEXT, HEX),
    (f"({TEXT[:5]!r}\n {TEXT[5:]!r})", TEXT, "bytes as Python prints them"),
    ('"\\x81\\x02" \\\n"\\x68\\x69"', b"\x81\x02hi", "a string with escapes"),  # Wireshark
    (r'"\x81\x04\"hi\""', b'\x81\x04"hi"', "a string with escapes"),  # Go's %q, Ruby
    (r"\201\002hi", b"\x81\x02hi", "a string with escapes"),  # octal
    (r'"\129\002hi"', b"\x81\x02hi", "a string with escapes"),  # Lua, decimal
    ("%81%02hi", b"\x81\x02hi", "bytes as a URL writes them"),
    (f"bytearray({list(TEXT)})", TEXT, "a list of numbers"),
    (f"array('B', {list(TEXT)})", TEXT, "a list of numbers"),
    (str([byte - 256 * (byte > 127) for byte in TEXT]), TEXT, "a list of signed numbers"),  # Java
    ("byteArrayOf(0x81.toByte(), 0x00)", b"\x81\x00", "a list of numbers"),  # Kotlin
    ("new byte[]{(byte) 0x81, 0x00};", b"\x81\x00", "a list of numbers"),
    ("byte[] data = new byte[2] { 0x81, 0x00 };", b"\x81\x00", "a list of numbers"),  # C#
    ("let bytes: [UInt8] = [0x81, 0x00]", b"\x81\x00", "a list of numbers"),  # Swift
    ("<<129, 0>>", b"\x81\x00", "a list of numbers"),  # Erlang, Elixir
    ("&[0x81, 0x00]", b"\x81\x00", "a list of numbers"),
    ("@(0x81,0x00)", b"\x81\x00", "a list of numbers"),  # PowerShell
    ("Array\n(\n    [1] => 129\n    [2] => 0\n)", b"\x81\x00", "a list of numbers"),  # PHP
    ("Uint8Array(2)\xa0[129, 0, buffer: ArrayBuffer(2), byteLength: 2]", b"\x81\x00",
     "a list of numbers"),
    ("ArrayBuffer { [Uint8Contents]: <81 00 03>, byteLength: 3 }", b"\x81\x00\x03",
     "bytes as a program prints them"),
    ("{length = 3, bytes = 0x810003}", b"\x81\x00\x03", "bytes as a program prints them"),
    ("-127, 5 72", b"\x81\x05H", "signed bytes in decimal"),
    ("0b10000001, 0b00000000", b"\x81\x00", "bytes in binary digits"),
    ("1000 0001 0000 0000", b"\x81\x00", "bytes in binary digits"),
    ("201 002 150 151", b"\x81\x02hi", "bytes in octal"),
    ("0281 6968", b"\x81\x02hi", "words, each with its lowest byte behind"),  # od -An -x
    ('81 02 68 69  ..hi', b"\x81\x02hi", HEX),  # HxD
]  # fmt: skip


@pytest.mark.parametrize(("text", "data", "form"), FORMS)
def test_a_form_is_recognised_and_named(text, data, form):
    assert read_pasted(text) == (data, form, "")
    notes = load_pasted(text).notes
    assert notes == ([] if form == HEX else [f"read as {form}"])


WORDS = "a dump of words, each with its lowest byte behind"
PROGRAMS = {
    "xxd": "a dump with offsets",
    "xxd -u -c 8": "a dump with offsets",
    "xxd -g 4": "a dump with offsets",
    "xxd -d": "a dump with offsets",
    "xxd -o 4096": "a dump with offsets",
    "xxd -b": "a dump in binary digits",
    "xxd -e": WORDS,
    "hexdump -C": "a dump with offsets",
    "hexdump": WORDS,
    "hexdump -b": "a dump in octal",
    "od -A x -t x1": "a dump with offsets",
    "od -t x1z": "a dump with offsets",
    "od -x": WORDS,
    "od -b": "a dump in octal",
    "od -t u1": "a dump in decimal",
    "od -t d1": "a dump in decimal",
}
LONG = b"\x82\x7e\x01\x00" + bytes(range(256))
ZEROS = b"\x82\x64" + bytes(100) + b"\x81\x03end"


@pytest.mark.parametrize("command", PROGRAMS)
@pytest.mark.parametrize("data", [TEXT, MASKED, LONG, ZEROS], ids=["text", "masked", "long", "*"])
def test_the_dumps_of_real_programs_are_read(command, data):
    pasted = read_pasted(dump(command, data))
    assert pasted == (data, PROGRAMS[command], "")


@pytest.mark.parametrize("command", ["xxd", "hexdump -C", "od -A x -t x1"])
@pytest.mark.parametrize("data", [bytes(range(256)), b"beef cafe dead!!" * 3])
def test_a_dump_with_text_or_in_bytes_need_be_no_frame(command, data):
    assert read_pasted(dump(command, data)).data == data


def dump(command: str, data: bytes) -> str:
    """What a program of this machine prints of some bytes."""
    try:
        done = subprocess.run(command.split(), input=data, capture_output=True, check=True)
    except FileNotFoundError:
        pytest.skip(f"{command.split()[0]} is not on this machine")
    return done.stdout.decode()


DUMPS = [
    "\t0x0000:  8192 37fa 213d 4cd8 4859 15c0 1611 1597\n\t0x0010:  0307 1596 405f 1587",
    "0000  81 92 37 fa 21 3d 4c d8 48 59 15 c0 16 11 15 97    ..7.!=L.HY......\n"
    "0010  03 07 15 96 40 5f 15 87                            ....@_..",
    "00000000: 8192 37fa 213d 4cd8 4859 15c0 1611 1597  ..7.!=L.HY......\n"
    "00000010: 0307 1596 405f 1587                      ....@_..",
    "00000000  81 92 37 fa 21 3d 4c d8  48 59 15 c0 16 11 15 97  |..7.!=L.HY......|\n"
    "00000010  03 07 15 96 40 5f 15 87                           |....@_..|\n00000018",
]


@pytest.mark.parametrize("dump", DUMPS, ids=["tcpdump -x", "Wireshark", "xxd", "hexdump -C"])
def test_in_a_dump_offsets_and_text_are_no_bytes(dump):
    assert read_pasted(dump) == (MASKED, "a dump with offsets", "")


def test_a_dump_with_a_missing_line_says_so():
    with pytest.raises(CaptureError, match="expected offset 0x10 in the dump, got 0x20"):
        read_pasted(DUMPS[1].replace("\n0010", "\n0020"))


@pytest.mark.parametrize(
    "text",
    [
        "hello wor",
        "/*",
        "<Buffer ",
        "1 [",
        "\n",
        "'",
        '\\"',
        "0x",
        "0000 00\n",
        "\n*\n",
        "0000 0  ",
    ],
)
def test_a_megabyte_of_anything_is_refused_and_does_not_take_for_ever(text):
    with pytest.raises(CaptureError, match="expected"):
        read_pasted(text * (2**20 // len(text)))


def test_a_dump_may_not_stand_for_gigabytes():
    with pytest.raises(CaptureError, match="at most 1,048,576 bytes, got offset 0xfffffff0"):
        read_pasted("00000000  00 00\n*\nfffffff0")


def test_a_buffer_that_was_cut_says_how_much_is_missing():
    pasted = read_pasted("<Buffer 81 50 78 78 ... 32 more bytes>")
    assert pasted.data == b"\x81Pxx"
    assert pasted.note == "32 more bytes are missing: the program left them out"


def test_an_exported_packet_loses_its_headers_and_says_so():
    pasted = read_pasted(PACKET.hex())
    assert pasted.data == TEXT[:15]
    assert pasted.note == "it begins with 54 bytes of link, IP and TCP headers: left out"


def test_a_request_and_the_frames_behind_it():
    request = HEAD.replace(b"\r\n\r\n", b"\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
                           b"Sec-WebSocket-Version: 13\r\n"
                           b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n")  # fmt: skip
    rows = load_pasted((request + MASKED).hex()).index.rows()
    assert [(row.kind, row.direction) for row in rows] == [
        ("request", "client"),
        ("text", "client"),
    ]


@pytest.mark.parametrize(
    "text", ["81 17", "10000001", "0000000 2211 4433\n0000004", "100 144 150 151", r'"hex \u00fc"']
)
def test_what_can_be_read_in_two_ways_is_asked_back(text):
    with pytest.raises(ReadTwoWays, match="hex"):
        read_pasted(text)


@pytest.mark.parametrize(
    "text",
    ["", "hello", "81 xy", "[300]", "8", "test", "300 1", '{"op": [1, 2]}', "[[129, 5], [72]]",
     "{ 0x81 }, { 0x05 }", r"\x", r"b'\x8'", r"\777", "<dd>", 'he said "8105" and left',
     "0000000 010601 021173\n0000004", "81 05\n*\n00 00", "0000  81 05\n\n0000  81 05"],
)  # fmt: skip
def test_what_is_no_bytes_gets_one_clear_line(text):
    with pytest.raises(CaptureError, match="expected"):
        read_pasted(text)


def test_a_file_is_read_as_well(tmp_path):
    file = tmp_path / "pasted.txt"
    file.write_text(DUMPS[2])
    capture = load(file)
    assert capture.notes == ["read as a dump with offsets"]
    assert capture.index.unit(0).payload == b'{"id":7,"m":"lab"}'


@given(st.text(max_size=60) | st.binary(max_size=40).map(lambda data: data.hex(" ")))
def test_any_text_is_read_or_refused(text):
    with contextlib.suppress(CaptureError):
        assert load_pasted(text).index.update() >= 0


@given(st.binary(min_size=3, max_size=80))
def test_hex_and_lists_come_back_as_they_were(data):
    for text in (data.hex(), repr(data), f"{list(data)}"):
        pasted = read_pasted(text)
        assert pasted.data == data or "headers" in pasted.note
