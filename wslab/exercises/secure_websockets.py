"""The exercises of the lesson on secure WebSockets: records of TLS, and who may be trusted."""

from __future__ import annotations

from wslab.exercises.exercise import Exercise, Mistake, Solutions
from wslab.exercises.question import Question
from wslab.wire import encode_frame

QUESTIONS = {
    "eavesdropper": Question(
        "Somebody in the same café records what crosses the network. What can be read of a "
        "conversation over wss?",
        (
            "Nothing at all",
            "The server's name, and how much crosses when",
            "All but the messages: the path and the headers are not encrypted",
        ),
        1,
        (
            "Before there are keys, something must be said without them.",
            "The first record names the server, and every record says how long it is.",
            "HTTP begins after TLS: the whole handshake of the WebSocket is inside.",
        ),
        "RFC 8446 §4.1.2",
    ),
    "length": Question(
        "A program asks, and there are three answers to click on: “yes”, “no, thank you” and "
        "“perhaps tomorrow”. The answer is sent over wss. What does an eavesdropper learn?",
        (
            "That something was answered, and no more",
            "How long the answer is, but not which: many texts have that length",
            "The answer",
        ),
        2,
        (
            "A record says how long it is, in two bytes that are not encrypted.",
            "Many texts have, but only three are possible, and each is of another length.",
            "The lengths differ, and everybody may know the program.",
        ),
        "RFC 8446 §5.4",
    ),
    "keys": Question(
        "You have recorded a conversation over TLS 1.3, and nobody kept its keys. A year later the "
        "private key of the server's certificate is stolen. Can the thief read your recording?",
        (
            "Yes: what was encrypted with the certificate's key can be decrypted with it",
            "No: that key only signs. The keys of the conversation are gone",
            "Only what the client sent",
        ),
        1,
        (
            "TLS 1.3 encrypts nothing with it. It proves who the server is.",
            "Both sides made keys for this connection and forgot them: forward secrecy.",
            "Each direction has keys of its own, and all of them are gone.",
        ),
        "RFC 8446 §1.2",
    ),
}
"""By name; `lab.ask(name)` shows one."""

# --- Predict: how long is a record

_SEALED = 5 + 1 + 16
_SENT = (("yes", True), ("yes", False), ("Grüße", True), ("", True))
"""Messages, and whether it is the client who sends them."""


def _records(tls: int = _SEALED, frame: int = 2, key: int = 4, letters: bool = False) -> list[int]:
    """The lengths, with these bytes for TLS, for a frame's first two bytes and for its key."""
    return [
        tls + frame + (key if masked else 0) + len(text if letters else text.encode())
        for text, masked in _SENT
    ]


check_records = Exercise(
    "records",
    "Whether these are the bytes of the four records, one after the other.",
    expected=lambda *_: [
        _SEALED + len(encode_frame(1, text.encode(), masking_key=bytes(4) if masked else None))
        for text, masked in _SENT
    ],
    mistakes={
        "That is the payload in a record. The frame's header is in it, too.": Mistake(
            lambda *_: _records(frame=0, key=0), "which bytes does a frame begin with?"
        ),
        "A client masks its frames, inside TLS as well: four bytes more.": Mistake(
            lambda *_: _records(key=0), "which of the four come from the client?"
        ),
        "A server masks nothing: the second record is shorter.": Mistake(
            lambda *_: [_records()[0], _records()[0], *_records()[2:]],
            "whose frames have a masking key?",
        ),
        "These are letters: in UTF-8, ü and ß take two bytes each.": Mistake(
            lambda *_: _records(letters=True), '"Grüße".encode() gives the bytes.'
        ),
        "This is the frame alone, as ws would carry it. What does TLS add?": Mistake(
            lambda *_: _records(tls=0), "a header of 5 bytes, a type of 1, a tag of 16."
        ),
        "The header is there. TLS 1.3 also adds the true type and the tag, 17 bytes.": Mistake(
            lambda *_: _records(tls=5), "what is encrypted is followed by its tag."
        ),
        "The record's own header is missing: 5 bytes, which are not encrypted.": Mistake(
            lambda *_: _records(tls=17), "content type, version, length: how many bytes?"
        ),
    },
    hints=(
        "first the frame: two bytes, the masking key if a client sends it, the text in UTF-8.",
        "then TLS: 5 bytes of header in front, 1 byte of type and 16 of tag behind.",
        "22 more than the frame. The frame of the client's yes has 9 bytes.",
    ),
    rfc="RFC 8446 §5.2",
    read=lambda value: list(value) if isinstance(value, tuple) else value,
    wrong="the records have other lengths.",
    praise="encrypted, and yet you know the length to the byte. So does an eavesdropper.",
)

# --- Trace: what a ClientHello says

HELLO = bytes.fromhex(
    "16 0301 0060"
    "01 00005c 0303" + "5a" * 32 + "00 0004 1301 1302 01 00 002f"
    "0010 000b 0009 08 687474702f312e31"
    "0000 0013 0011 00 000e 67617264656e2e6578616d706c65"
    "002b 0005 04 0304 0303"
)
"""A ClientHello: three extensions, and the name of the server in the second."""

check_hello = Exercise(
    "hello",
    "Whether these are the record's bytes, the server's name and the newest version.",
    expected=lambda *_: [len(HELLO), "garden.example", "1.3"],
    mistakes={
        "The length says how many bytes follow; the record has its header as well.": Mistake(
            lambda *_: [len(HELLO) - 5, "garden.example", "1.3"], "add the header's 5 bytes."
        ),
        "That length is the message's, three bytes behind its type.": Mistake(
            lambda *_: [len(HELLO) - 9, "garden.example", "1.3"],
            "the record's length is in bytes 3 and 4.",
        ),
        "That is the protocol to speak (ALPN, extension 16), not the server's name.": Mistake(
            lambda *_: [len(HELLO), "http/1.1", "1.3"], "look for extension 0: 00 00."
        ),
        "The record's version is frozen: it says 1.0 for old devices' sake.": Mistake(
            lambda *_: [len(HELLO), "garden.example", "1.0"],
            "look for extension 43, which is 2b in hexadecimal.",
        ),
        "The hello's own version is frozen as well, at 1.2.": Mistake(
            lambda *_: [len(HELLO), "garden.example", "1.2"],
            "extension 43 lists versions; the newest counts.",
        ),
        "The name has 14 bytes: the two in front of it say so.": Mistake(
            lambda *_: [len(HELLO), "garden.exampl", "1.3"], "00 0e is 14."
        ),
    },
    hints=(
        "type (1 byte), version (2), length (2): what follows has 0x60 bytes.",
        "an extension is a number (2 bytes), a length (2) and its data. Name: 0; versions: 43.",
        "in the name's extension: list length (2), type (1), name length (2), and the name.",
    ),
    rfc="RFC 6066 §3",
    read=lambda value: list(value) if isinstance(value, tuple) else value,
    wrong="the ClientHello says something else.",
    praise="before anything is encrypted, the client has told everybody whom it wants to talk to.",
)


SOLUTIONS = Solutions()

solution = SOLUTIONS.show
