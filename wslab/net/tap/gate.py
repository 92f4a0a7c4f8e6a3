"""Holds, delays and edits the frames of one connection, and delivers them when their time comes.

A connection with nothing armed has no gate: the tap is a plain relay. An armed one has two lanes,
one for each direction. A lane delivers in order, as TCP does: a waiting frame makes all frames
behind it wait too, unless one of them is delivered by hand.
"""

from __future__ import annotations

import asyncio
from collections import deque
from typing import Any, Literal, NamedTuple, Protocol

from wslab.net.problem_log import ProblemLog
from wslab.net.tap.assembler import LARGEST, Piece, UnitAssembler
from wslab.net.tap.in_flight import InFlight, Whose
from wslab.net.tap.settings import BOTH, Settings
from wslab.wire import Direction
from wslab.wire.recording import MarkName

HOLD_LIMIT = 16 * 2**20
"""The most bytes that queue in one direction; beyond that, nothing more is read from its sender."""

ALL_HOLD_LIMIT = 32 * 2**20
"""The most bytes that queue in all connections together; beyond that, the tap reads nothing more
from those who send what must wait."""

OVERHEAD = 500
"""Bytes of memory of a waiting frame besides its own bytes: with small frames, this is most."""

TURN = 256
"""Units of one connection that are handled in a row, before other connections have their turn."""

SLICE = 2048
"""Bytes that are split into units at a time: some hundred of the smallest units."""

CUT_GRACE = 0.5
"""Seconds that peers have to end their own side after a clean cut; then it is closed."""

Ending = Literal["eof", "reset", "gone"]
"""How a stream ended: with FIN, with RST, or because a peer that had sent FIN before has gone."""


class SocketEnd(Protocol):
    """What a gate needs of the tap's end of a TCP connection. `wslab.net.tap.relay.End` has it."""

    direction: Direction
    ended: bool

    @property
    def is_read(self) -> bool: ...
    def set_read(self, on: bool) -> None: ...
    def write(self, data: bytes) -> None: ...
    def finish(self, how: Ending) -> None: ...


class Connection(Whose, Protocol):
    """What a gate needs of the connection. `wslab.net.tap.relay.Relay` has it."""

    log: ProblemLog

    @property
    def client(self) -> SocketEnd: ...
    @property
    def server(self) -> SocketEnd: ...
    def record(self, direction: Direction, data: bytes) -> int: ...
    def mark(self, direction: Direction, *what: Any, **details: Any) -> None: ...
    def disarm(self) -> None: ...
    def close(self) -> None: ...
    def cut_hard(self) -> None: ...


class Gate:
    """The gate of one armed connection, with a lane for each direction."""

    def __init__(
        self, connection: Connection, settings: Settings, assembler: UnitAssembler
    ) -> None:
        self.connection = connection
        self.settings = settings
        self.assembler = assembler
        client, server = connection.client, connection.server
        self.lanes: dict[Direction, Lane] = {
            "client": Lane(self, client, server),
            "server": Lane(self, server, client),
        }
        settings.room.gates.add(self)
        self._closing: asyncio.TimerHandle | None = None
        self._came: deque[_Came | _StreamEnd] = deque()  # recorded, and not split into units yet
        self._scheduled: asyncio.Handle | None = None

    def take(self, direction: Direction, data: bytes) -> None:
        """Record bytes that a peer sent, and pass the units in them to the lanes."""
        start = self.connection.record(direction, data)
        self._came.append(_Came(direction, start, memoryview(data)))
        if self._scheduled is None:
            self._process()

    def is_behind(self, direction: Direction) -> bool:
        """Whether bytes from there still have to be split into units."""
        return any(came.direction == direction for came in self._came)

    def _process(self) -> None:
        """Split recorded bytes into units, as many as one turn allows."""
        self._scheduled, left = None, TURN
        while left > 0 and (place := self._next()) is not None:
            came = self._came[place]
            del self._came[place]
            lane = self.lanes[came.direction]
            if isinstance(came, _StreamEnd):
                self._arrive(self.assembler.flush(came.direction))
                lane.queue.append(came)
                continue
            if lane.discards:
                whole = came.start, len(came.data)
                self.connection.mark(came.direction, "dropped", *whole, note="after the cut")
                continue
            data, rest = bytes(came.data[:SLICE]), came.data[SLICE:]
            if rest:
                later = came._replace(start=came.start + SLICE, data=rest)
                self._came.insert(place, later)
            try:
                pieces = self.assembler.feed(came.direction, data)
            except Exception as fault:
                self._came.appendleft(came._replace(data=memoryview(data)))
                self._give_up(fault)
                return
            self._arrive(pieces)
            lane.inject_waiting()
            left -= 1 + len(pieces)
        self.update()

    def _next(self) -> int | None:
        """The place in `_came` of what can be split next: its lane has room.

        Before the 101 the directions depend on each other, so the order is kept.
        """
        for place, came in enumerate(self._came):
            if not self.lanes[came.direction].is_full:
                return place
            if not self.assembler.upgraded:
                break
        return None

    def go_on(self) -> None:
        """Read and split as much as there is room for."""
        if self._scheduled is None and self._next() is not None:
            self._scheduled = asyncio.get_running_loop().call_soon(self._process)
        for lane in self.lanes.values():
            lane.update_source()

    def _arrive(self, pieces: list[Piece]) -> None:
        for piece in pieces:
            lane = self.lanes[piece.direction]
            frame = InFlight(self.connection, piece, self.settings.next_sequence())
            if piece.what == "head":
                lane.head = frame
            elif piece.what == "body":
                frame.head = lane.head
            lane.arrive(frame)

    def _give_up(self, fault: Exception) -> None:
        """Give up after a fault of the debugger itself: all traffic passes, in its order."""
        self.settings.faults.note("split", fault)
        for direction, lane in self.lanes.items():
            came = [one for one in self._came if one.direction == direction]
            starts = [one.start for one in came if isinstance(one, _Came)]
            lane.deliver_all()
            lane.sink.write(self.assembler.rest(direction, min(starts, default=None)))
            for one in came:
                if isinstance(one, _StreamEnd):
                    lane.sink.finish(one.how)
                else:
                    lane.sink.write(bytes(one.data))
        self._came.clear()
        self.connection.disarm()
        for lane in self.lanes.values():
            lane.update_source()

    def ended(self, direction: Direction, how: Ending) -> None:
        """Pass on the end of a peer's stream, after everything that it sent before."""
        self._came.append(_StreamEnd(direction, how))
        if how != "eof":
            # That peer has gone, so nothing can be delivered to it.
            other: Direction = "server" if direction == "client" else "client"
            self.lanes[other].drop_all(f"the {direction} is gone")
        if self._scheduled is None:
            self._process()

    def update(self) -> None:
        """Deliver what is due, and remove this gate if nothing needs it any more."""
        for lane in self.lanes.values():
            lane.deliver_due()
        self.go_on()
        if self.settings.arms(self.connection.number):
            return
        if not self._came and all(lane.is_idle for lane in self.lanes.values()):
            for direction, lane in self.lanes.items():
                for piece in self.assembler.flush(direction):
                    lane.sink.write(piece.data)
            self.connection.disarm()

    def deliver_all(self) -> None:
        """Let everything that waits go, turn by turn."""
        for lane in self.lanes.values():
            lane.release()
            lane.deliver_due()

    def cut(self) -> None:
        """End both directions with FIN. What waits here is dropped."""
        if self._closing is None:
            loop = asyncio.get_running_loop()
            self._closing = loop.call_later(CUT_GRACE, self.connection.close)
        for lane in self.lanes.values():
            lane.close()
        self.check_closed()

    def check_closed(self) -> None:
        """Close both sockets when both streams have ended."""
        peers = (self.connection.client, self.connection.server)
        finished = all(lane.finished for lane in self.lanes.values())
        if finished and all(peer.ended for peer in peers):
            self.connection.close()

    def discard(self, why: str) -> None:
        """Drop all that waits: the connection is over."""
        if self._closing is not None:
            self._closing.cancel()
        if self._scheduled is not None:
            self._scheduled.cancel()
        for lane in self.lanes.values():
            lane.drop_all(why)
        for came in self._came:
            if isinstance(came, _Came):
                self.connection.mark(
                    came.direction, "dropped", came.start, len(came.data), note=why
                )
        self._came.clear()


class _Came(NamedTuple):
    """Bytes that a peer sent."""

    direction: Direction
    start: int
    data: memoryview


class _StreamEnd(NamedTuple):
    """The end of a stream, queued behind its last frame."""

    direction: Direction
    how: Ending


class Lane:
    """One direction of a connection: the units that `source` sent and `sink` has not got yet."""

    def __init__(self, gate: Gate, source: SocketEnd, sink: SocketEnd) -> None:
        self.gate = gate
        self.source = source
        self.sink = sink
        self.direction: Direction = source.direction
        self.queue: deque[InFlight | _StreamEnd] = deque()
        self.size = 0  # bytes of memory of the queue
        self.head: InFlight | None = None  # the last one
        self.finished = source.ended  # nothing more will be delivered
        self.discards = False  # and what still comes is dropped
        self._sink_full = not source.is_read
        self._injections: list[bytes] = []
        self._timer: asyncio.Handle | None = None

    @property
    def waiting(self) -> list[InFlight]:
        """The frames in the queue, oldest first."""
        return [frame for frame in self.queue if isinstance(frame, InFlight)]

    @property
    def frozen(self) -> bool:
        """Whether this lane delivers nothing at all."""
        return self.direction in self.gate.settings.freezing.of(self.gate.connection.number)

    @property
    def is_held(self) -> bool:
        """Whether frames that come are held here."""
        return self.direction in self.gate.settings.holding.of(self.gate.connection.number)

    @property
    def is_idle(self) -> bool:
        """Whether the queue is empty, and frames that come can pass without a look."""
        return not (self.queue or self.discards or self._injections)

    # --- Arriving

    def arrive(self, frame: InFlight) -> None:
        """Apply the rules to a new unit, then let it pass or queue it."""
        if self.discards:
            self._mark(frame, "dropped", note="after the cut")
            return
        settings, number = self.gate.settings, self.gate.connection.number
        holds = self.is_held
        unstopped = frame.too_large and (holds or settings.rules)
        if unstopped:
            self._tell_unstopped(frame)
        wait, reason = 0.0, "hold"
        if not frame.is_loose:
            wait, reason = self._follow_rules(frame)
            frame.held = frame.held or holds
        if frame.dropped:
            return
        now = asyncio.get_running_loop().time()
        line = settings.line(number, self.direction)
        # Not before it is due, and not before those ahead of it.
        frame.due = (now if line is None else line.arrival(now, len(frame.data))) + wait
        if self.queue or frame.held or self.frozen:
            self._mark(frame, "held", note=reason if frame.held else "behind what is held")
        elif frame.due > now:
            self._mark(frame, "delayed", note=reason if wait else "a slow line")
        else:
            self._deliver(frame)
            if unstopped:
                note = f"over {LARGEST >> 20} MiB: it passes as it comes"
                self._mark(frame, "delivered", note=note)
            return
        self._enqueue(frame)

    def _follow_rules(self, frame: InFlight) -> tuple[float, str]:
        """Apply the rules; returns the seconds that the frame must wait, and what stopped it."""
        wait, reason = 0.0, "hold"
        actions = self.gate.settings.decide(frame)
        for action in actions:
            reason = action.why
            match action.verb:
                case "drop" | "cut" | "reset":
                    frame.dropped = True
                    self._mark(frame, "dropped", note=reason)
                    deque(actions, 0)  # let the other rules count it although it is dropped
                    if action.verb == "cut":
                        self.gate.cut()
                    elif action.verb == "reset":
                        self.gate.connection.cut_hard()
                case "hold":
                    frame.held = True
                case "duplicate":
                    frame.copies += 1
                case "delay":
                    wait += action.seconds
                case "freeze":
                    self.gate.settings.freezing.set(self.gate.connection.number, BOTH, True)
                    self.gate.settings.tell()
                case _ if action.data is not None:
                    self.edit(frame, action.data, reason)
        return wait, reason

    def _tell_unstopped(self, frame: InFlight) -> None:
        """Note in log and view that this frame is too large to be stopped."""
        text = (
            f"a frame of {frame.too_large:,} bytes from the {self.direction} was not stopped, and "
            f"no rule saw it: over {LARGEST >> 20} MiB a frame passes as it comes; sent in "
            "fragments it can be held"
        )
        self.gate.connection.log.note(text)
        self.gate.settings.passed = text
        self.gate.settings.tell()

    # --- Leaving

    def deliver_due(self) -> None:
        """Deliver the units at the front that are due, as many as one turn allows."""
        self._cancel_timer()
        left = TURN
        while self.queue and not self.frozen:
            first = self.queue[0]
            if isinstance(first, _StreamEnd):
                self._finish(first)
                continue
            loop = asyncio.get_running_loop()
            if first.held:
                break
            if first.due > loop.time():
                self._timer = loop.call_at(first.due, self.gate.update)
                break
            if not left:
                self._timer = loop.call_soon(self.gate.update)
                break
            left -= 1
            self.let_go(first)

    def deliver_all(self) -> None:
        """Deliver everything that waits now, however much it is."""
        self._cancel_timer()
        while self.queue:
            first = self.queue[0]
            if isinstance(first, _StreamEnd):
                self._finish(first)
            else:
                self.let_go(first)

    def _finish(self, end: _StreamEnd) -> None:
        """Pass on the end of the stream, which is at the front of the queue."""
        self.queue.popleft()
        self.finished = True
        self.sink.finish(end.how)
        if end.how == "eof":
            self.gate.check_closed()

    def release(self) -> None:
        """Make everything that waits due now."""
        for frame in self.waiting:
            frame.held, frame.due = False, 0.0

    def let_go(self, frame: InFlight) -> None:
        """Deliver a waiting frame now, wherever it is in the queue."""
        self._remove(frame)
        self._deliver(frame)

    def _deliver(self, frame: InFlight) -> None:
        if frame.head is not None and frame.head.dropped:
            self._mark(frame, "dropped", note="its head was dropped")
            return
        self.sink.write(frame.data)
        if frame.marked:
            self._mark(frame, "delivered")
        for _ in range(frame.copies):
            self.copy(frame)

    def copy(self, frame: InFlight) -> None:
        """Deliver a copy of a frame; if the frame waits, it keeps waiting."""
        if not frame.marked:
            self._mark(frame, "delivered")
        self.sink.write(frame.data)
        self._mark(frame, "duplicated")

    def drop(self, frame: InFlight) -> None:
        """Remove a waiting frame."""
        self._remove(frame)
        frame.dropped = True
        self._mark(frame, "dropped", note="by hand")

    def edit(self, frame: InFlight, data: bytes, note: str) -> None:
        """Replace the bytes that will be sent for a frame."""
        if frame.waits:
            self._resize(len(data) - len(frame.data))
        frame.data = data
        self._mark(frame, "edited", data=data, note=note)

    def delay(self, frame: InFlight, seconds: float) -> None:
        """Make a frame due in so many seconds."""
        frame.held = False
        frame.due = asyncio.get_running_loop().time() + seconds
        self._mark(frame, "delayed", note="by hand")

    def drop_all(self, why: str) -> None:
        """Drop everything that waits, and everything that comes from now on."""
        self._cancel_timer()
        waiting = self.waiting
        self.queue.clear()
        self._injections.clear()
        self.discards = self.finished = True
        self._resize(-self.size)
        for frame in waiting:
            frame.waits = False
            self._mark(frame, "dropped", note=why)

    def close(self) -> None:
        """End this direction with FIN, as if its sender had. What it still sends is dropped."""
        if self.discards:
            return
        why = "the tap ended this direction"
        self.drop_all(why)
        for piece in self.gate.assembler.flush(self.direction):
            self._mark(InFlight(self.gate.connection, piece, 0), "dropped", note=why)
        self.gate.connection.mark(self.direction, "cut", note="FIN")
        self.sink.finish("eof")
        self.gate.check_closed()

    # --- Injecting

    def inject(self, data: bytes) -> None:
        """Insert bytes between two units of this direction: now, or after the one in progress."""
        self._injections.append(data)
        self.inject_waiting()

    def inject_waiting(self) -> None:
        """Insert the bytes that wait to be injected, unless a unit is in progress."""
        if not self._injections or self.gate.is_behind(self.direction):
            return
        if not self.gate.assembler.between_units(self.direction):
            return
        injections, self._injections = self._injections, []
        for data in injections:
            offset = self.gate.assembler.leave_room(self.direction, len(data))
            self.gate.connection.record(self.direction, data)
            piece = Piece(self.direction, offset, data, "frame")
            sequence = self.gate.settings.next_sequence()
            frame = InFlight(self.gate.connection, piece, sequence)
            self._mark(frame, "injected", note="by hand")
            if self.frozen or any(waiting.is_loose for waiting in self.waiting):
                self._enqueue(frame)  # not between the parts of a body
            else:
                self._deliver(frame)

    # --- The queue

    def _enqueue(self, frame: InFlight) -> None:
        self.queue.append(frame)
        frame.waits = True
        self._resize(len(frame.data) + OVERHEAD)

    def _remove(self, frame: InFlight) -> None:
        self.queue.remove(frame)
        frame.waits = False
        self._resize(-len(frame.data) - OVERHEAD)

    def _cancel_timer(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _mark(self, frame: InFlight, name: MarkName, **more: Any) -> None:
        frame.marked = True
        size = len(frame.sent)
        self.gate.connection.mark(self.direction, name, frame.offset, size, **more)

    # Backpressure: either end can make the source wait.

    @property
    def is_full(self) -> bool:
        """Whether nothing more may be queued here, in this lane or in all together."""
        if self.discards:
            return False
        if self.size > HOLD_LIMIT:
            return True
        stops = self.queue or self.frozen or self.is_held
        return bool(stops) and self.gate.settings.room.is_full

    def _resize(self, change: int) -> None:
        was_full, room = self.is_full, self.gate.settings.room
        self.size += change
        if room.take(change, ALL_HOLD_LIMIT):
            self.gate.connection.log.note(
                f"more than {ALL_HOLD_LIMIT >> 20} MiB wait at the tap, so it reads nothing more "
                "from those who send what must wait: let some of it go, or drop it"
            )
        if was_full != self.is_full or self.discards:
            self.gate.go_on()

    def set_sink_full(self, full: bool) -> None:
        """Note that the receiver cannot take more bytes at present, or can again."""
        self._sink_full = full
        self.update_source()

    def update_source(self) -> None:
        """Start or stop reading from the source."""
        full = self._sink_full or self.is_full or self.gate.is_behind(self.direction)
        self.source.set_read(self.discards or not full)
