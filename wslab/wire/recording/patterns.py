"""Regular expressions that a search may try on any content: none of them takes for ever.

`(a+)+b` takes years on forty letters, and with Python's `re` no other thread runs meanwhile. The
library `regex` can be told to give up.
"""

from __future__ import annotations

import warnings
from collections.abc import Iterator

PATIENCE = 2.0
"""Seconds that it may take on one content."""
_LONG = 4096
"""Characters of a content from which on other threads run meanwhile: giving way costs time, too."""


class Pattern:
    """A regular expression. Raises ValueError for one that is none."""

    def __init__(self, text: str) -> None:
        import regex  # not at the top: most who read a recording look for no expression

        try:
            with warnings.catch_warnings():
                warnings.simplefilter("error")
                self._pattern = regex.compile(text)
        except (regex.error, OverflowError, RecursionError, ValueError, Warning) as error:
            raise ValueError(
                f"expected a regular expression after re:, got {text!r}: {error}"
            ) from None
        # One repeat at most, and no group: it takes the square of a length. To ask the clock costs
        # more than to look through most contents.
        self._quick = not {*"(|"} & {*text} and sum(map(text.count, "*+?{")) <= 1

    def spans(self, content: bytes, begin: int = 0) -> Iterator[tuple[int, int]]:
        """Begin and end, in bytes, of each match that is not empty and begins at `begin` or later.

        Raises ValueError if that takes too long.
        """
        text = content.decode("utf-8", "surrogateescape")
        plain = len(text) == len(content)
        first = begin if plain else len(content[:begin].decode("utf-8", "surrogateescape"))
        here = there = 0  # the same place in characters and in bytes
        matches = self._pattern.finditer(
            text, first, timeout=PATIENCE, concurrent=len(text) >= _LONG
        )
        try:
            for match in matches:
                start, end = match.span()
                if start < end and plain:
                    yield start, end
                elif start < end:
                    there += len(text[here:start].encode("utf-8", "surrogateescape"))
                    here = start
                    yield there, there + len(text[start:end].encode("utf-8", "surrogateescape"))
        except TimeoutError:
            raise ValueError(
                f"re:{self._pattern.pattern} takes too long on a content of {len(content):,} "
                "bytes: it has repeats that can share the same text, or repeats inside repeats. "
                "Make some possessive, such as [a-z]++, or look for less"
            ) from None

    def found(self, content: bytes) -> bool:
        """Whether there is one. Raises ValueError if that takes too long."""
        if self._quick and len(content) < _LONG:
            match = self._pattern.search(content.decode("utf-8", "surrogateescape"))
            if match is None:
                return False
        return any(True for _ in self.spans(content))
