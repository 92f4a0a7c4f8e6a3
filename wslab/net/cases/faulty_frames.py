"""Peers that misbehave after the handshake, named after what they do: one table for both sides.

    FaultyServer("masks-its-frames").start()       # behaves until the first message comes
    run("sends-unmasked", lab.url)                 # the same as a client, sent for real

Each does the same every time, down to the masking key. A fault is a script of a few lines over a
`FramePeer`, which sends any frame, legal or not.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Awaitable, Callable
from typing import Any, Literal, NamedTuple

from wslab.net import loop
from wslab.net.address import Address
from wslab.net.cases.faulty_clients import FAULTY_CLIENTS
from wslab.net.errors import ConnectFailed, ConnectTimedOut, HandshakeFailed
from wslab.net.reset import close
from wslab.net.servers.raw import MAX_HEAD, RawConnection
from wslab.wire import Direction, Opcode, close_code, encode_frame, mask
from wslab.wire.protocol.handshake import parse_head

MASKING_KEY = bytes.fromhex("37fa213d")
"""The key of the example in RFC 6455 §5.7: a faulty client's frames are the same every time."""

TOO_BIG = 2**20 + 1
"""Bytes in the message of `too-big`: one more than `websockets` and the lab's servers take."""

MAX_FRAME = 2**24
"""Bytes of the longest payload that a frame peer reads."""


class Frame(NamedTuple):
    """A frame that came."""

    opcode: int
    payload: bytes
    fin: bool = True


class FramePeer:
    """One side of a connection after the handshake, on a raw stream: nothing is checked."""

    def __init__(self, connection: RawConnection, side: Direction) -> None:
        self.connection = connection
        self.side = side
        self.heard: list[Frame] = []
        """The control frames and messages that the other peer sent, so far."""
        self.ended: Literal["eof", "reset"] | None = None
        """How the other peer's stream ended, or None."""
        self._again: Frame | None = None

    async def send(
        self, opcode: int, payload: bytes = b"", *, masked: bool | None = None, **header: Any
    ) -> None:
        """Send a frame, masked as this side must unless told otherwise; see `encode_frame`."""
        if masked is None:
            masked = self.side == "client"
        key = MASKING_KEY if masked else None
        await self.connection.send(encode_frame(opcode, payload, masking_key=key, **header))

    async def send_close(self, code: int | None = None, reason: bytes = b"") -> None:
        """Send a close frame with any code from 0 to 65535, or none."""
        await self.send(Opcode.CLOSE, b"" if code is None else code.to_bytes(2, "big") + reason)

    async def read(self) -> Frame | None:
        """The next frame; None at the end of the stream."""
        if self._again is not None:
            frame, self._again = self._again, None
            return frame
        reader = self.connection.reader
        try:
            first, second = await reader.readexactly(2)
            length = second & 0x7F
            if length >= 126:
                length = int.from_bytes(await reader.readexactly(2 if length == 126 else 8), "big")
            key = await reader.readexactly(4) if second & 0x80 else bytes(4)
            payload = mask(await reader.readexactly(min(length, MAX_FRAME)), key)
        except asyncio.IncompleteReadError:
            self.ended = "eof"
            return None
        except OSError:
            self.ended = "reset"
            return None
        frame = Frame(first & 0x0F, payload, first >= 0x80)
        self.heard.append(frame)
        return frame

    def put_back(self, frame: Frame) -> None:
        """Have `read` return this frame once more."""
        self._again = frame

    async def read_close(self) -> Frame | None:
        """Read on until a close frame comes; None if the stream ends first."""
        while (frame := await self.read()) is not None:
            if frame.opcode == Opcode.CLOSE:
                return frame
        return None

    async def read_to_end(self) -> None:
        """Read on until the other peer ends its stream."""
        while await self.read() is not None:
            pass

    async def echo(self) -> Frame | None:
        """Behave: answer messages and pings, until a close frame comes.

        A message in fragments goes back in the same fragments.
        """
        while (frame := await self.read()) is not None:
            match frame.opcode:
                case Opcode.CLOSE:
                    return frame
                case Opcode.PING:
                    await self.send(Opcode.PONG, frame.payload)
                case Opcode.TEXT | Opcode.BINARY | Opcode.CONTINUATION:
                    await self.send(frame.opcode, frame.payload, fin=frame.fin)
        return None

    def end(self) -> None:
        """End this half of TCP with FIN; reading goes on."""
        with contextlib.suppress(OSError):
            self.connection.writer.write_eof()

    def reset(self) -> None:
        """Cut the connection off with RST."""
        self.connection.reset()

    @property
    def close_heard(self) -> bytes | None:
        """The payload of the first close frame that came, or None."""
        return next((frame.payload for frame in self.heard if frame.opcode == Opcode.CLOSE), None)


FrameScript = Callable[[FramePeer], Awaitable[None]]


class FrameFault(NamedTuple):
    """One way to misbehave after the handshake."""

    name: str
    what: str
    """What it does, in one line."""
    rfc: str
    """The rule that it breaks or shows, and where that stands."""
    earns: int | None
    """The code of the close frame that a correct peer answers with: 1005 for one without a code,
    None for no close frame at all."""
    script: FrameScript
    sides: tuple[Direction, ...] = ("client", "server")
    at_once: bool = False
    """Whether a server does not wait for the first message with it."""


def _sends(*arguments: Any, **header: Any) -> FrameScript:
    """Sends one frame, then reads until the answer."""

    async def script(peer: FramePeer) -> None:
        await peer.send(*arguments, **header)
        await peer.read_close()

    return script


def _closes(code: int | None = None, reason: bytes = b"") -> FrameScript:
    """Sends one close frame, then reads until the answer."""

    async def script(peer: FramePeer) -> None:
        await peer.send_close(code, reason)
        await peer.read_close()

    return script


async def _continuation_first(peer: FramePeer) -> None:
    await peer.send(Opcode.CONTINUATION, b"the rest of nothing")
    await peer.read_close()


async def _message_interleaved(peer: FramePeer) -> None:
    await peer.send(Opcode.TEXT, b"one, ", fin=False)
    await peer.send(Opcode.TEXT, b"two")
    await peer.read_close()


async def _data_after_close(peer: FramePeer) -> None:
    await peer.send_close(1000, b"bye")
    await peer.send(Opcode.TEXT, b"one more thing")
    await peer.read_close()


async def _closes_twice(peer: FramePeer) -> None:
    await peer.send_close(1000, b"bye")
    await peer.send_close(4000, b"I mean it")
    await peer.read_close()


async def _never_answers_close(peer: FramePeer) -> None:
    while await peer.echo() is not None:
        pass


async def _answers_another_code(peer: FramePeer) -> None:
    if await peer.echo() is not None:
        await peer.send_close(4999, b"not what you said")


async def _never_answers(peer: FramePeer) -> None:
    await peer.read_to_end()


async def _keeps_tcp_open(peer: FramePeer) -> None:
    close = await peer.echo()
    if close is not None:
        await peer.send(Opcode.CLOSE, close.payload)
        await peer.read_to_end()


async def _vanishes(peer: FramePeer) -> None:
    peer.reset()


async def _half_closes(peer: FramePeer) -> None:
    peer.end()
    await peer.read_to_end()


async def _cuts_a_frame_short(peer: FramePeer) -> None:
    await peer.send(Opcode.TEXT, b"Hel", announced_length=5)
    peer.end()
    await peer.read_to_end()


_FAULTS = [
    FrameFault(
        "masks-its-frames",
        "masks what it sends, as only a client may",
        "RFC 6455 §5.1: the client must close, and may say 1002",
        1002,
        _sends(Opcode.TEXT, b"Hello", masked=True),
        ("server",),
    ),
    FrameFault(
        "sends-unmasked",
        "does not mask what it sends, as a client must",
        "RFC 6455 §5.1: the server must close, and may say 1002",
        1002,
        _sends(Opcode.TEXT, b"Hello", masked=False),
        ("client",),
    ),
    FrameFault(
        "reserved-opcode",
        "sends a frame with opcode 3",
        "RFC 6455 §5.2: an opcode that nobody knows fails the connection",
        1002,
        _sends(3, b"?"),
    ),
    FrameFault(
        "reserved-control-opcode",
        "sends a control frame with opcode 11",
        "RFC 6455 §5.2: an opcode that nobody knows fails the connection",
        1002,
        _sends(11, b"?"),
    ),
    FrameFault(
        "rsv-set",
        "sets RSV1, though no extension was agreed on",
        "RFC 6455 §5.2: a bit that nobody gave a meaning fails the connection",
        1002,
        _sends(Opcode.TEXT, b"Hello", rsv1=True),
    ),
    FrameFault(
        "long-control-frame",
        "sends a ping of 126 bytes",
        "RFC 6455 §5.5: a control frame carries 125 bytes at most",
        1002,
        _sends(Opcode.PING, bytes(126)),
    ),
    FrameFault(
        "fragmented-control-frame",
        "sends a ping with FIN 0",
        "RFC 6455 §5.5: a control frame is never in fragments",
        1002,
        _sends(Opcode.PING, b"half a ping", fin=False),
    ),
    FrameFault(
        "continuation-first",
        "continues a message that never began",
        "RFC 6455 §5.4: a continuation needs a beginning",
        1002,
        _continuation_first,
    ),
    FrameFault(
        "message-interleaved",
        "begins a message in the middle of another",
        "RFC 6455 §5.4: the fragments of two messages must not mix",
        1002,
        _message_interleaved,
    ),
    FrameFault(
        "text-not-utf8",
        "sends a text message that is not UTF-8",
        "RFC 6455 §8.1: text is UTF-8",
        1007,
        _sends(Opcode.TEXT, b"caf\xe9"),
    ),
    FrameFault(
        "too-big",
        f"sends one message of {TOO_BIG:,} bytes",
        "RFC 6455 §7.4.1: a peer may refuse what is too big for it",
        1009,
        _sends(Opcode.BINARY, bytes(TOO_BIG)),
    ),
    FrameFault(
        "close-without-code",
        "closes with an empty close frame",
        "RFC 6455 §7.1.5: allowed; the API reports 1005",
        1005,
        _closes(),
    ),
    FrameFault(
        "one-byte-close",
        "closes with half a code",
        "RFC 6455 §5.5.1: a code is two bytes",
        1002,
        _sends(Opcode.CLOSE, b"\x03"),
    ),
    FrameFault(
        "long-close",
        "closes with a reason of 124 bytes, so that the frame carries 126",
        "RFC 6455 §5.5: a control frame carries 125 bytes at most",
        1002,
        _closes(1000, b"x" * 124),
    ),
    FrameFault(
        "close-reason-not-utf8",
        "closes with a reason that is not UTF-8",
        "RFC 6455 §5.5.1: the reason is UTF-8",
        1007,
        _closes(1000, b"caf\xe9"),
    ),
    *(
        FrameFault(
            f"close-code-{code}",
            f"puts {code} ({close_code(code).name}) into a close frame",
            f"{close_code(code).rfc}: this code must not stand in a frame",
            1002,
            _closes(code),
        )
        for code in (999, 1004, 1005, 1006, 1015, 1016, 2999, 5000)
    ),
    FrameFault(
        "data-after-close",
        "sends a message after its close frame",
        "RFC 6455 §5.5.1: after a close frame nothing more is sent, and nothing more is read",
        1000,
        _data_after_close,
    ),
    FrameFault(
        "closes-twice",
        "sends two close frames, with different codes",
        "RFC 6455 §5.5.1: the first one counts",
        1000,
        _closes_twice,
    ),
    FrameFault(
        "never-answers-close",
        "answers everything but a close frame",
        "RFC 6455 §5.5.1: a close frame must be answered; patience is the other peer's",
        None,
        _never_answers_close,
    ),
    FrameFault(
        "answers-another-code",
        "answers a close frame with 4999, whatever the code was",
        "RFC 6455 §5.5.1: an echo is usual, and another code is no error",
        None,
        _answers_another_code,
    ),
    FrameFault(
        "keeps-tcp-open",
        "answers the close frame and then does not end TCP",
        "RFC 6455 §7.1.1: the server should end TCP; the client may, after waiting",
        None,
        _keeps_tcp_open,
    ),
    FrameFault(
        "never-answers",
        "reads everything and answers nothing, pings and close frames neither",
        "RFC 6455 §5.5.2: a ping must be answered; only keepalive finds out",
        None,
        _never_answers,
        at_once=True,
    ),
    FrameFault(
        "vanishes",
        "cuts TCP off with RST, without a close frame",
        "RFC 6455 §7.1.5: no close frame came, so the API reports 1006",
        None,
        _vanishes,
    ),
    FrameFault(
        "half-closes",
        "ends its half of TCP without a close frame, and goes on reading",
        "RFC 6455 §7.1.5: no close frame came, so the API reports 1006",
        None,
        _half_closes,
    ),
    FrameFault(
        "cuts-a-frame-short",
        "announces 5 bytes, sends 3, and ends TCP",
        "RFC 6455 §7.1.5: no close frame came, so the API reports 1006",
        None,
        _cuts_a_frame_short,
    ),
    FrameFault(
        "goes-away",
        "closes with 1001, as a server that shuts down",
        "RFC 6455 §7.4.1: 1001 is no error",
        1001,
        _closes(1001, b"shutting down"),
    ),
    FrameFault(
        "crashes-in-handler",
        "closes with 1011, as a server whose program failed",
        "RFC 6455 §7.4.1: 1011 is the server's own fault",
        1011,
        _closes(1011, b"internal error"),
        ("server",),
    ),
]

FAULTY_FRAMES: dict[str, FrameFault] = {fault.name: fault for fault in _FAULTS}
"""By name."""


async def misbehave(fault: FrameFault, connection: RawConnection) -> None:
    """The server's side of `fault`, after the 101: behave until the first message comes.

    Unless the fault begins at once: who never answers must not answer pings before that.
    """
    peer = FramePeer(connection, "server")
    if fault.at_once:
        await fault.script(peer)
        return
    first = await peer.read()
    while first is not None and first.opcode in (Opcode.PING, Opcode.PONG):
        if first.opcode == Opcode.PING:
            await peer.send(Opcode.PONG, first.payload)
        first = await peer.read()
    if first is None:
        return
    if first.opcode == Opcode.CLOSE and fault.earns is not None:
        await peer.send(Opcode.CLOSE, first.payload)  # nothing was sent: nothing to break
        return
    peer.put_back(first)  # some faults are about how something is answered
    await fault.script(peer)


class FrameResult(NamedTuple):
    """What came of a faulty client's visit."""

    name: str
    sent: bytes
    """What it sent after the handshake, byte for byte."""
    heard: tuple[Frame, ...]
    """What the server sent after the handshake."""
    close_code: int | None
    """The code of the server's close frame: 1005 for one without a code, None for no close
    frame."""
    ended: Literal["eof", "reset"] | None
    """How the server's stream ended; None if it was still open when the time was up."""

    def __str__(self) -> str:
        came = "no close frame" if self.close_code is None else f"close code {self.close_code}"
        how = {"eof": "TCP ended", "reset": "TCP was reset", None: "TCP stayed open"}[self.ended]
        return f"{self.name}: the server sent {came}, {how}"


def run(
    name: str, where: str | int | tuple[str, int] | Address, *, timeout: float = 5.0
) -> FrameResult:
    """Let the faulty client meet the server at `where`, or a tap in front of one.

    Waits at most `timeout` seconds for the end. Raises KeyError for a name that no client in
    `FAULTY_FRAMES` has, `ConnectFailed` if nobody listens, and `HandshakeFailed` if there is no
    101.
    """
    fault = FAULTY_FRAMES[name]
    if "client" not in fault.sides:
        raise KeyError(name)
    address = where if isinstance(where, Address) else Address.parse(where)
    return loop.run(_visit(fault, address, timeout))


async def _visit(fault: FrameFault, address: Address, patience: float) -> FrameResult:
    where = f"{address.host_in_url}:{address.port}"
    try:
        async with asyncio.timeout(patience):
            reader, writer = await asyncio.open_connection(
                address.host, address.port, limit=MAX_HEAD
            )
    except TimeoutError as error:
        raise ConnectTimedOut(f"{where} accepted no connection in {patience:g} s") from error
    except OSError as error:
        raise ConnectFailed(f"expected a server at {where}: {error}") from error
    connection = RawConnection(reader, writer)
    peer = FramePeer(connection, "client")
    try:
        status = None
        with contextlib.suppress(TimeoutError, OSError, asyncio.IncompleteReadError):
            async with asyncio.timeout(patience):
                writer.write(FAULTY_CLIENTS["correct"].request(address))
                status = parse_head(await reader.readuntil(b"\r\n\r\n")).status
        if status != 101:
            raise HandshakeFailed(f"expected 101 from {address.url}, got {status}", status=status)
        with contextlib.suppress(TimeoutError, OSError):
            async with asyncio.timeout(patience):
                await fault.script(peer)
                if not writer.is_closing():
                    await peer.read_to_end()
    finally:
        await close(writer)
    payload = peer.close_heard
    code = None if payload is None else int.from_bytes(payload[:2], "big") if payload else 1005
    return FrameResult(fault.name, bytes(connection.sent), tuple(peer.heard), code, peer.ended)
