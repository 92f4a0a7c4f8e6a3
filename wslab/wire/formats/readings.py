"""Bytes as somebody wrote them down, and the choice where they can be read in several ways."""

from __future__ import annotations

from typing import NamedTuple

from ..fields import Direction
from ..protocol.frames import frame_violations, header_at, read_header
from ..recording.log import CaptureError

HEX = "bytes in hex"
"""The usual form, which is not named."""


class ReadTwoWays(CaptureError):
    """The bytes can be read in two ways; the message says in which, and how to choose."""


class NoWholeDump(CaptureError):
    """This is a dump of bytes, and some are missing or in units that are not read."""


class Pasted(NamedTuple):
    """Bytes, and the form in which they came."""

    data: bytes
    form: str
    """In words: "a dump with offsets"."""
    note: str = ""
    """What is missing, or was left out; "" for nothing."""


def choose(readings: list[Pasted], otherwise: Pasted | None = None) -> Pasted:
    """The one of several readings in which a frame or HTTP begins.

    `otherwise` is taken where that is true of none.
    """
    readings = list({reading.data: reading for reading in reversed(readings)}.values())[::-1]
    fits = [reading for reading in readings if begins(reading.data)]
    if len(readings) == 1 or len(fits) == 1:
        return (fits or readings)[0]
    if not fits and otherwise is not None:
        return otherwise
    names = " or ".join(reading.form for reading in fits or readings)
    raise ReadTwoWays(
        f"expected bytes that can be read in one way; these may be {names}: write 0x in front of "
        "hex or [ ] around decimals, or paste what xxd or hexdump -C prints"
    )


def begins(data: bytes) -> bool:
    """Whether a whole frame that breaks no rule stands first, or a head of HTTP."""
    if data.startswith((b"GET ", b"HTTP/1.")):
        return True
    header = read_header(data, 0, len(data))
    if header is None or header.length + header.payload_length > len(data):
        return False
    sender: Direction = "client" if header.masked else "server"
    return not frame_violations(data[0], header_at(data, 0), sender, 0, False, b"")
