"""STOMP: frames of text, as in HTTP: a command, headers, an empty line, a body, and a NUL.

Source: STOMP 1.2. STOMP's frames are not WebSocket's: each usually fills one WebSocket message, and
a line end alone is a sign of life.
"""

from __future__ import annotations

import re

from ..fields import Direction, Field
from ..protocol.messages import MessageKind
from ..reader import Reader
from .payload import Context, Payload, text_of

_RFC = "STOMP 1.2"
COMMANDS = {
    "CONNECT": "the client introduces itself",
    "STOMP": "the client introduces itself",
    "CONNECTED": "the server agrees, and says which version is spoken",
    "SEND": "the client sends a message to a destination",
    "SUBSCRIBE": "the client wants what comes to a destination",
    "UNSUBSCRIBE": "the client wants no more of it",
    "ACK": "the client has worked on a message",
    "NACK": "the client has not: perhaps somebody else will",
    "BEGIN": "what follows is a transaction",
    "COMMIT": "the transaction is done",
    "ABORT": "the transaction is undone",
    "DISCONNECT": "the client is about to leave",
    "MESSAGE": "the server delivers a message of a subscription",
    "RECEIPT": "the server has done what the client asked a receipt for",
    "ERROR": "the server refuses, and closes the connection",
}
_HEADERS = {
    "accept-version": "the versions that the client speaks",
    "version": "the version that is spoken from here on",
    "host": "the virtual host",
    "login": "who logs in",
    "passcode": "the password: whoever sees the wire reads it",
    "heart-beat": "milliseconds: how often this side can send a sign of life, and wants one",
    "destination": "where the message goes",
    "content-type": "what the body is",
    "content-length": "bytes of the body; needed where it has NULs",
    "id": "the client's name for the subscription",
    "subscription": "the subscription that this message belongs to",
    "message-id": "the server's name for the message",
    "ack": "whether and how the client acknowledges",
    "transaction": "the transaction that this belongs to",
    "receipt": "the server is to answer with a RECEIPT of this id",
    "receipt-id": "the id that the client asked with",
    "message": "what went wrong",
    "session": "the server's name for the session",
    "server": "the program that serves",
}
_ENDS = re.compile(rb"(?:\r?\n)+")
_LINE = re.compile(rb"[^\n]*\n")
_ESCAPED = re.compile(r"\\(.?)", re.DOTALL)
_UNESCAPED = {"r": "\r", "n": "\n", "c": ":", "\\": "\\"}


def decode(
    data: bytes, kind: MessageKind, direction: Direction, context: Context
) -> tuple[Field, ...]:
    """The STOMP frames of one message."""
    reader = Reader(data)
    while reader.left and not reader.full:
        ends = _ENDS.match(data, reader.at)
        if ends:
            says = "a sign of life, or line ends after a frame"
            reader.take("line end", ends.end() - reader.at, None, says, _RFC)
            continue
        if not _frame(reader):
            break
    reader.rest("not STOMP", "more frames than are listed here" if reader.full else "expected a "
                "command on a line of its own", _RFC)  # fmt: skip
    return tuple(reader.fields)


def _frame(reader: Reader) -> bool:
    """Cover one frame; False where there is no command."""
    data = reader.data
    line = _LINE.match(data, reader.at)
    if line is None:
        return False
    command = text_of(line[0].rstrip(b"\r\n"))
    if not re.fullmatch("[A-Z]+", command):
        return False
    says = COMMANDS.get(command, "not allowed: no command of STOMP 1.2")
    reader.take("command", len(line[0]), command, says, _RFC)
    length = None
    while not reader.full:
        line = _LINE.match(data, reader.at)
        if line is None:
            reader.rest("header", "cut off", _RFC, text_of(data[reader.at :]))
            reader.note("cut off", "the headers end without an empty line", _RFC)
            return True
        text = line[0].rstrip(b"\n").removesuffix(b"\r")
        if not text:
            reader.take("empty line", len(line[0]), None, "the headers end here", _RFC)
            break
        name, colon, value = text.partition(b":")
        header = _plain(name, command)
        if not colon:
            reader.take("header", len(line[0]), text_of(text), "not allowed: it has no colon", _RFC)
            continue
        if header == "content-length" and length is None and value.isdigit() and len(value) < 10:
            length = int(value)
        says = _HEADERS.get(header, "a header that the program gave it")
        reader.take(header[:60] or "header", len(line[0]), _plain(value, command), says, _RFC)
    if reader.full:
        return True
    _body(reader, length)
    return True


def _body(reader: Reader, length: int | None) -> None:
    """Cover the body and the NUL after it."""
    data = reader.data
    end = data.find(b"\0", reader.at) if length is None else reader.at + length
    if not 0 <= end < reader.stop:
        reader.rest("body", "not all here", _RFC, text_of(data[reader.at :]))
        reader.note("cut off", "the NUL that ends the frame is missing", _RFC)
        return
    size = end - reader.at
    many = f"{size} byte{'s' if size != 1 else ''}"
    reader.take("body", size, text_of(data[reader.at : end]), f"{many}, whatever the sender wants",
                _RFC)  # fmt: skip
    right = data[end] == 0
    says = "the frame ends here" if right else "not allowed: after content-length bytes comes a NUL"
    reader.take("NUL", 1, data[end], says, _RFC)


def _plain(text: bytes, command: str) -> str:
    r"""A header's name or value without escapes (\n, \c, \\), which CONNECT's do not have."""
    said = text_of(text)
    if command in ("CONNECT", "CONNECTED"):
        return said
    return _ESCAPED.sub(lambda found: _UNESCAPED.get(found[1], found[0]), said)


STOMP = Payload("stomp", "STOMP", decode, ("command",), ("v12.stomp", "v11.stomp", "v10.stomp"))
