"""What a reader takes away from the wire view: a unit as text, a message or all as a file."""

from __future__ import annotations

from typing import NamedTuple

from wslab.wire import Capture, Format, as_file
from wslab.wire.recording import Index, close_text

MOST_COPIED = 1 << 20
"""Bytes of the largest unit that goes to the clipboard."""


class Taken(NamedTuple):
    """What goes out."""

    name: str
    """The file's name; empty for the clipboard."""
    type: str
    data: bytes
    problem: str = ""
    """Why it is not what was asked for."""


def recording(capture: Capture, format: Format) -> Taken:
    """The whole recording as a file."""
    format, data, problem = as_file(capture, format)
    return Taken(f"capture{format.suffix}", format.mime_type, data, problem)


def unit(index: Index, number: int, form: str) -> Taken:
    """A row as text: its bytes in "hex", or as a literal of "python"; its content as "text".

    As "file" it is the whole message to which it belongs, or its bytes where it is none.
    """
    try:
        length = index.unit(number, 0).length
        message = index.message(number, whole=True) if form == "file" else None
        if message is not None:
            return Taken(message.file_name, "application/octet-stream", message.content)
        if form != "file" and length > MOST_COPIED:
            return _too_much()
        one = index.unit(number)
        parts = dict(index.parts(number, whole=True)) if form == "text" else {}
    except LookupError as error:
        return Taken("", "", b"", str(error))
    if not one.data:
        return Taken("", "", b"", f"row {number} has no bytes in the recording")
    if form == "file":
        kind = "txt" if one.kind in ("request", "response") else "bin"
        return Taken(f"{one.kind}-{number}.{kind}", "application/octet-stream", one.data)
    if form == "hex":
        text = one.data.hex(" ")
    elif form == "python":
        text = repr(one.data)
    else:
        content = one.data if one.opcode is None else parts.get(number, one.payload)
        if one.kind == "close" and len(content) > 1:
            content = close_text(content)
        text = content.decode("utf-8", "replace")
        if len(content) > MOST_COPIED:
            return _too_much()
    return Taken("", "text/plain", text.encode())


def _too_much() -> Taken:
    return Taken("", "", b"", "more than 1 MiB: save it instead")
