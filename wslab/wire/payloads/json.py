"""JSON: a field for each value, named by its path: `user.name`, `list[2]`.

Source: RFC 8259. Text that is no JSON is described up to its first fault.
"""

from __future__ import annotations

import json
import re

from ..fields import Direction, Field
from ..protocol.messages import MessageKind
from ..reader import Reader
from .payload import PATH, Context, Payload, text_of

_TOKEN = re.compile(
    rb"[ \t\r\n]*+(?:"
    rb"(?P<mark>[\[\]{},:])"
    rb'|(?P<string>"(?:[^"\\\x00-\x1f]|\\["\\/bfnrt]|\\u[0-9a-fA-F]{4})*+")'
    rb"|(?P<number>-?(?:0|[1-9][0-9]*+)(?:\.[0-9]++)?(?:[eE][-+]?[0-9]++)?)"
    rb"|(?P<word>true|false|null))"
)
_SPACE = re.compile(rb"[ \t\r\n]*+")
_COMMA = re.compile(rb"[ \t\r\n]*+,")
_NEVER_JSON = "not JSON"

_KINDS = {b"{": "object", b"[": "array"}
_ENDS = {b"}": "object", b"]": "array"}


class _Container:
    """An object or array whose end has not come."""

    def __init__(self, kind: str, path: str) -> None:
        self.kind = kind
        self.path = path
        self.count = 0
        self.after_comma = False

    def name(self, key: str | None) -> str:
        """The path of the next member or element."""
        if key is None:
            path = f"{self.path}[{self.count}]"
        else:
            path = f"{self.path}.{key}" if self.path else key
        return path if len(path) <= PATH else "…" + path[1 - PATH :]


def json_fields(
    data: bytes, start: int = 0, stop: int | None = None, *, name: str = "JSON", path: str = ""
) -> list[Field]:
    """The fields of the JSON text in `data[start:stop]`; `name` is that of its outermost value.

    `path` stands before the path of each value, such as `header` in `header.msg_id`.
    """
    reader = Reader(data, start, stop)
    fault = _scan(reader, name, path)
    if fault and reader.left:
        reader.rest(_NEVER_JSON, fault, "RFC 8259 §2")
    elif fault and reader.fields:
        reader.note(_NEVER_JSON, fault, "RFC 8259 §2")
    return reader.fields


def _scan(reader: Reader, outermost: str, path: str) -> str | None:
    """Cover JSON as far as it is legal; returns what is wrong there, or None."""
    data, stop = reader.data, reader.stop
    stack: list[_Container] = []
    while True:
        if reader.full:
            reader.rest("more", "more values than are listed here", "RFC 8259 §2")
            return None
        at, key, inside = reader.at, None, stack[-1] if stack else None
        token = _TOKEN.match(data, at, stop)
        mark = token["mark"] if token else None
        if inside and mark in _ENDS and not inside.after_comma:
            if _ENDS[mark] != inside.kind:
                return f"expected the end of an {inside.kind}, got {mark.decode()!r}"
            assert token is not None
            stack.pop()
            unit = "member" if inside.kind == "object" else "element"
            many = f"{inside.count} {unit}{'s' if inside.count != 1 else ''}"
            size = _with_comma(data, token.end(), stop, bool(stack)) - at
            of = f" of {inside.path}" if inside.path else ""
            where = "4" if inside.kind == "object" else "5"
            reader.take(
                f"end{of}", size, mark.decode(), f"the {inside.kind} ends: {many}",
                f"RFC 8259 §{where}",
            )  # fmt: skip
            if _go_on(reader, stack):
                continue
            return _after(reader, stack)
        if inside and inside.kind == "object":
            if token is None or token["string"] is None:
                return _expected("a name in double quotes", data, at, stop)
            key = _string(token["string"])
            if key is None:
                return "this name is not UTF-8"
            colon = _TOKEN.match(data, token.end(), stop)
            if colon is None or colon["mark"] != b":":
                return _expected(f"a colon after the name {key!r}", data, token.end(), stop)
            token = _TOKEN.match(data, colon.end(), stop)
            mark = token["mark"] if token else None
        if token is None or (mark is not None and mark not in _KINDS):
            return _expected("a value", data, at, stop)
        if inside:
            name = inside.name(key)
            inside.count += 1
            inside.after_comma = False
        else:
            name = path or outermost
        shown = outermost if not inside else name
        if mark is not None:
            kind = _KINDS[mark]
            stack.append(_Container(kind, name if inside else path))
            where = "4" if kind == "object" else "5"
            says = f"an {kind} begins"
            reader.take(shown, token.end() - at, kind, says, f"RFC 8259 §{where}")
            continue
        value, says, where = _scalar(token)
        if value is None:
            return "this string is not UTF-8"
        end = _with_comma(data, token.end(), stop, bool(stack))
        reader.take(shown, end - at, value, says, f"RFC 8259 §{where}")
        if not _go_on(reader, stack):
            return _after(reader, stack)


def _scalar(token: re.Match[bytes]) -> tuple[str | None, str, str]:
    """A value that is no container: as text, what it is, and the section that says so."""
    if token["string"] is not None:
        return _string(token["string"]), "a string", "7"
    if token["number"] is not None:
        return text_of(token["number"]), "a number", "6"
    word = token["word"].decode()
    return word, "no value" if word == "null" else "a truth value", "3"


def _string(token: bytes) -> str | None:
    """The text of a string in quotes; None if it is not UTF-8."""
    try:
        return str(json.loads(token.decode()))
    except ValueError:
        return None


def _with_comma(data: bytes, at: int, stop: int, inside: bool) -> int:
    """The end of a value with its comma, or outermost with the white space after it."""
    found = (_COMMA if inside else _SPACE).match(data, at, stop)
    return found.end() if found else at


def _go_on(reader: Reader, stack: list[_Container]) -> bool:
    """Whether another value or an end is due after the field that was just added."""
    if not stack:
        return False
    stack[-1].after_comma = reader.data[reader.at - 1 : reader.at] == b","
    end = _TOKEN.match(reader.data, reader.at, reader.stop)
    return stack[-1].after_comma or (end is not None and end["mark"] in _ENDS)


def _after(reader: Reader, stack: list[_Container]) -> str | None:
    if stack:
        return _expected("a comma or the end", reader.data, reader.at, reader.stop)
    return "the JSON text has ended before these bytes" if reader.left else None


def _expected(what: str, data: bytes, at: int, stop: int) -> str:
    at = _SPACE.match(data, at, stop).end()  # type: ignore[union-attr]
    got = repr(text_of(data[at : min(at + 12, stop)])) if at < stop else "the end"
    return f"expected {what}, got {got}"


def _decode(
    data: bytes, kind: MessageKind, direction: Direction, context: Context
) -> tuple[Field, ...]:
    return tuple(json_fields(data))


JSON = Payload("json", "JSON", _decode, ("JSON",))
