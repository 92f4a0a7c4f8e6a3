"""Plays cases on real sockets: as a client that visits any server, or as a server for any client.

    visit("wrong-version", lab.url)             # what came back
    FaultyServer("masks-its-frames").start()    # correct until the first message comes

Every play sends the same bytes, down to the key of the handshake and the masking key.
"""

from __future__ import annotations

import asyncio
import contextlib
import functools
from typing import Literal, NamedTuple

from websockets.exceptions import InvalidMessage

from wslab.net import held_loop, loop
from wslab.net.address import Address
from wslab.net.cases.case import Case, Head
from wslab.net.cases.frames import FAULTY_FRAMES
from wslab.net.cases.handshakes import FAULTY_CLIENTS, FAULTY_SERVERS
from wslab.net.clients.client import Client
from wslab.net.clients.raw import REQUEST_LINE, RawClient, dial, encode_head, opening_request
from wslab.net.compression import Compression
from wslab.net.errors import HandshakeFailed, WslabError
from wslab.net.peers.frame_peer import FramePeer
from wslab.net.reset import close
from wslab.net.servers.raw import RawConnection, RawServer
from wslab.wire.protocol import parse_head

OPEN_TIMEOUT = 1.0
"""Seconds that a real client waits for an answer: long on loopback, short in a lesson."""

MISBEHAVIOURS: dict[str, Case] = FAULTY_SERVERS | {
    name: case for name, case in FAULTY_FRAMES.items() if "server" in case.by
}
"""The cases that a server can play, in the handshake and after it."""

_VISITS = FAULTY_CLIENTS | {
    name: case for name, case in FAULTY_FRAMES.items() if "client" in case.by
}


class Observed(NamedTuple):
    """What was observed when a case was played."""

    name: str
    """The name of the case."""
    sent: bytes
    """Everything that the client sent; with a faulty server, only the request."""
    answer: bytes
    """The answer to a wrong request, or a wrong answer; for a 101 its head alone. Empty if nothing
    came, or if the handshake was correct."""
    status: int | None
    """The HTTP status of the answer, or None."""
    outcome: str
    """What happened, in a few words."""
    api: str = ""
    """What the client's API reports: the HTTP status for a raw client, else the exception."""
    close_code: int | None = None
    """The code of the server's close frame: 1005 for a frame without one, None for no frame."""
    ended: Literal["eof", "reset"] | None = None
    """How the server's stream ended; None if it was still open when the time ran out."""

    def __str__(self) -> str:
        return f"{self.name}: {self.outcome}" + (f" ({self.api})" if self.api else "")


# --- As a client ----------------------------------------------------------------------------------


def visit(
    name: str, where: str | int | tuple[str, int] | Address, *, timeout: float = 5.0
) -> Observed:
    """Let a faulty client visit the server at `where`, or a tap in front of one.

    Waits at most `timeout` seconds for each step. Raises KeyError unless `name` is a client's case
    in `FAULTY_CLIENTS` or `FAULTY_FRAMES`, `ConnectFailed` if nobody listens, and `HandshakeFailed`
    if the case sends frames and the server does not answer with 101.
    """
    case = _VISITS[name]
    address = where if isinstance(where, Address) else Address.parse(where)
    if isinstance(case.sends, Head):
        return _shake_hands(case.name, case.sends, address, timeout)
    refuse = functools.partial(held_loop.refuse, address)
    return loop.run(_visit(case, address, timeout), refuse=refuse)


def _shake_hands(name: str, wrong: Head, address: Address, patience: float) -> Observed:
    request = opening_request(address, wrong.fields, wrong.line or REQUEST_LINE)
    with RawClient(address, timeout=patience, wire_name=name) as client:
        client.send(request)
        answer = client.read_head()
        head = parse_head(answer)
        if answer and head.status != 101:
            answer += client.read_to_end()  # a refusal has a body, then the server closes
        ended = client.ended
    if head.status is None:
        came = "nothing that is HTTP came back" if answer else "nothing came back"
        how = {"eof": "the server closed", "reset": "the connection was reset", None: "timeout"}
        outcome, api = f"{came}, {how[ended]}", "no HTTP status"
    else:
        status = head.first_line.partition(" ")[2]
        verdict = "accepted" if head.status == 101 else "refused"
        outcome, api = f"{verdict} with {status}", f"HTTP status {status}"
    return Observed(name, request, answer, head.status, outcome, api, None, ended)


async def _visit(case: Case, address: Address, patience: float) -> Observed:
    peer = await open_websocket(address, patience, case.name)
    try:
        with contextlib.suppress(TimeoutError, OSError):
            async with asyncio.timeout(patience):
                await act(case, peer)
                if not peer.connection.writer.is_closing():
                    await peer.read_to_end()
    finally:
        await close(peer.connection.writer)
    code = peer.close_code
    came = "no close frame" if code is None else f"close code {code}"
    how = {"eof": "TCP ended", "reset": "TCP was reset", None: "TCP stayed open"}[peer.ended]
    sent, outcome = bytes(peer.connection.sent), f"the server sent {came}, {how}"
    return Observed(case.name, sent, b"", 101, outcome, "", code, peer.ended)


async def open_websocket(address: Address, patience: float, name: str) -> FramePeer:
    """Connect and do a correct handshake. Raises `ConnectFailed` or `HandshakeFailed`."""
    connection = RawConnection(*await dial(address, patience, wire_name=name))
    status = None
    with contextlib.suppress(TimeoutError, OSError, asyncio.IncompleteReadError):
        async with asyncio.timeout(patience):
            await connection.send(opening_request(address))
            status = parse_head(await connection.reader.readuntil(b"\r\n\r\n")).status
    if status != 101:
        await close(connection.writer)
        raise HandshakeFailed(f"expected 101 from {address.url}, got {status}", status=status)
    return FramePeer(connection, "client")


async def act(case: Case, peer: FramePeer) -> None:
    """Run the case's script, or send its frames and read on to the other peer's close frame."""
    if callable(case.sends):
        await case.sends(peer)
    else:
        await peer.send_all(case.frames(peer.side))
        await peer.read_close()


# --- As a server ----------------------------------------------------------------------------------


async def serve(case: Case, connection: RawConnection) -> None:
    """Play a case as the server of this connection, whose request has been read."""
    peer, head = FramePeer(connection, "server"), case.sends
    if isinstance(head, Head):
        await _answer(case, head, peer)
        return
    await connection.upgrade()
    if not case.at_once and not await peer.first_message():
        return
    if peer.close_heard is not None and case.expected is not None:
        await peer.behave()  # the client closed before any message: nothing to do wrong
    else:
        await act(case, peer)


async def _answer(case: Case, head: Head, peer: FramePeer) -> None:
    connection, opens = peer.connection, case.expected == 101
    if connection.path == head.fields.get("Location"):
        head, opens = Head(), True  # the target of a redirect answers correctly
    if head.line is not None:
        fields = {
            "Upgrade": "websocket",
            "Connection": "Upgrade",
            "Sec-WebSocket-Accept": connection.accept,
            **head.fields,
        }
        line = head.line or "HTTP/1.1 101 Switching Protocols"
        await connection.send(encode_head(line, fields) + head.body)
    if opens:
        await peer.behave()
    elif not head.ends:
        await connection.wait_end()


class FaultyServer(RawServer):
    """A server that plays a case: one of its own, or the one of `MISBEHAVIOURS` named `how`.

    Raises KeyError for another name.
    """

    def __init__(self, how: str | Case, *, name: str | None = None, port: int = 0) -> None:
        self.case = MISBEHAVIOURS[how] if isinstance(how, str) else how
        script = functools.partial(serve, self.case)
        super().__init__(script, name=name or f"faulty {self.case.name}", port=port)

    def meet(
        self,
        url: str | None = None,
        *,
        open_timeout: float = OPEN_TIMEOUT,
        compression: Compression = None,
    ) -> Observed:
        """Let a real `Client` connect to this server, or to the tap in front of it at `url`."""
        client = Client(url or self.url, name=f"meets {self.name}", compression=compression)
        before = list(self.connections)
        offers = self.case.sends.offers if isinstance(self.case.sends, Head) else ()
        try:
            try:
                client.connect(subprotocols=offers or None, open_timeout=open_timeout)
            except WslabError as error:
                outcome, api = _outcome(error, open_timeout), _api(error.__cause__ or error)
            else:
                opened = next(event.text for event in client.events if event.name == "open")
                outcome, api = "the client opened the connection", opened
                client.close()
        finally:
            client.stop()
        # The first one: after a redirect there are two, and the first has the fault.
        mine = next((one for one in self.connections if one not in before), None)
        answer = bytes(mine.sent) if mine else b""
        head = parse_head(answer)
        if head.status == 101:
            answer = answer[: head.length]  # frames follow
        return Observed(
            self.case.name, mine.request if mine else b"", answer, head.status, outcome, api
        )


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
