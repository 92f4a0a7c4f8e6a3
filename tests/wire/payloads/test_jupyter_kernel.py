"""Jupyter's two forms held against what jupyter_server itself writes."""

from __future__ import annotations

import json
import random

import pytest
from jupyter_client.session import Session
from jupyter_server.services.kernels.connection.base import (
    serialize_binary_message,
    serialize_msg_to_ws_v1,
)

from wslab.wire.payloads import PAYLOADS, Context

JUPYTER = PAYLOADS["jupyter_kernel"]
SESSION = Session(key=b"", username="learner")


def decode(data: bytes, kind="binary"):
    return JUPYTER.decode(data, kind, "server", Context())


def made_up(some: random.Random):
    kind = some.choice(["status", "stream", "execute_request", "comm_msg"])
    content = {"text": "é" * some.randrange(5), "n": some.random(), "list": [1, {"a": None}]}
    buffers = [some.randbytes(some.randrange(40)) for _ in range(some.randrange(3))]
    return SESSION.msg(kind, content), kind, buffers


def of_part(fields, data: bytes, part: str) -> bytes:
    """The bytes of all fields of one part."""
    own = [f for f in fields if f.name == part or f.name.startswith((f"{part}.", f"{part}["))]
    own += [f for f in fields if f.name == f"end of {part}" or f.name.startswith(f"end of {part}.")]
    own += [f for f in fields if f.name.startswith(f"end of {part}[")]
    return b"".join(
        data[f.bit // 8 : (f.bit + f.bits) // 8] for f in sorted(own, key=lambda f: f.bit)
    )


def test_a_thousand_messages_of_the_newer_form_have_the_parts_that_the_server_wrote():
    some = random.Random(64)
    for _ in range(1000):
        message, kind, buffers = made_up(some)
        channel = some.choice(["shell", "iopub", "stdin", "control"])
        parts = [
            SESSION.pack(message[p]) for p in ("header", "parent_header", "metadata", "content")
        ]
        data = serialize_msg_to_ws_v1([*parts, *buffers], channel)
        fields = decode(data)
        values = {field.name: field.value for field in fields}
        assert (values["channel"], values["header.msg_type"]) == (channel, kind)
        assert values["offset number"] == 6 + len(buffers)
        assert JUPYTER.says(fields) == f"Jupyter {kind}"
        for name, part in zip(("header", "content"), (parts[0], parts[3]), strict=True):
            assert json.loads(of_part(fields, data, name)) == json.loads(part)
        for number, buffer in enumerate(buffers):
            assert of_part(fields, data, f"buffer {number}") == buffer
        assert not any(field.name.startswith("not ") for field in fields)


def test_a_thousand_messages_of_the_older_form_too():
    some = random.Random(32)
    for _ in range(1000):
        message, kind, buffers = made_up(some)
        fields = decode(data := serialize_binary_message({**message, "buffers": buffers}))
        assert JUPYTER.says(fields) == f"Jupyter {kind}"
        for number, buffer in enumerate(buffers):
            assert of_part(fields, data, f"buffer {number}") == buffer
        text = json.dumps({**message, "channel": "iopub"}, default=str).encode()
        assert JUPYTER.says(decode(text, "text")) == f"Jupyter {kind}"


@pytest.mark.parametrize(
    "data",
    [
        bytes(20),
        (6).to_bytes(8, "little") + (99).to_bytes(8, "little"),
        (2).to_bytes(8, "little") + (24).to_bytes(8, "little") + (3).to_bytes(8, "little") + b"abc",
    ],
)
def test_a_table_that_leads_nowhere_is_described(data):
    assert decode(data)[-1].name == "not Jupyter"
