"""STOMP held against stomp.py: the frames that it writes, and how it reads them again."""

from __future__ import annotations

import random

import pytest

from wslab.wire.payloads import PAYLOADS, Context

STOMP = PAYLOADS["stomp"]


def decode(data: bytes):
    return STOMP.decode(data, "text", "client", Context())


def test_a_thousand_frames_have_the_headers_and_bodies_that_the_library_put_in():
    utils = pytest.importorskip("stomp.utils", reason="pip install stomp.py")
    some = random.Random(12)
    for _ in range(1000):
        command = some.choice(["SEND", "MESSAGE", "SUBSCRIBE", "ERROR", "RECEIPT"])
        headers = {"destination": some.choice(["/queue/a", "/topic/räume"]), "id": "7"}
        body = some.choice([None, "20.5", '{"a": "é"}', "two\nlines"])
        if body and some.random() < 0.5:
            headers["content-length"] = 0  # the library counts
        frame = b"".join(utils.convert_frame(utils.Frame(command, headers, body)))
        more = some.randrange(3)
        fields = decode(frame + b"\n" * more)
        values = {field.name: field.value for field in fields}
        read = utils.parse_frame(frame.rstrip(b"\0"))
        assert values["command"] == read.cmd == command
        for name, value in read.headers.items():
            assert values[name] == value
        assert values.get("body", "").encode() == (read.body or b"")
        assert fields[-1].name == ("line end" if more else "NUL")
        assert not any("not allowed" in field.meaning for field in fields)


def test_two_frames_and_a_sign_of_life_in_one_message():
    fields = decode(
        b"\nBEGIN\ntransaction:t\n\n\0\r\nSEND\ndestination:a\\cb\ncontent-length:3\n\na\0b\0"
    )
    assert STOMP.says(fields) == "STOMP BEGIN, SEND"
    assert [field.value for field in fields if field.name in ("destination", "body")] == [
        "a:b",
        "a\0b",
    ]


@pytest.mark.parametrize(
    ("data", "name", "says"),
    [
        (b"send\n\n\0", "not STOMP", "a command on a line of its own"),
        (b"SHOUT\n\n\0", "command", "no command of STOMP 1.2"),
        (b"SEND\nno colon\n\n\0", "header", "no colon"),
        (b"SEND\na:b\n", "cut off", "without an empty line"),
        (b"SEND\n\nbody", "cut off", "the NUL that ends the frame is missing"),
        (b"SEND\ncontent-length:1\n\nab\0", "NUL", "after content-length bytes comes a NUL"),
    ],
)
def test_what_is_not_allowed_is_described(data, name, says):
    fields = decode(data)
    assert any(field.name == name and says in field.meaning for field in fields), fields
