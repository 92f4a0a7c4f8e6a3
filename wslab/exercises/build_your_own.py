"""The exercises of lesson 15: the eight rungs of a server, each tried by real peers."""

from __future__ import annotations

import asyncio
import contextlib
import inspect
import os
import socket
from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import partial
from typing import Any, TypeVar

from websockets.sync.client import connect

from wslab.exercises import handshake, reference_server
from wslab.exercises.exercise import ENDLESS, CallResult, Exercise, Mistake, Solutions
from wslab.exercises.learner_server import HELD_UP, StreamServer, Talk
from wslab.exercises.question import Question
from wslab.exercises.reference_server import (
    BINARY,
    CLOSE,
    CONTINUATION,
    LIMIT,
    PING,
    PONG,
    TEXT,
    Head,
    Refused,
    fields_of,
)  # fmt: skip
from wslab.exercises.time_limit import TimeIsUp
from wslab.exercises.verdict import Verdict, not_yet
from wslab.wire import encode_frame
from wslab.wire import mask as unmask
from wslab.wire.protocol import read_header

Function = Callable[..., Any]
T = TypeVar("T")

RUNGS = {
    "1 · answer the request": ("answer",),
    "2 · compute accept": ("accept",),
    "3 · read a frame": ("read_head",),
    "4 · unmask it": ("read_payload",),
    "5 · write a frame": ("write_frame",),
    "6 · fragments, ping and pong": ("messages",),
    "7 · close": ("close",),
    "8 · refuse what is illegal": ("refuse", "refuse_request"),
}
"""The rungs by their titles, from the lowest on, each with the functions that climb it."""


# --- The ladder: the learner's own functions, and ours where theirs are still missing


class Ladder:
    """The parts of a server. `ladder.accept` is your own function as soon as its check has passed,
    and until then the one of the reference server."""

    def __init__(self) -> None:
        self.yours: dict[str, Function] = {}
        self.tried: dict[str, tuple[Function, Verdict]] = {}
        """What was tried last, by its name, and what was said of it."""
        self.on_try: Callable[[str], None] = lambda name: None
        """Told of each try."""

    def __getattr__(self, name: str) -> Function:
        if name not in CHECKS:
            raise AttributeError(f"expected one of {', '.join(CHECKS)}, got {name!r}")
        return self.yours.get(name, getattr(reference_server, name))

    def server(self, app: Function = reference_server.echo, **parts: Function) -> Talk:
        """The reference server's `connection`, made of your functions, and of ours where yours are
        missing; `parts` are others. `app(request, received, say)` serves a client."""
        names: dict[str, Any] = {"__name__": reference_server.__name__}
        exec(_OURS, names)  # a copy of its own: its functions find yours by their names
        names |= {"Head": Head, "Refused": Refused}
        names |= {name: _begun(name, one) for name, one in (self.yours | parts).items()}
        connection = names["connection"]
        return lambda reader, writer: connection(reader, writer, app)

    def with_ours(self, call: Callable[[], T]) -> T:
        """Call a function while no part of the server is the learner's own."""
        yours, self.yours = self.yours, {}
        try:
            return call()
        finally:
            self.yours = yours

    def try_again(self, name: str) -> None:
        """Run the check of a function once more, with what was tried last."""
        if name in self.tried:
            CHECKS[name](self.tried[name][0])

    def note(self, name: str, function: Function, verdict: Verdict) -> None:
        self.tried[name] = function, verdict
        if verdict:
            self.yours[name] = function
        self.on_try(name)

    def __repr__(self) -> str:
        return f"<ladder: yours are {', '.join(self.yours) or 'none yet'}>"


ladder = Ladder()
_OURS = compile(inspect.getsource(reference_server), "reference_server.py", "exec")


class _Untouched(Exception):
    """A stub gave back its dots."""


_KINDS: dict[str, Any] = {
    "answer": bytes | bytearray,
    "write_frame": bytes | bytearray,
    "refuse_request": bytes | bytearray | None,
}
"""What goes to the client as it is."""


def _begun(name: str, function: Function) -> Function:
    """The learner's function under a name of ours, for a server: dots raise `_Untouched` there, and
    what is of another kind than ours a TypeError that says so."""
    ours = getattr(reference_server, name)

    def touched(value: Any) -> Any:
        if value is ...:
            raise _Untouched
        return value

    def check(value: Any) -> Any:
        if inspect.iscoroutine(touched(value)):
            value.close()
            raise TypeError(f"{name} gave a coroutine: there is an await missing in it")
        if isinstance(value, Exception) or (name == "refuse" and value is not None):
            raise TypeError(f"{name} returned {value!r}: it must raise what it refuses")
        if not isinstance(value, _KINDS.get(name, object)):
            raise TypeError(f"{name} returned {type(value).__name__}, not bytes")
        if name == "read_head" and isinstance(value, tuple):
            return Head(*value)
        return value

    async def awaited(made: Any) -> Any:
        if not inspect.isawaitable(touched(made)):
            raise TypeError(f"{name} returned {made!r:.30} at once: write async def")
        return check(await made)

    async def each(made: Any) -> Any:
        if inspect.isawaitable(touched(made)):
            touched(await made)
            raise TypeError(f"{name} has no yield: it gives its results one by one")
        async for value in made:
            yield check(value)

    def call(*arguments: Any) -> Any:
        made = function(*arguments)
        if inspect.isasyncgenfunction(ours):
            return each(made)
        if inspect.iscoroutinefunction(ours):
            return awaited(made)
        if inspect.iscoroutine(made):
            made.close()
            raise TypeError(f"{name} waits for nothing: write def, not async def")
        return check(made)

    return call


_BLAMED = "One of them has a fault that its own check has not found."


class Rung(Exercise):
    """An exercise whose function becomes the learner's own part of the server once it is right.

    The first of a case is what it is about, the second the bytes that a client sends.
    """

    def __init__(self, name: str, task: str, *helpers: Function, **options: Any) -> None:
        ours = getattr(reference_server, name)
        source = "\n\n".join(inspect.getsource(one) for one in (ours, *helpers))
        used = [one for one in ("base64", "codecs", "hashlib") if f"{one}." in source]
        solution = "".join(f"import {one}\n" for one in used) + "\n\n" * bool(used) + source
        options = {"call": self._case_told, "expected": ours, "solution": solution, **options}
        super().__init__(name, task, patience=7, **options)

    def __call__(self, *answer: Any, **named: Any) -> Verdict:
        verdict = super().__call__(*answer, **named)
        others = [one for one in ladder.yours if one != self.name]
        known = verdict or verdict.misconception == ENDLESS
        if not known and others and ladder.with_ours(lambda: self._verdict(*answer)):
            blamed = f"{self.name} is right, but not together with your {', '.join(others)}"
            verdict = replace(verdict, text=f"{blamed}: {verdict.text}", misconception=_BLAMED)
        ladder.note(self.name, answer[0], verdict)
        return verdict

    def _case_told(self, what: str, sent: bytes = b"", delivery: int = 0, *_: object) -> str:
        if not sent:
            return what
        shown = f"{sent[:16].hex(' ')}{' …' if len(sent) > 16 else ''}"
        return f"{self.name} on {shown} ({what}{', in pieces' if delivery else ''})"

    def recognise(self, results: list[tuple[tuple, CallResult]]) -> tuple[str, str, str]:
        # Where only a whole talk shows what is wrong, it is in no catalogue: all cases before pass.
        return ("", "", "") if results[-1][0][0] == LIBRARY else super().recognise(results)

    def _try(self, function: Callable[..., object], case: tuple) -> CallResult:
        if self.expected is not None and function is self.expected:
            result = ladder.with_ours(lambda: super(Rung, self)._try(function, case))
            assert result.error is None, result.error
            return result
        result = super()._try(function, case)
        return CallResult(...) if isinstance(result.error, _Untouched) else result


# --- Real peers

SOON = 2 * HELD_UP
"""Seconds in which a server answers, or a loop in it has been ended."""
_WAITS = (
    f"no end within {SOON:g} s: it waits for what never comes, or is in a loop (with await in it)"
)


def _visit(talk: Talk, sent: bytes, delivery: int = 0) -> bytes:
    """All that a server sends to a client that sends these bytes, and no more."""
    with StreamServer(talk, delivery=delivery) as server:
        with socket.create_connection(("127.0.0.1", server.port), SOON) as client:
            with contextlib.suppress(OSError):  # it may have ended before all was sent
                client.sendall(sent)
                client.shutdown(socket.SHUT_WR)
            got = _all_of(client)
        server.wait_ended(SOON if got is not None else 0)
    _raise_first(server)
    if got is None:
        raise TimeoutError(_WAITS)
    return got


def _all_of(client: socket.socket) -> bytes | None:
    """What comes up to the end; None where no end comes."""
    got = b""
    client.settimeout(0.1)  # a wait in one piece could not be ended from outside
    for _ in range(int(SOON / 0.1)):
        try:
            while len(got) < _MOST and (data := client.recv(2**16)):
                got += data
            return got if len(got) < _MOST else None
        except TimeoutError:
            continue
        except OSError:
            return got  # it broke off: what came is what counts
    return None


def _raise_first(server: StreamServer) -> None:
    for fault in server.faults:
        raise TimeIsUp(f"stopped after {HELD_UP:g} s") if isinstance(fault, TimeIsUp) else fault


_MOST = 2**22
"""Bytes after which what a server sends is taken for endless."""
LIBRARY = "a talk with a client of the library websockets"


def _with_library(**parts: Function) -> list[object]:
    """What the library `websockets` hears of the echo server, and the close code at the end."""
    with StreamServer(ladder.server(**parts)) as server:
        try:
            heard: list[object] = []
            options: dict[str, Any] = {"compression": None, "ping_interval": None, "proxy": None}
            with connect(server.url, open_timeout=SOON, close_timeout=SOON, **options) as client:
                for message in ("Hello", "", "Grüße 👋", b"\x00\xff" * 150, "x" * 70_000):
                    client.send(message)
                    heard.append(client.recv(timeout=SOON))
            return [*heard, client.protocol.close_code]
        finally:
            server.wait_ended(SOON)
            _raise_first(server)  # it explains more than what the library says


KEY = bytes.fromhex("37fa213d")
OPCODES = {0: "continuation", 1: "text", 2: "binary", 8: "close", 9: "ping", 10: "pong"}
_OPENING = handshake.request_with(handshake.RFC_KEY)


def _frame(opcode: int, payload: bytes = b"", **bits: Any) -> bytes:
    """A client's frame, masked with the key of RFC 6455 §5.7; any of its bits may be wrong."""
    return encode_frame(opcode, payload, **{"masking_key": KEY, **bits})


def _reply(name: str, function: Function, what: str, sent: bytes, delivery: int = 0) -> object:
    """What the server that has this function answers to frames; close frames without a reason."""
    if not sent:
        return _with_library(**{name: function})
    answer = _visit(ladder.server(**{name: function}), _OPENING + sent, delivery)
    return b"".join(map(_without_reason, _cut(answer.partition(b"\r\n\r\n")[2])))


def _cut(data: bytes) -> Iterator[bytes]:
    """The frames of which bytes consist; what is no whole frame is the last."""
    while data:
        header = read_header(data, 0, len(data))
        size = header.length + header.payload_length if header else len(data)
        yield data[:size]
        data = data[size:]


def _in_words(got: object, *case: object) -> str:
    """What frames say, for those who read no hex yet."""
    if not isinstance(got, bytes):
        return ""
    told = []
    for frame in _cut(got):
        payload = frame[2 if frame[1:] and frame[1] < 126 else 4 :]
        word = OPCODES.get(frame[0] & 15, f"opcode {frame[0] & 15}")
        if word == "close":
            told.append(f"close {int.from_bytes(payload, 'big') or 'without a code'}")
        else:
            told.append(f"{word} {payload[:20]!r}")
    return f"What you got is: {', then '.join(told) or 'nothing'}."


def _without_reason(frame: bytes) -> bytes:
    is_close = len(frame) > 4 and frame[0] == 0x88 and frame[1] < 126
    return bytes([0x88, 2]) + frame[2:4] if is_close else frame


def _read(name: str, function: Function, what: str, sent: bytes, delivery: int) -> object:
    """What a function reads of the last of these frames, which have come over TCP."""
    if not sent:
        return _with_library(**{name: function})
    found: dict[str, object] = {}
    ours = {one: getattr(reference_server, one) for one in ("read_head", "read_payload")}
    parts = ours | {name: _begun(name, function)}

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        for _ in range(2 if what == TWO_FRAMES else 1):
            found["read_head"] = head = await parts["read_head"](reader)
            if what == TWO_FRAMES or name == "read_payload":
                found["read_payload"] = await parts["read_payload"](reader, head)

    _visit(talk, sent, delivery)
    return found.get(name)


TWO_FRAMES = "two frames in one piece"

# --- 1 Answer the request


def _fault_of_answer(got: bytes, what: str, request: bytes) -> Verdict | None:
    fault = handshake.answer_fault(got, request)
    bare = [line for line in got.split(b"\n")[:-1] if not line.endswith(b"\r")]
    if fault is None and bare:
        fault = not_yet("a line ends in LF alone.", bare[0][-8:] + b"\n", bare[0][-8:] + b"\r\n")
    if fault is not None:
        fault = replace(fault, text=f"answer on {what}: {fault.text}", misconception="")
    return fault


def _key(request: bytes) -> str:
    return fields_of(request)["sec-websocket-key"]


def _behind(name: bytes, request: bytes) -> str:
    return request.partition(name)[2].partition(b"\n")[0].decode()


def _answer(
    request: bytes,
    accept: Function,
    *,
    line: str = "HTTP/1.1 101 Switching Protocols",
    fields: tuple[str, ...] = ("Upgrade: websocket", "Connection: Upgrade"),
    cut: str = "\r\n",
    end: str = "\r\n\r\n",
    key: Callable[[bytes], Any] = _key,
) -> bytes:
    """An answer of which one thing is wrong."""
    return (
        cut.join([line, *fields, f"Sec-WebSocket-Accept: {accept(key(request))}"]) + end
    ).encode()


check_answer = Rung(
    "answer",
    "Whether `answer(request, accept)` makes a response that a client takes.",
    reference_server.fields_of, reference_server.response,
    cases=lambda: [
        ("a request", _OPENING),
        ("one with a new key", handshake.request_with(handshake.new_key())),
        ("one with a name in lower case", _OPENING.replace(b"Sec-WebSocket-K", b"sec-websocket-k")),
        ("one without a space behind its colons", _OPENING.replace(b": ", b":")),
    ],
    use=lambda function, what, request: _visit(ladder.server(answer=function), request),
    call=lambda what, *_: f"answer on {what}",
    expected=None,
    judge=_fault_of_answer,
    mistakes={
        "The lines end in LF alone: HTTP wants CRLF, \\r\\n, behind each.": Mistake(
            partial(_answer, cut="\n", end="\n\n"), '"\\r\\n" and not "\\n".', "RFC 9112 §2.1"),
        "The empty line is missing, so the client waits for more header fields.": Mistake(
            partial(_answer, end="\r\n"), 'end it with "\\r\\n\\r\\n".', "RFC 9112 §2.1"),
        "You gave accept() the key with its line ending.": Mistake(
            partial(_answer, key=partial(_behind, b"Key: ")), "value.strip() takes it off."),
        "You gave accept() the key with the space in front of it.": Mistake(
            partial(_answer, key=lambda request: _behind(b"Key:", request).rstrip()),
            "value.strip() takes it off."),
        "The client's own key came back: it wants accept(key).":
            lambda request, accept: _answer(request, lambda key: key),
        "200 means that all is well, and stays HTTP. Only 101 changes the protocol.":
            partial(_answer, line="HTTP/1.1 200 OK"),
        "Upgrade is missing.": partial(_answer, fields=("Connection: Upgrade",)),
        "Connection is missing.": partial(_answer, fields=("Upgrade: websocket",)),
        "The names of fields are the same in upper and lower case: this client's are in lower "
        "case.": Mistake(
            partial(_answer, key=lambda request: _behind(b"Sec-WebSocket-Key:", request).strip()),
            "compare name.lower().", "RFC 9110 §5.1"),
        "accept() wants text, and got bytes.": Mistake(
            partial(_answer, key=lambda request: _key(request).encode()),
            "request.decode() first, then split it into lines."),
    },
    hints=(
        "request.decode().split('\\r\\n') gives the lines, partition(':') a line's name and value.",
        "four lines and an empty one: the status, Upgrade, Connection, and Sec-WebSocket-Accept "
        "with accept(key).",
        "join them with '\\r\\n', let '\\r\\n\\r\\n' stand at the end, and .encode() it all.",
    ),
    rfc="RFC 6455 §4.2.2",
    praise="{count} requests, and a client would open the connection on each answer.",
)  # fmt: skip

# --- 2 Compute accept

check_accept = Rung(
    "accept",
    "Whether `accept(key)` is what the server must answer: for keys, and with a real client.",
    cases=lambda: [
        *(("accept", key) for key in (handshake.RFC_KEY, handshake.new_key(), handshake.new_key())),
        (LIBRARY, ""),
    ],
    use=lambda function, what, key: function(key) if key else _with_library(accept=function),
    call=lambda what, key: f"{what}({key!r})" if key else what,
    mistakes=handshake.check_accept.mistakes,
    hints=handshake.check_accept.hints.steps[:3],
    rfc="RFC 6455 §4.2.2",
    praise="3 keys, and a client of the library websockets has opened a connection to your server.",
)  # fmt: skip

# --- 3 Read a frame's head


def _reads(
    *, mask: int = 0x7F, order: Any = "big", long: int = 2, longest: int = 8, key: int = 0,
    exactly: bool = True, rsv: int = 7, opcode: int = 15, again: bool = False,
) -> Function:  # fmt: skip
    """A function that reads a head, and does one thing wrong."""

    async def read_head(reader: asyncio.StreamReader) -> Head:
        read = reader.readexactly if exactly else reader.read
        first, second = await read(2)
        length = second & mask
        if size := {126: long, 127: longest}.get(length, 0):
            length = int.from_bytes(await read(size), order)
        if again and size == 2 and length == 127:
            length = int.from_bytes(await read(8), order)
        await read(key)
        return Head(first >= 0x80, first >> 4 & rsv, first & opcode, second >= 0x80, length)

    return read_head


async def _reads_all(reader: asyncio.StreamReader) -> Head:
    given = asyncio.StreamReader()
    given.feed_data(await reader.read(2**16))
    given.feed_eof()
    return await reference_server.read_head(given)


check_read_head = Rung(
    "read_head",
    "Whether `read_head(reader)` reads what stands before a frame's key and payload.",
    cases=lambda: [
        ("a text frame", _frame(TEXT, b"Hello")[:2], 0),
        ("the first of three frames", _frame(BINARY, bytes(9), fin=False)[:2], 0),
        ("RSV1 and RSV3 are set", _frame(TEXT, rsv1=True, rsv3=True)[:2], 0),
        ("a server's frame", encode_frame(TEXT, b"Hello")[:2], 0),
        ("300 bytes are announced", _frame(BINARY, bytes(300))[:4], 0),
        ("127 bytes are announced", _frame(BINARY, bytes(127))[:4], 0),
        ("70,000 bytes are announced", _frame(BINARY, bytes(70_000))[:10], 0),
        (TWO_FRAMES, _frame(TEXT, b"Hello") + _frame(PING, b"?"), 0),
        ("300 bytes are announced", _frame(BINARY, bytes(300))[:4], 1),
        (LIBRARY, b"", 0),
    ],
    use=partial(_read, "read_head"),
    mistakes={
        "The opcode is the low 4 bits of byte 0: FIN and RSV still stand before it.":
            _reads(opcode=0xFF),
        "The opcode has 4 bits, not 7: RSV1 to RSV3 do not belong to it.": _reads(opcode=0x7F),
        "RSV1 to RSV3 were left out. No client sets them, until one does.": _reads(rsv=0),
        "MASK, the first bit of byte 1, does not belong to the length.": Mistake(
            _reads(mask=0xFF), "take it off with & 0x7f."),
        "126 and 127 are no lengths: they say that the length follows.": _reads(long=0, longest=0),
        "The length's bytes were read from the wrong end: on the wire the first is the highest.":
            Mistake(_reads(order="little"), 'int.from_bytes(..., "big").'),
        "The longest form of the length has eight bytes, and no fewer.": _reads(longest=4),
        "The 64-bit form was forgotten: 127 announces eight bytes.": _reads(longest=0),
        "A length of 127 in the two bytes announces nothing: only a 127 in byte 1 does.": Mistake(
            _reads(again=True), "elif in place of the second if."),
        "read(2) gives up to 2 bytes: TCP may have brought only one so far.": Mistake(
            _reads(exactly=False), "readexactly(2) waits for both.", "RFC 9293 §3.8"),
        "One read() is not one frame: a second frame in the same piece of TCP got lost.": Mistake(
            _reads_all, "take no more than belongs to the head: readexactly.", "RFC 6455 §5.2"),
        "The key was read too: it belongs to the payload, and to the next rung.": _reads(key=4),
    },
    hints=(
        "first, second = await reader.readexactly(2) gives two numbers from 0 to 255.",
        "FIN is first >= 0x80, RSV is first >> 4 & 0b111, the opcode is first & 0b1111; MASK is "
        "second >= 0x80, the length second & 0x7f.",
        "126 means: the length is in the next 2 bytes. 127: in the next 8. "
        'int.from_bytes(..., "big").',
    ),
    rfc="RFC 6455 §5.2",
    praise="however TCP cuts them, and whatever a client of the library websockets sends.",
)  # fmt: skip

# --- 4 Unmask the payload


def _unmasks(
    key_of: Callable[[bytes, int], int] = lambda key, i: key[i % 4],
    *,
    exactly: bool = True,
    takes: Callable[[Head], int] = lambda head: head.length,
    keyed: bool = True,
    made: Callable[[bytes], object] = bytes,
) -> Function:
    """A function that reads and unmasks a payload, and does one thing wrong."""

    async def read_payload(reader: asyncio.StreamReader, head: Head) -> object:
        read = reader.readexactly if exactly else reader.read
        key = await read(4) if keyed else b""
        payload = await read(takes(head))
        return made(bytes(byte ^ key_of(key, i) for i, byte in enumerate(payload)))

    return read_payload


check_read_payload = Rung(
    "read_payload",
    "Whether `read_payload(reader, head)` reads key and payload, and takes the mask off.",
    cases=lambda: [
        ("the text of the RFC's example", _frame(TEXT, b"Hello"), 0),
        ("nine bytes", _frame(BINARY, bytes(range(9))), 0),
        ("a payload of no bytes", _frame(PING), 0),
        ("a payload that is not text", _frame(BINARY, b"\xff\xfe"), 0),
        (TWO_FRAMES, _frame(TEXT, b"one") + _frame(TEXT, b"two"), 0),
        ("a text frame", _frame(TEXT, b"Hello, you"), 1),
        ("300 bytes", _frame(BINARY, bytes(300), masking_key=os.urandom(4)), 100),
        (LIBRARY, b"", 0),
    ],
    use=partial(_read, "read_payload"),
    mistakes={
        "Every byte was masked with the first byte of the key: byte i goes with byte i % 4.":
            _unmasks(lambda key, i: key[0]),
        "The key was used from its end: byte 0 goes with key byte 0.":
            _unmasks(lambda key, i: key[3 - i % 4]),
        "The payload is still masked.": _unmasks(lambda key, i: 0),
        "Only four bytes came out: the key has no more, and is used again and again.": Mistake(
            _unmasks(made=lambda payload: payload[:4]), "zip() ends with the shorter: key[i % 4]."),
        "The key was not read: its four bytes stand before the payload.": Mistake(
            _unmasks(lambda key, i: 0, keyed=False), "key = await reader.readexactly(4) first."),
        "The length counts the payload alone, without the key.":
            _unmasks(takes=lambda head: max(head.length - 4, 0)),
        "The payload is bytes: only whole messages become text, and only some do.":
            _unmasks(made=lambda payload: payload.decode()),
        "read(n) gives up to n bytes: TCP may bring the rest later.": Mistake(
            _unmasks(exactly=False), "readexactly(n) waits for all of them.", "RFC 9293 §3.8"),
        "All that was there was taken, the next frame too: one read() is not one frame.": Mistake(
            _unmasks(exactly=False, takes=lambda head: 2**16), "take head.length bytes."),
    },
    hints=(
        "two steps: four bytes of key, then head.length bytes of payload, both with readexactly.",
        "enumerate(payload) gives i and byte; byte ^ key[i % 4] is the unmasked one.",
        "bytes(...) makes bytes of the numbers.",
    ),
    rfc="RFC 6455 §5.3",
    praise="and the library websockets got back each message that it had sent, masked.",
)  # fmt: skip

# --- 5 Write a frame


def _writes(
    *, fin: int = 0x80, opcode_of: Callable[[int], int] = int, short: int = 125,
    medium: int = 2**16, order: Any = "big", longest: int = 8, key: bytes = b"", mask: int = 0,
) -> Function:  # fmt: skip
    """A function that writes a frame, and does one thing wrong."""

    def write_frame(opcode: int, payload: bytes) -> bytes:
        size = len(payload)
        if size <= short:
            length = bytes([size | mask])
        elif size < medium:
            length = bytes([126 | mask]) + size.to_bytes(2, order)
        else:
            length = bytes([127 | mask]) + size.to_bytes(longest, order)
        return bytes([fin | opcode_of(opcode)]) + length + key + unmask(payload, key or bytes(4))

    return write_frame


def _write(function: Function, what: str, opcode: int, payload: bytes) -> object:
    """The bytes that reach a client."""
    if what == LIBRARY:
        return _with_library(write_frame=function)

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(_begun("write_frame", function)(opcode, payload))
        await writer.drain()

    return _visit(talk, b"")


check_write_frame = Rung(
    "write_frame",
    "Whether `write_frame(opcode, payload)` makes the frame that a server sends.",
    cases=lambda: [
        ("a text of 5 letters", TEXT, b"Hello"),
        ("a pong", PONG, b"?"),
        ("an empty message", BINARY, b""),
        *((f"{size:,} bytes", BINARY, bytes(size)) for size in (125, 126, 300, 65_535, 65_536)),
        (LIBRARY, 0, b""),
    ],
    use=_write,
    call=lambda what, *_: what if what == LIBRARY else f"write_frame for {what}",
    mistakes={
        "The frame is masked, and a server never masks: a client must end the connection.": Mistake(
            _writes(mask=0x80, key=KEY), "no MASK bit, and no key.", "RFC 6455 §5.1"),
        "MASK is set, and there is no key: a server sets MASK to 0.": Mistake(
            _writes(mask=0x80), "byte 1 is the length alone.", "RFC 6455 §5.1"),
        "FIN is 0: the client waits for the rest of the message.": Mistake(
            _writes(fin=0), "0x80 | opcode."),
        "Every frame is a text frame: the opcode is an argument.": _writes(opcode_of=lambda _: 1),
        "The length is written with its lowest byte first.": Mistake(
            _writes(order="little"), 'to_bytes(2, "big").'),
        "125 still fits into byte 1: the 16-bit form begins with 126.": _writes(short=124),
        "126 and 127 in byte 1 announce a longer form: they are no lengths.": Mistake(
            _writes(short=127), "up to 125 the length stands in byte 1."),
        "65,535 still fits into 16 bits.": _writes(medium=2**16 - 1),
        "The 64-bit form was forgotten: 65,536 does not fit into two bytes.": Mistake(
            _writes(medium=2**64), "127, and then size.to_bytes(8, 'big')."),
        "The longest form has eight bytes, not four.": _writes(longest=4),
    },
    hints=(
        "byte 0 is FIN and the opcode: 0x80 | opcode. Byte 1 is the length, up to 125.",
        "from 126 on byte 1 is 126, and size.to_bytes(2, 'big') follows; from 65,536 on it is 127, "
        "and 8 bytes follow.",
        "bytes([0x80 | opcode, size]) + payload is right for the short ones.",
    ),
    rfc="RFC 6455 §5.2",
    wrong="{what}: these are not the bytes that a server sends.",
    praise="and the library websockets has read each of them.",
)  # fmt: skip

# --- 6 Messages: fragments, and control frames between them


def _joins(
    *, on_ping: Callable[[bytes], tuple[int, bytes] | None] = lambda payload: (PONG, payload),
    on_pong: bool = False, forgets: bool = False, each: bool = False, last: bool = False,
    clears: bool = True, decode: Callable[[bytes], str | bytes] = bytes.decode,
    early: bool = False, passes: bool = False, all_text: bool = False,
) -> Function:  # fmt: skip
    """A function that makes messages of frames, and does one thing wrong."""

    async def messages(frames: Any, send: Any) -> Any:
        parts: list[Any] = []
        kind = TEXT
        async for fin, opcode, payload in frames:
            if opcode in (PING, PONG):
                answer = on_ping(payload) if opcode == PING or on_pong else None
                if answer:
                    await send(*answer)
                if passes:
                    yield payload
                if forgets:
                    parts = []
                continue
            if opcode != CONTINUATION or last:
                kind = TEXT if opcode and all_text else opcode
            parts.append(payload.decode() if early and kind == TEXT else payload)
            if fin or each:
                whole = ("" if early and kind == TEXT else b"").join(parts)
                yield decode(whole) if kind == TEXT and not early else whole
                if clears or each:
                    parts = []

    return messages


async def _never_yields(frames: Any, send: Any) -> Any:
    async for _ in frames:
        pass


_HEL, _LO = _frame(TEXT, b"Hel", fin=False), _frame(CONTINUATION, b"lo")

check_messages = Rung(
    "messages",
    "Whether `messages(frames, send)` gives whole messages, and answers pings.",
    cases=lambda: [
        ("a text", _frame(TEXT, b"Hello")),
        ("bytes", _frame(BINARY, b"\x00\xff")),
        ("two messages", _frame(TEXT, b"one") + _frame(TEXT, b"two")),
        ("a ping", _frame(PING, b"still there?")),
        ("a pong that nobody asked for", _frame(PONG, b"here") + _frame(TEXT, b"Hello")),
        ("a text in two frames", _HEL + _LO),
        ("bytes in three frames", _frame(BINARY, b"a", fin=False)
         + _frame(CONTINUATION, b"b", fin=False) + _frame(CONTINUATION, b"c")),
        ("a ping between the frames of a text", _HEL + _frame(PING, b"?") + _LO),
        ("an é that is cut in two", _frame(TEXT, b"\xc3", fin=False)
         + _frame(CONTINUATION, b"\xa9")),
        ("text that is not UTF-8", _frame(TEXT, b"caf\xe9")),
        ("a text in two frames", _HEL + _LO, 1),
        (LIBRARY, b""),
    ],
    use=partial(_reply, "messages"),
    why=_in_words,
    mistakes={
        "Nothing is yielded: messages is a generator, and gives each message with yield.":
            _never_yields,
        "The ping was not answered.": Mistake(
            _joins(on_ping=lambda payload: None), "await send(PONG, payload).", "RFC 6455 §5.5.2"),
        "A pong carries the payload of its ping, so that the client knows which ping it answers.":
            Mistake(_joins(on_ping=lambda payload: (PONG, b"")), "", "RFC 6455 §5.5.3"),
        "The ping came back as a ping: the client would answer it again.": Mistake(
            _joins(on_ping=lambda payload: (PING, payload)), "the opcode PONG.", "RFC 6455 §5.5.3"),
        "A pong was answered with a pong: if both sides did that, they would never stop.": Mistake(
            _joins(on_pong=True), "a pong is read, and that is all.", "RFC 6455 §5.5.3"),
        "A ping or pong was given to the program as a message.": Mistake(
            _joins(passes=True), "control frames are not part of any message.", "RFC 6455 §5.5"),
        "The fragments before the ping got lost: a control frame may come in between.": Mistake(
            _joins(forgets=True), "keep the parts until the last fragment comes.", "RFC 6455 §5.4"),
        "Each frame was taken for a message: only FIN ends one.": Mistake(
            _joins(each=True), "collect the payloads, and yield them joined when fin is true."),
        "You want the opcode of text in every fragment: only the first has it, the others have 0.":
            Mistake(_joins(last=True), "keep the opcode of the first fragment."),
        "The parts of the message before are still there.": Mistake(
            _joins(clears=False), "begin with an empty list after each message."),
        "Text was given on as bytes, so the echo is a binary message.": Mistake(
            _joins(decode=bytes), "a text message is .decode()d.", "RFC 6455 §5.6"),
        "A binary message was decoded: its bytes need be no text.": Mistake(
            _joins(all_text=True), "only opcode 1 begins a text.", "RFC 6455 §5.6"),
        "Each frame was decoded by itself, and a character may be cut between two.": Mistake(
            _joins(early=True), "join first, then decode.", "RFC 6455 §5.6"),
        "What is not UTF-8 was mended, and went on as text. The connection must fail.": Mistake(
            _joins(decode=lambda whole: whole.decode(errors="replace")),
            ".decode() alone raises UnicodeDecodeError: the server says 1007.", "RFC 6455 §8.1"),
        "The text went back before it was checked as a whole.": Mistake(
            _joins(decode=lambda whole: whole.decode(errors="surrogateescape")),
            "decode the whole message strictly before you yield it.", "RFC 6455 §8.1"),
    },
    hints=(
        "async for fin, opcode, payload in frames: and four kinds of opcode: ping, pong, a first "
        "frame, a continuation.",
        "keep the opcode of the first frame, and a list of payloads; where fin is true, yield them "
        "joined, and begin again.",
        "text is b''.join(parts).decode(); bytes stay bytes.",
    ),
    rfc="RFC 6455 §5.4",
    wrong="{what}: the server does not answer as it should.",
    praise="and a client of the library websockets has got every message back.",
)  # fmt: skip

# --- 7 Close

_NEVER = {1004, 1005, 1006, *range(1015, 3000)}


def _closes(
    answer: Callable[[bytes], bytes | None] = lambda payload: payload[:2],
    *,
    legal: Callable[[int], bool] = lambda code: 1000 <= code < 5000 and code not in _NEVER,
    half: bool = True,
    utf8: bool = True,
    times: int = 1,
    opcode: int = CLOSE,
) -> Function:
    """A function that answers a close frame, and does one thing wrong."""

    async def close(payload: bytes, send: Any) -> None:
        code = int.from_bytes(payload[:2], "big")
        if (half and len(payload) == 1) or (len(payload) > 1 and not legal(code)):
            raise Refused(1002, "no close code")
        if utf8:
            payload[2:].decode()
        answered = answer(payload)
        for _ in range(times if answered is not None else 0):
            await send(opcode, answered)

    return close


def _closed(function: Function, what: str, sent: bytes) -> object:
    answer = _reply("close", function, what, sent)
    # An empty close frame may be answered with 1000, and a reason that is not UTF-8 with 1002.
    if what == "no code" and answer == b"\x88\x02\x03\xe8":
        return b"\x88\x00"
    return b"\x88\x02\x03\xef" if "UTF-8" in what and answer == b"\x88\x02\x03\xea" else answer


def _close(code: int, reason: bytes = b"") -> bytes:
    return _frame(CLOSE, code.to_bytes(2, "big") + reason)


check_close = Rung(
    "close",
    "Whether `close(payload, send)` answers a close frame as it must.",
    cases=lambda: [
        ("code 1000", _close(1000)),
        ("code 4001 and a reason", _close(4001, b"done")),
        ("no code", _frame(CLOSE)),
        ("half a code", _frame(CLOSE, b"\x03")),
        ("code 1006, which is never sent", _close(1006)),
        ("code 999", _close(999)),
        ("a reason that is not UTF-8", _close(1000, b"caf\xe9")),
        (LIBRARY, b""),
    ],
    use=_closed,
    why=_in_words,
    mistakes={
        "The close frame was not answered, so the client does not know whether it was read.":
            Mistake(_closes(lambda payload: None), "await send(CLOSE, payload[:2])."),
        "An empty close frame was refused. It breaks no rule.": Mistake(
            _closes(lambda payload: payload[:2] or b"\x03\xea"), "if payload: look at its code."),
        "The answer has no code: echo the one that came.": _closes(lambda payload: b""),
        "The answer says 1000, whatever the client has said: echo its code.":
            _closes(lambda payload: b"\x03\xe8"),
        "1005 means that there was no code: it is never in a frame.": Mistake(
            _closes(lambda payload: payload[:2] or b"\x03\xed"),
            "an empty close frame has an empty one as its answer.", "RFC 6455 §7.4.1"),
        "The code came back with its lowest byte first.": _closes(lambda payload: payload[1::-1]),
        "The code was sent as text: it is two bytes.":
            _closes(lambda payload: str(int.from_bytes(payload[:2], "big")).encode()),
        "The goodbye was sent as a text message: its opcode is CLOSE.": _closes(opcode=TEXT),
        "Two close frames were sent: nothing follows the first.": _closes(times=2),
        "Half a code came back: a payload of one byte breaks a rule.": Mistake(
            _closes(half=False), "raise Refused(1002, ...) where it is 1 byte long."),
        "A code came back that is in no frame: 1004, 1005, 1006 and 1015 never are.": Mistake(
            _closes(legal=lambda code: True),
            "1000 to 1003, 1007 to 1014 and 3000 to 4999 are; Refused(1002, ...) for all others.",
            "RFC 6455 §7.4.1"),
        "Codes below 1000 do not exist.": Mistake(
            _closes(legal=lambda code: code not in _NEVER), "raise Refused(1002, ...) for them.",
            "RFC 6455 §7.4.2"),
        "The reason was not checked: it is UTF-8, or the connection has failed.": Mistake(
            _closes(utf8=False), "payload[2:].decode() raises the right error."),
    },
    hints=(
        "the code is the first two bytes of the payload: await send(CLOSE, payload[:2]).",
        "first refuse what is no close code: raise Refused(1002, 'why').",
        "an empty payload is fine, one byte is not; the codes are 1000 to 1003, 1007 to 1014 and "
        "3000 to 4999; payload[2:] is UTF-8.",
    ),
    rfc="RFC 6455 §5.5.1",
    wrong="{what}: the goodbye is not the right one.",
    praise="and a client of the library websockets has said goodbye and was answered.",
)  # fmt: skip

# --- 8 Refuse what is illegal


def _refuses(
    *forgotten: str, code: int = 1002, too_long: int = 1009, tells: bool = False
) -> Function:
    """A function that refuses what is illegal, but for what it has forgotten."""

    def refuse(head: Head, unfinished: bool) -> object:
        control, starts = head.opcode >= 8, head.opcode in (TEXT, BINARY)
        broken = {
            "mask": not head.masked,
            "rsv": head.rsv != 0,
            "opcode": head.opcode in (3, 4, 5, 6, 7) or head.opcode > 10,
            "fragment": control and not head.fin,
            "long": control and head.length > 125,
            "stray": head.opcode == CONTINUATION and not unfinished,
            "inside": starts and unfinished,
        }
        found = [name for name, is_so in broken.items() if is_so and name not in forgotten]
        found += ["ping"] if "not ping" in forgotten and control and unfinished else []
        if "limit" not in forgotten and head.length > LIMIT:
            raise Refused(too_long, "too long")
        if found and not tells:
            raise Refused(code, found[0])
        return code if found else None

    return refuse


_THEN_PING = _frame(PING, b"after")

check_refuse = Rung(
    "refuse",
    "Whether `refuse(head, unfinished)` raises for what breaks a rule, and for nothing else.",
    cases=lambda: [
        ("an ordinary text", _frame(TEXT, b"Hello")),
        ("a ping between fragments", _HEL + _frame(PING, b"?") + _LO),
        ("a frame that is not masked", _frame(TEXT, b"Hello", masking_key=None)),
        ("RSV1 is set", _frame(TEXT, b"Hello", rsv1=True) + _THEN_PING),
        ("opcode 3", _frame(3, b"Hello") + _THEN_PING),
        ("opcode 11", _frame(11, b"Hello") + _THEN_PING),
        ("a ping with FIN = 0", _frame(PING, b"?", fin=False) + _THEN_PING),
        ("a ping of 126 bytes", _frame(PING, bytes(126)) + _THEN_PING),
        ("a continuation of nothing", _LO + _THEN_PING),
        ("a text inside another", _HEL + _frame(TEXT, b"new") + _THEN_PING),
        ("2^40 bytes announced", _frame(BINARY, length_form=64, announced_length=2**40)),
        (LIBRARY, b""),
    ],
    use=partial(_reply, "refuse"),
    why=_in_words,
    mistakes={
        "A frame that is not masked was taken. A server must close the connection.": Mistake(
            _refuses("mask"), "not head.masked.", "RFC 6455 §5.1"),
        "RSV1 to RSV3 were ignored: no extension is agreed on that could use them.": Mistake(
            _refuses("rsv"), "head.rsv must be 0."),
        "Opcodes that nobody knows were ignored: 3 to 7, and 11 to 15.": Mistake(
            _refuses("opcode"), "these are known: 0, 1, 2, 8, 9, 10."),
        "A control frame in pieces was taken: only messages may be fragmented.": Mistake(
            _refuses("fragment"), "head.opcode >= 8 and not head.fin.", "RFC 6455 §5.5"),
        "A control frame has 125 bytes at most.": Mistake(
            _refuses("long"), "head.opcode >= 8 and head.length > 125.", "RFC 6455 §5.5"),
        "A continuation came although no message had begun.": Mistake(
            _refuses("stray"), "opcode 0 only where unfinished is true.", "RFC 6455 §5.4"),
        "A new message began inside another.": Mistake(
            _refuses("inside"), "opcodes 1 and 2 only where unfinished is false.", "RFC 6455 §5.4"),
        "Nothing limits the length: a head of 14 bytes makes your server wait for a terabyte.":
            Mistake(_refuses("limit"), "head.length > LIMIT: 1009.", "RFC 6455 §10.4"),
        "A length of more than LIMIT breaks no rule of the protocol: it is too big, 1009.": Mistake(
            _refuses(too_long=1002), "raise Refused(1009, 'why').", "RFC 6455 §7.4.1"),
        "A ping between fragments was refused: control frames may come there.": Mistake(
            _refuses("not ping"), "look at opcodes 0, 1 and 2 alone.", "RFC 6455 §5.4"),
        "The server goes on after a broken rule: what refuse returns is lost.": Mistake(
            _refuses(tells=True), "raise Refused(1002, 'why').", "RFC 6455 §7.1.7"),
        "1008 is for rules of your own program: a broken rule of the protocol is 1002.": Mistake(
            _refuses(code=1008), "raise Refused(1002, 'why').", "RFC 6455 §7.4.1"),
    },
    hints=(
        "one line for each rule: if ...: raise Refused(1002, 'why').",
        "five rules look at the head alone: masked, rsv, opcode, and for opcodes from 8 on fin and "
        "length.",
        "two look at unfinished: opcode 0 continues a message, 1 and 2 begin one. And what is "
        "longer than LIMIT is refused with 1009.",
    ),
    rfc="RFC 6455 §5.2",
    wrong="{what}: the server does not answer as it should.",
    praise="what breaks a rule is refused, and nothing else is.",
)  # fmt: skip


def _gate(function: Function, what: str, request: bytes) -> str:
    """What the server does with a request, in words."""
    answer = _visit(ladder.server(refuse_request=function), request)
    if answer.startswith(b"HTTP/1.1 101 "):
        return "let in"
    if not answer.startswith((b"HTTP/1.1 4", b"HTTP/1.1 5")) or b"\r\n\r\n" not in answer:
        return f"answered with {answer[:20]!r}"
    told = what == "version 12" and b"sec-websocket-version: 13" in answer.lower()
    return "refused, and told version 13" if told else "refused"


def _lets_in(*forgotten: str, strict: str = "", status: str = "400 Bad Request") -> Function:
    """A function that refuses requests, but for what it has forgotten."""

    def refuse_request(request: bytes) -> bytes | None:
        method, _, version = request.decode("latin-1").split("\r\n")[0].split(" ")
        fields = fields_of(request)
        connection, upgrade = fields.get("connection", ""), fields.get("upgrade", "")
        words = connection.replace(" ", "").split(",")
        if strict != "case":
            words, upgrade = [word.lower() for word in words], upgrade.lower()
        other = fields.get("sec-websocket-version") != "13" and "version" not in forgotten
        wrong = {
            "method": method != "GET",
            "http": version != "HTTP/1.1",
            "connection": connection != "Upgrade" if strict == "one" else "upgrade" not in words,
            "upgrade": upgrade != "websocket",
            "key": len(fields.get("sec-websocket-key", "")) != 24,
        }
        if other or any(is_so for name, is_so in wrong.items() if name not in forgotten):
            told = ("Sec-WebSocket-Version: 13",) if other and "told" not in forgotten else ()
            return reference_server.response(status, *told)
        return None

    return refuse_request


check_refuse_request = Rung(
    "refuse_request",
    "Whether `refuse_request(request)` gives a response to what must not be answered with 101.",
    cases=lambda: [
        (what, _OPENING.replace(old, new))
        for what, old, new in (
            ("all that it needs", b"GET", b"GET"),
            ("Connection: keep-alive, Upgrade", b": Upgrade", b": keep-alive, Upgrade"),
            ("Upgrade: WebSocket", b": websocket", b": WebSocket"),
            ("no Upgrade", b"Upgrade: websocket\r\n", b""),
            ("no Upgrade in Connection", b": Upgrade", b": keep-alive"),
            ("no key", b"Sec-WebSocket-Key", b"X-Key"),
            ("a key of 5 bytes", handshake.RFC_KEY.encode(), b"SGVsbG8="),
            ("version 12", b": 13", b": 12"),
            ("POST", b"GET", b"POST"),
            ("HTTP/1.0", b"HTTP/1.1", b"HTTP/1.0"),
        )
    ],
    use=_gate,
    call=lambda what, *_: f"refuse_request on a request with {what}",
    mistakes={
        "A request without Upgrade is an ordinary one: nobody asks for a WebSocket.":
            _lets_in("upgrade"),
        "Connection must hold the word Upgrade.": _lets_in("connection"),
        "Connection is a list: Firefox sends keep-alive, Upgrade.": Mistake(
            _lets_in(strict="one"), "split it at its commas."),
        "websocket and upgrade are the same in upper and lower case.": Mistake(
            _lets_in(strict="case"), "compare value.lower()."),
        "A key is 16 bytes in base64, 24 characters: no other is one.": _lets_in("key"),
        "The version was not looked at.": Mistake(_lets_in("version"), "", "RFC 6455 §4.2.2"),
        "A client of another version must be told which one you speak.": Mistake(
            _lets_in("told"), "426, with the field Sec-WebSocket-Version: 13.", "RFC 6455 §4.4"),
        "The method is GET, and nothing else.": _lets_in("method"),
        "HTTP/1.0 knows no Upgrade.": _lets_in("http"),
        "200 says that all is well: a refusal has a status from 400 on.": _lets_in(status="200 OK"),
    },
    hints=(
        "fields_of(request) gives the fields by their names in lower case.",
        "look at the first line (GET, HTTP/1.1), Upgrade, Connection, the key and the version; "
        "return None where all is well.",
        'response("400 Bad Request", "Content-Length: 0") makes a response.',
    ),
    rfc="RFC 6455 §4.2.1",
    wrong="{what} is not treated as it must be.",
    praise="{count} requests, let in or turned away.",
)  # fmt: skip

CHECKS = {
    check.name: check
    for check in (check_answer, check_accept, check_read_head, check_read_payload,
                  check_write_frame, check_messages, check_close, check_refuse,
                  check_refuse_request)
}  # fmt: skip
SOLUTIONS = Solutions(*CHECKS.values())
solution = SOLUTIONS.show

QUESTIONS = {
    "read": Question(
        "A client sends a frame of 11 bytes. Your server does data = await reader.read(100). What "
        "does it get?",
        ("The 11 bytes of the frame", "100 bytes", "Anything from 1 byte on", "The payload"),
        2,
        (
            "Often, on your own machine. Nothing promises it.",
            "read(100) waits for no 100 bytes: it takes what is there.",
            "As much as TCP has brought so far: a part of the frame, or this one and the next.",
            "Nobody takes the head off for you: that is what you are about to write.",
        ),
        "RFC 9293 §3.8",
    ),
    "pong": Question(
        "A client sends a pong, and you have sent no ping. What does a server do?",
        ("It answers with a ping", "It answers with a pong", "Nothing", "It closes with 1002"),
        2,
        (
            "A ping is sent by whoever wants to know something. Nothing asks for one here.",
            "Then the other side might answer that, and both would never stop.",
            "A pong that nobody asked for says: I am still here. No answer is expected.",
            "It is allowed: such a pong is a heartbeat in one direction.",
        ),
        "RFC 6455 §5.5.3",
    ),
    "close": Question(
        "A client sends an empty close frame, without a code. What does the server answer?",
        ("1005", "1000 or an empty close frame", "1002", "Nothing: it ends TCP"),
        1,
        (
            "1005 is what an API says where there was no code. It is never in a frame.",
            "There is no code to echo. Without one it means the same as 1000 in most programs.",
            "No rule is broken: a close frame may be empty.",
            "First it answers. Then the client knows that nothing got lost.",
        ),
        "RFC 6455 §5.5.1",
    ),
}
"""By name; `lab.ask(name)` shows one."""
