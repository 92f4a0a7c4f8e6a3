"""A client of a recorded server: hears the server's part, and is held against its own."""

from __future__ import annotations

from collections.abc import Callable

from wslab.net.recorded.conversation import Conversation
from wslab.net.recorded.expected import CONTROL, Expected, has_key, said_by
from wslab.net.recorded.live import Live
from wslab.net.recorded.part import Cue, Part, answer, new_answer
from wslab.net.servers.raw import RawConnection
from wslab.wire import Capture, Opcode, Unit, encode_frame
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

_NO_KEY = b"""HTTP/1.1 426 Upgrade Required\r
Upgrade: websocket\r
Connection: Upgrade, close\r
Content-Type: text/plain\r
Content-Length: 56\r
\r
Here the recording has a WebSocket: connect with ws://.
"""


class Guest(Live):
    """One client. `tell` gets the lines about it as things happen."""

    def __init__(
        self,
        connection: RawConnection,
        *,
        timing: bool,
        patience: float | None,
        tell: Callable[[str], None],
    ) -> None:
        super().__init__(Capture(), connection.reader, connection.writer, "client")
        self.timing = timing
        self.patience = patience
        self.tell = tell
        self.things: list[Unit] = []
        """What it said before its part was chosen."""
        self._conversation: Conversation | None = None
        self._request: Unit | None = None  # the last one
        self._expected = Expected(0, ())
        self._compressed = True
        self._quiet = False  # whether a close frame has gone out
        self._lax = False  # whether it has left out a ping or pong
        self._passed_pongs: set[int] = set()  # the places of pings that had not come in time
        self._seen = 0  # rows
        self._whole = 0  # bytes of the client's things
        self._most = ROOM

    def size(self) -> int:
        """How many bytes it has sent."""
        return self.capture.size(self.number, "client")

    # --- What it says

    def heard(self) -> None:
        index = self.capture.index
        rows = index.rows(self._seen)
        self._seen += len(rows)
        for row in rows:
            if row.direction != "client":
                continue
            thing = said_by(index, index.unit(row.number))
            if thing is None:
                continue
            self._whole = row.offset + row.length
            if self._conversation is None:
                self.things.append(thing)
            else:
                self._take(thing, self._conversation)
        if self.size() > self._most:
            self._note(f"cut off after {self.size()} bytes, far more than were recorded")
            self.end("reset")

    def _take(self, thing: Unit, conversation: Conversation) -> None:
        if thing.kind in CONTROL:
            at = self._expected.control(thing)
            if thing.kind == "ping" and (at is None or at in self._passed_pongs):
                self._pong(thing.payload)
            return
        conversation.came += thing.kind in ("text", "binary")
        if thing.kind == "request":
            self._request = thing
            if conversation.part.request is None:
                return
        self._depart(self._expected.take(thing))

    def _pong(self, payload: bytes) -> None:
        """Answer a ping without waiting; a client that reads nothing gets no more."""
        transport = self.writer.transport
        if self._quiet or transport.is_closing() or transport.get_write_buffer_size() > ROOM:
            return
        data = encode_frame(Opcode.PONG, payload)
        self.capture.record(self.number, "server", data)
        self.writer.write(data)

    def _depart(self, found: Difference | None) -> None:
        if found is not None and self._conversation is not None:
            self._conversation.depart(found)
            self.tell(f"{self._conversation.label}: {found.text}")

    def _note(self, text: str) -> None:
        if self._conversation is not None:
            self._conversation.notes.append(text)
            self.tell(f"{self._conversation.label}: {text}")

    # --- What it hears

    async def send(self, data: bytes) -> bool:
        sent = await super().send(data)
        self.heard()  # frames that came before the answer to the handshake are read only now
        return sent

    async def play(self, conversation: Conversation) -> None:
        """Say to it what the server said, until either has ended."""
        part = conversation.part
        things, self.things, self._conversation = self.things, [], conversation
        self._expected = Expected(part.number, part.said)
        self._most += 4 * sum(len(unit.data) for unit in part.said)
        for note in part.notes:
            self._note(note)
        for thing in things:
            self._take(thing, conversation)
        if self._request is not None and part.begins_with_frames:
            await self.send(new_answer(self._request))
        for cue in part.cues:
            if not await self._due(cue, part) or not await self._say(cue, part):
                break
        if not await self._end(part) and not self._expected.left:
            self._depart(self._expected.miss(len(part.said), "the client ended"))

    async def _due(self, cue: Cue, part: Part) -> bool:
        """Wait until a cue is due; False if it never will be."""
        expected = self._expected
        await self._come(cue.after, part)
        if cue.begun and expected.position == cue.after:
            await self.wait(lambda: expected.position > cue.after or self._begun(), GRACE)
        if self.timing and cue.pause:
            await self.wait(lambda: expected.left, cue.pause)
        return self.ended is None and not expected.left

    def _begun(self) -> bool:
        """Whether it has begun to say something more."""
        return self.size() > self._whole

    async def _come(self, after: int, part: Part) -> None:
        """Wait until it has said the first `after` things, or others in their place."""
        expected = self._expected
        sure = after  # of them, with what no library sends by itself at the end
        while sure and part.said[sure - 1].kind in CONTROL:
            sure -= 1
        if not await self._wait_for(sure, GRACE if self.patience is None else self.patience):
            if self.patience is None:
                if self._conversation is not None:
                    what = f"waiting for {expected.next()}, as the server did then"
                    self.tell(f"{self._conversation.label}: {what}")
                await self._wait_for(sure, None)
            else:
                self._depart(expected.miss(sure, f"went on after {self.patience:g} s"))
        if not await self._wait_for(after, 0.0 if self._lax else GRACE):
            self._lax = True
            expected.position = after

    async def _wait_for(self, count: int, patience: float | None) -> bool:
        """Wait until it has said `count` things; True as well if it never will."""
        expected = self._expected
        await self.wait(lambda: expected.position >= count or expected.left, patience)
        return expected.position >= count or expected.left or self.ended is not None

    async def _say(self, cue: Cue, part: Part) -> bool:
        """Say one thing; False if nothing can be said after it."""
        unit, data = cue.unit, cue.data if self._compressed else cue.plain
        if unit is not None and unit.kind == "close":
            self._quiet = True
        if unit is not None and unit.kind == "pong" and cue.answers is not None:
            if cue.answers not in self._expected.pings:
                self._passed_pongs.add(cue.answers)
                return True
            payload = self._expected.pings[cue.answers]
            data = data if unit.payload == payload else encode_frame(Opcode.PONG, payload)
        elif unit is not None and unit.kind == "response" and self._request is not None:
            head, now = parse_head(unit.data), self._request
            then = None if cue.answers is None else part.said[cue.answers]
            if head.status == 101 and not has_key(now) and (then is None or has_key(then)):
                await self.send(_NO_KEY)
                self._quiet = self._expected.left = True
                return False
            if head.status == 101 and has_key(now):
                data = answer(unit.data, then, now)
                agreed = (one.all("Sec-WebSocket-Extensions") for one in (head, parse_head(data)))
                self._compressed = len(set(map(tuple, agreed))) == 1
                if not self._compressed:
                    self._note("it offers no such compression: messages go out inflated")
        return await self.send(data)

    async def _end(self, part: Part) -> bool:
        """End as the server did then; whether it did."""
        expected = self._expected
        if part.end is not None and not expected.left:
            if part.waits_for_end:
                await self.wait(lambda: expected.left, self.patience)
            else:
                await self._come(part.end_after, part)
            mine = self.ended is None
            if not expected.left and (mine or part.waits_for_end):
                if part.end == "reset":  # it throws away what the client has not read yet
                    await self.wait(lambda: False, BEFORE_RESET)
                self.end(part.end)
                await self.wait_for_end(GRACE)
                return mine
        # The recording was over before: it is the client that ends this.
        await self.wait(lambda: expected.left or (expected.closed and self._quiet), None)
        if expected.left and not self._quiet:
            await self.send(encode_frame(Opcode.CLOSE, expected.farewell[:2]))
        else:
            await self.wait_for_end(CLOSING)
        return False
