"""The part of TLS that can be read without decrypting it: its records, and early alerts.

Source: RFC 8446 §5.1 (records), §6 (alerts). Enough to see a TLS handshake fail on the wire.
"""

from __future__ import annotations

from typing import NamedTuple

_TYPES = {20: "change cipher spec", 21: "alert", 22: "handshake", 23: "application data"}
_MESSAGES = {1: "ClientHello", 2: "ServerHello", 11: "Certificate"}
_ALERTS = {
    0: "close notify",
    10: "unexpected message",
    40: "handshake failure",
    42: "bad certificate",
    45: "certificate expired",
    46: "certificate unknown",
    48: "unknown CA",
    70: "protocol version",
    80: "internal error",
}


class TLSRecord(NamedTuple):
    """One TLS record: its place in the stream, and what it is."""

    offset: int
    """Bytes from the start of the stream."""
    length: int
    """Bytes, the 5 of its header included."""
    meaning: str


def is_tls(stream: bytes) -> bool:
    """Whether a client's stream begins with a TLS record instead of HTTP."""
    return stream[:2] == b"\x16\x03"


def records(stream: bytes) -> list[TLSRecord]:
    """The complete records at the start of `stream`."""
    found = []
    offset = 0
    while len(stream) - offset >= 5 and stream[offset] in _TYPES and stream[offset + 1] == 3:
        length = int.from_bytes(stream[offset + 3 : offset + 5], "big")
        body = stream[offset + 5 : offset + 5 + length]
        if len(body) < length:
            break
        meaning = _TYPES[stream[offset]]
        if stream[offset] == 22 and body:
            meaning = _MESSAGES.get(body[0], meaning)
        elif stream[offset] == 21 and length == 2:
            meaning = f"alert: {_ALERTS.get(body[1], f'number {body[1]}')}"
        found.append(TLSRecord(offset, 5 + length, meaning))
        offset += 5 + length
    return found
