"""The exercises of lesson 15: the eight rungs of a server, each tried by real peers."""

from __future__ import annotations

import inspect
import socket
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from importlib.util import find_spec, module_from_spec
from typing import Any

from websockets.sync.client import connect

from wslab.exercises import handshake, reference_server
from wslab.exercises.exercise import CallResult, Exercise, Mistake, Solutions
from wslab.exercises.learner_server import HELD_UP, StreamServer, Talk
from wslab.exercises.question import Question
from wslab.exercises.reference_server import fields_of
from wslab.exercises.verdict import Verdict, not_yet

QUESTIONS: dict[str, Question] = {}
"""By name; `lab.ask(name)` shows one."""

# --- The ladder: the learner's own functions, and ours where theirs are still missing

RUNGS = {
    "1 · answer the request": ("answer",),
    "2 · compute accept": ("accept",),
}
"""The rungs by their titles, from the lowest on, each with the functions that climb it."""


class Ladder:
    """The parts of a server. `ladder.accept` is your own function as soon as its check has passed,
    and until then the one of the reference server."""

    def __init__(self) -> None:
        self.yours: dict[str, Callable[..., Any]] = {}
        self.tried: dict[str, tuple[Callable[..., Any], Verdict]] = {}
        """What was tried last, by its name, and what was said of it."""
        self.on_try: Callable[[str], None] = lambda name: None
        """Told of each try."""

    def __getattr__(self, name: str) -> Callable[..., Any]:
        if not any(name in names for names in RUNGS.values()):
            raise AttributeError(f"expected one of {', '.join(sum(RUNGS.values(), ()))}")
        return self.yours.get(name, getattr(reference_server, name))

    def server(self, app: Callable[..., Any] = reference_server.echo, **parts: Any) -> Talk:
        """The reference server's `connection`, made of your functions, and of ours for those that
        are missing; `parts` are others. `app(request, received, say)` serves a client."""
        return _server(app, **parts)

    def try_again(self, name: str) -> None:
        """Run the check of a function once more, with what was tried last."""
        if name in self.tried:
            CHECKS[name](self.tried[name][0])

    def note(self, name: str, function: Callable[..., Any], verdict: Verdict) -> None:
        self.tried[name] = function, verdict
        if verdict:
            self.yours[name] = function
        self.on_try(name)

    def __repr__(self) -> str:
        return f"<ladder: yours are {', '.join(self.yours) or 'none yet'}>"


ladder = Ladder()


class Rung(Exercise):
    """An exercise whose function becomes the learner's own part of the server once it is right."""

    def __init__(self, name: str, task: str, **options: Any) -> None:
        source = "\n\n".join(inspect.getsource(one) for one in options.pop("made_of"))
        used = [one for one in ("base64", "codecs", "hashlib") if f"{one}." in source]
        solution = "".join(f"import {one}\n" for one in used) + "\n\n" * bool(used) + source
        options.setdefault("call", _told)
        super().__init__(name, task, patience=7, solution=solution, **options)

    def __call__(self, *answer: Any, **named: Any) -> Verdict:
        verdict = super().__call__(*answer, **named)
        ladder.note(self.name, answer[0], verdict)
        return verdict

    def _try(self, function: Callable[..., object], case: tuple) -> CallResult:
        result = super()._try(function, case)
        return CallResult(...) if isinstance(result.error, _Untouched) else result


def _told(what: str, sent: bytes = b"", delivery: int = 0, *_: object) -> str:
    """A case in words, with the first bytes."""
    shown = f" ({sent[:16].hex(' ')}{' …' if len(sent) > 16 else ''})" if sent else ""
    return f"{what}{shown}{', some bytes at a time' if delivery else ''}:"


# --- Real peers


class _Untouched(Exception):
    """A stub gave back its dots."""


def _begun(function: Callable[..., Any]) -> Callable[..., Any]:
    """The same function; where it gives back dots, it raises `_Untouched` in the server."""

    def check(value: Any) -> Any:
        if value is ...:
            raise _Untouched
        return value

    async def awaited(made: Any) -> Any:
        return check(await made)

    async def each(made: Any) -> Any:
        async for value in made:
            yield check(value)

    def call(*arguments: Any) -> Any:
        made = function(*arguments)
        if inspect.isasyncgen(made):
            return each(made)
        return awaited(made) if inspect.isawaitable(made) else check(made)

    return call


def _server(app: Callable[..., Any] = reference_server.echo, **parts: Callable[..., Any]) -> Talk:
    """A server made of these parts, else of the learner's own, else of ours."""
    spec = find_spec(reference_server.__name__)
    assert spec is not None
    assert spec.loader is not None
    module = module_from_spec(spec)
    spec.loader.exec_module(module)
    begun = {name: _begun(one) for name, one in (ladder.yours | parts).items()}
    same = {name: getattr(reference_server, name) for name in ("Head", "Refused")}
    vars(module).update(same | begun)
    return lambda reader, writer: module.connection(reader, writer, app)


SOON = 2 * HELD_UP
"""Seconds in which a server answers, or a loop in it has been ended."""
_WAITS = (
    f"no end within {SOON:g} s: it waits for what never comes, or is in a loop (with await in it)"
)


def _visit(talk: Talk, sent: bytes, delivery: int = 0) -> bytes:
    """What a server sends to a client that sends these bytes, and no more: all, up to its end."""
    got, waits = b"", False
    with StreamServer(talk, delivery=delivery) as server:
        with socket.create_connection(("127.0.0.1", server.port), SOON) as client:
            try:
                client.sendall(sent)
                client.shutdown(socket.SHUT_WR)
                while data := client.recv(2**16):
                    got += data
            except TimeoutError:
                waits = True
            except OSError:
                pass  # it broke off: what came is what counts
        server.wait_ended(SOON)
    if server.faults:
        raise server.faults[0]
    if waits:
        raise TimeoutError(_WAITS)
    return got


LIBRARY = "the library websockets, as a client of your server"


def _with_library(talk: Talk) -> list[object]:
    """What the library `websockets` hears of an echo server, and the close code at the end."""
    with StreamServer(talk) as server:
        try:
            client = connect(
                server.url, compression=None, ping_interval=None, open_timeout=SOON,
                close_timeout=SOON, proxy=None,
            )  # fmt: skip
            with client:
                heard: list[object] = []
                for message in ("Hello", "", "Grüße 👋", b"\x00\xff" * 150, "x" * 70_000):
                    client.send(message)
                    heard.append(client.recv(timeout=SOON))
            return [*heard, client.protocol.close_code]
        finally:
            server.wait_ended(SOON)
            if server.faults:  # it explains more than what the library says
                raise server.faults[0]


_OPENING = handshake.request_with(handshake.RFC_KEY)

# --- 1 Answer the request


def _ask(function: Callable[..., Any], what: str, request: bytes, delivery: int = 0) -> bytes:
    return _visit(_server(answer=function), request, delivery)


def _fault_of_answer(got: bytes, what: str, request: bytes, delivery: int = 0) -> Verdict | None:
    fault = handshake.answer_fault(got, request)
    bare = [line for line in got.split(b"\n")[:-1] if not line.endswith(b"\r")]
    if fault is None and bare:
        fault = not_yet("a line ends in LF alone.", bare[0][-8:] + b"\n", bare[0][-8:] + b"\r\n")
    if fault is not None:
        fault = replace(fault, text=f"{_told(what)} {fault.text}", misconception="")
    return fault


def _answer(
    request: bytes,
    accept: Callable[[Any], str],
    *,
    line: str = "HTTP/1.1 101 Switching Protocols",
    fields: tuple[str, ...] = ("Upgrade: websocket", "Connection: Upgrade"),
    cut: str = "\r\n",
    end: str = "\r\n\r\n",
    key: Callable[[bytes], Any] = lambda request: fields_of(request)["sec-websocket-key"],
) -> bytes:
    """An answer of which one thing is wrong."""
    return (
        cut.join([line, *fields, f"Sec-WebSocket-Accept: {accept(key(request))}"]) + end
    ).encode()


def _behind(name: bytes, request: bytes) -> str:
    return request.partition(name)[2].partition(b"\n")[0].decode()


check_answer = Rung(
    "answer",
    "Whether `answer(request, accept)` makes a response that a client takes.",
    cases=lambda: [
        ("a request", _OPENING),
        ("one with a new key", handshake.request_with(handshake.new_key())),
        ("one with a name in lower case", _OPENING.replace(b"Sec-WebSocket-K", b"sec-websocket-k")),
        ("one without a space behind its colons", _OPENING.replace(b": ", b":")),
    ],
    use=_ask,
    call=lambda what, *_: f"{what}:",
    judge=_fault_of_answer,
    made_of=(reference_server.answer, reference_server.fields_of, reference_server.response),
    mistakes={
        "The lines end in LF alone: HTTP wants CRLF, \\r\\n, behind each.": Mistake(
            partial(_answer, cut="\n", end="\n\n"), '"\\r\\n" and not "\\n".', "RFC 9112 §2.1"
        ),
        "The empty line is missing, so the client waits for more header fields.": Mistake(
            partial(_answer, end="\r\n"), 'end it with "\\r\\n\\r\\n".', "RFC 9112 §2.1"
        ),
        "The last line has no end.": Mistake(
            partial(_answer, end=""), 'end it with "\\r\\n\\r\\n".', "RFC 9112 §2.1"
        ),
        "You gave accept() the key with its line ending.": Mistake(
            partial(_answer, key=partial(_behind, b"Key: ")), "value.strip() takes it off."
        ),
        "You gave accept() the key with the space in front of it.": Mistake(
            partial(_answer, key=lambda request: _behind(b"Key:", request).rstrip()),
            "value.strip() takes it off.",
        ),
        "The client's own key came back: it wants accept(key).": (
            lambda request, accept: _answer(request, lambda key: key)
        ),
        "200 means that all is well, and stays HTTP. Only 101 changes the protocol.": (
            partial(_answer, line="HTTP/1.1 200 OK")
        ),
        "Upgrade is missing.": partial(_answer, fields=("Connection: Upgrade",)),
        "Connection is missing.": partial(_answer, fields=("Upgrade: websocket",)),
        "The names of header fields are the same in upper and lower case: this client writes "
        "them in lower case.": Mistake(
            partial(_answer, key=lambda request: _behind(b"Sec-WebSocket-Key:", request).strip()),
            "compare name.lower().",
            "RFC 9110 §5.1",
        ),
        "There need not be a space behind the colon.": Mistake(
            partial(_answer, key=lambda request: _behind(b"key: ", request.lower()) and
                    fields_of(request)["sec-websocket-key"] if b": " in request else ""),
            'partition(":") and then strip().', "RFC 9112 §5.1",
        ),
        "accept() wants text, and got bytes.": Mistake(
            partial(_answer, key=lambda request: fields_of(request)["sec-websocket-key"].encode()),
            "request.decode() first, then split it into lines.",
        ),
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
    use=lambda function, what, key: (
        function(key) if key else _with_library(_server(accept=function))
    ),
    call=lambda what, key: f"{what}({key!r})" if key else what,
    expected=reference_server.accept,
    made_of=(reference_server.accept,),
    mistakes=handshake.check_accept.mistakes,
    hints=handshake.check_accept.hints.steps[:3],
    rfc="RFC 6455 §4.2.2",
    praise="3 keys, and a client of the library websockets has opened a connection to your server.",
)

CHECKS = {check.name: check for check in (check_answer, check_accept)}
SOLUTIONS = Solutions(*CHECKS.values())
solution = SOLUTIONS.show
