"""MQTT 3.1.1 and 5.0: packets, byte by byte, however they are cut into WebSocket messages.

Source: the OASIS standards MQTT 3.1.1 and 5.0; §6 of each is about WebSocket. A packet::

     byte 0          remaining length       variable header and payload
     type  flags     1 to 4 bytes, seven    as many bytes as the remaining length says;
     (4    (4 bits)  bits of length in      what is in them depends on type and version
     bits)           each, lowest first

Packets need not be aligned with messages: one message may hold several, or a part of one.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

from ..fields import Direction, Field
from ..protocol.messages import MessageKind
from ..reader import Reader, Short
from .payload import Context, Payload, text_of

TYPES = {
    1: ("CONNECT", "the client introduces itself"),
    2: ("CONNACK", "the server answers CONNECT"),
    3: ("PUBLISH", "carries a message on a topic"),
    4: ("PUBACK", "got a PUBLISH with QoS 1"),
    5: ("PUBREC", "got a PUBLISH with QoS 2: step 1 of 3"),
    6: ("PUBREL", "the other side may forget the packet identifier: step 2 of 3"),
    7: ("PUBCOMP", "forgotten, so it was delivered exactly once: step 3 of 3"),
    8: ("SUBSCRIBE", "the client asks for topics"),
    9: ("SUBACK", "the server answers SUBSCRIBE"),
    10: ("UNSUBSCRIBE", "the client wants no more of these topics"),
    11: ("UNSUBACK", "the server answers UNSUBSCRIBE"),
    12: ("PINGREQ", "the client is alive: a ping of MQTT's own, not WebSocket's"),
    13: ("PINGRESP", "the server is alive, too"),
    14: ("DISCONNECT", "this side ends the MQTT connection"),
    15: ("AUTH", "a further step of logging in"),
}
PUBLISH, SUBSCRIBE = 3, 8
_V5 = 5
_FLAGS = {6: 2, 8: 2, 10: 2}
"""What the flags of these packets must be; of all others but PUBLISH 0."""
_QOS = (
    "at most once: sent and forgotten",
    "at least once: acknowledged, may come twice",
    "exactly once",
    "not allowed",
)
_TEXT, _BINARY, _BYTE, _TWO, _FOUR, _VARYING, _PAIR = range(7)
_PROPERTIES = {
    1: ("payload format indicator", _BYTE), 2: ("message expiry interval", _FOUR),
    3: ("content type", _TEXT), 8: ("response topic", _TEXT), 9: ("correlation data", _BINARY),
    11: ("subscription identifier", _VARYING), 17: ("session expiry interval", _FOUR),
    18: ("assigned client identifier", _TEXT), 19: ("server keep alive", _TWO),
    21: ("authentication method", _TEXT), 22: ("authentication data", _BINARY),
    23: ("request problem information", _BYTE), 24: ("will delay interval", _FOUR),
    25: ("request response information", _BYTE), 26: ("response information", _TEXT),
    28: ("server reference", _TEXT), 31: ("reason string", _TEXT), 33: ("receive maximum", _TWO),
    34: ("topic alias maximum", _TWO), 35: ("topic alias", _TWO), 36: ("maximum QoS", _BYTE),
    37: ("retain available", _BYTE), 38: ("user property", _PAIR),
    39: ("maximum packet size", _FOUR), 40: ("wildcard subscription available", _BYTE),
    41: ("subscription identifiers available", _BYTE),
    42: ("shared subscription available", _BYTE),
}  # fmt: skip
_RETURN_CODES = (
    "accepted", "refused: this protocol version is not supported",
    "refused: this client identifier is not allowed", "refused: the server is not available",
    "refused: bad user name or password", "refused: not authorized",
)  # fmt: skip
_REASONS = {
    0x00: "success", 0x01: "granted QoS 1", 0x02: "granted QoS 2", 0x04: "with the will message",
    0x10: "no matching subscribers", 0x11: "no subscription existed", 0x18: "continue",
    0x19: "re-authenticate", 0x80: "unspecified error", 0x81: "malformed packet",
    0x82: "protocol error", 0x83: "implementation specific error",
    0x84: "unsupported protocol version", 0x85: "client identifier not valid",
    0x86: "bad user name or password", 0x87: "not authorized", 0x88: "server unavailable",
    0x89: "server busy", 0x8A: "banned", 0x8B: "server shutting down",
    0x8C: "bad authentication method", 0x8D: "keep alive timeout", 0x8E: "session taken over",
    0x8F: "topic filter invalid", 0x90: "topic name invalid", 0x91: "packet identifier in use",
    0x92: "packet identifier not found", 0x93: "receive maximum exceeded",
    0x94: "topic alias invalid", 0x95: "packet too large", 0x96: "message rate too high",
    0x97: "quota exceeded", 0x98: "administrative action", 0x99: "payload format invalid",
    0x9A: "retain not supported", 0x9B: "QoS not supported", 0x9C: "use another server",
    0x9D: "server moved", 0x9E: "shared subscriptions not supported",
    0x9F: "connection rate exceeded", 0xA0: "maximum connect time",
    0xA1: "subscription identifiers not supported", 0xA2: "wildcard subscriptions not supported",
}  # fmt: skip

_BEGINNING = 32
"""Bytes of an unfinished packet that are remembered: enough for its length and its version."""


class _Header(NamedTuple):
    """A packet's fixed header, as far as it is here."""

    type: int
    size: int | None
    """Bytes of the whole packet; None where its length is not complete or not legal."""
    header: int
    """Bytes of its fixed header, as far as they are here."""
    legal: bool


def _header(data: bytes, at: int) -> _Header:
    """The fixed header of the packet that begins at `at`."""
    length = 0
    for place in range(4):
        byte = data[at + 1 + place : at + 2 + place]
        if not byte:
            return _Header(data[at] >> 4, None, 1 + place, legal=True)
        length |= (byte[0] & 0x7F) << 7 * place
        if byte[0] < 0x80:
            header = 2 + place
            return _Header(data[at] >> 4, header + length, header, legal=True)
    return _Header(data[at] >> 4, None, 5, legal=False)


# --- Messages -------------------------------------------------------------------------------------


def follow(data: bytes, kind: MessageKind, direction: Direction, context: Context) -> None:
    """Note where a message leaves off, without explaining it."""
    if kind == "binary":
        _split(data, direction, context)


def _split(data: bytes, direction: Direction, context: Context) -> tuple[int, int, list[int]]:
    """Find the packets of a message, and note in the context how it ends.

    Returns the type of the packet that it goes on with and how many of its bytes belong to that
    (0, 0 if it begins with a packet), and where packets begin.
    """
    beginning, here = context.pending[direction]
    going_on, starts, at = beginning[0] >> 4 if here else 0, list[int](), 0
    while at < len(data) and direction not in context.dead:
        if not here:
            starts.append(at)
        beginning = (beginning + data[at : at + _BEGINNING])[:_BEGINNING]
        header = _header(beginning, 0)
        if not header.legal:
            context.dead.add(direction)
        elif header.size is None or here + len(data) - at < header.size:
            here, at = here + len(data) - at, len(data)
        else:
            if header.type == 1 and context.version is None:
                context.version = _version(beginning[header.header :])
            at += header.size - here
            beginning, here = b"", 0
    context.pending[direction] = beginning, here
    goes_on = starts[0] if starts else len(data)
    return (going_on, goes_on, starts) if going_on or starts[:1] != [0] else (0, 0, starts)


def _version(body: bytes) -> int | None:
    """The protocol level of a CONNECT packet's variable header."""
    place = 2 + int.from_bytes(body[:2], "big")
    return body[place] if place < len(body) else None


def decode(
    data: bytes, kind: MessageKind, direction: Direction, context: Context
) -> tuple[Field, ...]:
    """The packets of one WebSocket message."""
    reader = Reader(data)
    if kind == "text":
        reader.rest(
            "not MQTT", "MQTT travels in binary messages; a text message ends the connection",
            "MQTT 3.1.1 §6",
        )  # fmt: skip
        return tuple(reader.fields)
    if direction in context.dead:
        reader.rest(
            "not MQTT", "an earlier packet had no legal length, so nobody knows where the next "
            "one begins", "MQTT 3.1.1 §2.2.3",
        )  # fmt: skip
        return tuple(reader.fields)
    version = context.version
    going_on, size, starts = _split(data, direction, context)
    if version is None:
        version = context.version or 4
    if size:
        name = TYPES.get(going_on, ("a packet", ""))[0]
        reader.take(
            f"more of {name}", size, None,
            f"the {name} that began in an earlier message goes on: messages and packets need not "
            "be aligned", "MQTT 3.1.1 §6",
        )  # fmt: skip
    for start, stop in zip(starts, [*starts, len(data)][1:], strict=False):
        if reader.full:
            reader.rest("more", "more packets than are listed here", "MQTT 3.1.1 §2")
            break
        _packet(reader, start, stop, version)
    return tuple(reader.fields)


def _packet(reader: Reader, start: int, stop: int, version: int) -> None:
    """Cover one packet, or the part of it that this message has."""
    data = reader.data
    header = _header(data, start)
    kind, flags = header.type, data[start] & 0x0F
    name, says = TYPES.get(kind, ("reserved", "type 0 is not allowed"))
    rfc = f"MQTT 3.1.1 §3.{kind}" if kind and kind < 15 else "MQTT 5.0 §3.15"
    if version != _V5 and kind == 15:
        says = "not allowed in MQTT 3.1.1"
    parts: list[tuple[str, int, int | str | None, str]]
    parts = [("packet type", 4, name, f"type {kind}: {says}")]
    qos = flags >> 1 & 3
    if kind == PUBLISH:
        parts += [
            ("DUP", 1, flags >> 3, "sent once more" if flags & 8 else "sent for the first time"),
            ("QoS", 2, qos, _QOS[qos]),
            ("RETAIN", 1, flags & 1, "the server keeps it for those who subscribe later"
             if flags & 1 else "not kept for those who subscribe later"),
        ]  # fmt: skip
    else:
        must = _FLAGS.get(kind, 0)
        legal = "as they must be" if flags == must else f"not allowed: they must be {must}"
        parts.append(("flags", 4, flags, legal))
    reader.bits(parts, "MQTT 3.1.1 §2.2")
    if not header.legal:
        reader.take("remaining length", 4, None, "not allowed: a length has at most four bytes",
                    "MQTT 3.1.1 §2.2.3")  # fmt: skip
        reader.rest("not MQTT", "nobody knows where the next packet begins", "MQTT 3.1.1 §2.2.3")
        return
    if header.size is None:
        reader.take("remaining length", stop - reader.at, None, "the length goes on in the next "
                    "message", "MQTT 3.1.1 §2.2.3")  # fmt: skip
        return
    length = header.size - header.header
    bytes_ = f"{length} byte{'s' if length != 1 else ''}"
    how = "seven bits in each byte, lowest first" if header.header > 2 else "seven bits"
    reader.take("remaining length", header.header - 1, length, f"{bytes_} follow ({how})",
                "MQTT 3.1.1 §2.2.3")  # fmt: skip
    if start + header.size > stop:
        here = stop - reader.at
        reader.take(f"part of {name}", here, None, f"{here} of {bytes_}: the rest comes in the "
                    "next message", "MQTT 3.1.1 §6")  # fmt: skip
        return
    body = Reader(data, reader.at, stop)
    body.fields = reader.fields
    try:
        _BODIES.get(kind, _nothing)(body, qos if kind == PUBLISH else 0, version, rfc)
    except Short as fault:
        body.rest("cut off", f"the packet ends too early: {fault}", rfc)
    body.rest("left over", "not allowed: this packet has no such bytes", rfc)
    reader.at = stop


# --- Parts of packets -----------------------------------------------------------------------------


def _string(reader: Reader, name: str, says: str, rfc: str, *, text: bool = True) -> str:
    """Cover a length of two bytes and as many bytes of text or, if not `text`, of anything."""
    length = reader.number(f"{name} length", 2, f"bytes of the {name}", rfc)
    reader.need(length, name)
    data = reader.data[reader.at : reader.at + length]
    value = text_of(data) if text else data[:200].hex(" ")
    if text and not _is_legal_text(data):
        says += "; not allowed: text must be UTF-8 without U+0000"
    reader.take(name, length, value, says, rfc)
    return value


def _is_legal_text(data: bytes) -> bool:
    try:
        return "\0" not in data.decode()
    except ValueError:
        return False


def _varying(reader: Reader, name: str, says: str, rfc: str) -> int:
    """Cover a number of one to four bytes, as the remaining length is one."""
    value = 0
    for place in range(4):
        reader.need(place + 1, name)
        byte = reader.data[reader.at + place]
        value |= (byte & 0x7F) << 7 * place
        if byte < 0x80:
            reader.take(name, place + 1, value, says, rfc)
            return value
    raise Short(f"{name} has more than four bytes")


def _properties(reader: Reader, version: int, whose: str = "") -> None:
    """Cover the properties, which only MQTT 5.0 has."""
    if version != _V5:
        return
    rfc = "MQTT 5.0 §2.2.2"
    length = _varying(reader, f"{whose}properties length", "bytes of properties", rfc)
    reader.need(length, "properties")
    part = Reader(reader.data, reader.at, reader.at + length)
    part.fields = reader.fields
    try:
        while part.left:
            if part.full:
                part.rest("more", "more properties than are listed here", rfc)
                break
            number = part.data[part.at]
            if number not in _PROPERTIES:
                part.rest("property", f"not allowed: there is no property {number}", rfc)
                break
            name, type_ = _PROPERTIES[number]
            part.number("property", 1, name, rfc)
            if type_ in (_BYTE, _TWO, _FOUR):
                part.number(name, {_BYTE: 1, _TWO: 2, _FOUR: 4}[type_], "a number", rfc)
            elif type_ == _VARYING:
                _varying(part, name, "a number", rfc)
            else:
                _string(part, name, "its value" if type_ != _PAIR else "the name that somebody "
                        "gave it", rfc, text=type_ != _BINARY)  # fmt: skip
                if type_ == _PAIR:
                    _string(part, f"{name} value", "its value", rfc)
    except Short as fault:
        part.rest("cut off", f"the properties end too early: {fault}", rfc)
    reader.at += length


def _reason(reader: Reader, rfc: str) -> None:
    code = reader.data[reader.at]
    reader.take("reason code", 1, code, _REASONS.get(code, "not defined"), rfc)


# --- Packets, by their types ----------------------------------------------------------------------


def _connect(reader: Reader, qos: int, version: int, rfc: str) -> None:
    _string(reader, "protocol name", "MQTT, since version 3.1.1", rfc)
    level = reader.number("protocol level", 1, "4 is MQTT 3.1.1, 5 is MQTT 5.0", rfc)
    reader.need(1, "connect flags")
    flags = reader.data[reader.at]
    will, will_qos = flags & 4, flags >> 3 & 3
    fresh = "forget what there was of an earlier session"
    reader.bits(
        [
            ("user name flag", 1, flags >> 7, "a user name follows" if flags & 128 else "none"),
            ("password flag", 1, flags >> 6 & 1, "a password follows" if flags & 64 else "none"),
            ("will retain", 1, flags >> 5 & 1, "whether the server keeps the will message"),
            ("will QoS", 2, will_qos, _QOS[will_qos]),
            ("will flag", 1, flags >> 2 & 1, "what the server is to publish when this client is "
             "gone without a DISCONNECT" if will else "no will message"),
            ("clean session", 1, flags >> 1 & 1, fresh if flags & 2 else "go on with a session"),
            ("reserved", 1, flags & 1, "not allowed: must be 0" if flags & 1 else "must be 0"),
        ],
        rfc,
    )  # fmt: skip
    reader.number("keep alive", 2, "seconds: after half as many again without a packet, the "
                  "server gives the client up; 0: never", rfc)  # fmt: skip
    _properties(reader, level)
    _string(reader, "client identifier", "the name of the client's session", rfc)
    if will:
        _properties(reader, level, "will ")
        _string(reader, "will topic", "where the will message goes", rfc)
        _string(reader, "will message", "published if the client is lost", rfc, text=False)
    if flags & 128:
        _string(reader, "user name", "who logs in", rfc)
    if flags & 64:
        _string(reader, "password", "whoever sees the wire reads it: only wss:// hides it", rfc,
                text=False)  # fmt: skip


def _connack(reader: Reader, qos: int, version: int, rfc: str) -> None:
    reader.need(2, "CONNACK")
    flags = reader.data[reader.at]
    wrong = "not allowed: must be 0" if flags >> 1 else "must be 0"
    has = "the server still has" if flags & 1 else "the server has no"
    reader.bits(
        [
            ("reserved", 7, flags >> 1, wrong),
            ("session present", 1, flags & 1, f"{has} a session of this client"),
        ],
        rfc,
    )
    if version == _V5:
        _reason(reader, rfc)
        _properties(reader, version)
        return
    code = reader.data[reader.at]
    says = _RETURN_CODES[code] if code < len(_RETURN_CODES) else "not defined"
    reader.take("return code", 1, code, says, rfc)


def _publish(reader: Reader, qos: int, version: int, rfc: str) -> None:
    _string(reader, "topic", "where it is published", rfc)
    topic = reader.fields[-1]
    if topic.name == "topic" and {"+", "#"} & {*str(topic.value)}:
        says = "+ and # are not allowed in a PUBLISH: they are for topic filters"
        reader.fields[-1] = topic._replace(meaning=says)
    if qos:
        reader.number("packet identifier", 2, "the acknowledgement names it", rfc)
    _properties(reader, version)
    data = reader.data[reader.at : reader.stop]
    size = f"{len(data)} byte{'s' if len(data) != 1 else ''}"
    text = _is_legal_text(data)
    value = text_of(data) if text else data[:200].hex(" ")
    reader.rest("application message", f"{size}, whatever the publisher wants", rfc, value)


def _acknowledge(reader: Reader, qos: int, version: int, rfc: str) -> None:
    reader.number("packet identifier", 2, "of the packet that this is about", rfc)
    _ending(reader, qos, version, rfc)


def _ending(reader: Reader, qos: int, version: int, rfc: str) -> None:
    """The reason code and the properties of MQTT 5.0, which may be left out."""
    if version == _V5 and reader.left:
        _reason(reader, rfc)
        if reader.left:
            _properties(reader, version)


def _subscribe(reader: Reader, qos: int, version: int, rfc: str) -> None:
    reader.number("packet identifier", 2, "the SUBACK names it", rfc)
    _properties(reader, version)
    while reader.left and not reader.full:
        _string(reader, "topic filter", "+ stands for one level, # for all that follow", rfc)
        reader.need(1, "requested QoS")
        byte = reader.data[reader.at]
        most = "the most with which the server may send"
        if version == _V5:
            handling = byte >> 4 & 3
            reader.bits(
                [
                    ("reserved", 2, byte >> 6, "must be 0"),
                    ("retain handling", 2, handling, "which retained messages are sent first"),
                    ("retain as published", 1, byte >> 3 & 1, "whether RETAIN is left as it was"),
                    ("no local", 1, byte >> 2 & 1, "whether to leave out what it publishes itself"),
                    ("requested QoS", 2, byte & 3, most),
                ],
                "MQTT 5.0 §3.8",
            )
        else:
            legal = "not allowed: must be 0" if byte >> 2 else "must be 0"
            reader.bits(
                [("reserved", 6, byte >> 2, legal), ("requested QoS", 2, byte & 3, most)], rfc
            )
    reader.rest("more", "more topic filters than are listed here", rfc)


def _suback(reader: Reader, qos: int, version: int, rfc: str) -> None:
    reader.number("packet identifier", 2, "of the packet that it answers", rfc)
    _properties(reader, version)
    while reader.left and not reader.full:
        _reason(reader, rfc)
    reader.rest("more", "more reason codes than are listed here", rfc)


def _unsubscribe(reader: Reader, qos: int, version: int, rfc: str) -> None:
    reader.number("packet identifier", 2, "the UNSUBACK names it", rfc)
    _properties(reader, version)
    while reader.left and not reader.full:
        _string(reader, "topic filter", "as it was subscribed to", rfc)
    reader.rest("more", "more topic filters than are listed here", rfc)


def _unsuback(reader: Reader, qos: int, version: int, rfc: str) -> None:
    reader.number("packet identifier", 2, "of the packet that it answers", rfc)
    if version == _V5:
        _properties(reader, version)
        while reader.left and not reader.full:
            _reason(reader, rfc)


def _nothing(reader: Reader, qos: int, version: int, rfc: str) -> None:
    """PINGREQ, PINGRESP: two bytes are all."""


_BODIES: dict[int, Callable[[Reader, int, int, str], None]] = {
    1: _connect, 2: _connack, 3: _publish, 4: _acknowledge, 5: _acknowledge, 6: _acknowledge,
    7: _acknowledge, 8: _subscribe, 9: _suback, 10: _unsubscribe, 11: _unsuback, 14: _ending,
    15: _ending,
}  # fmt: skip

MQTT = Payload("mqtt", "MQTT", decode, ("packet type",), ("mqtt", "mqttv3.1"), follow=follow)
