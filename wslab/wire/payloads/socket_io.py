"""Socket.IO over Engine.IO: a digit of each, then JSON; a message is a name with arguments.

Source: the Engine.IO protocol (version 4) and the Socket.IO protocol (version 5). In
`42/chat,7["hello",{"to":"Ada"}]` the 4 is Engine.IO's "message", the 2 is Socket.IO's "event",
`/chat` the namespace, 7 the number that an acknowledgement will name. There is no subprotocol: the
request's path says it, `/socket.io/?EIO=4&transport=websocket`.
"""

from __future__ import annotations

import re

from ..fields import Direction, Field
from ..protocol.messages import MessageKind
from ..reader import Reader
from .json import json_fields
from .payload import Context, Payload

ENGINE_TYPES = {
    "0": ("open", "the server's handshake: session, intervals in ms, the largest message"),
    "1": ("close", "this side ends the session"),
    "2": ("ping", "the server asks for a sign of life: Engine.IO's own, not WebSocket's"),
    "3": ("pong", "the client's answer"),
    "4": ("message", "what follows is a Socket.IO packet"),
    "5": ("upgrade", "the client leaves HTTP polling for this WebSocket"),
    "6": ("noop", "nothing: ends a waiting poll while the transport changes"),
}
SOCKET_TYPES = {
    "0": ("CONNECT", "joins a namespace"),
    "1": ("DISCONNECT", "leaves a namespace"),
    "2": ("EVENT", "a name and its arguments"),
    "3": ("ACK", "answers an event by its number"),
    "4": ("CONNECT_ERROR", "the namespace refuses"),
    "5": ("BINARY_EVENT", "an event whose binary arguments follow in messages of their own"),
    "6": ("BINARY_ACK", "an acknowledgement whose binary arguments follow"),
}
_ENGINE, _SOCKET = "Engine.IO 4", "Socket.IO 5"
_ATTACHMENTS = re.compile(rb"([0-9]+)-")
_NAMESPACE = re.compile(rb"/[^,]*,?")
_NUMBER = re.compile(rb"[0-9]+")


def decode(
    data: bytes, kind: MessageKind, direction: Direction, context: Context
) -> tuple[Field, ...]:
    """One Engine.IO packet, and the Socket.IO packet in it."""
    reader = Reader(data)
    if kind == "binary":
        size = f"{len(data)} byte{'s' if len(data) != 1 else ''}"
        reader.rest("attachment", f"{size}: a binary argument of the event or acknowledgement "
                    "before it", _SOCKET,
        )  # fmt: skip
        return tuple(reader.fields)
    name, says = ENGINE_TYPES.get(_character(reader), ("", ""))
    if not name:
        reader.rest("not Engine.IO", "expected a digit from 0 to 6", _ENGINE)
        return tuple(reader.fields)
    reader.take("Engine.IO type", 1, name, f"type {_character(reader)}: {says}", _ENGINE)
    if name == "message":
        _socket_packet(reader)
    elif name == "open":
        reader.fields += json_fields(data, reader.at, name="handshake")
    else:
        reader.rest("data", "\"probe\" tries whether the WebSocket works", _ENGINE,
                    data[1:40].decode("utf-8", "replace"))  # fmt: skip
    return tuple(reader.fields)


def _character(reader: Reader) -> str:
    return reader.data[reader.at : reader.at + 1].decode("latin-1")


def _socket_packet(reader: Reader) -> None:
    data = reader.data
    digit = _character(reader)
    if digit not in SOCKET_TYPES:
        reader.rest("not Socket.IO", "expected a digit from 0 to 6", _SOCKET)
        return
    name, says = SOCKET_TYPES[digit]
    reader.take("Socket.IO type", 1, name, f"type {digit}: {says}", _SOCKET)
    found = _ATTACHMENTS.match(data, reader.at)
    if found and name.startswith("BINARY"):
        reader.take("attachments", len(found[0]), found[1][:9].decode(), "how many binary messages "
                    "follow; in the JSON, {\"_placeholder\": true} stands for each",
                    _SOCKET)  # fmt: skip
    if found := _NAMESPACE.match(data, reader.at):
        space = found[0].rstrip(b",").decode("utf-8", "replace")
        says = "channels that share one connection; without it, /"
        reader.take("namespace", len(found[0]), space, says, _SOCKET)
    if found := _NUMBER.match(data, reader.at):
        says = "the acknowledgement comes back with it"
        reader.take("ack id", len(found[0]), found[0][:20].decode(), says, _SOCKET)
    if reader.left:
        outermost = "arguments" if "EVENT" in name or "ACK" in name else "data"
        fields = json_fields(data, reader.at, name=outermost)
        for place, field in enumerate(fields):
            if "EVENT" in name and field.name == "[0]":
                says = "the event's name; its arguments follow"
                fields[place] = field._replace(name="event", meaning=says, rfc=_SOCKET)
        reader.fields += fields


SOCKET_IO = Payload(
    "socket_io",
    "Socket.IO",
    decode,
    ("Socket.IO type", "attachment", "Engine.IO type"),
    path="/socket.io/",
)
