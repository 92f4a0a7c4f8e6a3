"""Regular expressions that a search may try on any content: none of them can take for ever.

Python's `re` goes back and tries again, and no other thread runs meanwhile: `(a+)+b` takes years on
forty letters. So an expression's worst case is computed before it is used: it may be tried on
pieces of a content that are so short that one takes at most a tenth of a second.
"""

from __future__ import annotations

import importlib
import math
import re
import time
import warnings
from collections.abc import Iterator
from typing import Any, NamedTuple

STEPS = 10**7
"""The most steps for one piece of a content: a tenth of a second."""
PATIENCE = 2.0
"""Seconds that it may take on one content, however many pieces that has."""
LONGEST, SHORTEST = 1 << 16, 100
"""Characters of a piece: the most, and the fewest with which an expression is of any use."""
_FEW = 16
"""A repeat of up to so many is a choice among them; one of more is a loop."""


class Pattern:
    """A regular expression. Raises ValueError for one that is none, or that could take for ever."""

    def __init__(self, text: str) -> None:
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("error")
                self._pattern = re.compile(text)
        except (re.error, OverflowError, RecursionError, Warning) as error:
            raise ValueError(
                f"expected a regular expression after re:, got {text!r}: {error}"
            ) from None
        tree = importlib.import_module("re._parser").parse(text)  # `re` has no public one
        work = _work(list(tree), bool(self._pattern.flags & re.IGNORECASE), _END)
        power = 1 + work.loops + work.long  # it may begin anywhere
        most = STEPS * math.factorial(min(power, 99)) // work.choices
        self.piece = min(LONGEST, int(most ** (1 / power)))
        """Characters of a piece. What matches is found if it has at most half as many."""
        if self.piece < SHORTEST:
            raise ValueError(
                f"expected a regular expression that is quick on every text, got {text!r}: it has "
                "repeats that can share the same text, or repeats inside repeats, and could take "
                "for ever. Make some possessive, such as [a-z]++, or look for less"
            )

    def spans(self, content: bytes, begin: int = 0) -> Iterator[tuple[int, int]]:
        """Begin and end, in bytes, of each match that is not empty and begins at `begin` or later.

        Raises ValueError if that takes too long.
        """
        until = time.monotonic() + PATIENCE
        text = content.decode("utf-8", "surrogateescape")
        plain, size, half = len(text) == len(content), len(text), self.piece // 2
        first = begin if plain else len(content[:begin].decode("utf-8", "surrogateescape"))
        here = there = 0  # the same place in characters and in bytes
        for at in range(first, max(size, 1), half) if size - first > self.piece else (first,):
            last = size - at <= self.piece
            stop = size if last else at + self.piece
            if at > first and time.monotonic() > until:
                raise ValueError(
                    f"re:{self._pattern.pattern} takes too long on a content of {len(content):,} "
                    "bytes: look for less"
                )
            before = max(0, at - 1)  # one character more: ^ and \b ask for it
            for match in self._pattern.finditer(text[before:stop], at - before):
                start, end = match.start() + before, match.end() + before
                if not last and start >= at + half:
                    break  # the next piece has it, and more of what follows
                if start < end and plain:
                    yield start, end
                elif start < end:
                    there += len(text[here:start].encode("utf-8", "surrogateescape"))
                    here = start
                    yield there, there + len(text[start:end].encode("utf-8", "surrogateescape"))
            if last:
                return

    def found(self, content: bytes) -> bool:
        if len(content) <= self.piece:
            match = self._pattern.search(content.decode("utf-8", "surrogateescape"))
            if match is None or match.end() > match.start():
                return match is not None
        return any(True for _ in self.spans(content))


class _Work(NamedTuple):
    """How many ways there are for a part of an expression to match from one place on."""

    loops: int = 0
    """How many loops may each end anywhere: n of them have some n**loops ways."""
    choices: int = 1
    """The ways beside these."""
    long: bool = False
    """Whether a loop that ends at one place only goes through a text of any length."""


_END: tuple[str, None] = "END", None


def _work(items: list[Any], any_case: bool, following: Any = None) -> _Work:
    """The work of a sequence; `following` is the item behind it, if there is a single one."""
    loops, choices, long = 0, 1, False
    for place, (code, value) in enumerate(items):
        part, behind = _Work(), [*items[place + 1 : place + 2], following][0]
        match str(code):
            case "MAX_REPEAT" | "MIN_REPEAT" | "POSSESSIVE_REPEAT":
                part = _repeat(items[place], behind, any_case)
            case "SUBPATTERN":
                part = _work(list(value[3]), any_case or bool(value[1] & re.IGNORECASE), behind)
            case "ATOMIC_GROUP":
                part = _work(list(value), any_case)
            case "ASSERT" | "ASSERT_NOT":
                part = _work(list(value[1]), any_case)
            case "BRANCH":
                part = _branches([list(branch) for branch in value[1]], any_case)
            case "GROUPREF_EXISTS":
                part = _branches([list(branch) for branch in value[1:] if branch], any_case)
        loops, choices = loops + part.loops, min(choices * part.choices, STEPS**2)
        long = long or part.long
    return _Work(loops, choices, long)


def _branches(branches: list[list[Any]], any_case: bool) -> _Work:
    works = [_work(branch, any_case) for branch in branches]
    firsts = {str(branch[0]) for branch in branches if branch and str(branch[0][0]) == "LITERAL"}
    apart = len(firsts) == len(branches) and not any_case  # at most one can match
    choices = [work.choices for work in works]
    return _Work(
        max(work.loops for work in works),
        max(choices) if apart else sum(choices),
        any(work.long for work in works),
    )


def _repeat(item: Any, behind: Any, any_case: bool) -> _Work:
    code, (least, most, body) = item
    inner, least, most = _work(list(body), any_case), int(least), int(most)
    possessive = str(code) == "POSSESSIVE_REPEAT"
    sure = possessive or behind is _END  # it never gives back what it took
    if most <= _FEW:
        some = 1 if sure else most - least + 1
        return _Work(inner.loops * most, min(inner.choices**most, STEPS**2) * some, inner.long)
    if inner.loops or inner.choices > 1:
        return inner._replace(loops=inner.loops + 1 if possessive else 99)
    if len(body) == 1 and behind is not None and str(behind[0]) == "LITERAL":
        # Only where the loop cannot go on can the next character follow: there is one way.
        one = chr(behind[1])
        cases = {one, one.lower(), one.upper()} if any_case else {one}
        sure = sure or not any(_has(body[0], case) for case in cases if len(case) == 1)
    sure = sure or least == most
    return _Work(int(not sure), 1, inner.long or sure)


def _has(item: Any, one: str) -> bool:
    """Whether what stands for one character can be this one; True in doubt."""
    code, value = item
    match str(code):
        case "LITERAL":
            return bool(value == ord(one))
        case "NOT_LITERAL":
            return bool(value != ord(one))
        case "RANGE":
            return bool(value[0] <= ord(one) <= value[1])
        case "CATEGORY":
            kinds = {"DIGIT": r"\d", "WORD": r"\w", "SPACE": r"\s"}
            name = str(value).removeprefix("CATEGORY_")
            kind = kinds.get(name.removeprefix("NOT_"))
            return kind is None or name.startswith("NOT_") != bool(re.match(kind, one))
        case "IN":
            within = str(value[0][0]) == "NEGATE"
            return within != any(_has(part, one) for part in value if str(part[0]) != "NEGATE")
    return True
