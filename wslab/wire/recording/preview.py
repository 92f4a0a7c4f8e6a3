"""Makes previews: the beginning of a unit's content, on one line."""

from __future__ import annotations

from ..protocol import frames
from ..protocol.utf8 import is_utf8
from .contents import FrameContent

PREVIEW = 80
"""The most characters of a preview."""


def count_bytes(count: int) -> str:
    """So many bytes, in words."""
    return f"{count:,} byte{'s' if count != 1 else ''}"


def preview(
    data: bytearray, start: int, header: frames.FrameHeader, part: FrameContent | None
) -> str:
    """The content of a frame on one line of at most 80 characters."""
    opcode = data[start] & 0x0F
    if part is not None:
        content, text = part.content[: 4 * PREVIEW], part.kind == "text"
        if part.uninflated and not content:
            shown = min(header.payload_length, 16)
            payload = frames.frame_payload(data, start, header._replace(payload_length=shown))
            return "cannot be inflated: " + payload.hex(" ")
    else:
        shown = min(header.payload_length, 4 * PREVIEW)
        content = frames.frame_payload(data, start, header._replace(payload_length=shown))
        text = opcode == frames.Opcode.TEXT
    if opcode == frames.Opcode.CLOSE:
        if len(content) < 2:
            return content.hex() or "no code"
        reason = content[2:].decode("utf-8", "replace")
        return printable(f"{int.from_bytes(content[:2], 'big')} {reason}".strip()[:PREVIEW])
    if not content:
        return '""' if text else "empty"
    # A ping's payload is often text: show it as text if it is.
    if text or (opcode >= 8 and is_utf8(content)):
        if part is not None and part.uninflated and not part.faults:
            return f"{quoted(content[:40].decode('utf-8', 'replace'))}, the rest cannot be inflated"
        return quoted(content.decode("utf-8", "replace"))
    return content[:24].hex(" ")


def printable(text: str) -> str:
    """`text`, with escapes for characters that would move, hide or break the line."""
    if text.isprintable():
        return text
    return "".join(
        char if char.isprintable() else char.encode("unicode_escape").decode() for char in text
    )


def quoted(text: str) -> str:
    shown = text[: PREVIEW - 3]
    return f'"{printable(shown)}"' if len(shown) == len(text) else f'"{printable(shown)}…"'
