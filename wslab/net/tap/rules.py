"""Rules that a tap follows on its own: "drop every pong", "corrupt the 3rd client frame".

A rule is one sentence::

    ACTION  WHICH  [client|server]  KIND  [on connection N]  [by 200 ms | to "text"]

    drop every pong                        hold the 1st server close
    delay every server text by 200 ms      duplicate every 2nd client frame
    corrupt the 3rd client frame           drop 10% of server frames
    edit every client text to "hello"      set rsv1=1 on the 2nd client text
    cut at the 5th client frame            reset at the 1st ping          freeze at every close

Each rule sees the frame as earlier rules have left it. All rules count every frame that came, even
if an earlier rule dropped it.

Random choices (10%, which bit is corrupted) depend only on the rule's seed and the frame's place in
its connection, not on the clock or the connection's number: the same traffic is treated in the same
way every time.
"""

from __future__ import annotations

import difflib
import random
import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Literal, NamedTuple

from wslab.net.errors import WrongRule
from wslab.net.tap.in_flight import InFlight
from wslab.wire import Direction, encode_frame

Verb = Literal[
    "drop", "hold", "duplicate", "corrupt", "delay", "edit", "set", "cut", "reset", "freeze"
]
VERBS: dict[str, str] = {
    "drop": "the other peer never gets it",
    "hold": "it waits until you let it go",
    "duplicate": "the other peer gets it twice",
    "corrupt": "one bit of its payload is flipped",
    "delay": "it comes later, and so does all behind it",
    "edit": "its payload is replaced",
    "set": "bits of its header are set",
    "cut": "the connection ends with FIN in its place",
    "reset": "the connection ends with RST in its place",
    "freeze": "from it on nothing is delivered, in both directions",
}
"""What a rule can do to a frame, each with its effect in words."""

_KINDS = {
    "frame": None,
    "data frame": ("text", "binary", "continuation"),
    "control frame": ("close", "ping", "pong"),
    "text": ("text",),
    "binary": ("binary",),
    "continuation": ("continuation",),
    "ping": ("ping",),
    "pong": ("pong",),
    "close": ("close",),
    "request": ("request",),
    "response": ("response",),
}
_BIT = range(2)
_SETTABLE = {
    "fin": _BIT, "rsv1": _BIT, "rsv2": _BIT, "rsv3": _BIT, "opcode": range(16), "masked": _BIT,
    "length_form": (7, 16, 64), "announced_length": range(2**64),
}  # fmt: skip
# Longer numbers are useless here, and int() refuses very long ones.
_NUMBER = r"[0-9]{1,9}"
_DECIMAL = rf"{_NUMBER}(?:\.{_NUMBER})?"
_NO_CHANCE = random.Random(0)
_LONGEST = 86_400  # the most seconds that a delay may take: a day


class Action(NamedTuple):
    """What a rule does to one frame."""

    verb: Verb
    seconds: float = 0.0
    """The delay in seconds, for `delay`."""
    data: bytes | None = None
    """The bytes to send instead, for `edit`, `set` and `corrupt`."""
    why: str = ""


@dataclass
class Rule:
    """A rule: which frames it matches and what to do with them; `Rule.parse` reads a sentence."""

    verb: Verb
    kind: str = "frame"
    direction: Direction | None = None
    connection: int | None = None
    every: int = 1
    """Match every n-th frame, counted from 1 in each connection."""
    nth: int | None = None
    """Match only the frame with this number."""
    share: float | None = None
    """Match this part of the frames, from 0 to 1, chosen by the seed."""
    seconds: float = 0.0
    payload: bytes | None = None
    bits: dict[str, int] = field(default_factory=dict)
    seed: int = 0
    text: str = ""
    _counts: dict[int, int] = field(default_factory=dict, repr=False)

    @classmethod
    def parse(cls, text: str, *, seed: int = 0) -> Rule:
        """Read a rule from a sentence. Raises `WrongRule` for a sentence that is not a rule."""
        return _Reader(text, seed).rule()

    def decide(self, frame: InFlight) -> Action | None:
        """What to do with this frame, None for nothing; counts the frame if its kind matches."""
        if not self._matches(frame):
            return None
        count = self._counts[frame.connection] = self._counts.get(frame.connection, 0) + 1
        if self.nth is not None and count != self.nth:
            return None
        if count % self.every:
            return None
        if self.share is None and self.verb != "corrupt":
            chance = _NO_CHANCE  # making a Random takes longer than all the rest
        else:
            # Not hash(): for a text it differs between processes.
            chance = random.Random(f"{self.seed}/{count}")
        if self.share is not None and chance.random() >= self.share:
            return None
        return Action(self.verb, self.seconds, self._data(frame, chance), f"rule: {self}")

    def forget(self, connection: int) -> None:
        """Drop the count of a connection that has ended."""
        self._counts.pop(connection, None)

    def _matches(self, frame: InFlight) -> bool:
        kinds = _KINDS[self.kind]
        if self.direction not in (None, frame.direction):
            return False
        if self.connection not in (None, frame.connection):
            return False
        return frame.is_frame if kinds is None else frame.kind in kinds

    def _data(self, frame: InFlight, chance: random.Random) -> bytes | None:
        if self.verb == "edit":
            payload = self.payload or b""
            if not frame.is_frame:
                return frame.changed(data=payload)
            return frame.changed(payload, rsv1=False)  # a rule writes uncompressed payloads
        if self.verb == "set":
            return frame.changed(**self.bits)  # type: ignore[arg-type]
        if self.verb == "corrupt":
            # A bit of the payload or, if that is empty, of the rest of the frame.
            payload_length = len(frame.payload)
            first = len(frame.data) - payload_length if payload_length else 0
            data = bytearray(frame.data)
            data[chance.randrange(first, len(data))] ^= 1 << chance.randrange(8)
            return bytes(data)
        return None

    def __str__(self) -> str:
        return self.text or f"{self.verb} every {self.kind}"


Decide = Rule | Callable[[InFlight], str | None]
"""A rule as an object: a `Rule`, or a function that looks at a frame and says "drop", "hold",
"duplicate", "corrupt", "cut", "reset", "freeze", or None for "let it pass"."""


def decide_by(function: Callable[[InFlight], str | None], frame: InFlight) -> Action | None:
    """Ask a function what to do with a frame. Raises WrongRule for an unknown answer."""
    said = function(frame)
    if said is None:
        return None
    simple = ("drop", "hold", "duplicate", "corrupt", "cut", "reset", "freeze")
    if said not in simple:
        raise WrongRule(f"expected {', '.join(simple)} or None from {function!r}, got {said!r}")
    rule = Rule(said)  # type: ignore[arg-type]
    name = getattr(function, "__name__", "a function")
    return Action(rule.verb, data=rule._data(frame, random.Random(0)), why=f"rule: {name}")


_QUOTED = re.compile(r"""("|')(?:[^\\]|\\.)*\1""", re.DOTALL)
_TOKEN = re.compile(r"""\s*("(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*'|[^\s"']+|["'].*)""", re.DOTALL)


def normal_text(text: str) -> str:
    """A rule's text with one space between its words, as a `Rule` keeps it."""
    return " ".join(_split(text))


def _split(text: str) -> list[str]:
    return [found[1] for found in _TOKEN.finditer(text)]


def _short(text: str) -> str:
    return text if len(text) <= 200 else f"{text[:200]}…"


class _Reader:
    """Reads one sentence, word by word."""

    def __init__(self, text: str, seed: int) -> None:
        if not isinstance(text, str) or not text.strip():
            raise WrongRule(f"expected a rule such as 'drop every pong', got {text!r}")
        self.words = _split(text)
        self.text = " ".join(self.words)
        self.at = 0
        self.seed = seed

    def rule(self) -> Rule:
        verb = self._take("|".join(VERBS), f"an action: {', '.join(VERBS)}", VERBS)[0]
        rule = Rule(verb, seed=self.seed, text=self.text)  # type: ignore[arg-type]
        if verb in ("cut", "reset", "freeze"):
            self._skip("at|on")
        if verb == "set":
            self._bits(rule)
            self._take("on", "'on'")
        self._which(rule)
        if side := self._skip("client|server"):
            rule.direction = side[0]  # type: ignore[assignment]
        rule.kind = self._kind()
        while self.at < len(self.words):
            self._tail(rule)
        if verb == "delay" and not rule.seconds:
            raise self._wrong("how long, such as 'by 200 ms'")
        if verb == "edit" and rule.payload is None:
            raise self._wrong("what to replace the payload with, such as 'to \"hello\"'")
        if verb == "set" and rule.kind in ("request", "response"):
            raise self._wrong("a kind of frame: a request or response has no header bits")
        return rule

    def _which(self, rule: Rule) -> None:
        expected = "every, the 3rd, every 2nd or 10% of"
        word = self._take(f"every|the|({_DECIMAL})%", expected, ["every", "the"])
        if word[0] == "every":
            rule.every = self._ordinal() or 1
        elif word[0] == "the":
            rule.nth = self._ordinal()
            if rule.nth is None:
                raise self._wrong("a number such as 1st or 3rd")
        else:
            rule.share = float(word[1]) / 100
            if rule.share > 1:
                self.at -= 1
                raise self._wrong("a share from 0% to 100%")
            self._take("of", "'of'")
            self._skip("all|the")

    def _ordinal(self) -> int | None:
        if word := self._skip("first|second|third|other"):
            return {"first": 1, "third": 3}.get(word[0], 2)
        word = self._skip(rf"(?!0+[a-z])({_NUMBER})(?:st|nd|rd|th)")
        return int(word[1]) if word else None

    def _kind(self) -> str:
        expected = f"a kind: {', '.join(_KINDS)}"
        names = "|".join(name for name in _KINDS if " " not in name)
        word = self._take(f"(data|control)|({names})s?", expected, _KINDS)
        if word[1] and self.at < len(self.words):
            self._take("frames?", expected)
        else:
            self._skip("frames?")
        return f"{word[1]} frame" if word[1] else word[2]

    def _bits(self, rule: Rule) -> None:
        names = sorted(_SETTABLE)
        while "=" in self._peek():
            word = self._take(
                rf"({'|'.join(names)})=([0-9]{{1,20}}|0x[0-9a-f]{{1,16}})",
                f"a bit such as fin=0, one of {', '.join(names)}",
            )
            number, possible = int(word[2], 16 if "x" in word[2] else 10), _SETTABLE[word[1]]
            if number not in possible:
                self.at -= 1
                forms = isinstance(possible, tuple)
                which = "7, 16 or 64" if forms else f"a number from 0 to {possible[-1]}"
                raise self._wrong(f"{word[1]}= and {which}")
            rule.bits[word[1]] = number
        if not rule.bits:
            raise self._wrong("bits to set, such as 'set fin=0 on every text'")
        if {"length_form", "announced_length"} <= rule.bits.keys():
            form, length = rule.bits["length_form"], rule.bits["announced_length"]
            try:
                encode_frame(0, length_form=form, announced_length=length)
            except ValueError as error:
                raise WrongRule(f"{error}; in {self.text!r}") from error

    def _tail(self, rule: Rule) -> None:
        if rule.verb == "delay" and self._skip("by|for"):
            rule.seconds = self._seconds()
        elif rule.verb == "edit" and self._skip("to|into"):
            self._take(_QUOTED, 'a text in quotes, such as "hello"')
            text = self.words[self.at - 1][1:-1]
            rule.payload = re.sub(r"\\(.)", r"\1", text).encode("utf-8", "surrogatepass")
        elif [word.lower() for word in self.words[self.at : self.at + 2]] == ["on", "connection"]:
            self.at += 2
            number = self._take(rf"#*(?!0+$)({_NUMBER})", "a connection's number, from 1")
            rule.connection = int(number[1])
        else:
            tails = {"delay": " or by 200 ms", "edit": ' or to "text"'}.get(rule.verb, "")
            raise self._wrong(f"the end of the rule, or on connection 2{tails}")

    def _seconds(self) -> float:
        time = self._take(f"({_DECIMAL})(ms|s)?", "a time such as 200 ms or 1.5 s")
        unit = time[2]
        if not unit:
            unit = self._take("ms|s|seconds?|milliseconds", "the unit of the time: ms or s")[0]
        seconds = float(time[1]) / (1000 if unit.startswith("m") else 1)
        if seconds > _LONGEST:
            raise WrongRule(
                f"expected a time of at most {_LONGEST} s (a day), got {time[0]} in {self.text!r}"
            )
        return seconds

    # -- words

    def _peek(self) -> str:
        return self.words[self.at].lower() if self.at < len(self.words) else ""

    def _skip(self, pattern: str | re.Pattern[str]) -> re.Match[str] | None:
        """Read the next word if it matches `pattern`."""
        found = re.fullmatch(pattern, self._peek())
        self.at += found is not None
        return found

    def _take(
        self, pattern: str | re.Pattern[str], expected: str, near: Iterable[str] = ()
    ) -> re.Match[str]:
        """Read the next word. Raises WrongRule for one that is not like this."""
        found = self._skip(pattern)
        if found is None:
            raise self._wrong(expected, near)
        return found

    def _wrong(self, expected: str, near: Iterable[str] = ()) -> WrongRule:
        got = f"{_short(self.words[self.at])!r}" if self.at < len(self.words) else "its end"
        message = f"expected {expected}, got {got} at word {self.at + 1} of {_short(self.text)!r}"
        close = difflib.get_close_matches(self._peek(), near, 1)
        return WrongRule(message + (f"; did you mean {close[0]!r}?" if close else ""))
