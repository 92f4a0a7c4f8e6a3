"""Explains a recording as JSON, for programs; yields it piece by piece, so that any size works.

{"connections": [{"connection", "label"}],
 "units": [{"connection", "direction", "kind", "time", "offset", "length",
            "fields": [{"name", "bit", "bits", "value", "meaning", "rfc"}],
            "violations": [{"rule", "text", "rfc", "close_code", "http_status"}],
            "missing": n or null, of a gap}],
 "messages": [{"connection", "direction", "kind", "text" or "hex", "violations",
               "inside": {"protocol", "says", "fields"} or null, where asked for}],
 "incomplete": {"client": n, "server": n},
 "incomplete_violations": [{"connection", "direction",
                            "rule", "text", "rfc", "close_code", "http_status"}],
 "explanations": [{"connection", "direction", "offset", "length", "hex", "says", "evidence",
                   "rfc"}],
 "endings": [{"connection", "time", "row", "by", "how", "pause", "client_close", "server_close",
              "client_code", "server_code", "says", "evidence", "programs", "rfc", "over"}],
 "notes": ["..."]}

Times are seconds since the recording began. An explanation says what stands where a direction's
framing is lost: all marks of that direction from its offset on are consequences. An ending says how
a connection ended whose end the recording shows: see `Ending` of `wire/recording/ending.py`.
"""

from __future__ import annotations

import codecs
import json
from collections.abc import Iterator, Mapping
from typing import Any

from ..fields import Direction, Unit
from ..payloads import Insides
from ..protocol import frames
from ..recording.capture import Capture
from ..recording.ending import endings
from ..recording.index import LARGE
from ..recording.log import stream_number
from ..recording.messages import Message
from ..recording.search import Hit
from ..recording.tail import explanations

_HOLE = "\N{OBJECT REPLACEMENT CHARACTER}"
_PIECE = 1 << 16


def json_pieces(
    capture: Capture, insides: Insides | None = None, hits: Mapping[int, Hit] | None = None
) -> Iterator[str]:
    """The JSON text in pieces; besides the recording, one message is in memory at a time.

    With `hits`, by row, it has connections, notes, and only these units, each with its row and
    `found`: offset and length in bytes of what was found, "wire" or "content" (see `Span`).

    With `insides`, messages also have `inside`: what each says in the protocol inside it, or null.

    It is ASCII, with no control characters except line ends: even DEL, which JSON allows, is
    escaped.
    """
    for piece in _pieces(capture, insides) if hits is None else _found(capture, hits):
        yield piece.replace("\x7f", "\\u007f")


def _pieces(capture: Capture, insides: Insides | None) -> Iterator[str]:
    index = capture.index
    named = [{"connection": n, "label": label} for n, label in capture.labels().items()]
    yield f'{{"connections": {json.dumps(named)}, "units": ['
    comma = "\n"
    for number in index.numbers():
        yield comma
        yield from _unit(capture, index.unit(number, LARGE))
        comma = ",\n"
    yield '\n], "messages": ['
    comma = "\n"
    for message in index.messages():
        yield comma
        yield from _message(message, insides)
        comma = ",\n"
    incomplete = {
        direction: sum(index.incomplete(number, direction) for number in index.connections)
        for direction in _DIRECTIONS
    }
    broken = [
        {"connection": number, "direction": direction, **violation._asdict()}
        for number in index.connections
        for direction in _DIRECTIONS
        for violation in index.incomplete_violations(number, direction)
    ]
    yield f'\n], "incomplete": {json.dumps(incomplete)}'
    yield f', "incomplete_violations": {json.dumps(broken)}'
    yield f', "explanations": {json.dumps(_explanations(capture))}'
    ended = [ending._asdict() for ending in endings(capture).values()]
    yield f', "endings": {json.dumps(ended)}'
    yield f', "notes": {json.dumps(capture.notes)}}}\n'


def _found(capture: Capture, hits: Mapping[int, Hit]) -> Iterator[str]:
    index = capture.index
    named = [{"connection": n, "label": label} for n, label in capture.labels().items()]
    yield f'{{"connections": {json.dumps(named)}, "units": ['
    comma = "\n"
    for row, hit in hits.items():
        where = json.dumps([span._asdict() for span in hit.where])
        yield f'{comma}{{"row": {row}, "found": {where}, '
        first, *rest = _unit(capture, index.unit(row, LARGE))
        yield first[1:]
        yield from rest
        comma = ",\n"
    yield f'\n], "notes": {json.dumps(capture.notes)}}}\n'


_DIRECTIONS: tuple[Direction, Direction] = ("client", "server")


def _explanations(capture: Capture) -> list[dict[str, Any]]:
    return [
        {
            "connection": found.connection,
            "direction": found.direction,
            "offset": found.offset,
            "length": found.length,
            "hex": found.data.hex(),
            "says": found.says,
            "evidence": found.evidence,
            "rfc": found.rfc,
        }
        for found in explanations(capture).values()
        if found.proven
    ]


def _unit(capture: Capture, unit: Unit) -> Iterator[str]:
    account = unit.to_json()
    if not unit.rest or not unit.fields:  # no fields: a limited recording has dropped the frame
        yield json.dumps(account)
        return
    account["fields"][-1]["value"] = _HOLE
    before, _, after = json.dumps(account).partition(json.dumps(_HOLE)[1:-1])
    yield before
    stream = capture.log.streams[stream_number(unit.connection, unit.direction)]
    header = frames.header_at(stream, unit.offset)
    for piece in frames.payload_pieces(stream, unit.offset, header):
        yield piece.hex()
    yield after


def _message(message: Message, insides: Insides | None) -> Iterator[str]:
    account: dict[str, Any] = {
        "connection": message.connection,
        "direction": message.direction,
        "kind": message.kind,
        "text" if message.kind == "text" else "hex": _HOLE,
        "violations": [violation._asdict() for violation in message.violations],
    }
    if insides is not None:
        found = insides.of(message.row)
        account["inside"] = found and {
            "protocol": found.name,
            "says": found.says,
            "fields": [field._asdict() for field in found.fields],
        }
    before, _, after = json.dumps(account).partition(json.dumps(_HOLE)[1:-1])
    yield before
    decoder = codecs.getincrementaldecoder("utf-8")("replace")
    content = message.content
    for start in range(0, len(content), _PIECE):
        piece = content[start : start + _PIECE]
        if message.kind == "text":
            yield json.dumps(decoder.decode(piece, start + _PIECE >= len(content)))[1:-1]
        else:
            yield piece.hex()
    yield after
