"""Rules: sentences in, actions out; the same fate for the same traffic; errors that help."""

from __future__ import annotations

from types import SimpleNamespace

import pytest

from wslab.net import Rule, WrongRule
from wslab.net.tap.assembler import Piece
from wslab.net.tap.in_flight import InFlight
from wslab.net.tap.rules import VERBS, decide_by
from wslab.wire import encode_frame

KEY = b"\x37\xfa\x21\x3d"


def frame(opcode=1, payload=b"Hello", direction="client", connection=1) -> InFlight:
    key = KEY if direction == "client" else None
    data = encode_frame(opcode, payload, masking_key=key)
    whose = SimpleNamespace(number=connection, label=f"#{connection}")
    return InFlight(whose, Piece(direction, 0, data, "frame"), 1)


def fates(rule: Rule, *frames: InFlight) -> list[str | None]:
    return [action and action.verb for action in map(rule.decide, frames)]


def test_every_pong_and_no_other_frame():
    rule = Rule.parse("drop every pong")
    assert fates(rule, frame(10), frame(9), frame(10, direction="server")) == ["drop", None, "drop"]


def test_the_third_frame_of_one_side_is_counted_for_each_connection():
    rule = Rule.parse("corrupt the 3rd client frame")
    ours = [frame(), frame(direction="server"), frame(9), frame(connection=2), frame(), frame()]
    assert fates(rule, *ours) == [None, None, None, None, "corrupt", None]


def test_every_second_one():
    rule = Rule.parse("duplicate every 2nd text")
    assert fates(rule, *[frame() for _ in range(5)]) == [None, "duplicate", None, "duplicate", None]


@pytest.mark.parametrize(
    ("text", "verb", "kind", "direction"),
    [
        ("hold the first server close", "hold", "close", "server"),
        ("drop every data frame", "drop", "data frame", None),
        ("drop every control frames", "drop", "control frame", None),
        ("Drop  EVERY text frame on connection #2", "drop", "text", None),
        ("cut at the 5th client frame", "cut", "frame", "client"),
        ("reset on the 1st ping", "reset", "ping", None),
        ("freeze at every close", "freeze", "close", None),
        ("hold every response", "hold", "response", None),
    ],
)
def test_sentences_are_read(text, verb, kind, direction):
    rule = Rule.parse(text)
    assert (rule.verb, rule.kind, rule.direction) == (verb, kind, direction)
    assert str(rule) == " ".join(text.split())


@pytest.mark.parametrize(("text", "seconds"), [("200 ms", 0.2), ("1.5 s", 1.5), ("30ms", 0.03)])
def test_a_delay_names_its_time(text, seconds):
    action = Rule.parse(f"delay every text by {text}").decide(frame())
    assert (action.verb, action.seconds) == ("delay", seconds)


def test_an_edit_keeps_the_rest_of_the_frame():
    action = Rule.parse(r'edit every client text to "she said \"no\", Łódź"').decide(frame())
    text = 'she said "no", Łódź'.encode()
    assert action.data == encode_frame(1, text, masking_key=KEY)


def test_bits_of_the_header_are_set():
    action = Rule.parse("set fin=0 rsv1=1 opcode=2 on the 1st client text").decide(frame())
    assert action.data == encode_frame(2, b"Hello", masking_key=KEY, fin=False, rsv1=True)


def test_corrupting_turns_over_one_bit_of_the_payload():
    before = frame()
    after = Rule.parse("corrupt every frame").decide(before).data
    different = int.from_bytes(before.data, "big") ^ int.from_bytes(after, "big")
    assert different.bit_count() == 1
    assert after[:6] == before.data[:6], "the header and the masking key stay"


def test_chance_comes_from_the_seed_and_so_repeats():
    def run(seed: int) -> list[str | None]:
        rule = Rule.parse("drop 30% of client frames", seed=seed)
        return fates(rule, *[frame() for _ in range(200)])

    assert run(1) == run(1)
    assert run(1) != run(2)
    assert 30 < run(1).count("drop") < 90


@pytest.mark.parametrize("text", ["drop 30% of client frames", "corrupt every frame"])
def test_the_same_traffic_meets_the_same_fate_on_another_connection(text):
    def run(connection: int) -> list[bytes | str | None]:
        actions = map(Rule.parse(text).decide, [frame(connection=connection) for _ in range(50)])
        return [action and (action.data or action.verb) for action in actions]

    assert run(1) == run(2)


def test_quoted_text_keeps_its_spaces():
    rule = Rule.parse('edit  every text  to "a  b"')
    assert rule.payload == b"a  b"
    assert str(rule) == 'edit every text to "a  b"'


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("", "expected a rule such as 'drop every pong'"),
        ("drp every pong", "got 'drp' at word 1 of 'drp every pong'; did you mean 'drop'?"),
        ("drop", "expected every, the 3rd, every 2nd or 10% of, got its end at word 2"),
        ("drop every pnog", "got 'pnog' at word 3 of 'drop every pnog'; did you mean 'pong'?"),
        ("drop the pong", "expected a number such as 1st or 3rd, got 'pong' at word 3"),
        ("drop 130% of frames", "a share from 0% to 100%, got '130%'"),
        ("drop every pong twice", "the end of the rule, or on connection 2, got 'twice'"),
        ("delay every pong", "how long, such as 'by 200 ms'"),
        ("delay every pong by 200", "the unit of the time: ms or s, got its end"),
        ("delay every pong by soon", "a time such as 200 ms or 1.5 s, got 'soon'"),
        ("edit every text", "what to replace the payload with"),
        ("edit every text to hello", "a text in quotes, such as \"hello\", got 'hello'"),
        ("set on every text", "bits to set, such as 'set fin=0 on every text'"),
        ("set fun=1 on every text", "one of announced_length, fin"),
        ("set fin=0 on every request", "a request or response has no header bits"),
        ("drop every pong on connection x", "a connection's number, from 1, got 'x'"),
        ("drop every pong on connection ²", "a connection's number, from 1, got '²'"),
        (f"drop every pong on connection {'9' * 5000}", "a connection's number, from 1, got '99"),
        (f"drop the {'9' * 5000}th frame", "a number such as 1st or 3rd, got '99"),
        (f"delay every text by {'9' * 400} s", "a time such as 200 ms or 1.5 s, got '99"),
        ("delay every text by 86401 s", "at most 86400 s (a day), got 86401"),
        ("set opcode=99 on every text", "opcode= and a number from 0 to 15, got 'opcode=99'"),
        ("set fin=2 on every text", "fin= and a number from 0 to 1, got 'fin=2' at word 2"),
        ("set length_form=5 on every text", "length_form= and 7, 16 or 64"),
        ("set length_form=7 announced_length=126 on every text", "does not fit the 7-bit form"),
        (f"set opcode={'9' * 5000} on every text", "a bit such as fin=0"),
        ('drop every pong"', "the end of the rule, or on connection 2, got '\"' at word 4"),
        ("drop every pong ' on connection 2", 'got "\' on connection 2" at word 4'),
        ('edit every text to "hello', 'a text in quotes, such as "hello", got \'"hello\''),
    ],
)
def test_what_cannot_be_read_says_where_and_what_was_expected(text, says):
    with pytest.raises(WrongRule) as refused:
        Rule.parse(text)
    assert says in str(refused.value)


def test_every_action_has_its_account():
    for verb in VERBS:
        tail = {"delay": " by 1 s", "edit": ' to "x"'}.get(verb, "")
        bits = " fin=0 on" if verb == "set" else ""
        assert Rule.parse(f"{verb}{bits} every frame{tail}").verb == verb


def test_a_function_is_a_rule_too():
    def shouting(one: InFlight) -> str | None:
        return "drop" if one.payload.isupper() else None

    assert decide_by(shouting, frame(payload=b"HEY")).verb == "drop"
    assert decide_by(shouting, frame(payload=b"hey")) is None
    with pytest.raises(WrongRule, match="got 'explode'"):
        decide_by(lambda one: "explode", frame())
