"""The exercises of the handshake lesson: questions, checks, hints in steps, solutions for after."""

from __future__ import annotations

import base64
import hashlib
import os

from wslab.exercises.exercise import CallResult, Exercise, Mistake, Solutions
from wslab.exercises.question import Question
from wslab.exercises.verdict import Verdict, not_yet, solved
from wslab.wire import GUID, Capture, Unit, accept_key

RFC_KEY = "dGhlIHNhbXBsZSBub25jZQ=="
"""The key of the example in RFC 6455 §1.3."""

QUESTIONS = {
    "requests": Question(
        "You connect once and then send 100 messages. How many HTTP requests cross the wire?",
        ("1", "100", "101", "None: WebSocket is not HTTP"),
        0,
        (
            "One, to open the door. From the 101 on, the same TCP connection carries frames, and "
            "no HTTP at all.",
            "That is how polling works. A message here is a frame of a few bytes, no request.",
            "The first one is right; the other hundred are frames, not requests.",
            "Nearly: it stops being HTTP, but only after the server has said 101.",
        ),
        "RFC 6455 §1.2",
    ),
    "key": Question(
        "What is Sec-WebSocket-Key good for?",
        (
            "It encrypts the messages",
            "It logs the client in",
            "It shows that the answer is from a server that understood this very request",
            "It masks the frames",
        ),
        2,
        (
            "Nothing is encrypted by it: it crosses in the clear, and so does everything after it. "
            "Encryption is TLS, and the address then starts with wss://.",
            "Anybody may make one up. A login is a cookie (a note that the site gave your "
            "browser), a token or a message of your own.",
            "Only somebody who took the key and worked through the recipe can answer so. A "
            "web server that knows no WebSocket cannot, and neither can a cache, which keeps "
            "answers and gives them again.",
            "Frames are masked too, but each with a key of its own, which stands in the frame.",
        ),
        "RFC 6455 §1.3",
    ),
    "origin": Question(
        "You are logged in at bank.example. A page of evil.example runs "
        "new WebSocket('wss://bank.example/account'). Who can stop it?",
        (
            "The browser: the same-origin policy forbids it",
            "CORS: the bank's server did not allow it",
            "The bank's server, by looking at Origin",
            "Sec-WebSocket-Key",
        ),
        2,
        (
            "Not for WebSocket: any page may open a connection to any server, and the browser "
            "sends the bank's cookies along.",
            "CORS rules fetch and XMLHttpRequest. A WebSocket handshake does not ask for it.",
            "The browser writes the true Origin into the request and no script can change it. "
            "Whoever does not check it lets every page act as the logged-in user.",
            "The browser makes up a key for evil.example's connection as for any other.",
        ),
        "RFC 6455 §10.2",
    ),
    "phrase": Question(
        "A server answers HTTP/1.1 101 Bananas, and all its headers are right. What does a client "
        "do?",
        ("It refuses: the phrase is wrong", "It opens the connection", "It asks again"),
        1,
        (
            "The phrase behind the number is for people. A client must not care.",
            "The number 101 is what counts. Part 8 has such a server, other-phrase. Try it there: "
            "the connection opens.",
            "No client asks again by itself.",
        ),
        "RFC 9112 §4",
    ),
}
"""By name; `lab.ask(name)` shows one."""

# --- Compute the accept key


def new_key() -> str:
    return base64.b64encode(os.urandom(16)).decode()


def _sha1(data: bytes) -> hashlib._Hash:
    return hashlib.sha1(data, usedforsecurity=False)


def _hashed(data: bytes) -> str:
    return base64.b64encode(_sha1(data).digest()).decode()


check_accept = Exercise(
    "accept",
    "Whether `accept(key)` gives the Sec-WebSocket-Accept, for the RFC's key and for new ones.",
    cases=lambda: [(key,) for key in (RFC_KEY, new_key(), new_key(), new_key())],
    expected=accept_key,
    mistakes={
        "Right bytes, but a header is text: .decode() them.": Mistake(
            lambda key: accept_key(key).encode(),
            "base64.b64encode(...) gives bytes, and the header wants text: .decode().",
        ),
        "This is the base64 of the hash written in hex. base64 wants the 20 bytes: .digest().": (
            lambda key: base64.b64encode(_sha1((key + GUID).encode()).hexdigest().encode()).decode()
        ),
        "base64 writes a line end behind it here: encodebytes and encode do, b64encode does not.": (
            lambda key: base64.encodebytes(_sha1((key + GUID).encode()).digest()).decode()
        ),
        "The hash is right, but in hex: the header wants it in base64.": (
            lambda key: _sha1((key + GUID).encode()).hexdigest()
        ),
        "The GUID is missing: this hash is of the key alone.": lambda key: _hashed(key.encode()),
        "The wrong way round: first the key, then the GUID.": (
            lambda key: _hashed((GUID + key).encode())
        ),
        "The GUID is in capital letters.": lambda key: _hashed((key + GUID.lower()).encode()),
        "There is a line end in what you hashed.": (
            lambda key: _hashed((key + GUID + "\n").encode())
        ),
        "SHA-1, not SHA-256.": (
            lambda key: base64.b64encode(hashlib.sha256((key + GUID).encode()).digest()).decode()
        ),
        "base64 alone is no hash: SHA-1 comes first.": (
            lambda key: base64.b64encode((key + GUID).encode()).decode()
        ),
        "The key was decoded first. It goes in as it stands in the header, 24 characters.": (
            lambda key: _hashed(base64.b64decode(key) + GUID.encode())
        ),
        "sha1 wants bytes: turn the text into bytes with .encode().": (
            lambda key: _sha1(key + GUID)
        ),
    },
    hints=(
        "three steps: put key and GUID together, hash them with SHA-1, write the hash in base64.",
        "hashlib.sha1(some_bytes).digest() gives the 20 bytes; .encode() turns text into bytes.",
        "base64.b64encode(...) gives bytes, and the header wants text: .decode().",
    ),
    rfc="RFC 6455 §4.2.2",
    wrong="{what} is not what the server must answer.",
    praise="the example of the RFC and 3 new keys: each answer is right. "
    "With these lines a server has proved that it speaks WebSocket.",
    solution="""\
import base64, hashlib

def accept(key):
    joined = key + "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"
    digest = hashlib.sha1(joined.encode()).digest()
    return base64.b64encode(digest).decode()
""",
)

# --- Read a response and find what is wrong with it

_CULPRITS = {
    "accept-wrong": "Sec-WebSocket-Accept",
    "accept-missing": "Sec-WebSocket-Accept",
    "response-upgrade-missing": "Upgrade",
    "response-upgrade-not-websocket": "Upgrade",
    "response-connection-missing": "Connection",
    "response-connection-not-upgrade": "Connection",
    "subprotocol-not-offered": "Sec-WebSocket-Protocol",
    "extension-not-offered": "Sec-WebSocket-Extensions",
}


def _culprit(header: object, response: Unit) -> Verdict:
    broken = [violation for violation in response.violations if violation.rule in _CULPRITS]
    if not isinstance(header, str) or not header.strip():
        return not_yet("no header named yet: put its name between the quotation marks.")
    if not broken:
        return not_yet("this response breaks no rule: look at another one.")
    name = header.strip().rstrip(":").lower()
    if name in [_CULPRITS[violation.rule].lower() for violation in broken]:
        return solved(broken[0].text, broken[0].rfc)
    there = any(field.name.lower() == name for field in response.fields)
    hint = {
        "upgrade": "Upgrade must say websocket, in any case; this one does. Look at the others.",
        "connection": "Connection must hold upgrade; this one does. Look at the others.",
    }.get(name, "three headers of a response are checked: Upgrade, Connection, and which third?")
    return not_yet(
        f"{header.strip()} is as it should be."
        if there
        else f"{header.strip()} is not in the response, and it need not be.",
        hint=hint,
    )


check_culprit = Exercise(
    "culprit",
    "Whether `header` is the one that makes a client refuse this recorded response.",
    judge=_culprit,
    hints=(
        "a client checks four things: the status, Upgrade, Connection and Sec-WebSocket-Accept.",
        "compare with the good response below it, line by line.",
        "one of the four can only be checked with the key of the request: accept(key) from above.",
    ),
    rfc="RFC 6455 §4.1",
    untouched="no header named yet: put its name between the quotation marks.",
)

# --- Repair a server's answer

_ANSWER_FAULTS = {
    "accept-wrong": "the accept key is made from the key as it stands in the header, and the GUID.",
    "accept-missing": "which line of the good response above is not in yours?",
    "response-upgrade-missing": "which line of the good response above is not in yours?",
    "response-connection-missing": "which line of the good response above is not in yours?",
    "response-upgrade-not-websocket": "compare your Upgrade with that of the good response above.",
    "response-connection-not-upgrade": (
        "compare your Connection with that of the good response above."
    ),
}
"""Hints by the rule that the answer breaks."""


def request_with(key: str) -> bytes:
    return (
        "GET / HTTP/1.1\r\nHost: 127.0.0.1\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        f"Sec-WebSocket-Key: {key}\r\nSec-WebSocket-Version: 13\r\n\r\n"
    ).encode()


def answer_fault(response: object, request: bytes) -> Verdict | None:
    """The first fault of a response to this request; None where a client accepts it."""
    if not isinstance(response, bytes):
        return not_yet(
            f"expected bytes, got {type(response).__name__}: the wire carries bytes only.",
            hint="text.encode() makes bytes of a text.",
        )
    capture = Capture()
    connection = capture.open_connection()
    capture.record(connection, "client", request)
    capture.record(connection, "server", response)
    index = capture.index
    line = response.partition(b"\r\n")[0]
    if b"\r\n\r\n" in response and b" 101 " not in line + b" ":
        return not_yet(
            f"the client reads {line[:60].decode('latin-1')!r}, and only 101 opens the door.",
            rfc="RFC 6455 §4.1",
            hint="compare your first line with that of the good response.",
        )
    if len(index) < 2:
        said = response.rstrip()
        return not_yet(
            "the response never ends: a client would wait until its timeout.",
            response[max(0, len(said) - 4) :],
            said[-4:] + b"\r\n\r\n",
            "Each line ends with \\r\\n, and an empty line ends the head: \\r\\n\\r\\n.",
            "RFC 9112 §2.1",
            "what stands behind the last header of the good response above?",
        )
    unit = index.unit(1)
    if unit.violations:
        rule = unit.violations[0]
        got = expected = None
        misconception = ""
        if rule.rule == "accept-wrong":
            got = str(unit.field("Sec-WebSocket-Accept").value)
            key = str(index.unit(0).field("Sec-WebSocket-Key").value)
            expected = accept_key(key)
            misconception, _, _ = check_accept.recognise([((key,), CallResult(got))])
        return not_yet(
            rule.text, got, expected, misconception, rule.rfc, _ANSWER_FAULTS.get(rule.rule, "")
        )
    if index.state(connection) != "OPEN":
        return not_yet(
            f"the client reads {unit.field('status line').value!r}, and only 101 opens the door.",
            rfc="RFC 6455 §4.1",
            hint="compare your first line with that of the good response.",
        )
    if index.incomplete(connection, "server") or len(index) > 2:
        return not_yet(
            "there are bytes behind the empty line, and after a 101 they are frames already.",
            hint="leave out everything after \\r\\n\\r\\n.",
        )
    return None


check_answer = Exercise(
    "answer",
    "Whether `answer(request)` gives a response that a client accepts; tells the first fault.",
    cases=lambda: [(request_with(RFC_KEY),), (request_with(new_key()),)],
    judge=answer_fault,
    hints=(
        "the client waits for the empty line before it believes that the response is all there.",
        "read the three headers aloud and compare them with the good response above.",
        "the accept key is made from the key as it stands in the header.",
    ),
    rfc="RFC 6455 §4.2.2",
    praise="a client opens the connection on this answer. Let a real one try: the next cell.",
    call="answer(request)",
    solution="""\
import base64, hashlib

def answer(request):
    for line in request.decode().split("\\r\\n"):
        name, _, value = line.partition(": ")
        if name.lower() == "sec-websocket-key":
            key = value
    joined = key + "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"
    accept = base64.b64encode(hashlib.sha1(joined.encode()).digest()).decode()
    return (
        "HTTP/1.1 101 Switching Protocols\\r\\n"
        "Upgrade: websocket\\r\\n"
        "Connection: Upgrade\\r\\n"
        f"Sec-WebSocket-Accept: {accept}\\r\\n"
        "\\r\\n"
    ).encode()
""",
)


SOLUTIONS = Solutions(check_accept, check_answer)

solution = SOLUTIONS.show
