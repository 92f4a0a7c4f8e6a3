"""The debugger's controls: what a page asks for is done, and what came of it is told."""

from __future__ import annotations

import threading
from collections import deque
from typing import Any

import pytest

from wslab.view.wire.wire_view import WireView

HELLO = bytes.fromhex("81 05 48 65 6c 6c 6f")
MASKED_HELLO = bytes.fromhex("81 85 37 fa 21 3d 7f 9f 4d 51 58")


class Fake:
    """A debugger that only notes what it was told: the real one is tried in a real page."""

    def __init__(self) -> None:
        self.told: list[tuple[str, tuple, dict]] = []
        self.now: dict[str, Any] = {"holding": False, "waiting": 0, "rules": []}
        self.callbacks: list = []

    def status(self) -> dict[str, Any]:
        return dict(self.now)

    def subscribe(self, callback):
        self.callbacks.append(callback)
        return lambda: self.callbacks.clear()

    def __getattr__(self, name: str):
        def method(*arguments, **options):
            self.told.append((name, arguments, options))
            if name == "add_rule":
                raise ValueError("expected an action, got 'drp'")

        return method


@pytest.fixture
def debugger():
    return Fake()


@pytest.fixture
def wire(watch, recording, pump, debugger):
    wire = watch(WireView(recording.capture, debugger=debugger, served_by=pump))
    wire.answered = threading.Event()

    class Answers(deque):
        def append(self, answer):
            super().append(answer)
            wire.answered.set()

    wire.view._controls._answers = Answers()
    wire.says(do="hello", count=0)
    return wire


def asked(wire, pump, **question):
    wire.answered.clear()
    wire.says(do="debug", **question)
    pump.turn(0.1)
    assert wire.answered.wait(10)
    pump.turn(0.2)


@pytest.mark.parametrize(
    ("question", "told"),
    [
        ({"what": "hold"}, ("hold", (), {})),
        ({"what": "step"}, ("step", (), {})),
        ({"what": "drop", "row": 7}, ("drop", (7,), {})),
        ({"what": "delay", "row": 7, "seconds": 1}, ("delay", (7, 1.0), {})),
        ({"what": "reset"}, ("cut", (), {"hard": True})),
        ({"what": "half_close", "direction": "client"}, ("half_close", ("client",), {})),
        (
            {"what": "edit", "row": 2, "changes": {"text": "x", "fin": False, "opcode": 9}},
            ("edit", (2, "x"), {"fin": False, "opcode": 9}),
        ),
        ({"what": "edit", "row": 2, "changes": {"hex": "03 e8"}}, ("edit", (2, b"\x03\xe8"), {})),
        ({"what": "edit", "row": 2, "changes": {}}, ("edit", (2, None), {})),
        (
            {
                "what": "edit",
                "row": 2,
                "changes": {
                    "length_form": 64,
                    "announced_length": str(2**63),
                    "masking_key": "01 02 03 04",
                },
            },
            (
                "edit",
                (2, None),
                {
                    "length_form": 64,
                    "announced_length": 2**63,
                    "masking_key": bytes((1, 2, 3, 4)),
                },
            ),
        ),
        (
            {"what": "inject", "direction": "server", "kind": 9, "text": "?"},
            ("inject", ("?", "server"), {"opcode": 9}),
        ),
        (
            {"what": "slow", "speed": 100, "latency": 200, "jitter": None},
            ("slow", (100.0,), {"latency": 0.2, "jitter": 0.0}),
        ),
    ],
)
def test_what_a_page_asks_for_is_done(wire, pump, debugger, question, told):
    asked(wire, pump, **question)
    assert debugger.told == [told]
    assert wire.all("answer") == [{"page": "p1", "error": ""}]


@pytest.mark.parametrize(
    ("question", "says"),
    [
        ({"what": "add_rule", "rule": "drp"}, "expected an action, got 'drp'"),
        ({"what": "edit", "row": 1, "changes": {"hex": "0"}}, "expected bytes in hex"),
        (
            {"what": "edit", "row": 1, "changes": {"announced_length": "a lot"}},
            "expected a length in bytes",
        ),
        (
            {"what": "edit", "row": 1, "changes": {"masking_key": "key"}},
            "expected the masking key in hex",
        ),
        ({"what": "explode"}, "something unknown"),
        ({"what": "drop", "row": "7"}, "something unknown"),
    ],
)
def test_what_is_wrong_is_told_to_the_page_that_asked(wire, pump, question, says):
    asked(wire, pump, **question)
    (answer,) = wire.all("answer")
    assert (answer["page"], says in answer["error"]) == ("p1", True)
    assert wire.view.problem is None


def test_the_page_is_told_what_is_armed_once_for_each_change(wire, pump, debugger):
    pump.turn(1.0)
    debugger.now["holding"] = True
    for callback in debugger.callbacks:
        callback()
    pump.turn(1.0)
    assert [status["holding"] for status in wire.all("debugger")] == [False, True]


def test_marks_reach_the_page_and_a_new_page_gets_them_all(wire, pump, recording):
    capture = recording.capture
    number = capture.open_connection(upgraded=True)
    capture.record(number, "server", HELLO)
    capture.mark(number, "server", "held", 0, len(HELLO))
    pump.turn(1.0)
    capture.mark(number, "server", "dropped", 0, len(HELLO))
    pump.turn(1.0)
    first, second = wire.all("marks")
    assert first == {"0": "held"}
    assert second["0"].endswith("dropped")
    wire.says(do="hello", count=0, page="p2")
    pump.turn(1.0)
    assert wire.all("marks")[-1] == second
    wire.says(do="detail", number=0)
    pump.turn(1.0)
    (detail,) = wire.all("detail")
    assert [step["name"] for step in detail["history"]] == ["held", "dropped"]
    assert detail["outgoing"]["payload"] == {"text": "Hello"}


def test_the_editor_starts_from_what_was_edited_before(wire, pump, recording):
    capture = recording.capture
    number = capture.open_connection(upgraded=True)
    capture.record(number, "server", HELLO)
    edited = bytes.fromhex("c2 02 ff 00")
    capture.mark(number, "server", "edited", 0, len(HELLO), data=edited)
    wire.says(do="detail", number=0)
    pump.turn(1.0)
    (detail,) = wire.all("detail")
    assert detail["history"][0]["instead"] == "c2 02 ff 00"
    assert detail["outgoing"] == {
        "fin": True, "rsv1": True, "rsv2": False, "rsv3": False, "masked": False,
        "key": None, "length_form": None, "announced_length": None, "shortest_form": 7,
        "opcode": 2, "payload": {"hex": "ff 00"},
    }  # fmt: skip


def test_the_editor_is_told_of_an_odd_length_and_of_the_key(wire, pump, recording):
    capture = recording.capture
    number = capture.open_connection(upgraded=True)
    capture.record(number, "client", MASKED_HELLO)
    edited = bytes.fromhex("81 fe 00 03 37 fa 21 3d") + MASKED_HELLO[6:]
    capture.mark(number, "client", "edited", 0, len(MASKED_HELLO), data=edited)
    wire.says(do="detail", number=0)
    pump.turn(1.0)
    outgoing = wire.all("detail")[0]["outgoing"]
    assert outgoing["key"] == "37 fa 21 3d"
    assert outgoing["length_form"] == 16
    assert outgoing["announced_length"] == "3"
    assert outgoing["payload"] == {"text": "Hello"}  # all that goes out, announced or not


def test_without_a_debugger_there_are_no_controls(watch, recording, pump):
    wire = watch(WireView(recording.capture, served_by=pump))
    wire.says(do="hello", count=0)
    wire.says(do="debug", what="hold")
    pump.turn(1.0)
    assert wire.all("debugger") == []
    assert wire.view.problem is None


def test_a_closed_view_hears_no_more_of_the_debugger(wire, debugger):
    wire.view.close()
    assert debugger.callbacks == []
