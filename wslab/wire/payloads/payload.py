"""What every payload protocol is made of: its name, its decoder, and what it has to remember."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

from ..fields import Direction, Field
from ..protocol.messages import MessageKind

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


def text_of(data: bytes, most: int = 400) -> str:
    """Bytes as text for people: at most `most` characters, bytes that are not UTF-8 as U+FFFD."""
    text = data[: 4 * most].decode("utf-8", "replace")
    return text if len(text) <= most else text[:most] + "…"
