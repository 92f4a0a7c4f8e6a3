"""The exercises of the handshake lesson: questions, checks, hints in steps, solutions for after."""

from __future__ import annotations

import base64
import hashlib
import os
from collections.abc import Callable

from wslab.exercises.hints import ONLY_THIS, Hints
from wslab.exercises.question import Question
from wslab.exercises.solutions import Solutions
from wslab.exercises.verdict import Verdict
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


def check_accept(accept: Callable[[str], object]) -> Verdict:
    """Whether `accept(key)` gives the Sec-WebSocket-Accept, for the RFC's key and for new ones."""
    keys = [RFC_KEY] + [base64.b64encode(os.urandom(16)).decode() for _ in range(3)]
    for key in keys:
        expected = accept_key(key)
        try:
            got = accept(key)
        except Exception as error:
            return Verdict.raised(
                f"accept({key!r})",
                error,
                *(
                    (_accept_hints.next(ONLY_THIS), _TEXT_TO_SHA1)
                    if isinstance(error, TypeError) and "encod" in str(error).lower()
                    else (_accept_hints.next(), "")
                ),
            )
        if got is ...:
            return Verdict(
                False,
                "the dots are still there: put your own expression in their place.",
                hint=_accept_hints.first,
            )
        if got != expected:
            misconception = _accept_misconception(key, got)
            own = ONLY_THIS if misconception and isinstance(got, str) else ""
            if isinstance(got, bytes):
                own = _accept_hints.steps[2]
            return Verdict(
                False,
                f"accept({key!r}) is not what the server must answer.",
                got,
                expected,
                misconception,
                "RFC 6455 §4.2.2",
                _accept_hints.next(own),
            )
    return Verdict(
        True,
        f"the example of the RFC and {len(keys) - 1} new keys: each answer is right. "
        "With these lines a server has proved that it speaks WebSocket.",
        rfc="RFC 6455 §1.3",
    )


_accept_hints = Hints(
    "three steps: put key and GUID together, hash them with SHA-1, write the hash in base64.",
    "hashlib.sha1(some_bytes).digest() gives the 20 bytes; .encode() turns text into bytes.",
    "base64.b64encode(...) gives bytes, and the header wants text: .decode().",
    "solution('accept') shows one.",
)


_TEXT_TO_SHA1 = "sha1 wants bytes: turn the text into bytes with .encode()."


def _accept_misconception(key: str, got: object) -> str:
    joined = (key + GUID).encode()
    digest = hashlib.sha1(joined, usedforsecurity=False)
    if got is None:
        return "The function returned nothing: it needs a return."
    if isinstance(got, bytes) and got.decode("ascii", "replace") == accept_key(key):
        return "Right bytes, but a header is text: .decode() them."
    if not isinstance(got, str):
        return f"Expected text (str), got {type(got).__name__}."
    mistakes = {
        base64.b64encode(digest.hexdigest().encode()).decode(): (
            "This is the base64 of the hash written in hex. base64 wants the 20 bytes: .digest()."
        ),
        digest.hexdigest(): "The hash is right, but in hex: the header wants it in base64.",
        _accept_of(key.encode()): "The GUID is missing: this hash is of the key alone.",
        _accept_of((GUID + key).encode()): "The wrong way round: first the key, then the GUID.",
        _accept_of((key + GUID.lower()).encode()): "The GUID is in capital letters.",
        _accept_of((key + GUID + "\n").encode()): "There is a line end in what you hashed.",
        base64.b64encode(hashlib.sha256(joined).digest()).decode(): "SHA-1, not SHA-256.",
        base64.b64encode(joined).decode(): "base64 alone is no hash: SHA-1 comes first.",
    }
    try:
        decoded = base64.b64decode(key)
        mistakes[_accept_of(decoded + GUID.encode())] = (
            "The key was decoded first. It goes in as it stands in the header, 24 characters."
        )
    except ValueError:
        pass
    return mistakes.get(got, "")


def _accept_of(data: bytes) -> str:
    return base64.b64encode(hashlib.sha1(data, usedforsecurity=False).digest()).decode()


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


def check_culprit(header: str, response: Unit) -> Verdict:
    """Whether `header` is the one that makes a client refuse this recorded response."""
    guilty = [_CULPRITS[v.rule] for v in response.violations if v.rule in _CULPRITS]
    if not isinstance(header, str) or not header.strip() or header.strip() == "...":
        return Verdict(
            False,
            "no header named yet: put its name between the quotation marks.",
            hint=_culprit_hints.first,
        )
    if not guilty:
        return Verdict(False, "this response breaks no rule: look at another one.")
    if header.strip().rstrip(":").lower() in [name.lower() for name in guilty]:
        rule = next(v for v in response.violations if v.rule in _CULPRITS)
        return Verdict(True, f"{rule.text}", rfc=rule.rfc)
    there = any(field.name.lower() == header.strip().lower() for field in response.fields)
    return Verdict(
        False,
        f"{header.strip()} is as it should be."
        if there
        else f"{header.strip()} is not in the response, and it need not be.",
        rfc="RFC 6455 §4.1",
        hint=_culprit_hints.next(),
    )


_culprit_hints = Hints(
    "a client checks four things: the status, Upgrade, Connection and Sec-WebSocket-Accept.",
    "compare with a good response, line by line: lab.find('response', number=0).data",
    "one of the four can only be checked with the key of the request: accept(key) from above.",
)


# --- Repair a server's answer


def check_answer(answer: Callable[[bytes], object]) -> Verdict:
    """Whether `answer(request)` gives a response that a client accepts; tells the first fault."""
    for key in (RFC_KEY, base64.b64encode(os.urandom(16)).decode()):
        request = (
            "GET / HTTP/1.1\r\nHost: 127.0.0.1\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
            f"Sec-WebSocket-Key: {key}\r\nSec-WebSocket-Version: 13\r\n\r\n"
        ).encode()
        try:
            response = answer(request)
        except Exception as error:
            return Verdict.raised("answer(request)", error, _answer_hints.next())
        if not isinstance(response, bytes):
            return Verdict(
                False,
                f"expected bytes, got {type(response).__name__}: the wire carries bytes only.",
                hint="text.encode() makes bytes of a text.",
            )
        problem = _answer_problem(request, response, key)
        if problem is not None:
            return problem
    return Verdict(
        True,
        "a client opens the connection on this answer. Let a real one try: the next cell.",
        rfc="RFC 6455 §4.2.2",
    )


_answer_hints = Hints(
    "the client waits for the empty line before it believes that the response is all there.",
    "read the three headers aloud and compare them with the good response above.",
    "the accept key is made from the key as it stands in the header.",
    "solution('answer') shows one.",
)


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


def _answer_problem(request: bytes, response: bytes, key: str) -> Verdict | None:
    capture = Capture()
    connection = capture.open_connection()
    capture.record(connection, "client", request)
    capture.record(connection, "server", response)
    index = capture.index
    if len(index) < 2:
        said = response.rstrip()
        return Verdict(
            False,
            "the response never ends: a client would wait until its timeout.",
            response[max(0, len(said) - 4) :],
            said[-4:] + b"\r\n\r\n",
            "Each line ends with \\r\\n, and an empty line ends the head: \\r\\n\\r\\n.",
            "RFC 9112 §2.1",
            _answer_hints.next("what stands behind the last header of the good response above?"),
        )
    unit = index.unit(1)
    if unit.violations:
        rule = unit.violations[0]
        got = expected = None
        misconception = ""
        if rule.rule == "accept-wrong":
            got = str(unit.field("Sec-WebSocket-Accept").value)
            expected = accept_key(key)
            misconception = _accept_misconception(key, got)
        return Verdict(
            False,
            rule.text,
            got,
            expected,
            misconception,
            rule.rfc,
            _answer_hints.next(_ANSWER_FAULTS.get(rule.rule, "")),
        )
    if index.state(connection) != "OPEN":
        return Verdict(
            False,
            f"the client reads {unit.field('status line').value!r}, and only 101 opens the door.",
            rfc="RFC 6455 §4.1",
            hint=_answer_hints.next("compare your first line with that of the good response."),
        )
    rest = index.incomplete(connection, "server")
    if rest or len(index) > 2:
        return Verdict(
            False,
            "there are bytes behind the empty line, and after a 101 they are frames already.",
            rfc="RFC 6455 §4.2.2",
            hint="leave out everything after \\r\\n\\r\\n.",
        )
    return None


SOLUTIONS = Solutions(
    accept="""\
import base64, hashlib

def accept(key):
    joined = key + "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"
    digest = hashlib.sha1(joined.encode()).digest()
    return base64.b64encode(digest).decode()
""",
    answer="""\
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

solution = SOLUTIONS.show
