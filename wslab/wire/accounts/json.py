"""A recording explained as JSON, for programs: written piece by piece, whatever its size.

{"units": [{"connection", "direction", "kind", "offset", "length",
            "fields": [{"name", "bit", "bits", "value", "meaning", "rfc"}],
            "violations": [{"rule", "text", "rfc", "close_code", "http_status"}]}],
 "messages": [{"connection", "direction", "kind", "text" or "hex", "violations"}],
 "incomplete": {"client": n, "server": n},
 "incomplete_violations": [{"connection", "direction",
                            "rule", "text", "rfc", "close_code", "http_status"}],
 "notes": ["..."]}
"""

from __future__ import annotations

import codecs
import json
import tempfile
from collections.abc import Iterable, Iterator
from typing import Any, NamedTuple

from ..fields import Direction, Unit, Violation
from ..protocol import deflate, frames, handshake
from ..protocol.deflate import Agreement, Inflater
from ..protocol.messages import Content, FrameHead, MessageEnd, MessageKind, Reader
from ..recording.capture import Capture
from ..recording.index import LARGE
from ..recording.stored_stream import StoredStream

_HOLE = "\N{OBJECT REPLACEMENT CHARACTER}"
_PIECE = 1 << 16


class Said(NamedTuple):
    """A message and its content in pieces, which must be used up before the next is asked for."""

    connection: int
    direction: Direction
    kind: MessageKind
    content: Iterable[bytes]
    violations: tuple[Violation, ...]


def pieces(capture: Capture) -> Iterator[str]:
    """The JSON text. At most a few MiB of a stored stream are held at a time."""
    index = capture.index
    yield '{"units": ['
    comma = "\n"
    for number in range(len(index)):
        yield comma
        yield from _unit(capture, index.unit(number, LARGE))
        comma = ",\n"
    yield '\n], "messages": ['
    comma = "\n"
    for said in messages(capture):
        yield comma
        yield from _message(said)
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
    yield f', "notes": {json.dumps(capture.notes)}}}\n'


_DIRECTIONS: tuple[Direction, Direction] = ("client", "server")


def _unit(capture: Capture, unit: Unit) -> Iterator[str]:
    account = unit.to_json()
    if not unit.rest or not unit.fields:  # none: a frame that a limited recording no longer has
        yield json.dumps(account)
        return
    account["fields"][-1]["value"] = _HOLE
    before, _, after = json.dumps(account).partition(json.dumps(_HOLE)[1:-1])
    yield before
    stream = capture.streams[capture.stream_number(unit.connection, unit.direction)]
    header = frames.read_header(unit.data, 0, len(unit.data))
    assert header is not None, "a unit has its whole header"
    for piece in frames.payload_pieces(stream, unit.offset, header):
        yield piece.hex()
    yield after


def _message(said: Said) -> Iterator[str]:
    account: dict[str, Any] = {
        "connection": said.connection,
        "direction": said.direction,
        "kind": said.kind,
        "text" if said.kind == "text" else "hex": _HOLE,
        "violations": [violation._asdict() for violation in said.violations],
    }
    before, _, after = json.dumps(account).partition(json.dumps(_HOLE)[1:-1])
    yield before
    if said.kind == "text":
        decoder = codecs.getincrementaldecoder("utf-8")("replace")
        for piece in said.content:
            yield json.dumps(decoder.decode(piece))[1:-1]
        yield json.dumps(decoder.decode(b"", True))[1:-1]
    else:
        for piece in said.content:
            yield piece.hex()
    yield after


def messages(capture: Capture) -> Iterator[Said]:
    """The text and binary messages of a recording, reassembled and inflated."""
    if not any(isinstance(stream, StoredStream) for stream in capture.streams):
        for message in capture.index.messages():
            yield Said(
                message.connection, message.direction, message.kind, [message.content],
                message.violations,
            )  # fmt: skip
        return
    for connection in capture.index.connections:
        starts, agreed = _after_handshake(capture, connection)
        for direction, start in starts.items():
            stream = capture.streams[capture.stream_number(connection, direction)]
            inflater = Inflater.of(direction, agreed) if agreed else None
            reader = Reader(direction, inflater, offset=start)
            yield from _stored(stream, connection, reader)


def _stored(stream: bytearray, connection: int, reader: Reader) -> Iterator[Said]:
    """The messages of a stored stream: what is large waits in a file until its end is known."""
    with tempfile.SpooledTemporaryFile(max_size=LARGE) as content:
        for start in range(reader.position, len(stream), _PIECE):
            for event in reader.feed(bytes(stream[start : start + _PIECE])):
                if isinstance(event, FrameHead):
                    if event.kind in ("text", "binary"):
                        content.seek(0)
                        content.truncate()
                elif isinstance(event, Content):
                    content.write(event.data)
                elif isinstance(event, MessageEnd):
                    content.seek(0)
                    pieces = iter(lambda: content.read(_PIECE), b"")
                    yield Said(connection, reader.direction, event.kind, pieces, event.violations)


def _after_handshake(
    capture: Capture, connection: int
) -> tuple[dict[Direction, int], Agreement | None]:
    """Where the frames of a connection start, if it got that far, and the compression agreed on."""
    index = capture.index
    if not index.is_upgraded(connection):
        return {}, None
    starts: dict[Direction, int] = {"client": 0, "server": 0}
    agreed = None
    for number in range(len(index)):
        row = index.rows(number, number + 1)[0]
        if row.connection != connection:
            continue
        if row.kind not in ("request", "response"):
            break
        starts[row.direction] = row.offset + row.length
        if row.kind == "response":
            # A head is read whole, however little is asked of the body behind it.
            head = handshake.parse_head(index.unit(number, 0).data)
            for extension in handshake.extensions(head):
                if extension.name == deflate.NAME and agreed is None:
                    agreed = Agreement.of_response(extension.parameters)
    return starts, agreed
