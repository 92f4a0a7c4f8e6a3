"""Rules that a tap follows on its own: "drop every pong", "corrupt the 3rd client frame".

A rule is one sentence::

    ACTION  WHICH  [client|server]  KIND  [on connection N]  [by 200 ms | to "text"]

    drop every pong                        hold the 1st server close
    delay every server text by 200 ms      duplicate every 2nd client frame
    corrupt the 3rd client frame           drop 10% of server frames
    edit every client text to "hello"      set rsv1=1 on the 2nd client text
    cut at the 5th client frame            reset at the 1st ping          freeze at every close

Of several rules each sees the frame as those before it have left it. All count what came, also what
an earlier rule dropped.

What looks like chance (10%, which bit is corrupted) comes from the rule's seed and the frame's
place in its connection, not from the clock or the connection's number: the same traffic meets the
same fate again, on another connection too.
"""

from __future__ import annotations

import difflib
import random
import re
from collections.abc import Callable
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
    "corrupt": "one bit of its payload is turned over",
    "delay": "it comes later, and so does all behind it",
    "edit": "its payload is replaced",
    "set": "bits of its header are set",
    "cut": "the connection ends with FIN in its place",
    "reset": "the connection ends with RST in its place",
    "freeze": "from it on nothing is delivered, in both directions",
}
"""What a rule can do, and what comes of it."""

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
_NUMBER = (
    r"[0-9]{1,9}"  # longer ones mean nothing here, and of a very long one int() makes no number
)
_LONGEST = 86_400  # seconds that a delay may take: a day


class Action(NamedTuple):
    """What a rule wants done to one frame."""

    verb: Verb
    seconds: float = 0.0
    """For `delay`."""
    data: bytes | None = None
    """For `edit`, `set` and `corrupt`: the bytes to send instead."""
    why: str = ""


@dataclass
class Rule:
    """Which frames, and what to do with them. `Rule.parse` reads one from a sentence."""

    verb: Verb
    kind: str = "frame"
    direction: Direction | None = None
    connection: int | None = None
    every: int = 1
    """Each frame whose number (from 1, per connection) this divides."""
    nth: int | None = None
    """Only the frame of this number."""
    share: float | None = None
    """This part of them, from 0 to 1, by the seed."""
    seconds: float = 0.0
    payload: bytes | None = None
    bits: dict[str, int] = field(default_factory=dict)
    seed: int = 0
    text: str = ""
    _counts: dict[int, int] = field(default_factory=dict, repr=False)

    @classmethod
    def parse(cls, text: str, *, seed: int = 0) -> Rule:
        """Read a rule from a sentence. Raises `WrongRule`."""
        return _Reader(text, seed).rule()

    def decide(self, frame: InFlight) -> Action | None:
        """What to do with this frame; None: nothing. Counts it, if it is of the rule's kind."""
        if not self._matches(frame):
            return None
        count = self._counts[frame.connection] = self._counts.get(frame.connection, 0) + 1
        # Not hash(): of a text it is another one in each process.
        chance = random.Random(f"{self.seed}/{count}")
        if self.nth is not None and count != self.nth:
            return None
        if count % self.every:
            return None
        if self.share is not None and chance.random() >= self.share:
            return None
        return Action(self.verb, self.seconds, self._data(frame, chance), f"rule: {self}")

    def forget(self, connection: int) -> None:
        """The connection is over: its count is not needed any more."""
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
            return frame.changed(payload, rsv1=False)  # what a rule writes is not compressed
        if self.verb == "set":
            return frame.changed(**self.bits)  # type: ignore[arg-type]
        if self.verb == "corrupt":
            # A bit of the payload; where there is none, of what there is.
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
    """Ask a function what to do. Raises WrongRule for an answer that is none."""
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
        verb = self._choose("an action", list(VERBS))
        rule = Rule(verb, seed=self.seed, text=self.text)  # type: ignore[arg-type]
        if verb in ("cut", "reset", "freeze"):
            self._optional("at", "on")
        if verb == "set":
            self._bits(rule)
            self._expect("on")
        self._which(rule)
        if word := self._optional("client", "server"):
            rule.direction = word  # type: ignore[assignment]
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
        word = self._word("every, the 3rd, every 2nd or 10% of")
        if word == "every":
            number = self._ordinal(self._peek())
            if number is not None:
                self.at += 1
                rule.every = number
        elif word == "the":
            number = self._ordinal(self._peek())
            if number is None:
                raise self._wrong("a number such as 1st or 3rd")
            self.at += 1
            rule.nth = number
        elif found := re.fullmatch(rf"({_NUMBER}(?:\.{_NUMBER})?)%", word):
            share = float(found[1]) / 100
            if not 0 <= share <= 1:
                self.at -= 1
                raise self._wrong("a share from 0% to 100%")
            rule.share = share
            self._expect("of")
            self._optional("all", "the")
        else:
            self.at -= 1
            raise self._wrong("every, the 3rd, every 2nd or 10% of", ["every", "the"])

    def _ordinal(self, word: str) -> int | None:
        words = {"first": 1, "second": 2, "third": 3, "other": 2}
        if word in words:
            return words[word]
        found = re.fullmatch(rf"({_NUMBER})(?:st|nd|rd|th)", word)
        return int(found[1]) if found and int(found[1]) else None

    def _kind(self) -> str:
        names = {name: name for name in _KINDS} | {f"{name}s": name for name in _KINDS}
        word = self._word("a kind of frame")
        if word in ("data", "control"):
            word = f"{word} {self._peek() or 'frame'}"
            self.at += 1
        elif self._peek() in ("frame", "frames") and word in names:
            self.at += 1
        if word not in names:
            self.at -= 1
            raise self._wrong(f"a kind: {', '.join(_KINDS)}", list(names))
        return names[word]

    def _bits(self, rule: Rule) -> None:
        while "=" in self._peek():
            name, _, value = self._word("").partition("=")
            if name not in _SETTABLE or not re.fullmatch(r"[0-9]{1,20}|0x[0-9a-f]{1,16}", value):
                self.at -= 1
                raise self._wrong(f"a bit such as fin=0, one of {', '.join(sorted(_SETTABLE))}")
            number, possible = int(value, 16 if value.startswith("0x") else 10), _SETTABLE[name]
            if number not in possible:
                self.at -= 1
                forms = isinstance(possible, tuple)
                which = "7, 16 or 64" if forms else f"a number from 0 to {possible[-1]}"
                raise self._wrong(f"{name}= and {which}")
            rule.bits[name] = number
        if not rule.bits:
            raise self._wrong("bits to set, such as 'set fin=0 on every text'")
        lengths = {name: rule.bits.get(name) for name in ("length_form", "announced_length")}
        if None not in lengths.values():
            try:
                encode_frame(0, **lengths)  # type: ignore[arg-type]
            except ValueError as error:
                raise WrongRule(f"{error}; in {self.text!r}") from error

    def _tail(self, rule: Rule) -> None:
        word = self._word("")
        if word in ("by", "for") and rule.verb == "delay":
            rule.seconds = self._seconds()
        elif word in ("to", "into") and rule.verb == "edit":
            rule.payload = self._quoted()
        elif word == "on" and self._peek() == "connection":
            self.at += 1
            number = self._word("a connection's number").lstrip("#")
            if not re.fullmatch(_NUMBER, number) or not int(number):
                self.at -= 1
                raise self._wrong("a connection's number, from 1")
            rule.connection = int(number)
        else:
            self.at -= 1
            tails = ["on connection 2"]
            tails += ["by 200 ms"] if rule.verb == "delay" else []
            tails += ['to "text"'] if rule.verb == "edit" else []
            raise self._wrong(f"the end of the rule, or {' or '.join(tails)}")

    def _seconds(self) -> float:
        amount = self._word("a time such as 200 ms or 1.5 s")
        found = re.fullmatch(rf"({_NUMBER}(?:\.{_NUMBER})?)(ms|s)?", amount)
        if not found:
            self.at -= 1
            raise self._wrong("a time such as 200 ms or 1.5 s")
        unit = found[2] or self._optional("ms", "s", "second", "seconds", "milliseconds")
        if not unit:
            raise self._wrong("the unit of the time: ms or s")
        seconds = float(found[1]) / (1000 if unit.startswith("m") else 1)
        if seconds > _LONGEST:
            raise WrongRule(
                f"expected a time of at most {_LONGEST} s (a day), got {amount} in {self.text!r}"
            )
        return seconds

    def _quoted(self) -> bytes:
        if self.at >= len(self.words) or not _QUOTED.fullmatch(self.words[self.at]):
            raise self._wrong('a text in quotes, such as "hello"')
        text = self.words[self.at]
        self.at += 1
        return re.sub(r"\\(.)", r"\1", text[1:-1]).encode("utf-8", "surrogatepass")

    # -- words

    def _peek(self) -> str:
        return self.words[self.at].lower() if self.at < len(self.words) else ""

    def _word(self, expected: str) -> str:
        if self.at >= len(self.words):
            raise self._wrong(expected)
        self.at += 1
        return self.words[self.at - 1].lower()

    def _optional(self, *words: str) -> str:
        if self._peek() not in words:
            return ""
        self.at += 1
        return self.words[self.at - 1].lower()

    def _expect(self, word: str) -> None:
        if self._peek() != word:
            raise self._wrong(f"{word!r}")
        self.at += 1

    def _choose(self, what: str, choices: list[str]) -> str:
        if self._peek() not in choices:
            raise self._wrong(f"{what}: {', '.join(choices)}", choices)
        return self._word(what)

    def _wrong(self, expected: str, choices: list[str] | None = None) -> WrongRule:
        got = f"{_short(self.words[self.at])!r}" if self.at < len(self.words) else "its end"
        message = f"expected {expected}, got {got} at word {self.at + 1} of {_short(self.text)!r}"
        near = difflib.get_close_matches(self._peek(), choices or [], 1)
        return WrongRule(message + (f"; did you mean {near[0]!r}?" if near else ""))
