"""Finds rows by what they are: `opcode=ping`, `text=Hello which=first`, `from=server status=101`.

Links in the lessons' prose point at rows in this way.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import NamedTuple, Self, get_args

from ..fields import Kind, Unit
from ..protocol.frames import KIND_OF_OPCODE
from .capture import Capture
from .index import LARGE, Row

STEP = 100
"""After so many rows a search pauses: some 2 ms."""

_TERM = re.compile(r'(?:(\w+)=)?(?:"([^"]*)"|([^\s&"]+))')

_OF_ROW: dict[str, Callable[[Row, str], bool]] = {
    "kind": lambda row, value: row.kind == value,
    "opcode": lambda row, value: row.kind == value,  # `parse` makes the number a word
    "from": lambda row, value: row.direction == value,
    "fin": lambda row, value: str(int(row.fin)) == value,
}
"""What a row's summary is enough for."""

_OF_UNIT: dict[str, Callable[[Unit, str], bool]] = {
    "payload": lambda unit, value: _content(unit) == value,
    "close_code": lambda unit, value: _close(unit)[0] == value,
    "reason": lambda unit, value: _close(unit)[1] == value,
    "status": lambda unit, value: unit.kind == "response" and _status(unit) == value,
    "rule": lambda unit, value: any(broken.rule == value for broken in unit.violations),
    "contains": lambda unit, value: value.casefold() in _content(unit).casefold(),
}
"""What the unit's bytes have to be read for."""

_WITH_PAYLOAD = ("text", "binary", "continuation", "ping", "pong")
"""`text=Hello` is short for `kind=text payload=Hello`, and so on."""

NAMES = ("connection", *_OF_ROW, *_OF_UNIT, *_WITH_PAYLOAD, "which")


class Search(NamedTuple):
    """What is looked for; `parse` reads it."""

    terms: tuple[tuple[str, str], ...]
    """Names and values, which must all fit."""
    which: int
    """Which of the rows that fit: 1 is the first, -1 the last."""

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read terms with spaces or `&` between them, which must all fit.

        A term is `name=value`, or only a value, which the row then has to contain. A value in
        double quotes may have spaces in it. Without `which=first` (or `last`, or a number from 1
        on) the last row that fits is meant. Raises ValueError for a name or value that cannot be.
        """
        terms: list[tuple[str, str]] = []
        which = -1
        if left := _TERM.sub("", text).strip(" &"):
            raise ValueError(f"expected terms such as opcode=ping, got {left!r} in {text!r}")
        for name, quoted, plain in _TERM.findall(text):
            value = quoted or plain
            if name == "which":
                which = _which(value)
            elif name in _WITH_PAYLOAD:
                terms += [("kind", name), ("payload", value)]
            elif name in ("kind", "opcode"):
                terms.append((name, _kind(value)))
            elif name == "from" and value not in ("client", "server"):
                raise ValueError(f"expected from=client or from=server, got from={value}")
            elif name and name not in NAMES:
                raise ValueError(f"expected one of {', '.join(NAMES)}, got {name!r}")
            else:
                terms.append((name or "contains", value))
        if not terms:
            raise ValueError(f"expected a term such as opcode=ping, got {text!r}")
        return cls(tuple(terms), which)

    def find(self, capture: Capture) -> Iterator[int | None]:
        """Yield the row's number, or end without it.

        Yields None after every `STEP` rows, so that others can work in between.
        """
        index = capture.index
        count = len(index)
        forwards, left = self.which > 0, abs(self.which)
        for done, number in enumerate(range(count) if forwards else reversed(range(count)), 1):
            if not index.is_gone(number) and self.fits(capture, number):
                left -= 1
                if left == 0:
                    yield number
                    return
            if done % STEP == 0:
                yield None

    def fits(self, capture: Capture, number: int) -> bool:
        """Whether a row is one of those that are looked for."""
        (row,) = capture.index.rows(number, number + 1)
        for name, value in self.terms:
            if name == "connection":
                # By its number, or by its name: the label is "#3 Ada".
                if value not in capture.label(row.connection)[1:].split(" ", 1):
                    return False
            elif name in _OF_ROW and not _OF_ROW[name](row, value):
                return False
        further = [(name, value) for name, value in self.terms if name in _OF_UNIT]
        if not further:
            return True
        unit = capture.index.unit(number, LARGE)
        return all(_OF_UNIT[name](unit, value) for name, value in further)


def _which(value: str) -> int:
    if value in ("first", "last"):
        return 1 if value == "first" else -1
    if not value.isdecimal() or int(value) == 0:
        raise ValueError(f"expected which=first, which=last or a number from 1 on, got {value!r}")
    return int(value)


def _kind(value: str) -> str:
    if value.isdecimal() and int(value) < len(KIND_OF_OPCODE):
        return KIND_OF_OPCODE[int(value)]
    if value not in get_args(Kind):
        raise ValueError(
            f"expected one of {', '.join(get_args(Kind))}, or an opcode from 0 to 15, got {value!r}"
        )
    return value


def _content(unit: Unit) -> str:
    """What a reader takes for the content: a head, or a payload unmasked and inflated."""
    if unit.opcode is None:
        return unit.data.decode("utf-8", "replace")
    if unit.kind == "close":
        return " ".join(_close(unit)).strip()
    content = unit.payload if unit.inflated is None else unit.inflated
    return content.decode("utf-8", "replace")


def _close(unit: Unit) -> tuple[str, str]:
    """The code and the reason of a close frame; both empty for anything else."""
    if unit.kind != "close" or len(unit.payload) < 2:
        return "", ""
    code = str(int.from_bytes(unit.payload[:2], "big"))
    return code, unit.payload[2:].decode("utf-8", "replace")


def _status(unit: Unit) -> str:
    return unit.data.partition(b" ")[2][:3].decode("ascii", "replace")
