"""Frames from which cases are made."""

from __future__ import annotations

from wslab.wire import Opcode
from wslab.wire.protocol import FrameDraft as Frame


def text(payload: str | bytes = "Hello", **header: object) -> Frame:
    """A text frame; `header` are fields of `Frame`."""
    data = payload.encode() if isinstance(payload, str) else payload
    return Frame(Opcode.TEXT, data, **header)  # type: ignore[arg-type]


def binary(payload: bytes, **header: object) -> Frame:
    return Frame(Opcode.BINARY, payload, **header)  # type: ignore[arg-type]


def more(payload: str | bytes, **header: object) -> Frame:
    """A continuation frame."""
    data = payload.encode() if isinstance(payload, str) else payload
    return Frame(Opcode.CONTINUATION, data, **header)  # type: ignore[arg-type]


def ping(payload: bytes = b"", **header: object) -> Frame:
    return Frame(Opcode.PING, payload, **header)  # type: ignore[arg-type]


def pong(payload: bytes = b"", **header: object) -> Frame:
    return Frame(Opcode.PONG, payload, **header)  # type: ignore[arg-type]


def close(code: int | None = 1000, reason: bytes = b"", **header: object) -> Frame:
    """A close frame, with any code from 0 to 65535; None for an empty one."""
    data = b"" if code is None else code.to_bytes(2, "big") + reason
    return Frame(Opcode.CLOSE, data, **header)  # type: ignore[arg-type]


END = close()
"""With it a case ends in which all is legal."""
