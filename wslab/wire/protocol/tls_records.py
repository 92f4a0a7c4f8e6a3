"""TLS as far as it can be read without its keys: its records, each explained.

Sources: RFC 8446 §5.1 (records), §6 (alerts). A record::

     content type   version   length     fragment
     1 byte         2 bytes   2 bytes    as many bytes as the length says, mostly encrypted

Nothing here raises an error, whatever bytes a peer sent.
"""

from __future__ import annotations

from collections.abc import Sequence

from ..fields import Field
from ..reader import Reader
from .tls_messages import VERSIONS, message_fields, message_names

HEADER = 5
"""Bytes of a record's header."""
BEGINNING = 10
"""Bytes that tell whether TLS begins."""
RANDOM = slice(11, 43)
"""Where the random number of a hello is, if the hello begins its record."""

_CHANGE, _ALERT, _HANDSHAKE, _DATA = 20, 21, 22, 23
_TYPES = {
    _CHANGE: "change cipher spec",
    _ALERT: "alert",
    _HANDSHAKE: "handshake",
    _DATA: "application data",
}
_ALERTS = {
    0: "close notify", 10: "unexpected message", 20: "bad record MAC", 22: "record overflow",
    40: "handshake failure", 42: "bad certificate", 43: "unsupported certificate",
    44: "certificate revoked", 45: "certificate expired", 46: "certificate unknown",
    47: "illegal parameter", 48: "unknown CA", 49: "access denied", 50: "decode error",
    51: "decrypt error", 70: "protocol version", 71: "insufficient security", 80: "internal error",
    86: "inappropriate fallback", 90: "user canceled", 109: "missing extension",
    110: "unsupported extension", 112: "unrecognized name", 116: "certificate required",
    120: "no application protocol",
}  # fmt: skip

# What may stand at each of the first bytes.
_ANY, _VERSION, _LENGTH = range(256), range(5), range(0x49)  # at most 2^14 + 2048 bytes
_HELLO_BEGINS = (b"\x16", b"\x03", _VERSION, _LENGTH, _ANY, b"\1\2", b"\0", _ANY, _ANY, b"\x03")
_ALERT_BEGINS = (b"\x15", b"\x03", _VERSION, b"\0", b"\2", b"\1\2")
_RECORD_BEGINS = (range(20, 24), b"\x03", _VERSION, _LENGTH)


def begins_record(data: bytes, *, first: bool) -> bool:
    """Whether `data`, the first bytes of a unit, are those of a record, as far as they are here.

    The `first` record of a stream must be a hello or an alert. Other bytes could be a strange head,
    and logins in a head must be masked.
    """
    ways: Sequence[Sequence[Sequence[int]]] = (_RECORD_BEGINS,)
    if first:
        ways = _HELLO_BEGINS, _ALERT_BEGINS
    return bool(data) and any(
        all(byte in allowed for byte, allowed in zip(data, way, strict=False)) for way in ways
    )


def record_end(data: bytes | bytearray, start: int, stop: int) -> int | None:
    """The offset at which the record at `start` ends; None while it goes on after `stop`."""
    if stop - start < HEADER:
        return None
    end = start + HEADER + int.from_bytes(data[start + 3 : start + HEADER], "big")
    return end if end <= stop else None


def record_text(data: bytes) -> str:
    """What a record is, in a few words: `ClientHello to chat.example`, `alert: unknown CA`."""
    kind, body = data[0], data[HEADER:]
    names = message_names(body) if kind == _HANDSHAKE else []
    if kind == _ALERT and len(body) == 2:
        return f"alert: {_ALERTS.get(body[1], f'number {body[1]}')}"
    if kind == _CHANGE:
        return _TYPES[kind]
    if not names:
        return "encrypted" if kind == _DATA else f"encrypted {_TYPES[kind]}"
    said = {field.name: field.value for field in record_fields(data)}
    return ", ".join(names) + "".join(
        f"{word}{said[name]}"
        for word, name in ((" to ", "server name"), (": ", "selected version"))
        if name in said
    )


def record_fields(data: bytes) -> tuple[Field, ...]:
    """The fields of a whole record, which cover each bit once, in order."""
    reader, kind, body = Reader(data), data[0], data[HEADER:]
    rfc = "RFC 8446 §5.1"
    reader.take("content type", 1, _TYPES[kind], f"Number {kind} says what the record holds.", rfc)
    version = int.from_bytes(data[1:3], "big")
    reader.take(
        "legacy version", 2, VERSIONS.get(version, f"number {version}"),
        "Kept for old devices on the way. The hellos say which version is meant.", rfc,
    )  # fmt: skip
    reader.number("length", 2, "Bytes that follow. Everybody on the way can read this number.", rfc)
    if kind == _ALERT and len(body) == 2:
        level = {1: "warning", 2: "fatal"}.get(body[0], f"number {body[0]}")
        reader.take("alert level", 1, level, "How bad it is.", "RFC 8446 §6")
        why = _ALERTS.get(body[1], "an alert without a name here")
        reader.take("alert", 1, why, f"Number {body[1]} says why.", "RFC 8446 §6")
    elif kind == _CHANGE:
        says = "TLS 1.2 is encrypted from here on; TLS 1.3 sends it only for old devices."
        reader.rest("change cipher spec", says, "RFC 8446 §5")
    elif kind == _HANDSHAKE and message_names(body):
        message_fields(reader)
    else:
        says = "Only the two ends can read it, and whether it ends in padding."
        reader.rest("encrypted", says, "RFC 8446 §5.2")
    return tuple(reader.fields)
