"""What finds a text, bytes, a whole content or a regular expression in a content."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import lru_cache

from .patterns import Pattern


class Bytes:
    """Finds bytes: these, `raw`, or a text with its ASCII letters in either case."""

    def __init__(self, pattern: bytes, raw: bytes = b"") -> None:
        self._pattern, self._any_case = re.compile(pattern), not raw
        self.raw = raw

    def spans(self, content: bytes, begin: int = 0) -> Iterator[tuple[int, int]]:
        """Begin and end of each occurrence that begins at `begin` or later."""
        data = content.lower() if self._any_case else content
        return (found.span() for found in self._pattern.finditer(data, begin))

    def found(self, content: bytes) -> bool:
        data = content.lower() if self._any_case else content
        return self._pattern.search(data) is not None


class Whole:
    """Finds what the whole content of a frame is."""

    def __init__(self, content: bytes) -> None:
        self._content = content

    def spans(self, content: bytes, begin: int = 0) -> Iterator[tuple[int, int]]:
        if content == self._content:
            yield 0, len(content)

    def found(self, content: bytes) -> bool:
        return content == self._content


Seeker = Bytes | Whole | Pattern


@lru_cache(maxsize=64)
def seeker_of(name: str, value: str) -> Seeker:
    """What finds the value of a term in a content."""
    if name == "re":
        return Pattern(value)
    if name == "hex":
        raw = bytes.fromhex(value)
        return Bytes(re.escape(raw), raw)
    if name == "payload":
        return Whole(value.encode())
    # Only ASCII letters can be made small as bytes: others are looked for in each of their forms.
    pattern = b""
    for one in value:
        forms = {form.encode().lower() for form in (one, one.lower(), one.upper(), one.casefold())}
        pattern += b"(?:%s)" % b"|".join(map(re.escape, sorted(forms)))
    return Bytes(pattern)
