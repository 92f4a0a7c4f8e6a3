"""The reply to a learner's answer: solved or not yet, got and expected, the next hint."""

from __future__ import annotations

from dataclasses import dataclass
from html import escape

from wslab.wire import PALETTE, rfc_url


@dataclass(frozen=True)
class Verdict:
    """Whether an exercise is solved; if not, what came, what was expected, and what to try."""

    passed: bool
    text: str
    got: object = None
    expected: object = None
    """Shown below `got` if either is given: bytes in hex, other values by their `repr`."""
    misconception: str = ""
    rfc: str = ""
    hint: str = ""

    def __bool__(self) -> bool:
        return self.passed

    def __repr__(self) -> str:
        lines = [("✓ solved: " if self.passed else "✗ not yet: ") + self.text]
        if self.got is not None or self.expected is not None:
            lines += [f"  {mark}" for mark in side_by_side(self.got, self.expected)]
        lines += [line for line in (self.misconception, self.hint and f"Hint: {self.hint}") if line]
        if self.rfc:
            lines.append(f"{self.rfc}: {rfc_url(self.rfc)}")
        return "\n".join(lines)

    def _repr_html_(self) -> str:
        word, name = ("✓ Solved:", "green") if self.passed else ("✗ Not yet:", "red")
        colour = PALETTE[name].plain
        parts = [f"<p style='margin:0'><b>{word}</b> {escape(self.text)}</p>"]
        if self.got is not None or self.expected is not None:
            lines = "\n".join(side_by_side(self.got, self.expected))
            # The mark points only where the lines are whole.
            whole = "white-space:pre;" if "▲" in lines else ""
            parts.append(
                f"<pre tabindex='0' style='margin:.5em 0;{whole}overflow-x:auto'>"
                f"{escape(lines)}</pre>"
            )
        if self.misconception:
            parts.append(f"<p style='margin:.4em 0 0'>{escape(self.misconception)}</p>")
        if self.hint:
            parts.append(f"<p style='margin:.4em 0 0'><b>Hint:</b> {escape(self.hint)}</p>")
        if self.rfc:
            parts.append(
                f"<p style='margin:.4em 0 0'><a href='{escape(rfc_url(self.rfc))}' target='_blank'"
                f" rel='noopener'>{escape(self.rfc)}</a></p>"
            )
        return (
            f"<div data-wslab='verdict' data-passed='{str(self.passed).lower()}' "
            f"style='border-left:4px solid {colour};padding:.4em .9em;max-width:60em;"
            "overflow-wrap:anywhere'>" + "".join(parts) + "</div>"
        )


def solved(text: str, rfc: str = "") -> Verdict:
    """The verdict on a right answer."""
    return Verdict(True, text, rfc=rfc)


def not_yet(
    text: str,
    got: object = None,
    expected: object = None,
    misconception: str = "",
    rfc: str = "",
    hint: str = "",
) -> Verdict:
    """The verdict on a wrong answer; without a hint, the exercise adds its next one."""
    return Verdict(False, text, got, expected, misconception, rfc, hint)


def side_by_side(got: object, expected: object) -> list[str]:
    """Got and expected, one under the other, with a mark where they part.

    No mark where they have little in common.

    Only what was got, where naming the expected would give the answer away.
    """
    if got is ...:
        got = None  # an untouched stub
    if expected is None:
        return [f"got  {_shown(got)}"]
    lines = [f"got       {_shown(got)}", f"expected  {_shown(expected)}"]
    if type(got) is type(expected) and isinstance(got, str | bytes) and got != expected:
        a, b = _cells(got), _cells(expected)
        same = next(
            (i for i, (x, y) in enumerate(zip(a, b, strict=False)) if x != y), min(len(a), len(b))
        )
        opening = 0 if isinstance(got, bytes) else 1  # the quotation mark
        if (same and isinstance(got, bytes)) or _is_a_slip(a, b, same):
            lines.append(" " * (10 + opening + sum(map(len, a[:same]))) + "▲ here they part")
    return lines


def _is_a_slip(a: list[str], b: list[str], same: int) -> bool:
    """Whether half of the shorter agrees with the other, from both ends: else no place is wrong,
    all is."""
    shorter = min(len(a), len(b))
    tail = 0
    while len(a) == len(b) and tail < shorter - same and a[-1 - tail] == b[-1 - tail]:
        tail += 1
    return shorter > 0 and 2 * (same + tail) >= shorter


def _cells(value: object) -> list[str]:
    if isinstance(value, bytes):
        return [f"{byte:02x} " for byte in value]
    return [repr(char)[1:-1] for char in str(value)]


def _shown(value: object) -> str:
    if isinstance(value, bytes):
        return value.hex(" ") or "no bytes"
    return "nothing (None)" if value is None else repr(value)
