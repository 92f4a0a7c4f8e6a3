"""Reads the WebSocket messages in a HAR, as the tools that write them differ.

Chrome's DevTools set the pattern (see `har.py`). Others name the direction `sent`, `request` or
`out`, write the opcode as a word, the time in milliseconds, as a date or not at all, and list
control frames too: a close frame then has its `code` and `reason` in fields of their own.
"""

from __future__ import annotations

import base64
import binascii
import json
import re
from collections import Counter
from datetime import UTC, datetime
from typing import Any, NamedTuple

from ..fields import Direction
from ..protocol.frames import Opcode, encode_frame

NO_MASK = bytes(4)
"""The masking key of constructed frames: it leaves the payload readable."""


class Written(NamedTuple):
    """One message or control frame of a HAR."""

    time: float | None
    """Seconds since 1970; None if the file does not tell."""
    direction: Direction
    frame: bytes
    source: dict[str, Any]
    """What the file says about it."""


_CLIENT = (
    "send", "sent", "request", "out", "outgoing", "outbound", "client", "fromclient", "up",
    "upload", "write", "tx", "egress", "toserver", "clienttoserver", "c2s", "->", "→",
)  # fmt: skip
_SERVER = (
    "receive", "received", "recv", "response", "in", "incoming", "inbound", "server", "fromserver",
    "down", "download", "read", "rx", "ingress", "toclient", "servertoclient", "s2c", "<-", "←",
)  # fmt: skip
_SENDERS: dict[str, Direction] = {
    **dict.fromkeys(_CLIENT, "client"),
    **dict.fromkeys(_SERVER, "server"),
}
"""The words by which tools name a direction; also of fields that are true or false."""
_OTHER: dict[Direction, Direction] = {"client": "server", "server": "client"}

_OPCODES = {
    **{opcode.name.lower(): int(opcode) for opcode in Opcode},
    **dict.fromkeys(("string", "utf8", "txt"), int(Opcode.TEXT)),
    **dict.fromkeys(("bytes", "blob", "arraybuffer"), int(Opcode.BINARY)),
}

_DATA = ("data", "payloaddata", "payload", "text", "message", "msg", "body", "content", "value")
_TIMES = ("time", "timestamp", "ts", "starteddatetime", "date", "createdat", "at")
_KINDS = ("opcode", "frametype", "messagetype", "datatype", "contenttype", "kind")
_BASE64 = ("isbase64", "base64encoded", "base64")
"""What tools call the fields of a message, in small letters alone."""


def messages_in(entry: dict[str, Any]) -> Any:
    """The messages of an entry, by whatever name its tool gave them; None for none."""
    if "_webSocketMessages" in entry:
        return entry["_webSocketMessages"]
    response = entry.get("response")
    holders = [entry, response, response.get("content") if isinstance(response, dict) else None]
    holders += [value for name, value in entry.items() if _plain(name) == "websocket"]
    for holder in holders:
        for name, value in holder.items() if isinstance(holder, dict) else ():
            is_list = isinstance(value, list) or (isinstance(value, dict) and "_file" in value)
            if is_list and _LISTS.fullmatch(_plain(name)):
                return value
    return None


_LISTS = re.compile("(?:websocket|ws)?(?:messages|frames)|websocket")


def _plain(name: str) -> str:
    return re.sub("[^a-z0-9]", "", name.lower())


def read_messages(messages: Any, number: int, notes: list[str]) -> list[Written]:
    """The messages of entry `number`, in the file's order; `notes` tells what is not read as is."""
    if messages is None:
        return []
    if not isinstance(messages, list):
        raise TypeError(f"expected a list of messages, got {_short(messages)}")
    reader = _Reader(number, notes)
    found = [written for message in messages if (written := reader.read(message)) is not None]
    reader.tell_counts()
    return found


def is_message(of: dict[str, Any]) -> bool:
    """Whether an object is a message: it has data, and says who sent it."""
    fields = {_plain(name): value for name, value in of.items()}
    return any(name in fields for name in _DATA) and _sender(fields) is not None


class _Reader:
    """Reads the messages of one entry, and counts what occurs often."""

    def __init__(self, number: int, notes: list[str]) -> None:
        self._number, self._notes = number, notes
        self._often: Counter[str] = Counter()

    def tell_counts(self) -> None:
        self._notes += [f"entry {self._number}: {what}: {n}" for what, n in self._often.items()]

    def _note(self, text: str) -> None:
        self._notes.append(f"entry {self._number}: {text}")

    def read(self, message: Any) -> Written | None:
        if not isinstance(message, dict):
            self._note(f"a message was left out: {_short(message)}")
            return None
        fields = {_plain(name): value for name, value in message.items()}
        kind, data = _word(fields.get("type")), _first(fields, *_DATA)
        if kind == "error":
            self._note(f"the browser reported an error, and no frame: {_short(data)}")
            return None
        sender = _sender(fields)
        opcode = _opcode(fields, kind, data)
        if sender is None and opcode == Opcode.CLOSE:
            self._note(closed(message))
            return None
        if sender is None or opcode is None:
            self._note(f"{message.get('type')} with opcode {message.get('opcode')}: {_short(data)}")
            return None
        if (time := stamp(_first(fields, *_TIMES))) is None:
            self._often["messages without a time are put beside the one before"] += 1
        if not any(name in fields for name in _KINDS) and kind not in _OPCODES:
            self._often["messages without an opcode are taken for text"] += 1
        payload: bytes | None
        if opcode == Opcode.CLOSE:
            payload = self._close(fields, data)
            if payload is None:
                return None
        else:
            payload = self._payload(opcode, data, fields)
            if opcode <= Opcode.BINARY and not any(name in fields for name in _DATA):
                self._often["messages without data are taken for empty ones"] += 1
        key = NO_MASK if sender == "client" else None
        return Written(time, sender, encode_frame(opcode, payload, masking_key=key), message)

    def _payload(self, opcode: int, data: Any, fields: dict[str, Any]) -> bytes:
        if isinstance(data, dict) and data.get("type") == "Buffer":  # Node's, as JSON
            data = data.get("data")
        encoding = _word(fields.get("encoding"))
        is_base64 = encoding == "base64" or any(fields.get(name) is True for name in _BASE64)
        text = _text(data)
        if opcode == Opcode.BINARY or is_base64 or encoding == "hex":
            try:
                if isinstance(data, list):
                    return bytes(data)
                if encoding == "hex":
                    return bytes.fromhex(text)
                digits = re.sub("^data:[^,]{,200};base64,", "", text)
                digits = digits.replace("-", "+").replace("_", "/")
                return base64.b64decode(digits + "=" * (-len(digits) % 4), validate=True)
            except (binascii.Error, ValueError, TypeError) as error:
                self._note(f"binary data that is not base64, taken as it is: {error}")
        return text.encode("utf-8", "replace")

    def _close(self, message: dict[str, Any], data: Any) -> bytes | None:
        """The payload of a close frame (RFC 6455 §5.5.1); None if no frame was sent."""
        said = data if isinstance(data, dict) else {}
        named = {**{_plain(name): value for name, value in said.items()}, **message}
        code = _first(named, "code", "closecode", "statuscode")
        reason = _first(named, "reason", "closereason")
        text = "" if isinstance(data, dict) else _text(data)
        if code is None and (inside := _code_inside(text)):
            code, reason = inside
        reason = _text(text if reason is None else reason)
        number = _whole(code)
        if number in (1006, 1015):
            self._note(f"code {number} is never sent: the connection ended without a close frame")
            return None
        if number is None or number == 1005 or not 0 <= number <= 0xFFFF:
            if code is not None and number != 1005:
                self._note(f"expected a close code from 1000 to 4999, got {_short(code)}")
            if reason:
                self._note(
                    f"the close's reason {_short(reason)} came without its code, and a close frame "
                    "cannot carry it alone (RFC 6455 §5.5.1): its frame is empty here"
                )
            return b""
        return number.to_bytes(2, "big") + reason.encode("utf-8", "replace")


def closed(said: Any) -> str:
    """What a file says about the end of a connection, if not by whom."""
    of = said if isinstance(said, dict) else {"reason": said}
    code, reason = _first(of, "code", "closeCode"), _first(of, "reason", "closeReason")
    return f"closed with code {_text(code)[:20] or 'unknown'}, reason {_short(reason)}; not by whom"


def _code_inside(text: str) -> tuple[int, str] | None:
    """The code and reason in a close's data: "1000 bye", or base64 of the frame's payload."""
    if found := re.match(r"([1-4]\d{3})(?:[\s:,;-]+(.*))?$", text, re.DOTALL):
        return int(found[1]), found[2] or ""
    try:
        raw = len(text) > 1 and 3 <= ord(text[0]) <= 19 and max(map(ord, text[:2])) < 256
        payload = text.encode("latin-1") if raw else base64.b64decode(text, validate=True)
        code, reason = int.from_bytes(payload[:2], "big"), payload[2:].decode()
    except ValueError:
        return None
    return (code, reason) if 1000 <= code <= 4999 else None


def _sender(fields: dict[str, Any]) -> Direction | None:
    """Who sent a message, as a word says, or a name such as `fromClient` of true or false."""
    for name in ("type", "direction", "dir", "sender", "from", "source", "origin"):
        word = re.sub("[^a-z0-9<>←→-]", "", str(fields.get(name) or "")[:40].lower())
        word = re.sub("^(?:websocket|frame|message)+", "", word)
        sender = _SENDERS.get(word) or _SENDERS.get(word.replace("-", ""))
        if sender:
            return sender
    for name, value in fields.items():
        told = _SENDERS.get(name.removeprefix("is")) or ("client" if name[:4] == "mask" else None)
        if isinstance(value, bool) and told:
            return told if value else _OTHER[told]
    return None


def _opcode(fields: dict[str, Any], kind: str, data: Any) -> int | None:
    """The opcode that a message names, by number or word, or else by its type."""
    named = _first(fields, *_KINDS)
    if named is None:
        return _OPCODES.get(kind, int(Opcode.TEXT) if isinstance(data, str | dict | list) else None)
    number = _OPCODES.get(_word(named).removeprefix("op_")) if isinstance(named, str) else None
    number = _whole(named) if number is None else number
    return number if number is not None and 0 <= number <= 15 else None


def _word(value: Any) -> str:
    return re.sub("[ -]", "_", value[:40].lower()) if isinstance(value, str) else ""


def _first(of: dict[str, Any], *names: str) -> Any:
    return next((of[name] for name in names if of.get(name) is not None), None)


def _text(value: Any) -> str:
    """A payload as text; an object of JSON is written out."""
    if value is None:
        return ""
    try:
        return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    except RecursionError:
        return "…"


def _short(value: Any) -> str:
    return repr(_text(value)[:80])


def _whole(value: Any) -> int | None:
    """A whole number, also one written as text or as 1.0."""
    try:
        number = float(value)
        return int(number) if number.is_integer() else None
    except ValueError:
        return int(value, 16) if re.fullmatch("0x[0-9A-Fa-f]{1,2}", str(value)) else None
    except (TypeError, OverflowError):
        return None


# --- Times ----------------------------------------------------------------------------------------

_LATEST = 1e11  # seconds: the year 5138


def stamp(written: Any) -> float | None:
    """Seconds since 1970, read from seconds, milliseconds, microseconds or a date; or None."""
    time = as_number(written)
    if time is None:
        return as_seconds(written)
    return moment(time / (1e6 if time > _LATEST * 1000 else 1000 if time > _LATEST else 1))


def moment(time: float) -> float | None:
    """`time`, in seconds since 1970, or None if it is outside the range of dates."""
    return time if 0 <= time <= _LATEST else None


def as_number(written: Any) -> float | None:
    """A number, or None."""
    try:
        return float(written)
    except (ValueError, TypeError, OverflowError):
        return None


def as_seconds(text: Any) -> float | None:
    """Seconds since 1970 of a date in ISO 8601; without a zone it is UTC. None if it is no date."""
    try:
        date = datetime.fromisoformat(text)
        return moment((date if date.tzinfo else date.replace(tzinfo=UTC)).timestamp())
    except (ValueError, TypeError, OverflowError, OSError):
        return None
