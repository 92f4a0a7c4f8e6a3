"""The exercises of the lesson on secure WebSockets: records of TLS, and who may be trusted."""

from __future__ import annotations

import ssl
import time
from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

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
    wrong="the ClientHello says something else.",
    praise="before anything is encrypted, the client has told everybody whom it wants to talk to.",
)


# --- Whom do you trust? Bug hunt: a context that checks nothing

AUTHORITY = """\
-----BEGIN CERTIFICATE-----
MIIB6TCCAY+gAwIBAgIUSohYUNjof7iFhepjEYdkjoYfkdswCgYIKoZIzj0EAwIw
UDEOMAwGA1UECgwFd3NsYWIxPjA8BgNVBAsMNWFuIGF1dGhvcml0eSBmb3IgYW4g
ZXhlcmNpc2U7IGl0cyBrZXkgd2FzIHRocm93biBhd2F5MCAXDTAwMDEwMTAwMDAw
MFoYDzMwMDAwMTAxMDAwMDAwWjBQMQ4wDAYDVQQKDAV3c2xhYjE+MDwGA1UECww1
YW4gYXV0aG9yaXR5IGZvciBhbiBleGVyY2lzZTsgaXRzIGtleSB3YXMgdGhyb3du
IGF3YXkwWTATBgcqhkjOPQIBBggqhkjOPQMBBwNCAAQX2p9gnBOWDJwzze9S9/1o
hY8kr4oZnWxGCojg6Hc/4Xhf7s28pgIYhWDO20FDQOIkgLbjtbT7bpIMF94bvYeE
o0UwQzAdBgNVHQ4EFgQUVVnfjCPIdNi67T3VkjYYJQf/lFQwEgYDVR0TAQH/BAgw
BgEB/wIBCTAOBgNVHQ8BAf8EBAMCAYYwCgYIKoZIzj0EAwIDSAAwRQIgDn3sY59s
SoBCVtu+nmifF2S210/Pf1nWrSkV/ZmTNjECIQD2iQ/AjfKDC93UrWYJrMCnwwXz
sb0Ku1FMiMCLiaUo1g==
-----END CERTIFICATE-----
"""
"""The certificate of an authority whose key nobody has any more."""


def _checks(function: Callable[[str], Any], authority: str) -> Any:
    """What a client with this context asks for and knows, in words."""
    with TemporaryDirectory() as folder:
        file = Path(folder, "authority.pem")
        file.write_text(authority, "ascii")
        context = function(str(file))
    if not isinstance(context, ssl.SSLContext):
        return context
    if context.protocol is ssl.PROTOCOL_TLS_SERVER:
        return ["nothing: it is a server's"]
    ours = ssl.PEM_cert_to_DER_cert(authority)
    told = {
        "who signed": context.verify_mode is not ssl.CERT_NONE,
        "which host": context.check_hostname,
        "your authority": ours in context.get_ca_certs(binary_form=True),
    }
    return [what for what, true in told.items() if true]


def _context(
    file: str, *, cafile: bool = True, host: bool = True, signed: bool = True, server: bool = False
) -> ssl.SSLContext:
    """The right context; the mistakes change one thing each."""
    purpose = ssl.Purpose.CLIENT_AUTH if server else ssl.Purpose.SERVER_AUTH
    context = ssl.create_default_context(purpose, cafile=file if cafile else None)
    if not host:
        context.check_hostname = False
    if not signed:
        context.verify_mode = ssl.CERT_NONE
    return context


check_context = Exercise(
    "context",
    "Whether a client with `context(file)` connects to your server, and to nobody else.",
    cases=[(AUTHORITY,)],
    expected=_context,
    use=_checks,
    mistakes={
        "It checks nothing: whoever stands on the way may pose as your server.": Mistake(
            lambda file: _context(file, host=False, signed=False),
            "which two lines switch a check off?",
            "RFC 9525 §6.1",
        ),
        "It asks who signed, and not for which host: a certificate of your authority for any "
        "other host gets in.": Mistake(
            lambda file: _context(file, host=False), "leave check_hostname alone.", "RFC 9525 §6.1"
        ),
        "It checks well and trusts the public authorities, not yours: your own server is "
        "refused.": Mistake(
            lambda file: _context(file, cafile=False), "the file has to go in somewhere."
        ),
        "This is a server's context: it asks clients for nothing, and knows no host.": Mistake(
            lambda file: _context(file, server=True, host=False, signed=False),
            "Purpose.SERVER_AUTH is for those who check servers, and it is the default.",
        ),
    },
    hints=(
        "read each line, and ask: what would be checked without it?",
        "create_default_context checks who signed, for which host, and until when.",
        "ssl.create_default_context(cafile=file) is all.",
    ),
    rfc="RFC 9525 §6.1",
    call="context(file)",
    wrong="a client with this context would not connect to your server alone.",
    praise="it knows your authority, and checks the host and the dates as well.",
    solution="""\
def context(file):
    return ssl.create_default_context(cafile=file)
""",
)

# --- Whom do you trust? Build: what is wrong with a certificate

CERTIFICATE = {
    "subject": ((("organizationName", "The Shop"),), (("commonName", "shop-old.example"),)),
    "issuer": ((("organizationName", "An Authority"),),),
    "version": 3,
    "serialNumber": "53CD20A1DE5A4D69F1BA64D0A2D8C52E86F1F7BC",
    "notBefore": "Sep  2 00:00:00 2026 GMT",
    "notAfter": "Dec  1 00:00:00 2026 GMT",
    "subjectAltName": (
        ("DNS", "shop.example"),
        ("DNS", "*.cdn.example"),
        ("IP Address", "192.0.2.7"),
    ),
}
"""As `getpeercert()` of Python's `ssl` gives it."""


def _fault(
    certificate: Any, host: str, now: float, *, wildcard: str = "one label", case: bool = True,
    ip: bool = True, common: bool = False, before: bool = True, as_text: bool = False,
) -> str:  # fmt: skip
    """What is wrong with a certificate; the mistakes change one thing each."""
    names = [name for kind, name in certificate["subjectAltName"] if ip or kind == "DNS"]
    if common:
        names = [value for part in certificate["subject"] for key, value in part if "common" in key]
    host = host.lower() if case else host
    _, _, rest = host.partition(".")
    fits = {
        "one label": lambda name: name in (host, f"*.{rest}"),
        "any number": lambda name: name == host or host.endswith(name.lstrip("*")),
        "none": lambda name: name == host,
        "the bare host too": lambda name: name in (host, f"*.{rest}", f"*.{host}"),
    }[wildcard]
    if not any(fits(name) for name in names):
        return "wrong host"
    begins, ends = certificate["notBefore"], certificate["notAfter"]
    if as_text:
        return "expired" if time.strftime("%b %e %H:%M:%S %Y GMT", time.gmtime(now)) > ends else ""
    if before and now < ssl.cert_time_to_seconds(begins):
        return "not valid yet"
    return "expired" if now > ssl.cert_time_to_seconds(ends) else ""


def _with(**changes: Any) -> Callable[[Any, str, float], str]:
    return lambda certificate, host, now: _fault(certificate, host, now, **changes)


_TODAY = 1795953600  # 2026-11-29 12:00 UTC
_DAY = 86_400

check_fault = Exercise(
    "fault",
    'Whether `fault(certificate, host, now)` gives "wrong host", "not valid yet", "expired" or "".',
    cases=[
        (CERTIFICATE, host, now)
        # In the first ones a single mistake shows at a time.
        for host, now in (
            ("evil.example", _TODAY),
            ("shop-old.example", _TODAY),
            ("shop.example", _TODAY),
            ("pictures.cdn.example", _TODAY),
            ("a.pictures.cdn.example", _TODAY),
            ("cdn.example", _TODAY),
            ("192.0.2.7", _TODAY),
            ("Shop.Example", _TODAY),
            ("myshop.example", _TODAY),
            ("shop.example.evil.example", _TODAY),
            ("shop.example", _TODAY + 3 * _DAY),
            ("shop.example", _TODAY - 89 * _DAY),
            ("shop.example", _TODAY - 30 * _DAY),
        )
    ],
    expected=_fault,
    mistakes={
        "subjectAltName has pairs, and no name is equal to a pair.": Mistake(
            lambda certificate, host, now: "wrong host", "for kind, name in ..."
        ),
        "A wildcard stands for a name in front, and is no name itself.": Mistake(
            _with(wildcard="none"), "compare the part behind the first dot as well."
        ),
        "A wildcard stands for one label, and here are two in front.": Mistake(
            _with(wildcard="any number"), 'host.partition(".") gives the first label and the rest.'
        ),
        "A wildcard needs something in front: the bare host is not meant.": Mistake(
            _with(wildcard="the bare host too"), "*.cdn.example is not cdn.example."
        ),
        "Host names know no capitals.": Mistake(_with(case=False), "host.lower()"),
        "An address is among the names too, as an IP Address.": Mistake(
            _with(ip=False), "look at all pairs, not only at those with DNS."
        ),
        "The commonName of the subject is for people: clients no longer look at it.": Mistake(
            _with(common=True), "the names are in subjectAltName.", "RFC 9525 §2"
        ),
        "A certificate also has a day before which it is not valid.": Mistake(
            _with(before=False), "compare with notBefore as well."
        ),
        "Dates as text are in the order of the alphabet: Dec comes before Nov.": Mistake(
            _with(as_text=True, before=False), "ssl.cert_time_to_seconds(text) makes a number."
        ),
    },
    hints=(
        "first the names, then the two dates.",
        'a host fits a name that is equal, or that is "*." and all behind its first dot.',
        "ssl.cert_time_to_seconds(certificate['notAfter']) is comparable with now.",
    ),
    rfc="RFC 9525 §6.3",
    call=lambda certificate, host, now: (
        f"fault(certificate, {host!r}, {time.strftime('%Y-%m-%d', time.gmtime(now))})"
    ),
    praise="{count} cases, and OpenSSL says the same.",
    solution="""\
def fault(certificate, host, now):
    host = host.lower()
    names = [name for _, name in certificate["subjectAltName"]]
    first, _, rest = host.partition(".")
    if host not in names and f"*.{rest}" not in names:
        return "wrong host"
    if now < ssl.cert_time_to_seconds(certificate["notBefore"]):
        return "not valid yet"
    if now > ssl.cert_time_to_seconds(certificate["notAfter"]):
        return "expired"
    return ""
""",
)

SOLUTIONS = Solutions(check_context, check_fault)

solution = SOLUTIONS.show
