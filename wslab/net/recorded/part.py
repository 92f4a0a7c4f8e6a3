"""The server's part of a recorded connection: what it said, and after which words of the client."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterator
from typing import NamedTuple

from wslab.net.recorded.expected import said_by
from wslab.net.recorded.script import End, Script, end_of, script_of
from wslab.wire import Capture, Opcode, Unit, accept_key, encode_frame
from wslab.wire.protocol import Head, extensions_fit, is_masked, parse_head

Chunks = tuple[list[float], list[int]]
"""When the chunks of a stream came, and where they end."""

_ANSWER = b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n"
"""The response where none was recorded."""


class Cue(NamedTuple):
    """What the server said or did, and what has to come from the client before."""

    data: bytes
    unit: Unit | None
    """None: the beginning of a unit whose end was not recorded, or the end of the stream."""
    plain: bytes
    """The same without compression: a compressed message stands in the place of its last frame."""
    after: int
    """How many things the client had said: see `Part.said`."""
    begun: bool
    """Whether it had begun to say the next one."""
    pause: float
    """Seconds since either had said something."""
    answers: int | None = None
    """For a response or a pong: the place in `Part.said` of the request or ping that it answers."""
    end: End | None = None


class Part(NamedTuple):
    """The server's part of one recorded connection."""

    number: int
    label: str
    cues: list[Cue]
    said: list[Unit]
    """What the client said: requests, messages, control frames."""
    client_first: bool
    """Whether it was the client that ended its stream first."""
    notes: list[str]

    @property
    def request(self) -> Unit | None:
        """The first request."""
        return next((unit for unit in self.said if unit.kind == "request"), None)


def parts_of(capture: Capture) -> Iterator[Part]:
    """The parts of the connections on which the server said or did more than to open them."""
    chunks: dict[int, Chunks] = {}
    log = capture.log
    for stream, end, time in zip(log.stream_of, log.end_of, log.time_of, strict=False):
        times, ends = chunks.setdefault(stream, ([], []))
        times.append(time)
        ends.append(end)
    for number in capture.index.connections:
        script = script_of(capture, number, "server")
        heads = [parse_head(s.unit.data) for s in script.steps if s.unit and s.unit.opcode is None]
        more = len(heads) < len(script.steps) or any(head.status != 101 for head in heads)
        if not more and "server" not in script.ends:
            continue
        if any(unit.kind == "tls" for unit in script.others):
            continue
        masked = {h.name for head in heads for h in head.headers if is_masked(h.value, h.name)}
        notes = [f"{name}: masked in the recording, and sent as stars" for name in sorted(masked)]
        if script.lost:
            notes.append(f"left out: {script.lost} of its units, which the recording lacks")
        if not script.others:
            notes.append("the recording has only the server's side: nothing is compared")
        yield _part(capture, number, script, chunks.get(2 * number - 2, ([], [])), notes)


def _part(capture: Capture, number: int, script: Script, chunks: Chunks, notes: list[str]) -> Part:
    index, others = capture.index, script.others
    said: list[Unit] = []
    counts = [0]  # by number of units: how many things they are
    for one in others:
        said += filter(None, [] if _to_proxy(one) else [said_by(index, one)])
        counts.append(len(said))
    inflated: dict[int, bytes] = {}
    if any(step.unit and step.unit.inflated is not None for step in script.steps):
        for message in index.messages(number):
            opcode = Opcode.TEXT if message.kind == "text" else Opcode.BINARY
            inflated[message.row] = encode_frame(opcode, message.content)
    cues: list[Cue] = []
    if script.steps and (first := script.steps[0].unit) and first.opcode is not None:
        response = first._replace(kind="response", opcode=None, data=_ANSWER)
        cues.append(Cue(_ANSWER, response, _ANSWER, 0, False, 0.0))
    asked: dict[object, int] = {}  # where the client asked last for what is answered
    known = 0  # how many things were looked at for that
    times = [step.time for step in script.steps[:1]] + [one.time for one in others[:1]]
    before = min(times, default=0.0)  # when either said something last
    for data, time, after, unit in script.steps:
        last = others[after - 1] if after else None
        if unit and unit.opcode is None and last and _to_proxy(last):
            continue  # the proxy's answer
        before = max(before, last.time) if last else before
        at = bisect_left(chunks[0], time)
        begun = at > 0 and chunks[1][at - 1] > (last.offset + last.length if last else 0)
        begun = begun or (after > 0 and counts[after] == counts[after - 1])  # a fragment
        plain = data
        if unit is not None and unit.inflated is not None:
            plain = inflated.get(unit.number, b"") if unit.fin else b""
        for place in range(known, counts[after]):
            if said[place].kind in ("request", "ping"):
                asked[_question(said[place])] = place
        known, answers = counts[after], asked.get(_question(unit)) if unit else None
        cues.append(Cue(data, unit, plain, known, begun, max(0.0, time - before), answers))
        before = time
    if end := script.ends.get("server"):
        after = sum(one.time <= end.time for one in said)
        pause = max(0.0, end.time - before)
        cues.append(Cue(b"", None, b"", after, False, pause, end=end_of(end)))
    client_first = next(iter(script.ends), "") == "client"
    return Part(number, capture.label(number), cues, said, client_first, notes)


def _to_proxy(unit: Unit) -> bool:
    """Whether a client said something to its proxy: a client of ours needs none."""
    return unit.kind == "socks" or unit.data.startswith(b"CONNECT ")


def _question(unit: Unit) -> object:
    """What a request and a response, or a ping and its pong, have in common."""
    return unit.payload if unit.kind in ("ping", "pong") else unit.opcode is None


def answer(response: bytes, then: Unit | None, request: Head) -> bytes:
    """The recorded 101 to the request `then`, for the request of a live client.

    The accept is computed from its key, unless the recorded one was wrong. A subprotocol or an
    extension that the recording's client offered, and this one did not, is left out.
    """
    head, recorded = parse_head(response), parse_head(then.data) if then else request
    key, offers = "Sec-WebSocket-Key", "Sec-WebSocket-Protocol"
    accept = f"Sec-WebSocket-Accept: {accept_key(request.get(key) or '')}\r\n".encode()
    lines = [response[: head.empty + head.first_length]]
    for header in head.headers:
        name, line = header.name.lower(), response[header.offset : header.offset + header.length]
        left_out = False
        if name == "sec-websocket-accept":
            if not then or header.value == accept_key(recorded.get(key) or ""):
                line = accept.replace(b"Sec-WebSocket-Accept", header.name.encode())
        elif name == "sec-websocket-protocol":
            offered = (header.value in one.listed(offers) for one in (recorded, request))
            left_out = list(offered) == [True, False]
        elif name == "sec-websocket-extensions":
            left_out = extensions_fit(head, recorded) > extensions_fit(head, request)
        lines += [] if left_out else [line]
    if response is _ANSWER:
        lines += [accept, *(f"{offers}: {one}\r\n".encode() for one in request.listed(offers)[:1])]
    return b"".join(lines) + b"\r\n" + response[head.length :]
