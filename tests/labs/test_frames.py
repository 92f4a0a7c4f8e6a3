"""The frames lab, on real sockets: frames made by hand, sent in both directions."""

from __future__ import annotations

import pytest

from wslab.labs import frames
from wslab.net import NotRunning, WrongValue, running
from wslab.wire import Capture, Opcode, encode_frame
from wslab.wire.protocol.frame_draft import FrameDraft

KEY = b"key!"


def answered(data: bytes, direction: str) -> list[tuple[str, str]]:
    capture = Capture()
    capture.record(capture.open_connection(upgraded=True), direction, data)
    return [(row.kind, row.preview) for row in capture.index.rows()]


def test_a_legal_frame_is_answered_and_told(lab):
    reaction = lab.send(encode_frame(1, b"Hello", masking_key=KEY))
    assert reaction.answer == encode_frame(1, b"Hello")
    assert reaction.said == ("recv() returned 'Hello'",)
    assert not reaction.ended


# The rule that the wire sees broken, and the close code that websockets answers it with.
EXPECTED: dict[str, tuple[str | None, int | None]] = {
    "Hello, as a client sends it": (None, None),
    "Hello, as a server sends it": (None, None),
    "the start of a message": (None, None),
    "a ping between fragments": (None, None),
    "the end of the message": (None, None),
    "another message between fragments": ("message-interleaved", 1002),
    "a continuation of nothing": ("continuation-without-message", 1002),
    "a client that does not mask": ("frame-not-masked", 1002),
    "a server that masks": ("frame-masked", 1002),
    "RSV1 without an extension": ("rsv1-without-extension", 1002),
    "RSV2": ("rsv2-set", 1002),
    "RSV3": ("rsv3-set", 1002),
    "a reserved opcode": ("reserved-opcode", 1002),
    "a reserved control opcode": ("reserved-opcode", 1002),
    "a ping in pieces": ("control-frame-fragmented", 1002),
    "a ping of 126 bytes": ("control-frame-too-long", 1002),
    # The library does not hold peers to the shortest form; our rules table names it all the same.
    "16 bits of length for 5 bytes": ("length-not-minimal", None),
    "64 bits of length for 5 bytes": ("length-not-minimal", None),
    # It looks at its own limit first.
    "a length with its top bit set": ("length-too-big", 1009),
    "text that is not UTF-8": ("text-not-utf8", 1007),
    "a close with code and reason": (None, 1000),
    "a close of one byte": ("close-payload-one-byte", 1002),
    "data after a close": ("frame-after-close", 1000),
    "a length that lies": (None, None),
}


def test_every_trial_comes_out_as_the_lesson_says(lab):
    assert list(EXPECTED) == list(frames.TRIALS)
    for name, (rule, code) in EXPECTED.items():
        trial = lab.try_out(name)
        assert trial.broken == ((rule,) if rule else ()), name
        assert trial.close_code == code, name
        assert trial.reaction.ended == (code is not None), name
        if code is not None:
            assert trial.reaction.said, name


def test_a_trial_is_the_same_whatever_was_sent_before(lab):
    def came_of(name: str) -> tuple:
        trial = lab.try_out(name)
        crossed = [(row.kind, row.direction, row.preview) for row in trial.rows]
        return trial.broken, trial.close_code, crossed, *trial.reaction[1:]

    # Those that what is left open by others would change most.
    names = (
        "Hello, as a client sends it",
        "another message between fragments",
        "the end of the message",
        "Hello, as a server sends it",
        "a server that masks",
        "a length that lies",
    )
    fresh = {name: came_of(name) for name in names}
    assert fresh == {name: came_of(name) for name in names}, "played again"
    workshop = lab.workshop()
    for recipe in frames.RECIPES:
        workshop.ask({"do": "recipe", "name": recipe})
        workshop.send_now()
        for name in ("another message between fragments", "a server that masks"):
            assert came_of(name) == fresh[name], (recipe, name)
    assert {name: came_of(name) for name in names} == fresh


def test_a_trial_of_one_frame_is_a_recipe_of_the_workshop():
    assert set(frames.TRIALS) - set(frames.RECIPES) == {
        "another message between fragments",
        "data after a close",
    }


def test_the_parts_of_a_message_with_a_ping_between(lab):
    parts = [
        lab.send(frames.RECIPES[name][1].to_bytes())
        for name in (
            "the start of a message",
            "a ping between fragments",
            "the end of the message",
        )
    ]
    assert [answered(part.answer, "server") for part in parts] == [
        [],
        [("pong", '"?"')],
        [("text", '"Hello"')],
    ]
    assert parts[2].said == ("recv() returned 'Hello'",)


def test_after_an_end_the_next_frame_connects_anew(lab):
    assert lab.send(encode_frame(Opcode.CLOSE, masking_key=KEY)).ended
    assert lab.send(encode_frame(1, b"again", masking_key=KEY)).said == ("recv() returned 'again'",)
    assert lab.send_to_client(encode_frame(Opcode.CLOSE)).ended
    assert lab.send_to_client(encode_frame(1, b"again")).said == ("message: again",)


def test_a_lie_about_the_length_swallows_what_comes_next_until_we_hang_up(lab):
    lie = FrameDraft(payload=b"Hello", announced_length=20, masking_key=KEY).to_bytes()
    assert lab.send(lie)[:3] == (b"", (), False)
    swallowed = lab.send(encode_frame(Opcode.CLOSE, masking_key=KEY))
    assert swallowed[:3] == (b"", (), False)
    assert swallowed.waits == "swallowed: 9 bytes still awaited"
    workshop = lab.workshop()
    workshop.sender, workshop.draft = "client", FrameDraft(payload=b"?", masking_key=KEY)
    assert workshop.send_now()["waits"] == "swallowed: 2 bytes still awaited"
    lab.hang_up()
    assert lab.send(encode_frame(1, b"fresh", masking_key=KEY)).said == ("recv() returned 'fresh'",)


def test_everything_is_on_the_wire(lab):
    lab.send(FrameDraft(3, masking_key=KEY).to_bytes())
    (row,) = [row for row in lab.capture.index.rows() if row.kind == "reserved"]
    assert row.broken
    workshop = lab.workshop()
    workshop.take(lab.capture.index.unit(row.number))
    assert workshop.draft == FrameDraft(3, masking_key=KEY)
    assert workshop.send_now()["answers"][-1]["kind"] == "close"
    workshop.close()


def test_what_is_no_bytes_is_refused_in_both_directions(lab):
    for send in (lab.send, lab.send_to_client):
        with pytest.raises(WrongValue, match="expected bytes, got str; nothing was sent"):
            send("Hello")


def test_the_workshop_of_a_closed_lab_says_so(lab):
    workshop = lab.workshop()
    lab.close()
    for sender, draft in (
        frames.RECIPES["a reserved opcode"],
        frames.RECIPES["a server that masks"],
    ):
        workshop.sender, workshop.draft = sender, draft
        with pytest.raises(NotRunning, match="is closed"):
            workshop.send_now()
    assert list(running()) == []


def test_a_trial_by_its_button_is_the_same_trial(lab):
    gallery = lab.trials()
    assert list(gallery.experiments) == list(frames.TRIALS)
    for name in (
        "a length that lies",
        "a client that does not mask",
        "RSV2",
        "a close of one byte",
    ):
        trial = gallery.run(name)
        rule, code = EXPECTED[name]
        assert (trial.broken, trial.close_code) == ((rule,) if rule else (), code), name
        assert gallery.outcomes[name] is trial
    told = gallery._told[-1]
    assert told["happened"] == "It closes with 1002, Protocol Error"
    assert told["happened"] in gallery.experiments[name].predictions
    wire, rules, _ = told["columns"]
    assert [(line["direction"], line["broken"]) for line in wire["lines"]] == [
        ("client", True),
        ("server", False),
    ]
    assert rules["lines"][0]["text"] == "close-payload-one-byte"
