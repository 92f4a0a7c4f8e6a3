"""Checks whether bytes are UTF-8, piece by piece (RFC 3629; RFC 6455 §8.1)."""

from __future__ import annotations

import codecs


class Utf8Check:
    """Checks whether bytes that come in pieces are UTF-8 (RFC 3629); fails at the first bad byte.

    `fault` is the offset of the first byte that is not allowed, counted over all pieces; for a
    text that ends inside a character, its length. None while there is no fault.
    """

    __slots__ = ("_rest", "fault", "length")

    def __init__(self) -> None:
        self._rest = b""  # the first bytes of a character, 3 at most
        self.length = 0
        self.fault: int | None = None

    def feed(self, data: bytes, final: bool = False) -> bool:
        """Check the next piece; False once there is a fault."""
        if self.fault is not None:
            return False
        rest = self._rest + data
        start = self.length - len(self._rest)
        self.length += len(data)
        fault: int | None = None
        try:
            _, used = codecs.utf_8_decode(rest, "strict", final)
        except UnicodeDecodeError as error:
            at_start = error.reason == "invalid start byte"
            used, fault = error.start, error.start if at_start else error.end
        # Half a surrogate pair (ED A0 to ED BF): Python needs one more byte to reject it.
        if rest[used : used + 1] == b"\xed" and rest[used + 1 : used + 2] >= b"\xa0":
            fault = used + 1
        if fault is not None:
            self.fault = start + fault
            return False
        self._rest = rest[used:]
        return True


def encodable(text: str) -> str:
    """`text` with an escape for each half of a surrogate pair: no UTF-8 can hold one alone."""
    return text.encode("utf-8", "backslashreplace").decode()


def is_utf8(data: bytes) -> bool:
    """Whether these bytes are UTF-8, with no character cut off at the end."""
    try:
        data.decode()
    except UnicodeDecodeError:
        return False
    return True


def utf8_fault(data: bytes) -> int | None:
    """The offset of the first byte that is not UTF-8 (see `Utf8Check`); None if there is none."""
    check = Utf8Check()
    check.feed(data, final=True)
    return check.fault
