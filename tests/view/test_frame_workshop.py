"""The frame workshop's side in the kernel: what is set, flipped, typed wrongly, taken and sent."""

from __future__ import annotations

import threading
from typing import NamedTuple

import pytest

from wslab.view.experiments.frame_workshop import LONGEST, FrameWorkshop
from wslab.wire import Capture, encode_frame
from wslab.wire.protocol.frame_draft import FrameDraft

KEY = bytes.fromhex("37fa213d")


class Reaction(NamedTuple):
    answer: bytes = encode_frame(1, b"Hello")
    said: tuple[str, ...] = ("recv() returned 'Hello'",)
    ended: bool = False
    waits: str = ""


@pytest.fixture
def sent():
    return []


@pytest.fixture
def workshop(sent):
    def send(data):
        sent.append(data)
        return Reaction()

    workshop = FrameWorkshop(
        {"client": send, "server": send},
        recipes={"a server that masks": ("server", FrameDraft(payload=b"x", masking_key=KEY))},
    )
    workshop.draft = FrameDraft(payload=b"Hello", masking_key=KEY)
    yield workshop
    workshop.close()


def told(workshop):
    content = {}
    workshop._stale = True
    workshop.news(content, [])
    return content["frame"]


def test_what_a_page_is_told_of_a_frame(workshop):
    frame = told(workshop)
    assert frame["bytes"] == "818537fa213d7f9f4d5158"
    assert (frame["total"], frame["text"], frame["key"]) == (11, "Hello", "37fa213d")
    assert [field["name"] for field in frame["fields"]][:5] == [
        "FIN",
        "RSV1",
        "RSV2",
        "RSV3",
        "opcode",
    ]
    assert frame["violations"] == []
    assert frame["problem"] is None


@pytest.mark.parametrize(
    ("name", "value", "data"),
    [
        ("fin", False, "018537fa213d7f9f4d5158"),
        ("rsv1", True, "c18537fa213d7f9f4d5158"),
        ("opcode", 9, "898537fa213d7f9f4d5158"),
        ("masked", False, "810548656c6c6f"),
        ("key", "00 00 00 00", "81850000000048656c6c6f"),
        ("length_form", 16, "81fe000537fa213d7f9f4d5158"),
        ("announced_length", "0x14", "819437fa213d7f9f4d5158"),
        ("text", "", "818037fa213d"),
        ("hex", "ff", "818137fa213dc8"),
    ],
)
def test_setting_one_thing(workshop, name, value, data):
    workshop.ask({"do": "set", "name": name, "value": value})
    assert told(workshop)["bytes"] == data


def test_flipping_a_bit_is_seen_in_the_controls(workshop):
    workshop.ask({"do": "flip", "bit": 0})
    assert told(workshop)["fin"] is False
    workshop.ask({"do": "flip", "bit": 7})
    assert told(workshop)["opcode"] == 0
    (violation,) = told(workshop)["violations"]
    assert "continuation" in violation["text"]


@pytest.mark.parametrize(
    ("name", "value", "problem"),
    [
        ("key", "12", "masking key of 4 bytes, got 1"),
        ("key", "xyz", "in hex, two digits a byte, got 'xyz'"),
        ("hex", "abc", "payload in hex"),
        ("announced_length", "many", "a length in bytes"),
        ("announced_length", "-1", "does not fit"),
        ("announced_length", str(2**64), "does not fit"),
        ("opcode", 16, "opcode from 0 to 15"),
        ("text", "x" * (LONGEST + 1), "at most 70,000 bytes here"),
        ("text", "\ud800", "a lone surrogate at character 0"),
        ("nothing", 1, "something that a frame has"),
    ],
)
def test_bad_input_is_one_line_and_changes_nothing(workshop, name, value, problem):
    before = workshop.draft
    workshop.ask({"do": "set", "name": name, "value": value})
    frame = told(workshop)
    assert problem in frame["problem"]
    assert "\n" not in frame["problem"]
    assert workshop.draft == before
    workshop.ask({"do": "key"})
    assert told(workshop)["problem"] is None


def test_who_sends_decides_the_mask(workshop):
    workshop.ask({"do": "sender", "who": "server"})
    assert told(workshop)["key"] is None
    workshop.ask({"do": "sender", "who": "client"})
    assert len(told(workshop)["key"]) == 8
    workshop.ask({"do": "recipe", "name": "a server that masks"})
    frame = told(workshop)
    assert frame["sender"] == "server"
    assert "must not mask" in frame["violations"][0]["text"]


def test_a_captured_frame_is_taken_and_a_head_is_not(workshop):
    capture = Capture()
    connection = capture.open_connection()
    capture.record(connection, "client", b"GET / HTTP/1.1\r\nHost: a\r\n\r\n")
    workshop._take = capture.index.unit
    workshop.ask({"do": "take", "number": 0})
    assert "is a request, and no frame" in told(workshop)["problem"]
    workshop.ask({"do": "take", "number": 5})
    assert "expected a row from 0 to 0, got 5" in told(workshop)["problem"]
    frames = Capture()
    frames.record(frames.open_connection(upgraded=True), "server", encode_frame(9, b"?"))
    workshop.take(frames.index.unit(0))
    assert (workshop.sender, workshop.draft) == ("server", FrameDraft(9, b"?"))


def test_sending_shows_what_came_back_on_the_wire_and_in_the_api(workshop, sent):
    reaction = workshop.send_now()
    assert sent == [bytes.fromhex("818537fa213d7f9f4d5158")]
    assert reaction["answers"] == [{"kind": "text", "preview": '"Hello"'}]
    assert reaction["said"] == ["recv() returned 'Hello'"]


def test_a_send_that_fails_is_told_in_one_line(workshop):
    done = threading.Event()

    def refuse(data):
        raise ConnectionError("nobody listens there")

    workshop.senders["client"] = refuse
    workshop._pump.remove(workshop)  # only this test asks for its news
    was_sent = workshop._was_sent
    workshop._was_sent = lambda *outcome: (was_sent(*outcome), done.set())
    workshop.ask({"do": "send"})
    assert done.wait(10)
    assert told(workshop)["problem"] == "nobody listens there"
    assert told(workshop)["sending"] is False


def test_the_static_rendering_escapes(workshop):
    assert "frame workshop: 81 85" in workshop.static()["text/html"]
