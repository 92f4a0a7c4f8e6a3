"""graphql-transport-ws held against gql, which writes and reads the protocol's messages."""

from __future__ import annotations

import json
import random

import pytest

from wslab.wire.payloads import PAYLOADS, Context

GRAPHQL = PAYLOADS["graphql_transport_ws"]


def decode(data: str, direction="client"):
    return GRAPHQL.decode(data.encode(), "text", direction, Context())


def test_a_thousand_messages_are_what_gql_takes_them_for():
    gql = pytest.importorskip("gql.transport.exceptions", reason="pip install gql")
    websockets = pytest.importorskip("gql.transport.websockets", reason="pip install gql")
    reader = websockets.WebsocketsTransport("ws://127.0.0.1:1")  # it reads, and does not connect
    reader.subprotocol = "graphql-transport-ws"
    some = random.Random(13)
    for _ in range(1000):
        type_ = some.choice(["connection_ack", "next", "error", "complete", "ping", "pong"])
        message: dict = {"type": type_}
        if type_ in ("next", "error", "complete"):
            message["id"] = str(some.randrange(1, 100))
        if type_ == "next":
            message["payload"] = {"data": {"temperature": some.random()}}
        if type_ == "error":
            message["payload"] = [{"message": "no such field"}]
        text = json.dumps(message)
        fields = decode(text, "server")
        values = {field.name: field.value for field in fields}
        # gql calls `next` "data", as in the older protocol.
        try:
            answered, number, _ = reader._parse_answer(text)
        except gql.TransportQueryError as error:  # so it tells of an error
            answered, number = "error", error.query_id
        assert {"data": "next"}.get(answered, answered) == values["type"]
        assert values.get("id") == (None if number is None else str(number))
        assert not any("not allowed" in field.meaning for field in fields)


@pytest.mark.parametrize(
    ("message", "direction", "says"),
    [
        ('{"type": "next", "id": "1"}', "client", "only the server sends it"),
        ('{"type": "subscribe", "payload": {}}', "client", "it has no id"),
        ('{"type": "start"}', "client", "no type of this protocol"),
        ('{"id": "1"}', "client", "it has no type"),
    ],
)
def test_what_is_not_allowed_is_described(message, direction, says):
    assert any(says in field.meaning for field in decode(message, direction))
