"""Servers whose opening handshake is wrong in one point, named after it.

    run("wrong-accept", capture=lab.capture)  # a real client meets it; what the client reports

Each gives the same answer every time. A `FaultyServer` also stands alone, for any other client, and
can misbehave after the handshake as well: `MISBEHAVIOURS` holds both tables.
"""

from __future__ import annotations

from typing import NamedTuple

from websockets.exceptions import InvalidMessage

from wslab.net.cases.faulty_clients import KEY
from wslab.net.cases.faulty_frames import FAULTY_FRAMES, FrameFault, FramePeer, misbehave
from wslab.net.clients.client import Client
from wslab.net.clients.handshake_result import HandshakeResult
from wslab.net.errors import WslabError
from wslab.net.servers.raw import RawConnection, RawServer, Script
from wslab.net.tap import Tap
from wslab.wire import Capture, Opcode, accept_key
from wslab.wire.protocol.handshake import parse_head

OPEN_TIMEOUT = 1.0
"""Seconds that the client waits for an answer: long on loopback, short in a lesson."""

_UPGRADE = ("Upgrade: websocket", "Connection: Upgrade")
_PAGE = b"<!doctype html><title>Hello</title><p>An ordinary web page.</p>\n"


class Fault(NamedTuple):
    """One way to get a response wrong."""

    name: str
    what: str
    """What it does, in one line."""
    rfc: str
    """What a client makes of it, and where that stands."""
    script: Script
    offers: tuple[str, ...] = ()
    """The subprotocols that its client has to offer, for the fault to be one."""


async def _wrong_accept(connection: RawConnection) -> None:
    # Right for the key of RFC 6455 §1.3, which no client sends: theirs is random.
    await connection.respond(
        "101 Switching Protocols", *_UPGRADE, f"Sec-WebSocket-Accept: {accept_key(KEY)}"
    )
    await connection.wait_end()


async def _missing_accept(connection: RawConnection) -> None:
    await connection.respond("101 Switching Protocols", *_UPGRADE)
    await connection.wait_end()


async def _answers_200(connection: RawConnection) -> None:
    await connection.respond(
        "200 OK", "Content-Type: text/html", f"Content-Length: {len(_PAGE)}", body=_PAGE
    )
    await connection.wait_end()


async def _redirect(connection: RawConnection) -> None:
    if connection.path != "/moved":
        # Relative, so that a client which came through a tap comes through it again.
        await connection.respond("302 Found", "Location: /moved", "Content-Length: 0")
        await connection.wait_end()
        return
    await connection.upgrade()
    await _behave(connection)


async def _behave(connection: RawConnection) -> None:
    """After a 101: echo what comes, and answer the close frame (RFC 6455 §5.5.1)."""
    peer = FramePeer(connection, "server")
    if (close := await peer.echo()) is not None:
        await peer.send(Opcode.CLOSE, close.payload)


async def _hangs(connection: RawConnection) -> None:
    await connection.wait_end()


async def _missing_upgrade_header(connection: RawConnection) -> None:
    await connection.respond(
        "101 Switching Protocols",
        "Connection: Upgrade",
        f"Sec-WebSocket-Accept: {connection.accept}",
    )
    await connection.wait_end()


async def _wrong_connection_header(connection: RawConnection) -> None:
    await connection.respond(
        "101 Switching Protocols",
        "Upgrade: websocket",
        "Connection: keep-alive",
        f"Sec-WebSocket-Accept: {connection.accept}",
    )
    await connection.wait_end()


async def _unoffered_subprotocol(connection: RawConnection) -> None:
    await connection.upgrade("Sec-WebSocket-Protocol: unheard-of")
    await connection.wait_end()


async def _unoffered_extension(connection: RawConnection) -> None:
    # Of no real one's name: permessage-deflate is what most clients offer.
    await connection.upgrade("Sec-WebSocket-Extensions: unheard-of")
    await connection.wait_end()


async def _closes_at_once(connection: RawConnection) -> None:
    """Nothing to do: at the end of a script the connection is closed."""


async def _other_phrase(connection: RawConnection) -> None:
    await connection.respond("101 Bananas", *_UPGRADE, f"Sec-WebSocket-Accept: {connection.accept}")
    await _behave(connection)


async def _answers_with_a_list(connection: RawConnection) -> None:
    await connection.upgrade("Sec-WebSocket-Protocol: chat, superchat")
    await connection.wait_end()


async def _no_http_version(connection: RawConnection) -> None:
    lines = (
        "101 Switching Protocols",
        *_UPGRADE,
        f"Sec-WebSocket-Accept: {connection.accept}",
    )
    await connection.send("\r\n".join([*lines, "", ""]).encode())
    await connection.wait_end()


FAULTY_SERVERS: dict[str, Fault] = {
    fault.name: fault
    for fault in [
        Fault(
            "wrong-accept",
            "answers 101 with the Sec-WebSocket-Accept of another key",
            "RFC 6455 §4.1: the client must fail the connection",
            _wrong_accept,
        ),
        Fault(
            "missing-accept",
            "answers 101 without Sec-WebSocket-Accept",
            "RFC 6455 §4.1: the client must fail the connection",
            _missing_accept,
        ),
        Fault(
            "answers-200",
            "answers 200 OK with a page, as an ordinary web server does",
            "RFC 6455 §4.1: anything but 101 is handled as HTTP, no WebSocket opens",
            _answers_200,
        ),
        Fault(
            "redirect",
            "answers 302 Found and points to /moved, where all is right",
            "RFC 6455 §4.1: a client may follow; websockets does, browsers do not (WHATWG)",
            _redirect,
        ),
        Fault(
            "hangs",
            "reads the request and never answers",
            "RFC 6455 sets no limit: without a timeout a client stays CONNECTING for ever",
            _hangs,
        ),
        Fault(
            "missing-upgrade-header",
            "answers 101 without Upgrade",
            "RFC 6455 §4.1: the client must fail the connection",
            _missing_upgrade_header,
        ),
        Fault(
            "wrong-connection-header",
            "answers 101 with Connection: keep-alive",
            "RFC 6455 §4.1: the client must fail the connection",
            _wrong_connection_header,
        ),
        Fault(
            "unoffered-subprotocol",
            "picks a subprotocol that the client did not offer",
            "RFC 6455 §4.1: the client must fail the connection",
            _unoffered_subprotocol,
        ),
        Fault(
            "unoffered-extension",
            "turns on an extension that the client did not offer",
            "RFC 6455 §4.1: the client must fail the connection",
            _unoffered_extension,
        ),
        Fault(
            "closes-at-once",
            "reads the request and closes the connection without a word",
            "RFC 6455 §4.1: the connection fails, for want of an answer",
            _closes_at_once,
        ),
        Fault(
            "other-phrase",
            "answers HTTP/1.1 101 Bananas, and has all else right",
            "RFC 9112 §4: the number counts, a client does not mind the phrase",
            _other_phrase,
        ),
        Fault(
            "answers-with-a-list",
            "is offered the subprotocols chat and superchat, and names both",
            "RFC 6455 §4.2.2: a server picks one of those offered, or none",
            _answers_with_a_list,
            ("chat", "superchat"),
        ),
        Fault(
            "no-http-version",
            "answers 101 Switching Protocols, without HTTP/1.1 before it",
            "RFC 9112 §4: this is no HTTP, so the client fails the connection",
            _no_http_version,
        ),
    ]
}


def _after_handshake(fault: FrameFault) -> Fault:
    async def script(connection: RawConnection) -> None:
        await connection.upgrade()
        await misbehave(fault, connection)

    return Fault(fault.name, fault.what, fault.rfc, script)


MISBEHAVIOURS: dict[str, Fault] = FAULTY_SERVERS | {
    fault.name: _after_handshake(fault)
    for fault in FAULTY_FRAMES.values()
    if "server" in fault.sides
}
"""Every way in which a `FaultyServer` can misbehave, in the handshake and after it."""


class FaultyServer(RawServer):
    """A server that misbehaves as `how` says; the names are those of `MISBEHAVIOURS`.

    Raises KeyError for another name.
    """

    def __init__(self, how: str, *, name: str | None = None, port: int = 0) -> None:
        self.fault = MISBEHAVIOURS[how]
        super().__init__(self.fault.script, name=name or f"faulty {how}", port=port)

    def meet(
        self, url: str | None = None, *, open_timeout: float = OPEN_TIMEOUT
    ) -> HandshakeResult:
        """Let a real `Client` connect to `url`: this server's own, or a tap's in front of it."""
        client = Client(url or self.url, name=f"meets {self.name}")
        before = list(self.connections)
        try:
            try:
                client.connect(subprotocols=self.fault.offers or None, open_timeout=open_timeout)
            except WslabError as error:
                outcome, api = _outcome(error, open_timeout), _api(error.__cause__ or error)
            else:
                opened = next(event.text for event in client.events if event.name == "open")
                outcome, api = "the client opened the connection", opened
                client.close()
        finally:
            client.stop()
        # The first one: after a redirect there are two, and the fault is in the first.
        mine = next((one for one in self.connections if one not in before), None)
        sent = mine.request if mine else b""
        answer = bytes(mine.sent) if mine else b""
        head = parse_head(answer)
        if head.status == 101:
            answer = answer[: head.length]  # what follows is frames
        return HandshakeResult(self.fault.name, sent, answer, head.status, outcome, api)


def run(
    name: str, *, capture: Capture | None = None, open_timeout: float = OPEN_TIMEOUT
) -> HandshakeResult:
    """Start the faulty server on a free port, let a real client meet it, and stop it again.

    With a `capture` a tap stands between, and what crosses is recorded there.
    """
    with FaultyServer(name) as server:
        if capture is None:
            return server.meet(open_timeout=open_timeout)
        with Tap(server.port, capture, name=f"tap for {server.name}") as tap:
            return server.meet(tap.url, open_timeout=open_timeout)


def _outcome(error: WslabError, open_timeout: float) -> str:
    cause = error.__cause__
    if isinstance(cause, TimeoutError):
        return f"the client gave up after {open_timeout:g} s without an answer"
    if isinstance(cause, InvalidMessage) and not isinstance(cause.__cause__, ValueError):
        return "the connection ended without an answer"
    if isinstance(cause, OSError):
        return "the connection broke before an answer came"
    return "the client refused the answer"


def _api(error: BaseException) -> str:
    text = f"{type(error).__module__}.{type(error).__qualname__}: {error}"
    if error.__cause__ is not None and str(error.__cause__):
        text += f" ({type(error.__cause__).__name__}: {error.__cause__})"
    return text.removeprefix("builtins.")
