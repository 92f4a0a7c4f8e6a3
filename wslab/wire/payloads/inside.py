"""What is inside a message: which protocol, and what it says there.

A message is read with what came before it on its connection: see `Context`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import NamedTuple

from ..fields import Field
from ..recording.capture import Capture
from ..recording.messages import Message
from .graphql_transport_ws import GRAPHQL_TRANSPORT_WS
from .json import JSON
from .jupyter_kernel import JUPYTER_KERNEL
from .mqtt import MQTT
from .payload import Context, Payload, text_of
from .socket_io import SOCKET_IO
from .stomp import STOMP

PAYLOADS: dict[str, Payload] = {
    one.name: one for one in (JSON, JUPYTER_KERNEL, MQTT, SOCKET_IO, GRAPHQL_TRANSPORT_WS, STOMP)
}
"""The protocols that can be read inside messages, by name."""

YOURS = "yours"
"""The name of a learner's own decoder."""

GUESSED = "nothing says so, but it is legal JSON"
"""Why a message is read as JSON where no handshake names it."""

Decoder = Callable[[str | bytes], object]
"""A learner's own: gets a message, returns fields or text. See `own_inside`."""


class Inside(NamedTuple):
    """A message, explained as a message of the protocol inside it."""

    name: str
    """The protocol's name, as in `PAYLOADS`, or `YOURS`."""
    says: str
    """What the message is: `MQTT PUBLISH`."""
    why: str
    """Why it is read as that."""
    message: Message
    fields: tuple[Field, ...] = ()
    """They cover each byte of the message's content once, in order."""
    text: str = ""
    """What a learner's own decoder says in words."""
    problem: str = ""
    """Why there are no fields."""


def chosen(capture: Capture, connection: int) -> tuple[Payload, str] | None:
    """The protocol that a connection's handshake names, and how; None if it names none of ours."""
    request, response = capture.index.handshake(connection)
    if response is not None:
        agreed = response.get("Sec-WebSocket-Protocol")
        for payload in PAYLOADS.values():
            if agreed is not None and agreed.strip() in payload.subprotocols:
                return payload, f"the handshake chose the subprotocol {agreed.strip()}"
    if request is not None:
        for payload in PAYLOADS.values():
            if payload.path and payload.path in request.first_line:
                return payload, f"the request's path has {payload.path}"
    return None


def guessed(message: Message) -> tuple[Payload, str] | None:
    """JSON, where a text looks like it; else None."""
    if message.kind == "text" and message.content.lstrip()[:1] in (b"{", b"["):
        fields = JSON.decode(message.content, "text", message.direction, Context())
        if not any(field.name == "not JSON" for field in fields):
            return JSON, GUESSED
    return None


def inside_of(capture: Capture, row: int, name: str | None = None) -> Iterator[Inside | None]:
    """What is inside the message that a row belongs to: `None`s, and then the answer at the end.

    `name` says how to read it; without it, the handshake does. Ends without an answer where the row
    has no part in a message, or nothing says how to read it. It yields after each piece of work, so
    that nobody has to wait for a long recording. Raises KeyError for an unknown name.
    """
    message = capture.index.message(row)
    if message is None:
        return
    if name is None:
        found = chosen(capture, message.connection) or guessed(message)
    else:
        found = PAYLOADS[name], "you chose it"
    if found is None:
        return
    payload, why = found
    context = Context()
    if payload.follow is not None:
        for place, one in enumerate(capture.index.messages(message.connection)):
            if one.row >= message.row:
                break
            payload.follow(one.content, one.kind, one.direction, context)
            if place % 100 == 99:
                yield None
    fields = payload.decode(message.content, message.kind, message.direction, context)
    yield Inside(payload.name, payload.says(fields), why, message, fields)


class Insides:
    """Explains the messages of a recording, row by row in ascending order.

    `name` says how to read them; without it, each connection's handshake does. Raises KeyError for
    an unknown name.
    """

    def __init__(self, capture: Capture, name: str | None = None) -> None:
        self._capture = capture
        self._named = None if name is None else (PAYLOADS[name], "you chose it")
        self._chosen: dict[int, tuple[Payload, str] | None] = {}
        self._contexts: dict[int, Context] = {}

    def of(self, row: int) -> Inside | None:
        """What is inside the message that ends with a row's frame; None if none ends or nothing
        says how to read it."""
        message = self._capture.index.message(row)
        if message is None or message.row != row or not self._capture.index.unit(row, 0).fin:
            return None
        connection = message.connection
        if connection not in self._chosen:
            self._chosen[connection] = self._named or chosen(self._capture, connection)
            self._contexts[connection] = Context()
        found = self._chosen[connection]
        if found is None:
            return None
        payload, why = found
        fields = payload.decode(
            message.content, message.kind, message.direction, self._contexts[connection]
        )
        return Inside(payload.name, payload.says(fields), why, message, fields)


# --- A learner's own decoder ----------------------------------------------------------------------


def own_inside(message: Message, decode: Decoder) -> Inside:
    """What a learner's own decoder says about a message; its faults are told, never raised.

    `decode` gets the text of a text message or the bytes of a binary one. It returns a text, or a
    list of fields, each `(name, size)`, `(name, size, value)` or `(name, size, value, meaning)`,
    with the size in bytes; or `Field`s. What they leave out at the end becomes one more field.
    """
    try:
        content = message.text if message.kind == "text" else message.content
        said = decode(content)
        if isinstance(said, str):
            return Inside(YOURS, "your decoder's words", "you gave it", message, text=said)
        fields = own_fields(said, message.content)
        says = f"your decoder: {len(fields)} field{'s' if len(fields) != 1 else ''}"
        return Inside(YOURS, says, "you gave it", message, fields)
    except Exception as fault:
        words = f"{type(fault).__name__}: {fault}" if str(fault) else type(fault).__name__
        return Inside(YOURS, "your decoder", "you gave it", message, problem=words)


def own_fields(said: object, data: bytes) -> tuple[Field, ...]:
    """A learner's fields, as they should be. Raises TypeError and ValueError, which say what is
    wrong with them.
    """
    if not isinstance(said, Sequence) or isinstance(said, bytes):
        raise TypeError(
            f'expected a text, or a list of fields such as ("type", 1), got {type(said).__name__}'
        )
    bit, fields = 0, list[Field]()
    for number, one in enumerate(said):
        field = one if isinstance(one, Field) else _own_field(number, one, bit)
        if field.bit != bit or field.bits < 0:
            raise ValueError(
                f"field {number}, {field.name!r}, begins at bit {field.bit}; expected bit {bit}, "
                "where the field before it ends"
            )
        bit += field.bits
        if bit > 8 * len(data):
            raise ValueError(
                f"field {number}, {field.name!r}, ends at byte {bit / 8:g}; the message has "
                f"{len(data)} bytes"
            )
        fields.append(field)
    if bit < 8 * len(data):
        fields.append(Field("left over", bit, 8 * len(data) - bit, None, "your decoder says "
                            "nothing about these", ""))  # fmt: skip
    return tuple(fields)


def _own_field(number: int, one: object, bit: int) -> Field:
    match one:
        case (str(name), int(size), *more) if len(more) <= 2 and not isinstance(size, bool):
            value, meaning = [*more, None, ""][:2] if len(more) < 2 else more
            if isinstance(value, bytes):
                value = text_of(value)
            shown = value if value is None or isinstance(value, int) else str(value)
            return Field(name, bit, 8 * size, shown, str(meaning or ""), "")
    raise TypeError(
        f"field {number}: expected (name, size in bytes), then perhaps a value and a meaning, "
        f"got {one!r}"
    )
