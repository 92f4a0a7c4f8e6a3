"""What every payload protocol is made of: its name, its decoder, and a reader that covers bytes."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

from ..fields import Direction, Field
from ..protocol.messages import MessageKind

MOST_FIELDS = 1000
"""The most fields of one message; what comes after them is one field, `more`."""
PATH = 60
"""The most characters of a field's name that is made of names in the message."""


class Context:
    """What has to be known of a connection's earlier messages to read the next one."""

    def __init__(self) -> None:
        self.version: int | None = None
        """MQTT's protocol level, which only the first packet says: 4 is 3.1.1, 5 is 5.0."""
        self.pending: dict[Direction, tuple[bytes, int]] = {"client": (b"", 0), "server": (b"", 0)}
        """By direction: the beginning of a packet that goes on in the next message, and how many
        bytes of it have come."""
        self.dead: set[Direction] = set()
        """The directions in which bytes came that belong to no packet: nothing is found again."""


class Payload(NamedTuple):
    """A protocol whose messages travel in WebSocket messages."""

    name: str
    """As in `wslab explain --decode mqtt`."""
    title: str
    decode: Callable[[bytes, MessageKind, Direction, Context], tuple[Field, ...]]
    """The fields of a message, which cover each byte once, in order. Never raises: what is illegal
    is described. Notes in the context what the next message needs."""
    named_by: tuple[str, ...]
    """The names of the fields whose values say what the message is, such as `packet type`; the
    first that a message has counts."""
    subprotocols: tuple[str, ...] = ()
    """Those whose negotiation says that this protocol is spoken."""
    path: str = ""
    """How the path of its requests begins, where there is no subprotocol to tell it by."""
    follow: Callable[[bytes, MessageKind, Direction, Context], None] | None = None
    """Notes in the context what the next message needs, and no more; None: it needs nothing."""

    def says(self, fields: tuple[Field, ...]) -> str:
        """What a message is, in a few words: `MQTT PUBLISH`, `JSON object`."""
        names = {field.name for field in fields}
        name = next((name for name in self.named_by if name in names), None)
        found = [str(field.value or name) for field in fields if field.name == name]
        words = ", ".join(word if len(word) <= PATH else word[:PATH] + "…" for word in found[:4])
        return f"{self.title} {words}{', …' if len(found) > 4 else ''}".strip()


class Reader:
    """Covers bytes with fields, from left to right; `data[at:stop]` is what is left."""

    def __init__(self, data: bytes, at: int = 0, stop: int | None = None) -> None:
        self.data = data
        self.at = at
        self.stop = len(data) if stop is None else stop
        self.fields: list[Field] = []

    @property
    def left(self) -> int:
        """How many bytes are not covered yet."""
        return self.stop - self.at

    @property
    def full(self) -> bool:
        """Whether there are so many fields that the rest should be one."""
        return len(self.fields) >= MOST_FIELDS

    def take(self, name: str, size: int, value: int | str | None, meaning: str, rfc: str) -> bytes:
        """Cover the next `size` bytes, or as many as are left; returns them."""
        size = min(size, self.left)
        if size > 0:
            self.fields.append(Field(name, 8 * self.at, 8 * size, value, meaning, rfc))
            self.at += size
        return self.data[self.at - size : self.at]

    def bits(self, parts: list[tuple[str, int, int | str | None, str]], rfc: str) -> None:
        """Cover the next byte with fields of fewer bits: name, bits, value and meaning of each."""
        bit = 8 * self.at
        for name, size, value, meaning in parts:
            self.fields.append(Field(name, bit, size, value, meaning, rfc))
            bit += size
        self.at += 1

    def number(self, name: str, size: int, meaning: str, rfc: str) -> int:
        """Cover an unsigned number in network byte order. Raises `Short` if it is cut off."""
        self.need(size, name)
        value = int.from_bytes(self.data[self.at : self.at + size], "big")
        self.take(name, size, value, meaning, rfc)
        return value

    def need(self, size: int, name: str) -> None:
        """Raise `Short` unless `size` bytes are left for the field `name`."""
        if self.left < size:
            raise Short(f"{name} needs {_bytes(size)}, and {_bytes(self.left)} are left")

    def rest(self, name: str, meaning: str, rfc: str, value: int | str | None = None) -> None:
        """Cover all that is left."""
        self.take(name, self.left, value, meaning, rfc)

    def note(self, name: str, meaning: str, rfc: str) -> None:
        """Add a field without bits: something is missing here."""
        self.fields.append(Field(name, 8 * self.at, 0, None, meaning, rfc))


class Short(Exception):
    """The bytes end inside a field."""


def text_of(data: bytes, most: int = 400) -> str:
    """Bytes as text for people: at most `most` characters, bytes that are not UTF-8 as U+FFFD."""
    text = data[: 4 * most].decode("utf-8", "replace")
    return text if len(text) <= most else text[:most] + "…"


def _bytes(count: int) -> str:
    return f"{count} byte{'s' if count != 1 else ''}"
