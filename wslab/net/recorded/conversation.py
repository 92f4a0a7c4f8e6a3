"""One client of a recorded server: it hears the server's part, and is held against the client's."""

from __future__ import annotations

import sys
from collections.abc import Callable

from wslab.net.clients.raw import encode_head
from wslab.net.recorded.expected import CONTROL, Expected, has_key, said_by
from wslab.net.recorded.live import Live
from wslab.net.recorded.part import Cue, Part, answer
from wslab.net.servers.raw import RawConnection
from wslab.wire import Capture, Opcode, Unit, encode_frame, printable
from wslab.wire.accounts import Difference
from wslab.wire.protocol import parse_head

GRACE = 2.0
"""Seconds for what a client may leave out, such as a ping, and for it to end its stream."""
CLOSING = 0.5
"""Seconds for a client to end its stream after the close frames, where the server did not."""
BEFORE_RESET = 0.05
"""Seconds for a client to read what it was told, before its connection is cut."""
ROOM = 1 << 24
"""Bytes that a client may send beyond four times what the recording's client sent."""
MOST_TOLD = 100
"""Departures of one client that are kept."""

_NO_KEY = encode_head(
    "HTTP/1.1 426 Upgrade Required",
    {"Upgrade": "websocket", "Connection": "Upgrade, close", "Content-Length": "0"},
)
"""For a request that asks for no WebSocket, where the recording has one."""


class Conversation(Live):
    """What one client did on one of the recorded connections. `str` gives it as text."""

    def __init__(
        self, capture: Capture, connection: RawConnection, tell: Callable[[str], None]
    ) -> None:
        super().__init__(capture, connection.reader, connection.writer, "client")
        self.departures: list[Difference] = []
        """Where it departed from the recording: the first `MOST_TOLD`."""
        self.departed = 0
        """How many departures there were."""
        self.came = 0
        """How many messages came from it."""
        self.notes: list[str] = []
        self.over = False
        self.label = ""
        """Who speaks, and which recorded connection is played."""
        self._tell = tell
        self._expected = Expected(0, ())
        self._request: Unit | None = None  # the last one
        self._compressed = True
        self._quiet = False  # whether a close frame has gone out
        self._ended_it = False  # whether the server ended the connection, as it did then
        self._lax = False  # whether it has left out a ping or pong
        self._too_late: set[int] = set()  # the places of pings that had not come when due
        self._position = self._whole = 0  # bytes: of its units, and of what it has said whole
        self._most = ROOM

    @property
    def same(self) -> bool:
        """Whether it said, so far, what the recording's client said."""
        return not self.departed

    @property
    def verdict(self) -> str:
        """In one line: whether it said what was recorded."""
        many = f"{self.departed} departure{'s' * (self.departed != 1)}"
        said = "as recorded" if self.same else many
        messages = sum(unit.kind in ("text", "binary") for unit in self._expected.said)
        came = f"{self.came} of {messages} messages came"
        return printable(f"{self.label}: {said}, {came}{'' if self.over else ' so far'}")

    def __str__(self) -> str:
        lines = [*(f"  note: {note}" for note in self.notes)]
        lines += [f"  ≠ {departure.text}" for departure in self.departures]
        if self.departed > MOST_TOLD:
            lines.append(f"  and {self.departed - MOST_TOLD} more")
        return "\n".join([self.verdict, *map(printable, lines)])

    # --- What it says

    def size(self) -> int:
        """How many bytes it has sent."""
        return self.capture.size(self.number, "client")

    def heard(self) -> None:
        index = self.capture.index
        for row in index.rows_of(self.number, "client", self._position):
            self._position = row.offset + row.length
            if thing := said_by(index, index.unit(row.number)):
                self._whole = self._position
                self._take(thing)
        if self.size() > self._most:
            self._note(f"cut off after {self.size()} bytes, far more than were recorded")
            self._most = sys.maxsize
            self.end("reset")

    def _take(self, thing: Unit) -> None:
        expected = self._expected
        if thing.kind in CONTROL:
            at = expected.control(thing)
            if thing.kind == "ping" and (at is None or at in self._too_late):
                self._pong(thing.payload)
            return
        self.came += thing.kind in ("text", "binary")
        if thing.kind == "request":
            self._request = thing
        if thing.kind != "request" or any(one.kind == "request" for one in expected.said):
            self._depart(expected.take(thing))

    def _pong(self, payload: bytes) -> None:
        """Answer a ping without waiting; a client that reads nothing gets no more."""
        transport = self.writer.transport
        if self._quiet or transport.is_closing() or transport.get_write_buffer_size() > ROOM:
            return
        data = encode_frame(Opcode.PONG, payload)
        self.capture.record(self.number, "server", data)
        self.writer.write(data)

    def _depart(self, found: Difference | None) -> None:
        if found is not None:
            self.departed += 1
            self.departures += [found] if self.departed <= MOST_TOLD else []
            self.tell(found.text)

    def _note(self, text: str) -> None:
        self.notes.append(text)
        self.tell(text)

    def tell(self, text: str) -> None:
        """Tell at once."""
        self._tell(printable(f"{self.label}: {text}"))

    # --- What it hears

    async def send(self, data: bytes) -> bool:
        sent = await super().send(data)
        self.heard()  # frames that came before the answer to the handshake are read only now
        return sent

    async def play(self, part: Part, label: str, timing: bool, patience: float | None) -> None:
        """Say to it what the server said, until either has ended.

        `timing`, `patience`: see `RecordedServer`.
        """
        self.label = label
        self._expected = expected = Expected(part.number, part.said)
        self._most += 4 * sum(len(unit.data) for unit in part.said)
        for note in part.notes:
            self._note(note)
        self.heard()
        self.start()
        for cue in part.cues:
            await self._come(cue, part, patience)
            if timing:
                await self.wait(lambda: expected.left, cue.pause)
            gone = self.ended is not None and not (cue.end and part.client_first)
            if gone or expected.left or not await self._say(cue, part):
                break
        else:  # the recording was over before either ended
            await self.wait(lambda: expected.left or (expected.closed and self._quiet), None)
            await self.wait(lambda: expected.left, CLOSING)
        if expected.left and not self._quiet:
            await self.send(encode_frame(Opcode.CLOSE, expected.farewell[:2]))
        elif self.ended is not None and not self._ended_it:
            self._depart(expected.miss(len(part.said), "the client ended before"))

    async def _come(self, cue: Cue, part: Part, patience: float | None) -> None:
        """Wait until it has said what comes before a cue, or something in its place."""
        expected, sure = self._expected, cue.after
        while sure and part.said[sure - 1].kind in CONTROL:
            sure -= 1  # a client may leave these out
        if not await self._wait_for(sure, GRACE if patience is None else patience):
            if patience is None:
                self.tell(f"waiting for {expected.next()}, as the server did then")
                await self._wait_for(sure, None)
            else:
                self._depart(expected.miss(sure, f"went on after {patience:g} s without"))
        if not await self._wait_for(cue.after, 0.0 if self._lax else GRACE):
            self._lax = True
            expected.position = cue.after
        if cue.begun and expected.position == cue.after:
            await self.wait(lambda: expected.position > cue.after or self._begun(), GRACE)
        if cue.end and part.client_first:
            await self.wait(lambda: expected.left, patience)

    def _begun(self) -> bool:
        """Whether it has begun to say something more."""
        return self.size() > self._whole

    async def _wait_for(self, count: int, patience: float | None) -> bool:
        """Wait until it has said `count` things; True as well if it never will."""
        expected = self._expected
        await self.wait(lambda: expected.position >= count or expected.left, patience)
        return expected.position >= count or expected.left or self.ended is not None

    async def _say(self, cue: Cue, part: Part) -> bool:
        """Say or do one thing; False if nothing can be said after it."""
        unit, data = cue.unit, cue.data if self._compressed else cue.plain
        kind = unit.kind if unit else ""
        self._quiet = self._quiet or kind == "close"
        if cue.end:
            self._ended_it = self.ended is None
            if cue.end == "reset":  # it throws away what the client has not read yet
                await self.wait(lambda: False, BEFORE_RESET)
            self.end(cue.end)
            await self.wait_for_end(GRACE)
            return False
        if unit and kind == "pong" and cue.answers is not None:
            payload = self._expected.pings.get(cue.answers)
            if payload is None:
                self._too_late.add(cue.answers)
                return True
            data = data if unit.payload == payload else encode_frame(Opcode.PONG, payload)
        elif unit and kind == "response" and self._request is not None:
            head, request = parse_head(unit.data), parse_head(self._request.data)
            then = None if cue.answers is None else part.said[cue.answers]
            if head.status == 101 and has_key(self._request):
                data = answer(unit.data, then, request)
                self._compressed = bool(parse_head(data).all("Sec-WebSocket-Extensions"))
                if head.all("Sec-WebSocket-Extensions") and not self._compressed:
                    self._note("it offers no such compression: messages go out inflated")
            elif head.status == 101 and (then is None or has_key(then)):
                await self.send(_NO_KEY)
                self._quiet = self._expected.left = True
                return False
        return await self.send(data)
