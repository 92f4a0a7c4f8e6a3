"""What a row is, for a search: its fields, read without explaining the whole row where possible."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple, Protocol

from ..fields import Kind, Unit
from ..protocol.frames import BROKEN, FIN, KIND_OF_OPCODE, read_header
from .index import CHECKED, FAULTY, LARGE, Index
from .indexing import HEAD
from .log import Log, whose_stream


class Recording(Protocol):
    """What is searched: a `Capture`."""

    log: Log

    @property
    def index(self) -> Index: ...
    def label(self, connection: int) -> str: ...


class Place(NamedTuple):
    """A row, before anything of it is explained."""

    recording: Recording
    number: int
    stream: int
    start: int
    flags: int

    @property
    def kind(self) -> Kind:
        if self.flags & HEAD and (other := self.recording.index.other(self.number)):
            return other.kind
        return KIND_OF_OPCODE[self.flags & 0x0F]

    def bit(self, byte: int, mask: int) -> str:
        """Whether a frame has a bit of its header: "0" or "1"; "" for what is no frame."""
        at = self.start + byte
        data = b"" if self.flags & HEAD else self.recording.log.streams[self.stream][at : at + 1]
        return str(int(bool(data[0] & mask))) if data else ""

    @property
    def length(self) -> int:
        """Bytes of a frame's payload; -1 for what is no frame."""
        data = self.recording.log.streams[self.stream]
        header = None if self.flags & HEAD else read_header(data, self.start, len(data))
        return -1 if header is None else header.payload_length

    @property
    def broken(self) -> bool:
        if not self.flags & (HEAD | CHECKED | BROKEN | FAULTY):
            return self.recording.index.rows(self.number, self.number + 1)[0].broken
        return bool(self.flags & (BROKEN | FAULTY))


OF_ROW: dict[str, Callable[[Place, str], bool]] = {
    # By its number, or by its name: the label is "#3 Ada".
    "connection": lambda row, value: (
        value in row.recording.label(row.stream // 2 + 1)[1:].split(" ", 1)
    ),
    "from": lambda row, value: whose_stream(row.stream)[1] == value,
    "kind": lambda row, value: row.kind == value,
    "opcode": lambda row, value: row.kind == value,  # `parse` makes the number a word
    "fin": lambda row, value: str(int(bool(row.flags & (FIN | HEAD)))) == value,
    "rsv1": lambda row, value: row.bit(0, 0x40) == value,
    "rsv2": lambda row, value: row.bit(0, 0x20) == value,
    "rsv3": lambda row, value: row.bit(0, 0x10) == value,
    "mask": lambda row, value: row.bit(1, 0x80) == value,
    "length": lambda row, value: str(row.length) == value,
    "broken": lambda row, value: str(int(row.broken)) == value,
}
"""What needs no explanation of the row."""

OF_STREAM = ("connection", "from")
"""Those that are the same for a whole direction."""

OF_UNIT: dict[str, tuple[Callable[[Place], bool], Callable[[Unit, str], bool]]] = {
    "close_code": (lambda row: row.kind == "close", lambda unit, value: _close(unit)[0] == value),
    "reason": (lambda row: row.kind == "close", lambda unit, value: _close(unit)[1] == value),
    "status": (lambda row: row.kind == "response", lambda unit, value: _status(unit) == value),
    "rule": (
        lambda row: row.broken,
        lambda unit, value: any(broken.rule == value for broken in unit.violations),
    ),
}
"""What the unit has to be read for, and which rows can have it at all."""


def fits(place: Place, name: str, value: str) -> bool:
    """Whether a row fits a term: of these tables, or else the name of a header."""
    if name in OF_ROW:
        return OF_ROW[name](place, value)
    if name in OF_UNIT:
        can, fits = OF_UNIT[name]
        return can(place) and fits(place.recording.index.unit(place.number, LARGE), value)
    other = place.recording.index.other(place.number)
    if other is None or not other.has_head:
        return False
    words = {*other.head.all(name), *other.head.listed(name)}
    return value.casefold() in {word.casefold() for word in words}


def _close(unit: Unit) -> tuple[str, str]:
    """The code and the reason of a close frame; both empty for anything else."""
    if unit.kind != "close" or len(unit.payload) < 2:
        return "", ""
    code = str(int.from_bytes(unit.payload[:2], "big"))
    return code, unit.payload[2:].decode("utf-8", "replace")


def _status(unit: Unit) -> str:
    return unit.data.partition(b" ")[2][:3].decode("ascii", "replace")
