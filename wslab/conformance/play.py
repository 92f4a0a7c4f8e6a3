"""Plays one case: with the server under test, or with a client under test that has connected."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from wslab.conformance.cases.responses import LOWER_ACCEPT
from wslab.conformance.wire import Wire
from wslab.net import Address
from wslab.net.cases import Case, Head
from wslab.net.clients import REQUEST_LINE, encode_head, opening_request
from wslab.net.peers import MASKING_KEY, code_in
from wslab.wire import Direction, Opcode, accept_key, encode_frame
from wslab.wire.protocol import FrameDraft, parse_head

HURRY = 0.5
"""Seconds that a peer has to notice a fault before it is told that the connection ends."""


class Played(NamedTuple):
    """What was seen when a case was played; the bytes are in the recording of its wire."""

    wire: Wire
    status: int | None = None
    """The HTTP status of the response, whoever sent it."""
    skipped: str = ""
    """Why the case could not be played; "" if it was."""


async def with_server(case: Case, wire: Wire, address: Address) -> Played:
    """Play a case as the client of a server under test."""
    if isinstance(case.sends, Head):
        head = case.sends
        request = opening_request(address, head.fields, head.line or REQUEST_LINE)
        await wire.send(request + head.body, case.delivery)
    else:
        extension = {"Sec-WebSocket-Extensions": case.agreed} if case.agreed else {}
        await wire.send(opening_request(address, extension))
    await wire.until(_answered)
    status = _status(wire)
    if isinstance(case.sends, Head):
        if status == 101:
            await _say_goodbye(wire)
        else:
            await wire.until_the_end()  # a refusal ends the connection, or does not
        return Played(wire, status)
    if status != 101:
        return Played(wire, status)
    if case.agreed and not _names(wire, "server", case.agreed):
        await _say_goodbye(wire)
        return Played(wire, status, f"the server does not agree on {case.agreed}")
    await _send_frames(case, wire)
    return Played(wire, status)


async def with_client(case: Case, wire: Wire) -> Played:
    """Play a case as the server of a client under test, whose request has come."""
    request = parse_head(wire.units("client")[0].data)
    head = case.sends if isinstance(case.sends, Head) else Head()
    if not set(head.offers) <= set(request.listed("Sec-WebSocket-Protocol")):
        return Played(wire, None, f"the client does not offer {', '.join(head.offers)}")
    if case.agreed and not _names(wire, "client", case.agreed):
        return Played(wire, None, "the client does not offer permessage-deflate")
    accept = accept_key(request.get("Sec-WebSocket-Key") or "")
    fields = {
        "Upgrade": "websocket",
        "Connection": "Upgrade",
        "Sec-WebSocket-Accept": accept,
        **({"Sec-WebSocket-Extensions": case.agreed} if case.agreed else {}),
        **head.fields,
    }
    if fields["Sec-WebSocket-Accept"] == LOWER_ACCEPT:
        fields["Sec-WebSocket-Accept"] = accept.lower()
    answer = encode_head(head.line or "HTTP/1.1 101 Switching Protocols", fields) + head.body
    if isinstance(case.sends, Head):
        # A client that takes this for an opened connection answers the ping.
        ping = encode_frame(Opcode.PING, b"open?")
        await wire.send(answer + (b"" if head.ends else ping), case.delivery)
        is_over = head.ends or parse_head(answer).status != 101
        if is_over:
            wire.finish()  # the answer to an ordinary request has an end
        if await wire.until(speaks_on) and not is_over:
            await _say_goodbye(wire)
    else:
        if not case.at_once:
            await wire.send(answer)
        await _send_frames(case, wire, answer if case.at_once else b"")
    return Played(wire, 101)


async def _send_frames(case: Case, wire: Wire, before: bytes = b"") -> None:
    frames = case.frames(wire.side)
    # Sent at once, a close frame may overtake what the peer's program has yet to answer.
    last = frames.pop() if frames[-1].opcode == Opcode.CLOSE else None
    await wire.send(before + _bytes(frames), case.delivery)
    if last is not None:
        await wire.until(_all_answered)
        await wire.send(last.to_bytes(), case.delivery)
    else:
        await wire.until(_closed if is_strict(case) else _closed_or_answered, HURRY)
        if not _closed(wire) and wire.ended is None:
            # A peer that took it for legal, or is only slow, says so by the code of its answer.
            await _send_close(wire)
    await _end(wire)


def speaks_on(wire: Wire) -> bool:
    """Whether the client has sent anything behind its request: it takes the connection for open."""
    return wire.capture.size(wire.connection, "client") > len(wire.units("client")[0].data)


def is_strict(case: Case) -> bool:
    """Whether a peer that takes the frames for legal is wrong."""
    return case.duty != "may"


def is_legal(case: Case) -> bool:
    """Whether all frames of the case are legal: then they end in a close frame, which is answered
    in kind."""
    last = case.frames("client")[-1]
    return last.opcode == Opcode.CLOSE and code_in(last.payload) == case.expected


async def _end(wire: Wire) -> None:
    """Wait for the peer's close frame, answer it, and wait for the end of TCP."""
    if await wire.until(_closed):
        if not wire.count(wire.side, "close"):
            payload = next(u.payload for u in wire.units(wire.other) if u.kind == "close")
            await _send_close(wire, payload[:125])
        if wire.side == "client":  # it is the server that ends TCP
            await wire.until_the_end()


async def _say_goodbye(wire: Wire) -> None:
    await _send_close(wire)
    await _end(wire)


async def _send_close(wire: Wire, payload: bytes = (1000).to_bytes(2, "big")) -> None:
    key = MASKING_KEY if wire.side == "client" else None
    await wire.send(encode_frame(Opcode.CLOSE, payload, masking_key=key))


def _bytes(frames: Sequence[FrameDraft]) -> bytes:
    return b"".join(frame.to_bytes() for frame in frames)


def _answered(wire: Wire) -> bool:
    return wire.count("server", "response") > 0


def _all_answered(wire: Wire) -> bool:
    """Whether every message came back, and a pong for the last ping."""
    pings = [unit.payload for unit in wire.units(wire.side) if unit.kind == "ping"]
    pongs = [unit.payload for unit in wire.units(wire.other) if unit.kind == "pong"]
    if pings and pings[-1] not in pongs:
        return False
    messages = wire.messages()
    return messages[wire.other] >= messages[wire.side]


def _closed(wire: Wire) -> bool:
    return wire.count(wire.other, "close") > 0


def _closed_or_answered(wire: Wire) -> bool:
    return _closed(wire) or _all_answered(wire)


def _status(wire: Wire) -> int | None:
    for unit in wire.units("server"):
        if unit.kind == "response":
            return parse_head(unit.data).status
    return None


def _names(wire: Wire, side: Direction, extension: str) -> bool:
    """Whether the head of that side names the extension, whatever its parameters."""
    named = parse_head(wire.units(side)[0].data).listed("Sec-WebSocket-Extensions")
    return _name(extension) in map(_name, named)


def _name(extension: str) -> str:
    return extension.partition(";")[0].strip()
