"""Compares what one peer sent in two runs: in a recording, and when it was played again.

It compares a response's status and headers (except Date), and a frame's kind, FIN and payload
(inflated if compressed). It ignores times, and how the bytes were split into packets.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any, Literal, NamedTuple

from ..fields import Unit
from ..protocol.http import Head, parse_head

What = Literal["changed", "missing", "extra", "ended"]

MOST_ALIGNED = 2000
"""Units of each run that are aligned; in longer runs, units are compared number by number."""


class Difference(NamedTuple):
    """One difference between the two runs."""

    connection: int
    """The number of the connection in the first recording."""
    what: What
    """What differs; `ended`: the stream ended in another way."""
    text: str
    then: Unit | None = None
    now: Unit | None = None

    def to_json(self) -> dict[str, Any]:
        return {
            "connection": self.connection,
            "what": self.what,
            "text": self.text,
            "then": self.then.to_json() if self.then else None,
            "now": self.now.to_json() if self.now else None,
        }


def compare(connection: int, then: Sequence[Unit], now: Sequence[Unit]) -> list[Difference]:
    """The differences between two runs of one direction's units, in order."""
    old, new = [_said(unit) for unit in then], [_said(unit) for unit in now]
    found: list[Difference] = []
    for tag, a, b, c, d in _opcodes(old, new):
        if tag == "equal":
            found += _newly_broken(connection, then[a:b], now[c:d])
            continue
        paired = min(b - a, d - c)
        for one, other in zip(then[a : a + paired], now[c : c + paired], strict=True):
            found.append(Difference(connection, "changed", _changed(one, other), one, other))
        for one in then[a + paired : b]:
            found.append(Difference(connection, "missing", f"not there now: {short(one)}", one))
        for other in now[c + paired : d]:
            text = f"was not there then: {short(other)}{_broken(other)}"
            found.append(Difference(connection, "extra", text, None, other))
    return found


Said = tuple[Any, ...]


def _opcodes(old: list[Said], new: list[Said]) -> list[tuple[str, int, int, int, int]]:
    # Aligning n units takes n² steps: skip what is equal at the start.
    same = 0
    for one, other in zip(old, new, strict=False):
        if one != other:
            break
        same += 1
    start = [("equal", 0, same, 0, same)] if same else []
    a, b = old[same:], new[same:]
    if max(len(a), len(b)) > MOST_ALIGNED:
        paired = min(len(a), len(b))
        steps: list[tuple[str, int, int, int, int]] = [
            ("equal" if a[i] == b[i] else "replace", i, i + 1, i, i + 1) for i in range(paired)
        ]
        steps.append(("replace", paired, len(a), paired, len(b)))
    else:
        from difflib import SequenceMatcher  # imported late: most programs never compare

        steps = list(SequenceMatcher(None, a, b, autojunk=False).get_opcodes())
    return start + [(tag, i + same, j + same, k + same, m + same) for tag, i, j, k, m in steps]


def _said(unit: Unit) -> Said:
    if unit.opcode is None:
        head = parse_head(unit.data)
        return (unit.kind, head.status, tuple(_headers(head)), unit.data[head.length :])
    content = unit.payload if unit.inflated is None else unit.inflated
    return (unit.kind, unit.fin, content)


def _headers(head: Head) -> list[tuple[str, str]]:
    return sorted((h.name.lower(), h.value) for h in head.headers if h.name.lower() != "date")


def _newly_broken(connection: int, then: Sequence[Unit], now: Sequence[Unit]) -> list[Difference]:
    """The units that say the same as before, but now break a rule that they did not break then."""
    found = []
    for one, other in zip(then, now, strict=True):
        before = {violation.rule for violation in one.violations}
        fresh = [violation for violation in other.violations if violation.rule not in before]
        if fresh:
            text = f"says the same, but {_rules(other, before)}: {short(other)}"
            found.append(Difference(connection, "changed", text, one, other))
    return found


def _changed(then: Unit, now: Unit) -> str:
    text = f"{short(then)} → now {short(now)}"
    if then.opcode is None and now.opcode is None:
        old, new = parse_head(then.data), parse_head(now.data)
        before, after = _headers(old), _headers(new)
        had, has = set(before), set(after)
        lost = [f"no {name}: {value}" for name, value in before if (name, value) not in has]
        won = [f"{name}: {value}" for name, value in after if (name, value) not in had]
        if lost or won:
            text += f" ({'; '.join(lost + won)})"
    return text + _broken(now)


def _broken(unit: Unit) -> str:
    return f"; it {_rules(unit, set())}" if unit.violations else ""


def _rules(unit: Unit, known: set[str]) -> str:
    fresh = [f"{v.rule} ({v.rfc})" for v in unit.violations if v.rule not in known]
    return f"breaks {', '.join(fresh)}"


def short(unit: Unit) -> str:
    """A unit in a few words."""
    if unit.opcode is None:
        return f"{unit.kind} {parse_head(unit.data).first_line!r}"
    content = unit.payload if unit.inflated is None else unit.inflated
    kind = unit.kind if unit.fin else f"{unit.kind} (FIN 0)"
    if unit.kind == "close" and len(content) >= 2:
        reason = content[2:].decode("utf-8", "replace")
        return f"{kind} {int.from_bytes(content[:2], 'big')}{f' {reason!r}' if reason else ''}"
    if unit.kind == "binary":
        shown = content[:16].hex(" ")
    else:
        shown = repr(content[:240].decode("utf-8", "replace")[:60])
    more = "…" if len(content) > (16 if unit.kind == "binary" else 60) else ""
    return f"{kind} {shown}{more}, {len(content)} bytes"


def place(then: bytes, now: bytes) -> str:
    """Where two contents first differ: the path in JSON, such as `$.user.id`, or else the byte.

    Empty if they are equal, or JSON with the same values.
    """
    if then == now:
        return ""
    try:
        old, new = json.loads(then), json.loads(now)
        if isinstance(old, dict | list) and isinstance(new, dict | list):
            return _place_in(old, new, "$")
    except (ValueError, RecursionError):
        pass  # no JSON, or too deep a one
    pairs = enumerate(zip(then, now, strict=False))
    at = next((at for at, (a, b) in pairs if a != b), min(len(then), len(now)))
    return f"they differ from byte {at} on"


def _place_in(then: Any, now: Any, path: str) -> str:
    if isinstance(then, dict) and isinstance(now, dict):
        for key in dict.fromkeys([*then, *now]):
            inner = f"{path}.{key}" if key.isidentifier() else f"{path}[{json.dumps(key)}]"
            if key not in now:
                return f"{inner} is missing"
            if key not in then:
                return f"{inner} is new"
            if found := _place_in(then[key], now[key], inner):
                return found
        return ""
    if isinstance(then, list) and isinstance(now, list):
        for number, (one, other) in enumerate(zip(then, now, strict=False)):
            if found := _place_in(one, other, f"{path}[{number}]"):
                return found
        return "" if len(then) == len(now) else f"{path} has {len(now)} items, not {len(then)}"
    if then == now and isinstance(then, bool) == isinstance(now, bool):
        return ""
    old, new = (json.dumps(value, ensure_ascii=False)[:60] for value in (then, now))
    return f"{path} is {new}, not {old}"
