"""The server's part of a recorded connection: what it said, and after which words of the client."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterator
from typing import NamedTuple

from wslab.net.recorded.expected import asked_for, said_by
from wslab.net.recorded.script import End, Script, end_of, script_of
from wslab.wire import Capture, Opcode, Unit, accept_key, encode_frame
from wslab.wire.protocol import extensions_fit, is_masked, parse_head

Heard = tuple[list[float], list[int]]
"""The times and ends of one stream's chunks."""


class Cue(NamedTuple):
    """What the server said, and what has to come from the client before."""

    data: bytes
    unit: Unit | None
    """None: the beginning of a unit whose end was not recorded."""
    plain: bytes
    """The same without compression: a compressed message stands in the place of its last frame."""
    after: int
    """How many things the client had said: see `Part.said`."""
    begun: bool
    """Whether it had begun to say the next one."""
    pause: float
    """Seconds since either had said something."""
    answers: int | None
    """For a response or a pong: the place in `Part.said` of the request or ping that it answers."""


class Part(NamedTuple):
    """The server's part of one recorded connection."""

    number: int
    label: str
    cues: list[Cue]
    said: list[Unit]
    """What the client said: requests, messages, control frames."""
    end: End | None
    """How the server ended its stream, if it did."""
    end_after: int
    """How many things the client had said until then."""
    waits_for_end: bool
    """Whether the client had ended its own stream before."""
    notes: list[str]

    @property
    def request(self) -> Unit | None:
        """The first request."""
        return next((unit for unit in self.said if unit.kind == "request"), None)

    @property
    def begins_with_frames(self) -> bool:
        """Whether the answer to the request was not recorded."""
        return (
            bool(self.cues) and (unit := self.cues[0].unit) is not None and unit.opcode is not None
        )


def parts_of(capture: Capture) -> Iterator[Part]:
    """The parts of the connections on which the server said or did more than to open them."""
    heard: dict[int, Heard] = {}
    log = capture.log
    for stream, end, time in zip(log.stream_of, log.end_of, log.time_of, strict=False):
        times, ends = heard.setdefault(stream, ([], []))
        times.append(time)
        ends.append(end)
    for number in capture.index.connections:
        script = script_of(capture, number, "server")
        heads = [parse_head(s.unit.data) for s in script.steps if s.unit and s.unit.opcode is None]
        more = len(heads) < len(script.steps) or any(head.status != 101 for head in heads)
        if any(unit.kind == "tls" for unit in script.others) or not (
            more or "server" in script.ends
        ):
            continue
        masked = {h.name for head in heads for h in head.headers if is_masked(h.value, h.name)}
        notes = [f"{name}: masked in the recording, and sent as stars" for name in sorted(masked)]
        if script.lost:
            notes.append(f"{script.lost} units are no longer in the recording")
        yield _part(capture, number, script, heard.get(2 * number - 2, ([], [])), notes)


def _part(capture: Capture, number: int, script: Script, heard: Heard, notes: list[str]) -> Part:
    index, others = capture.index, script.others
    said: list[Unit] = []
    counts = [0]  # by number of units: how many things they are
    for one in others:
        said += filter(None, [said_by(index, one)])
        counts.append(len(said))
    inflated: dict[int, bytes] = {}
    if any(step.unit and step.unit.inflated is not None for step in script.steps):
        for message in index.messages(number):
            opcode = Opcode.TEXT if message.kind == "text" else Opcode.BINARY
            inflated[message.row] = encode_frame(opcode, message.content)
    cues: list[Cue] = []
    asked: dict[object, int] = {}  # where the client asked last for what is answered
    known = 0  # how many things were looked at for that
    times = [step.time for step in script.steps[:1]] + [one.time for one in others[:1]]
    before = min(times, default=0.0)  # when either said something last
    for data, time, after, unit in script.steps:
        last = others[after - 1] if after else None
        before = max(before, last.time) if last else before
        chunks = bisect_left(heard[0], time)  # of the client, until then
        begun = chunks > 0 and heard[1][chunks - 1] > (last.offset + last.length if last else 0)
        begun = begun or (after > 0 and counts[after] == counts[after - 1])  # a fragment
        plain = data
        if unit is not None and unit.inflated is not None:
            plain = inflated.get(unit.number, b"") if unit.fin else b""
        asked |= {_question(said[at]): at for at in range(known, counts[after])}
        known, answers = counts[after], asked.get(_question(unit)) if unit else None
        cues.append(Cue(data, unit, plain, known, begun, max(0.0, time - before), answers))
        before = time
    end = script.ends.get("server")
    return Part(
        number, capture.label(number), cues, said, end_of(end),
        len(said) if end is None else sum(unit.time <= end.time for unit in said),
        next(iter(script.ends), "") == "client", notes,
    )  # fmt: skip


def _question(unit: Unit) -> object:
    """What a request and a response, or a ping and its pong, have in common."""
    if unit.kind in ("ping", "pong"):
        return unit.payload
    return unit.opcode is None


def answer(response: bytes, then: Unit | None, now: Unit) -> bytes:
    """The recorded 101 to the request `then`, for the request of a live client.

    The accept is computed from its key, unless the recorded one was wrong. A subprotocol or an
    extension that the recording's client offered, and this one did not, is left out.
    """
    head, request = parse_head(response), parse_head(now.data)
    recorded = parse_head(then.data) if then else request
    accept = accept_key(request.get("Sec-WebSocket-Key") or "")
    lines = [response[: head.empty + head.first_length]]
    for header in head.headers:
        name, line = header.name.lower(), response[header.offset : header.offset + header.length]
        left_out = False
        if name == "sec-websocket-accept":
            if not then or header.value == accept_key(recorded.get("Sec-WebSocket-Key") or ""):
                line = f"{header.name}: {accept}\r\n".encode()
        elif name == "sec-websocket-protocol":
            offered = (one.listed("Sec-WebSocket-Protocol") for one in (recorded, request))
            left_out = [header.value in words for words in offered] == [True, False]
        elif name == "sec-websocket-extensions":
            left_out = extensions_fit(head, recorded) > extensions_fit(head, request)
        lines += [] if left_out else [line]
    return b"".join(lines) + b"\r\n" + response[head.length :]


def new_answer(now: Unit) -> bytes:
    """A 101 where none was recorded; it takes the first subprotocol that is offered."""
    lines = ["HTTP/1.1 101 Switching Protocols", "Upgrade: websocket", "Connection: Upgrade"]
    lines += [f"Sec-WebSocket-Protocol: {word}" for word in asked_for(now)[1][:1]]
    head = "\r\n".join([*lines, "Sec-WebSocket-Accept: ", "", ""])
    return answer(head.encode("latin-1", "replace"), None, now)
