"""GraphQL over WebSocket: JSON messages, each with a `type`, as graphql-ws defines them.

Source: the protocol `graphql-transport-ws`. (The subprotocol `graphql-ws` is an older, other one.)
"""

from __future__ import annotations

from ..fields import Direction, Field
from ..protocol.messages import MessageKind
from ..reader import Reader
from .json import json_fields
from .payload import Context, Payload

_RFC = "graphql-transport-ws"
TYPES: dict[str, tuple[Direction | None, bool, str]] = {
    "connection_init": ("client", False, "the client asks to begin; its payload may log it in"),
    "connection_ack": ("server", False, "the server agrees"),
    "ping": (None, False, "are you there? GraphQL's own ping, not WebSocket's"),
    "pong": (None, False, "answers a ping, or comes unasked"),
    "subscribe": ("client", True, "the client begins an operation: query, mutation, subscription"),
    "next": ("server", True, "one result of the operation with this id"),
    "error": ("server", True, "the operation failed before it gave a result; it is over"),
    "complete": (None, True, "the operation with this id is over"),
}
"""By type: who sends it (None: either), whether it has an id, and what it says."""


def decode(
    data: bytes, kind: MessageKind, direction: Direction, context: Context
) -> tuple[Field, ...]:
    """The values of one message, and what its type means."""
    if kind == "binary":
        reader = Reader(data)
        reader.rest("not GraphQL", "every message is JSON in a text message", _RFC)
        return tuple(reader.fields)
    fields = json_fields(data, name="message")
    types = [place for place, field in enumerate(fields) if field.name == "type"]
    for place in types[:1]:
        field = fields[place]
        sender, has_id, says = TYPES.get(
            str(field.value), (None, False, "no type of this protocol")
        )
        if str(field.value) not in TYPES:
            says = "no type of this protocol: the connection is closed with 4400"
        elif sender is not None and sender != direction:
            says += f"; not allowed here: only the {sender} sends it"
        elif has_id and not any(one.name == "id" for one in fields):
            says += "; not allowed: it has no id"
        fields[place] = field._replace(meaning=says, rfc=_RFC)
    for place, field in enumerate(fields):
        if field.name == "id":
            fields[place] = field._replace(
                meaning="which operation this is about: many share one connection", rfc=_RFC
            )
            break
    if fields and not types and not any(field.name == "not JSON" for field in fields):
        fields[0] = fields[0]._replace(meaning="not allowed: it has no type (close code 4400)")
    return tuple(fields)


GRAPHQL_TRANSPORT_WS = Payload(
    "graphql_transport_ws", "GraphQL", decode, ("type",), ("graphql-transport-ws",)
)
