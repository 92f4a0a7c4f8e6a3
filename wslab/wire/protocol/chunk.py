"""A chunk of a response's body, explained: how HTTP/1.1 sends what has no known length.

Source: RFC 9112 §7.1. What an event stream says in it is the WHATWG's (server-sent events).
"""

from __future__ import annotations

from ..fields import Field
from .http import CHUNK_SIZE, Head

_EVENT_STREAM = "text/event-stream"

_LINES = {
    "data": "A line of the message. Several are joined, with a line end between them.",
    "event": "The name of the event; without it, `message`.",
    "id": "The event's own id. After a break, a browser asks for what came after the last one.",
    "retry": "How many milliseconds a browser is to wait before it connects again.",
    "": "A comment: nobody is told. It keeps an idle connection in use.",
}
"""The fields of an event stream, by name."""

_SOURCE = "WHATWG: server-sent events"
_CHUNKED = "RFC 9112 §7.1"


def chunk_text(data: bytes) -> str:
    """What the first bytes of a chunk say, without its size."""
    size = _size(data)
    if size is None:
        return ""
    if not size:
        return "the end of the body"
    line = data.find(b"\n") + 1
    return data[line : line + size].decode("utf-8", "replace").rstrip("\r\n")


def chunk_fields(data: bytes, length: int, head: Head) -> tuple[Field, ...]:
    """The fields of a chunk: its size, its data, its line end; or what ends the body.

    `data` holds its first bytes, `length` counts all of them; `head` is that of its response.
    """
    fields: list[Field] = []

    def add(name: str, count: int, value: str, meaning: str, source: str = _CHUNKED) -> None:
        start = fields[-1].bit + fields[-1].bits if fields else 0
        if count > 0:  # in bytes
            fields.append(Field(name, start, 8 * count, value, meaning, source))

    size, line = _size(data), data.find(b"\n") + 1 or min(len(data), length)
    first, rest = data[:line].decode("latin-1").rstrip("\r\n"), length - line
    if size is None:
        add("no chunk", length, first, "Expected the size of the next chunk, in hexadecimal.")
    elif size:
        add("chunk size", line, first, f"{size} bytes follow: the number is hexadecimal.")
        content = data[line : line + size]
        if _EVENT_STREAM in (head.get("Content-Type") or "").lower() and len(content) == size:
            for said in content.splitlines(keepends=True):
                add(*_event_line(said))
        else:
            shown = content[:4096].decode("utf-8", "replace")
            add("chunk data", min(size, rest), shown, "A part of the body.")
        add("line end", rest - size, "", "Ends the chunk.")
    else:
        add("last chunk", line, first, "No bytes: the body ends here.")
        empty = 2 if data.endswith(b"\r\n") else 1
        trailers = data[line:].decode("latin-1")[:-empty]
        add("trailers", rest - empty, trailers, "Fields that came late.", f"{_CHUNKED}.2")
        add("empty line", min(rest, empty), "", "Ends the body.")
    return tuple(fields)


def _size(data: bytes) -> int | None:
    """The size that a chunk begins with; None if it begins with something else."""
    word = data[: data.find(b"\n") + 1].split(b";")[0].strip()
    return int(word, 16) if CHUNK_SIZE.fullmatch(word) else None


def _event_line(line: bytes) -> tuple[str, int, str, str, str]:
    """Name, length, value, meaning and source of a line of an event stream."""
    text = line.decode("utf-8", "replace").rstrip("\r\n")
    name, colon, value = text.partition(":")
    if not text:
        return "empty line", len(line), "", "Ends the event: only now it is told.", _SOURCE
    meaning = _LINES.get(name, "A name that the standard does not know: it is left out.")
    return (
        name if colon and name else "comment",
        len(line),
        value.removeprefix(" "),
        meaning,
        _SOURCE,
    )
