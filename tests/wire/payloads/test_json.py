"""JSON held against Python's own reader: values under their paths, and what is no JSON."""

from __future__ import annotations

import json
import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wslab.wire.payloads import PAYLOADS, Context


def decode(data: bytes):
    return PAYLOADS["json"].decode(data, "text", "client", Context())


def leaves(value: object, path: str) -> list[tuple[str, str]]:
    """Each value that is no container, with its path, in order."""
    if isinstance(value, dict):
        inner = [leaves(one, f"{path}.{key}" if path else key) for key, one in value.items()]
        return [leaf for found in inner for leaf in found]
    if isinstance(value, list):
        inner = [leaves(one, f"{path}[{place}]") for place, one in enumerate(value)]
        return [leaf for found in inner for leaf in found]
    return [(path or "JSON", value if isinstance(value, str) else json.dumps(value))]


def made_up(some: random.Random, depth: int = 3) -> object:
    kind = some.randrange(7 if depth else 5)
    if kind == 5:
        return {some.choice("abcdefgh"): made_up(some, depth - 1) for _ in range(some.randrange(4))}
    if kind == 6:
        return [made_up(some, depth - 1) for _ in range(some.randrange(4))]
    texts = ["", "Zoë", 'say "hi"', "\N{GRINNING FACE}", "a\nb"]
    return [None, True, some.randrange(-99, 99), some.random(), some.choice(texts)][kind]


def test_a_thousand_documents_have_the_values_that_python_reads():
    some = random.Random(8259)
    for _ in range(1000):
        value = made_up(some)
        data = json.dumps(
            value, ensure_ascii=some.random() < 0.5, indent=some.choice([None, 1])
        ).encode()
        fields = decode(data)
        scalars = ("a string", "a number", "a truth value", "no value")
        found = [(one.name, one.value) for one in fields if one.meaning in scalars]
        assert found == leaves(value, "")
        assert sum(field.bits for field in fields) == 8 * len(data)


@given(st.text(alphabet='{}[],:"\\ 0-1.eE+truefalsn\x01é', max_size=12))
def test_what_python_refuses_is_described_as_no_json_and_nothing_else_is(text):
    def no_constant(name: str) -> object:
        raise ValueError(name)

    try:
        json.loads(text, parse_constant=no_constant)
        legal = True
    except ValueError:
        legal = False
    if text:
        assert (not any(field.name == "not JSON" for field in decode(text.encode()))) == legal


@pytest.mark.parametrize(
    ("data", "says"),
    [
        (b'{"a" 1}', "expected a colon after the name 'a', got '1}'"),
        (b"[1 2]", "expected a comma or the end, got '2]'"),
        (b'{"a": 1,}', "expected a name in double quotes, got '}'"),
        (b"[1}", "expected the end of an array, got '}'"),
        (b"[", "expected a value, got the end"),
        (b"1 2", "the JSON text has ended before these bytes"),
        (b'"\xff"', "this string is not UTF-8"),
    ],
)
def test_a_fault_is_told_where_it_is(data, says):
    assert decode(data)[-1].meaning == says
