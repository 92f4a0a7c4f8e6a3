"""Covers bytes with fields, from left to right: what the decoders of binary formats are made of."""

from __future__ import annotations

from .fields import Field

MOST_FIELDS = 1000
"""The most fields of one message; what comes after them is one field, `more`."""


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


def _bytes(count: int) -> str:
    return f"{count} byte{'s' if count != 1 else ''}"
