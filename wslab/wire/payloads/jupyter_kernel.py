"""Jupyter's kernel socket: how a page and a kernel talk, in two forms.

Source: Jupyter Server's "WebSocket kernel wire protocols", and jupyter_client's messaging.
With the subprotocol `v1.kernel.websocket.jupyter.org` each message is binary::

     8 bytes      8 bytes each         the parts, one after the other
     how many     where each part      channel, header, parent_header, metadata, content, and
     offsets      begins, then where   as many buffers as are left
     (little-     the last one ends
     endian)

Without a subprotocol, a message is JSON in a text message. One with buffers is binary: a number of
offsets and the offsets with 4 bytes each, big-endian, then the JSON and the buffers.
"""

from __future__ import annotations

from ..fields import Direction, Field
from ..protocol.messages import MessageKind
from ..reader import Reader
from .json import json_fields
from .payload import Context, Payload, text_of

V1 = "v1.kernel.websocket.jupyter.org"
_SOCKET = "Jupyter: kernel socket"
_PARTS = ("channel", "header", "parent_header", "metadata", "content")
_CHANNELS = {
    "shell": "requests such as execute_request, and their replies",
    "iopub": "what the kernel tells all pages: output, state",
    "stdin": "the kernel asks the page for input()",
    "control": "interrupt, shutdown, debugging: it overtakes what waits on shell",
}


def decode(
    data: bytes, kind: MessageKind, direction: Direction, context: Context
) -> tuple[Field, ...]:
    """The parts of one message, whichever of the two forms it has."""
    if kind == "text":
        return tuple(json_fields(data, name="message"))
    first = int.from_bytes(data[:8], "little")
    if 2 <= first <= 4096 and int.from_bytes(data[8:16], "little") == 8 * (first + 1):
        return _in_parts(data, 8, "little", first)
    count = int.from_bytes(data[:4], "big")
    if 1 <= count <= 4096 and int.from_bytes(data[4:8], "big") == 4 * (count + 1):
        return _in_parts(data, 4, "big", count)
    reader = Reader(data)
    reader.rest("not Jupyter", "this does not begin with a table of offsets: the first offset must "
                "be where the table ends", _SOCKET)  # fmt: skip
    return tuple(reader.fields)


def _in_parts(data: bytes, size: int, order: str, count: int) -> tuple[Field, ...]:
    """A table of offsets, `size` bytes each, and the parts that it leads to."""
    little = order == "little"
    names = [*_PARTS] if little else ["message"]
    parts = count - 1 if little else count  # v1 also says where the last part ends
    reader = Reader(data)
    how = f"{size} bytes, {'lowest' if little else 'highest'} first"
    says = f"{count} offsets follow ({how})"
    reader.take("offset number", size, count, says, _SOCKET)
    offsets = list[int]()
    for place in range(count):
        at = int.from_bytes(reader.data[reader.at : reader.at + size], order)  # type: ignore[arg-type]
        if reader.left < size:
            break
        name = _name(names, place) if place < parts else "the end"
        reader.take(f"offset {place}", size, at, f"where the {name} begins"
                    if place < parts else "where the last part ends", _SOCKET)  # fmt: skip
        offsets.append(at)
    if not little:
        offsets.append(len(data))
    if len(offsets) != parts + 1 or offsets != sorted(offsets) or offsets[0] != reader.at:
        reader.rest("not Jupyter", "the offsets must ascend and begin where the table ends",
                    _SOCKET)  # fmt: skip
        return tuple(reader.fields)
    for place in range(parts):
        _part(reader, _name(names, place), min(offsets[place + 1], len(data)))
    reader.rest("left over", "not allowed: bytes after the last part", _SOCKET)
    return tuple(reader.fields)


def _name(names: list[str], place: int) -> str:
    return names[place] if place < len(names) else f"buffer {place - len(names)}"


def _part(reader: Reader, name: str, stop: int) -> None:
    """Cover one part, up to `stop`."""
    if name == "channel":
        text = text_of(reader.data[reader.at : stop])
        says = _CHANNELS.get(text, "not a channel: shell, iopub, stdin, control")
        reader.take(name, stop - reader.at, text, says, "Jupyter: messages")
    elif name.startswith("buffer"):
        size = stop - reader.at
        what = f"{size} bytes as they are, for a widget or an image"
        value = reader.data[reader.at : min(stop, reader.at + 100)].hex(" ")
        reader.take(name, size, value, what, _SOCKET)
    elif not reader.full:
        path = "" if name == "message" else name
        reader.fields += json_fields(reader.data, reader.at, stop, name=name, path=path)
        reader.at = stop
    else:
        reader.take(name, stop - reader.at, None, "more than is listed here", _SOCKET)


JUPYTER_KERNEL = Payload(
    "jupyter_kernel", "Jupyter", decode, ("header.msg_type",), (V1,), path="/api/kernels/"
)
