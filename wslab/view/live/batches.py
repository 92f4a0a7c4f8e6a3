"""Packs rows and units into messages for the pages: binary columns and JSON."""

from __future__ import annotations

import struct
from collections.abc import Sequence
from contextlib import suppress
from typing import Any

from wslab.wire import KINDS, Field, Message, Unit, rfc_url
from wslab.wire.payloads import Inside
from wslab.wire.protocol import Opcode, frame_payload, read_header
from wslab.wire.recording import Event, Row

FROM_SERVER, NOT_FINAL, BROKEN = 1, 2, 4
"""The bits of a row's flags. The same in static/rows.js."""

LONGEST_VALUE = 400
"""The most characters of a field's value; the page has the bytes anyway."""

LONGEST_TEXT = 20_000
"""The most characters of what a learner's own decoder says in words."""

LONGEST_EDIT = 2_000
"""The most bytes of a payload that a page lets people edit; a longer one can only be replaced."""

MOST_FIELDS = 400
"""The most fields of one unit: a head with ten thousand headers is an attack, not a lesson."""


def pack(rows: Sequence[Row]) -> list[bytes]:
    """Pack rows into two buffers: the columns one after the other, and all previews (UTF-8).

    The columns (little-endian): time (float64, seconds), length (float64, bytes), end of the
    preview (uint32, bytes), connection (uint32), kind (uint8), flags (uint8).
    """
    count = len(rows)
    previews = [row.preview.encode("utf-8", "replace") for row in rows]
    ends = []
    end = 0
    for preview in previews:
        end += len(preview)
        ends.append(end)
    # A kind is sent as its place in the table, which every page knows.
    kinds = {kind: place for place, kind in enumerate(KINDS)}
    columns = b"".join(
        [
            struct.pack(f"<{count}d", *[row.time for row in rows]),
            struct.pack(f"<{count}d", *[row.length for row in rows]),
            struct.pack(f"<{count}I", *ends),
            struct.pack(f"<{count}I", *[row.connection for row in rows]),
            bytes([kinds[row.kind] for row in rows]),
            bytes(
                [
                    (FROM_SERVER if row.direction == "server" else 0)
                    | (0 if row.fin else NOT_FINAL)
                    | (BROKEN if row.broken else 0)
                    for row in rows
                ]
            ),
        ]
    )
    return [columns, b"".join(previews)]


def describe(unit: Unit, limit: int) -> tuple[dict[str, Any], bytes]:
    """Describe a unit as JSON, and return the first `limit` of its bytes as on the wire."""
    account = {
        "number": unit.number,
        "connection": unit.connection,
        "direction": unit.direction,
        "kind": unit.kind,
        "time": unit.time,
        "offset": unit.offset,
        "length": unit.length,
        "fin": unit.fin,
        "opcode": unit.opcode,
        "key": None if unit.masking_key is None else list(unit.masking_key),
        **describe_fields(unit.fields),
        "mark": unit.mark,
        "violations": [
            {
                "rule": violation.rule,
                "text": violation.text,
                "rfc": violation.rfc,
                "url": link(violation.rfc),
                "close_code": violation.close_code,
                "http_status": violation.http_status,
            }
            for violation in unit.violations
        ],
    }
    return account, unit.data[:limit]


def describe_fields(fields: Sequence[Field]) -> dict[str, Any]:
    """Describe the first `MOST_FIELDS` fields, and say how many more there are."""
    return {
        "fields": [
            {
                "name": clipped(field.name),
                "bit": field.bit,
                "bits": field.bits,
                "value": clipped(field.value),
                "meaning": clipped(field.meaning),
                "rfc": field.rfc,
                "url": link(field.rfc),
            }
            for field in fields[:MOST_FIELDS]
        ],
        "more_fields": max(0, len(fields) - MOST_FIELDS),
    }


def describe_inside(found: Inside, limit: int) -> tuple[dict[str, Any], bytes]:
    """Describe what is inside a message, and return the first `limit` bytes of its content."""
    message = found.message
    account = {
        "as": found.name,
        "says": clipped(found.says),
        "why": found.why,
        "text": found.text[:LONGEST_TEXT],
        "problem": clipped(found.problem),
        **describe_fields(found.fields),
        **describe_message(message),
    }
    return account, message.content[:limit]


def describe_message(message: Message) -> dict[str, Any]:
    """Describe a message, without its content."""
    return {
        "kind": message.kind,
        "frames": message.frames,
        "row": message.row,
        "length": len(message.content),
    }


def describe_marks(events: Sequence[Event]) -> list[dict[str, Any]]:
    """Describe in words what a debugger did to a unit, in order; an edit with its new bytes."""
    return [
        {
            "time": event.time,
            "name": event.name,
            "note": event.note,
            "instead": "" if event.data is None else clipped(event.data[:200].hex(" ")),
        }
        for event in events[:MOST_FIELDS]
    ]


def outgoing(unit: Unit, events: Sequence[Event]) -> dict[str, Any] | None:
    """A frame as it would be delivered now, with all its edits; None if the unit is not a frame."""
    if unit.opcode is None:
        return None
    data = next((e.data for e in reversed(events) if e.data is not None), unit.data)
    header = read_header(data, 0, len(data))
    if header is None:
        return None
    size = len(data) - header.length
    payload = frame_payload(data, 0, header._replace(payload_length=size))  # whatever it announces
    form = {126: 16, 127: 64}.get(data[1] & 0x7F, 7)
    fits = shortest_length_form(header.payload_length)
    bits = {f"rsv{number}": bool(data[0] & 0x80 >> number) for number in (1, 2, 3)}
    return {
        **bits,
        "fin": data[0] >= 0x80,
        "masked": header.masked,
        "key": data[header.length - 4 : header.length].hex(" ") if header.masked else None,
        "length_form": None if form == fits else form,
        # As text: JavaScript's numbers are exact only up to 2**53.
        "announced_length": None if header.payload_length == size else str(header.payload_length),
        "shortest_form": shortest_length_form(size),
        "opcode": data[0] & 0x0F,
        "payload": _editable(data[0] & 0x0F, payload),
    }


def shortest_length_form(length: int) -> int:
    """The bits of the shortest form of a length that can hold `length` (RFC 6455 §5.2)."""
    return 7 if length <= 125 else 16 if length <= 0xFFFF else 64


def _editable(opcode: int, payload: bytes) -> dict[str, str] | None:
    """A payload as people can edit it, as text or in hex; None if it is too long."""
    if len(payload) > LONGEST_EDIT:
        return None
    if opcode not in (Opcode.BINARY, Opcode.CLOSE):
        with suppress(UnicodeDecodeError):
            return {"text": payload.decode()}
    return {"hex": payload.hex(" ")}


def clipped(value: int | str | None) -> str | None:
    """A field's value as text, at most `LONGEST_VALUE` characters of it."""
    if value is None:
        return None
    # A lone surrogate cannot be sent to the page, because messages are UTF-8.
    text = str(value).encode("utf-8", "replace").decode("utf-8")
    return text if len(text) <= LONGEST_VALUE else text[:LONGEST_VALUE] + "…"


def link(rfc: str) -> str | None:
    """The address of an RFC's section; None if the reference is not to an RFC."""
    try:
        return rfc_url(rfc)
    except ValueError:
        return None
