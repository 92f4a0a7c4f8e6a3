"""The exercises on extensions and subprotocols: questions, checks, hints in steps, solutions."""

from __future__ import annotations

import zlib
from collections.abc import Sequence
from typing import Any

from wslab.exercises.exercise import Exercise, Mistake, Solutions
from wslab.exercises.question import Question
from wslab.exercises.verdict import Verdict, solved
from wslab.wire import Unit
from wslab.wire.protocol import Deflater

QUESTIONS = {
    "none-in-common": Question(
        "A page offers the subprotocol chat. The server speaks only mqtt. What should the server "
        "answer?",
        (
            "101, without Sec-WebSocket-Protocol",
            "101, with Sec-WebSocket-Protocol: mqtt",
            "101, with an empty Sec-WebSocket-Protocol",
            "400 in any case",
        ),
        0,
        (
            "A response without the field means: no subprotocol. Whether that is good enough, the "
            "client decides.",
            "A client must fail the connection for a subprotocol that it did not offer.",
            "An empty value is no name: leave the whole field out.",
            "A server may refuse, but nothing in the RFC makes it do so.",
        ),
        "RFC 6455 §4.2.2",
    ),
    "again": Question(
        "With compression, Hello goes out as 7 bytes of payload. The client sends the same Hello "
        "again, over the same connection. How long is it now?",
        ("7 bytes", "5 bytes", "1 byte"),
        1,
        (
            "That would be so if each message were compressed alone. Both sides remember what has "
            "crossed.",
            "The second one only says: the same five letters as before. That takes 5 bytes.",
            "Nearly: even a reference needs its header, its code and an end.",
        ),
        "RFC 7692 §7.2.3.2",
    ),
    "random": Question(
        "A message of 2,048 random bytes is compressed. How many bytes of payload cross?",
        ("About 1,000", "2,048", "A few more than 2,048", "That is refused with 1007"),
        2,
        (
            "Nothing repeats in random bytes, so there is nothing to refer back to.",
            "They cannot be made shorter, and some bytes must say that these are not compressed.",
            "They cannot be made shorter, and a header says so: it comes on top.",
            "1007 is for text that is not UTF-8. Any bytes may be compressed.",
        ),
        "RFC 7692 §7.2.3.3",
    ),
    "bomb": Question(
        "A server takes messages of at most 1 MiB. A client sends 2,000,000 zeros, compressed to "
        "2,000 bytes. What does the server do?",
        (
            "It takes them: 2,000 bytes are below the limit",
            "It stops inflating at the limit, and closes with 1009",
            "It inflates all, sees that it is too much, and closes with 1009",
            "It closes with 1002: the client cheats",
        ),
        1,
        (
            "A limit on what crosses the wire would protect nothing: 1 byte can become 1,032.",
            "The limit is on the message, and a careful library stops as soon as it is reached.",
            "That is what the attacker hopes for: the memory would be used up by then.",
            "No rule is broken: the message is only too big.",
        ),
        "RFC 6455 §10.4",
    ),
}
"""By name; `lab.ask(name)` shows one."""


# --- Build: choose a subprotocol


def _choose(offered: list[str], supported: list[str]) -> str | None:
    return next((name for name in supported if name in offered), None)


check_choose = Exercise(
    "choose",
    "Whether `choose(offered, supported)` gives the server's favourite among those offered.",
    cases=[
        (["chat"], ["chat"]),
        (["chat", "superchat"], ["superchat", "chat"]),
        (["mqtt"], ["superchat", "chat"]),
        ([], ["chat"]),
        (["Chat"], ["chat"]),
        (["superchat"], ["chat", "superchat"]),
        (["chat", "chat.v2"], ["chat.v2"]),
    ],
    expected=_choose,
    mistakes={
        "The client's order decided: here the server's favourite comes first.": Mistake(
            lambda offered, supported: next((n for n in offered if n in supported), None),
            "walk through supported, and ask of each whether it is in offered.",
        ),
        "A server names one subprotocol, not all that fit.": Mistake(
            lambda offered, supported: [n for n in supported if n in offered],
            "return the first one that fits.",
        ),
        "One string with all that fit is still a list, and a client refuses it.": Mistake(
            lambda offered, supported: ", ".join(n for n in supported if n in offered),
            "return the first one that fits.",
            "RFC 6455 §11.3.4",
        ),
        "Names are compared letter by letter: Chat and chat are two.": Mistake(
            lambda offered, supported: next(
                (n for n in supported if n.lower() in [one.lower() for one in offered]), None
            ),
            "compare without lower().",
        ),
        "Where nothing fits, the answer is None: the field is left out.": Mistake(
            lambda offered, supported: _choose(offered, supported) or "",
            "return None, not an empty string.",
        ),
        "Nobody offered that one: a client must fail the connection.": Mistake(
            lambda offered, supported: _choose(offered, supported) or supported[0],
            "return None where nothing fits.",
        ),
        "chat is a part of superchat, but not the same name.": Mistake(
            lambda offered, supported: next((n for n in supported if n in ",".join(offered)), None),
            "`in` on a list compares whole names; on a text it finds parts.",
        ),
    },
    hints=(
        "walk through one of the two lists, and look each name up in the other.",
        "which list says what the *server* likes best? Walk through that one.",
        "return None at the end: nothing fits.",
    ),
    rfc="RFC 6455 §4.2.2",
    praise="at most one, of those offered, the server's favourite first.",
    solution="""\
def choose(offered, supported):
    for name in supported:  # the server's favourite first
        if name in offered:
            return name
    return None  # no field in the response
""",
)


# --- Bug hunt: the header's value, in and out


def _answer(offer: str | None, supported: list[str]) -> str | None:
    return _choose([name.strip() for name in (offer or "").split(",")], supported)


check_answer = Exercise(
    "answer",
    "Whether `answer(offer, supported)` makes one field's value of the other's, or None.",
    cases=[
        ("chat", ["chat"]),
        ("mqtt, chat", ["chat"]),
        ("chat,superchat", ["superchat", "chat"]),
        ("mqtt", ["chat"]),
        ("Chat", ["chat"]),
        (None, ["chat"]),
        ("superchat", ["chat"]),
    ],
    expected=_answer,
    mistakes={
        "There is a space after each comma: ' chat' is not 'chat'.": Mistake(
            lambda offer, supported: _choose((offer or "").split(","), supported),
            "name.strip() takes the spaces away.",
        ),
        "The answer is a list of names: a client refuses that.": Mistake(
            lambda offer, supported: ", ".join(n for n in supported if n in _names(offer)) or None,
            "one name, or None.",
            "RFC 6455 §11.3.4",
        ),
        "Names are compared letter by letter: Chat and chat are two.": Mistake(
            lambda offer, supported: _choose(_names((offer or "").lower()), supported),
            "leave the letters as they came: no lower().",
        ),
        "Where nothing fits, the field is left out: return None.": Mistake(
            lambda offer, supported: _answer(offer, supported) or "",
            "an empty string would be a field without a name.",
        ),
        "Nobody offered that: where nothing fits, return None.": Mistake(
            lambda offer, supported: _answer(offer, supported) or supported[0],
            "return None where nothing fits.",
        ),
        "A text was searched for a part of it: superchat has chat in it.": Mistake(
            lambda offer, supported: next((n for n in supported if n in (offer or "")), None),
            "split the offer at its commas, and look each name up in that list.",
        ),
    },
    hints=(
        "what comes after a comma in the request? Look at it on the wire.",
        "there are three faults: spaces, capital letters, and more than one name in the answer.",
        "a client that offers nothing sends no field at all: offer is None.",
    ),
    rfc="RFC 6455 §4.2.2",
    praise="one name as it was offered, or no field.",
    solution="""\
def answer(offer, supported):
    names = [name.strip() for name in (offer or "").split(",")]
    for name in supported:
        if name in names:
            return name
    return None
""",
)


def _names(offer: str | None) -> list[str]:
    return [name.strip() for name in (offer or "").split(",")]


# --- Trace: read an offer and its answer

_window = Exercise(
    "window",
    "Whether that is how many bytes back the client's compressor may refer.",
    expected=lambda mystery: 1 << _bits(mystery, "client_max_window_bits"),
    mistakes={
        "That is the exponent: the window has 2 to the power of it.": Mistake(
            lambda mystery: _bits(mystery, "client_max_window_bits"),
            "2 ** bits is the size of the window in bytes.",
        ),
        "That is the window of the server's compressor.": Mistake(
            lambda mystery: 1 << _bits(mystery, "server_max_window_bits"),
            "client_… is about what the client sends.",
        ),
        "That is the largest window: it counts where the answer names none.": Mistake(
            lambda mystery: 1 << 15, "the answer decides, not the offer: which number is in it?"
        ),
    },
    hints=(
        "the answer decides, and client_… is about what the client sends.",
        "window bits are an exponent: 10 bits are 2 ** 10 bytes.",
    ),
    rfc="RFC 7692 §7.1.2",
    wrong="{what} is not the client's window in bytes.",
    untouched="two answers are needed: put them in place of the dots.",
)
_remembers = Exercise(
    "remembers",
    "Whether it is said rightly that the server's messages refer to earlier ones.",
    expected=lambda mystery: "server_no_context_takeover" not in _answered(mystery),
    mistakes={
        "no_context_takeover means that each message is compressed alone.": Mistake(
            lambda mystery: "server_no_context_takeover" in _answered(mystery),
            "look for server_no_context_takeover in the answer, and read its first word.",
        ),
    },
    hints=("server_… is about what the server sends.", "True or False: does it refer back?"),
    rfc="RFC 7692 §7.1.1",
    wrong="{what} is not what the answer says.",
    untouched="two answers are needed: put them in place of the dots.",
)


def _answered(mystery: Sequence[Unit]) -> dict[str, str]:
    """The parameters in the response, the second of the two units."""
    text = str(mystery[1].field("Sec-WebSocket-Extensions").value)
    pairs = [part.strip().partition("=") for part in text.split(";")[1:]]
    return {name: value for name, _, value in pairs}


def _bits(mystery: Sequence[Unit], name: str) -> int:
    return int(_answered(mystery).get(name) or 15)


def check_trace(window: Any, remembers: Any, mystery: Sequence[Unit]) -> Verdict:
    """Whether both are read rightly from this request and response."""
    for check, said in ((_window, window), (_remembers, remembers)):
        if not (verdict := check(said, mystery)):
            return verdict
    return solved("the response alone says what holds.", "RFC 7692 §5")


# --- Build: inflate the messages of one side


def _inflate(payloads: list[bytes]) -> list[str]:
    inflater = zlib.decompressobj(-15)
    return [inflater.decompress(one + b"\x00\x00\xff\xff").decode() for one in payloads]


def _payloads(*texts: str) -> tuple[list[bytes]]:
    deflater = Deflater()
    return ([deflater.deflate(text.encode()) for text in texts],)


def _without_the_tail(payloads: list[bytes]) -> list[str]:
    inflater = zlib.decompressobj(-15)
    return [inflater.decompress(one).decode() for one in payloads]


check_inflate = Exercise(
    "inflate",
    "Whether `inflate(payloads)` gives the texts of one side's compressed messages, in order.",
    cases=[
        _payloads("Hello"),
        _payloads("Hello", "Hello"),
        _payloads("Grüße", "to all of you", "Grüße to all of you"),
        _payloads(""),
    ],
    expected=_inflate,
    mistakes={
        "The four bytes 00 00 ff ff were left off by the sender: put them back.": Mistake(
            _without_the_tail,
            "inflater.decompress(payload + b'\\x00\\x00\\xff\\xff').",
            "RFC 7692 §7.2.2",
        ),
        "A message may refer to earlier ones: all need the same inflater.": Mistake(
            lambda payloads: [text for one in payloads for text in _inflate([one])],
            "make the decompressobj once, before the loop.",
            "RFC 7692 §7.2.2",
        ),
        "This is raw DEFLATE: it has no header of zlib's.": Mistake(
            lambda payloads: [
                zlib.decompressobj().decompress(one + b"\x00\x00\xff\xff").decode()
                for one in payloads
            ],
            "zlib.decompressobj(-15): the minus says that no header comes.",
        ),
        "Inflated, these are bytes still: a text message is UTF-8.": Mistake(
            lambda payloads: [text.encode() for text in _inflate(payloads)],
            ".decode() makes text of them.",
        ),
        "This is one text for all messages: each has its own.": Mistake(
            lambda payloads: ["".join(_inflate(payloads))],
            "one text for each payload, in a list.",
        ),
    },
    hints=(
        "three lines: an inflater, a loop over the payloads, a list of texts.",
        "zlib.decompressobj(-15) inflates raw DEFLATE with the largest window.",
        "the sender left off 00 00 ff ff: put it behind each payload.",
    ),
    rfc="RFC 7692 §7.2.2",
    praise="every message, also those that only point back.",
    call=lambda payloads: f"inflate({[one.hex(' ') for one in payloads]})",
    solution="""\
import zlib

def inflate(payloads):
    inflater = zlib.decompressobj(-15)  # once: it remembers what came before
    return [inflater.decompress(one + b"\\x00\\x00\\xff\\xff").decode() for one in payloads]
""",
)


# --- Trace and build: a packet of MQTT


def _publish(packet: bytes) -> tuple[str, bytes]:
    at = 1
    while packet[at] >= 0x80:
        at += 1
    at += 1
    size = int.from_bytes(packet[at : at + 2], "big")
    topic = packet[at + 2 : at + 2 + size].decode()
    qos = packet[0] >> 1 & 3
    return topic, packet[at + 2 + size + (2 if qos else 0) :]


def _publish_without_identifier(packet: bytes) -> tuple[str, bytes]:
    return _publish(bytes([packet[0] & 0xF9]) + packet[1:])


def _publish_with_identifier(packet: bytes) -> tuple[str, bytes]:
    return _publish(bytes([packet[0] | 2]) + packet[1:])


def _publish_of_short_packets(packet: bytes) -> tuple[str, bytes]:
    size = int.from_bytes(packet[2:4], "big")
    return packet[4 : 4 + size].decode(), packet[4 + size + (2 if packet[0] & 6 else 0) :]


def _publish_by_characters(packet: bytes) -> tuple[str, bytes]:
    topic, message = _publish(packet)
    whole = packet[packet.index(topic.encode()) :].decode("utf-8", "replace")
    size = len(topic.encode())
    return whole[:size], message


def _packet(topic: str, message: bytes, qos: int = 0) -> bytes:
    body = len(topic.encode()).to_bytes(2, "big") + topic.encode()
    body += b"\x00\x2a" * (qos > 0) + message
    length = bytes([len(body)])
    if len(body) > 127:
        length = bytes([len(body) & 0x7F | 0x80, len(body) >> 7])
    return bytes([0x30 | qos << 1]) + length + body


check_publish = Exercise(
    "publish",
    "Whether `publish(packet)` gives the topic and the message of an MQTT PUBLISH packet.",
    cases=[
        (_packet("room/3", b"20.5"),),
        (_packet("room/3", b"20.5", qos=1),),
        (_packet("Küche", b"21"),),
        (_packet("t", bytes(150), qos=2),),
        (_packet("a/b", b""),),
    ],
    expected=_publish,
    mistakes={
        "With QoS 1 or 2 a packet identifier of two bytes stands before the message.": Mistake(
            _publish_without_identifier,
            "qos = packet[0] >> 1 & 3, and where it is not 0, skip two bytes more.",
        ),
        "With QoS 0 there is no packet identifier.": Mistake(
            _publish_with_identifier,
            "qos = packet[0] >> 1 & 3, and only where it is not 0, skip two bytes more.",
        ),
        "The remaining length has more than one byte where its first bit is 1.": Mistake(
            _publish_of_short_packets,
            "walk on from byte 1 as long as the byte is 128 or more.",
            "MQTT 3.1.1 §2.2.3",
        ),
        "The topic's length counts bytes, and ü has two.": Mistake(
            _publish_by_characters, "cut the bytes first, then decode."
        ),
        "The topic is text: UTF-8.": Mistake(
            lambda packet: (_publish(packet)[0].encode(), _publish(packet)[1]),
            ".decode() makes text of the topic's bytes.",
        ),
        "The message may be anything: leave it as bytes.": Mistake(
            lambda packet: (_publish(packet)[0], _publish(packet)[1].decode("latin-1")),
            "without .decode().",
        ),
    },
    hints=(
        "open a PUBLISH in the wire above: its fields are what the function has to walk over.",
        "byte 0: type and QoS; then the remaining length; then the topic's length in two bytes.",
        "int.from_bytes(packet[at : at + 2], 'big') is the topic's length.",
    ),
    rfc="MQTT 3.1.1 §3.3",
    praise="with and without an identifier, short and long.",
    call=lambda packet: f"publish({packet[:12].hex(' ')}{' …' if len(packet) > 12 else ''})",
    solution="""\
def publish(packet):
    at = 1
    while packet[at] >= 0x80:  # the remaining length goes on
        at += 1
    at += 1
    size = int.from_bytes(packet[at : at + 2], "big")
    topic = packet[at + 2 : at + 2 + size].decode()
    at += 2 + size
    if packet[0] >> 1 & 3:  # QoS 1 or 2: a packet identifier
        at += 2
    return topic, packet[at:]
""",
)


# --- Build: a decoder of one's own


def _reading(message: bytes) -> list[tuple[str, int, object]]:
    number, tenths = int.from_bytes(message[1:3], "big"), int.from_bytes(message[3:5], "big")
    fields: list[tuple[str, int, object]] = [("type", 1, message[0]), ("sensor", 2, number)]
    fields.append(("tenths", 2, tenths))
    if len(message) > 5:
        fields.append(("place", len(message) - 5, message[5:].decode()))
    return fields


def _reading_little(message: bytes) -> list[tuple[str, int, object]]:
    swapped = message[:1] + message[2:0:-1] + message[4:2:-1] + message[5:]
    return _reading(swapped)


def _reading_by_characters(message: bytes) -> list[tuple[str, int, object]]:
    *fields, last = _reading(message)
    return [*fields, (last[0], len(str(last[2])), last[2]) if last[0] == "place" else last]


def _reading_with_place(message: bytes) -> list[tuple[str, int, object]]:
    fields = _reading(message)
    return fields if len(fields) == 4 else [*fields, ("place", 0, "")]


check_decode = Exercise(
    "decode",
    "Whether `decode(message)` gives the fields of a sensor's message: name, bytes, value.",
    cases=[
        (b"\x01\x01\x02\x00\xcd" + b"kitchen",),
        (b"\x01\x00\x07\x01\x00",),
        (b"\x02\x00\x01\x00\x64" + "Küche".encode(),),
    ],
    expected=_reading,
    mistakes={
        "The bytes of a number were read in the wrong order.": Mistake(
            _reading_little, 'int.from_bytes(…, "big"): the higher byte comes first.'
        ),
        "The place is missing: it is all that is left behind byte 4.": Mistake(
            lambda message: _reading(message)[:3], "message[5:] are its bytes."
        ),
        "A size is counted in bytes, and ü has two.": Mistake(
            _reading_by_characters, "take the length of the bytes, not of the text."
        ),
        "A field without bytes is no field: leave the place out where there is none.": Mistake(
            _reading_with_place, "add it only if len(message) > 5."
        ),
        "These are the places of the fields: what is wanted is how many bytes each has.": Mistake(
            lambda message: [
                (name, at, value)
                for at, (name, _, value) in zip((0, 1, 3, 5), _reading(message), strict=False)
            ],
            "1, 2, 2, and the rest.",
        ),
        "The place is text.": Mistake(
            lambda message: [
                (name, size, value.encode() if isinstance(value, str) else value)
                for name, size, value in _reading(message)
            ],
            ".decode() makes text of its bytes.",
        ),
    },
    hints=(
        "a list of four: type, sensor, tenths, place, each with its size and its value.",
        'message[1:3] are the sensor\'s two bytes; int.from_bytes(message[1:3], "big") its number.',
        "the place is what is left, message[5:], as text; leave it out where nothing is left.",
    ),
    praise="now give it to the wire.",
    call=lambda message: f"decode({message.hex(' ')})",
    solution="""\
def decode(message):
    fields = [
        ("type", 1, message[0]),
        ("sensor", 2, int.from_bytes(message[1:3], "big")),
        ("tenths", 2, int.from_bytes(message[3:5], "big")),
    ]
    if len(message) > 5:
        fields.append(("place", len(message) - 5, message[5:].decode()))
    return fields
""",
)


SOLUTIONS = Solutions(check_choose, check_answer, check_inflate, check_publish, check_decode)

solution = SOLUTIONS.show
