"""What stands in an armed connection's way: frames queue here and go when they may.

A connection with nothing armed has no gate: the tap then is the plain relay that it is. An armed
one has two lanes, one for each direction. A lane delivers in order, as TCP does: whatever waits
makes all behind it wait too, unless somebody lets a frame go by hand.
"""

from __future__ import annotations

import asyncio
import random
from collections import deque
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, NamedTuple

from wslab.net.tap.assembler import LARGEST, Assembler, Piece
from wslab.net.tap.in_flight import InFlight
from wslab.wire import Direction
from wslab.wire.recording.capture import MarkName

if TYPE_CHECKING:
    from wslab.net.tap.debugger import Settings
    from wslab.net.tap.relay import End, Relay

HOLD_LIMIT = 16 * 2**20
"""Bytes that may queue in one direction; then its sender is not read from any more."""

OVERHEAD = 500
"""Bytes that a waiting frame takes besides its own: of small frames these are the most."""

CUT_GRACE = 0.5
"""Seconds that peers have for ending their own side after a clean cut; then it is closed."""

How = Literal["eof", "reset", "gone"]


class _Ending(NamedTuple):
    """The end of a stream, queued behind its last frame."""

    how: How
    """`gone`: the peer had sent its FIN before, and is not there any more at all."""


@dataclass
class Line:
    """How slow a direction is made. `jitter` is drawn from `chance`, so that it repeats."""

    bytes_per_second: float | None
    latency: float
    jitter: float
    chance: random.Random
    busy_until: float = 0.0

    def arrival(self, now: float, size: int) -> float:
        """When what starts now has arrived at the other end."""
        sent = max(now, self.busy_until)
        if self.bytes_per_second is not None:
            sent += size / self.bytes_per_second
        self.busy_until = sent
        return sent + self.latency + (self.chance.uniform(0, self.jitter) if self.jitter else 0)


class Gate:
    """Both lanes of one armed connection."""

    def __init__(self, relay: Relay, settings: Settings, assembler: Assembler) -> None:
        self.relay = relay
        self.settings = settings
        self.assembler = assembler
        self.lanes: dict[Direction, Lane] = {
            "client": Lane(self, relay.client),
            "server": Lane(self, relay.server),
        }
        self._closing: asyncio.TimerHandle | None = None

    @property
    def connection(self) -> int:
        """The number that the recording gave it; 0 without one."""
        return self.relay.number or 0

    def take(self, direction: Direction, data: bytes) -> None:
        """A peer sent these bytes."""
        lane = self.lanes[direction]
        if lane.discards:
            lane.discard(data)
            return
        lane.record(data)
        try:
            pieces = self.assembler.feed(direction, data)
        except Exception as fault:
            self.relay.tap.faults.note("split", fault)
            self._surrender(direction, data)
            return
        self._arrive(pieces)
        lane.inject_waiting()
        self.settle()

    def _arrive(self, pieces: list[Piece]) -> None:
        for piece in pieces:
            lane = self.lanes[piece.direction]
            frame = InFlight(self.connection, piece, self.settings.next_sequence())
            if piece.what == "head":
                lane.head = frame
            elif piece.what == "body":
                frame.head = lane.head
            lane.arrive(frame)

    def _surrender(self, direction: Direction, data: bytes) -> None:
        """The debugger itself is broken: let the traffic be, and get out of its way."""
        for lane in self.lanes.values():
            lane.open_wide()
        self.lanes[direction].write(data)
        self.relay.disarm()

    def ended(self, direction: Direction, how: How) -> None:
        """A peer's stream ended. What it said before is delivered first, when it may."""
        self._arrive(self.assembler.flush(direction))
        lane = self.lanes[direction]
        lane.end(how)
        if how != "eof":
            # Nobody is there to whom the other direction could deliver.
            self.lanes[_other(direction)].drop_all(f"the {direction} is gone")
        self.settle()

    def settle(self) -> None:
        """Deliver what may go, and take this gate away where nothing needs it any more."""
        for lane in self.lanes.values():
            lane.pump()
        if all(lane.is_idle for lane in self.lanes.values()):
            self._let_partial_go()
            self.relay.disarm()

    def _let_partial_go(self) -> None:
        for direction, lane in self.lanes.items():
            for piece in self.assembler.flush(direction):
                lane.write(piece.data)

    def cut(self) -> None:
        """End both directions with FIN. What waits here is dropped."""
        if self.relay.gone.is_set():
            return
        for lane in self.lanes.values():
            lane.close("FIN")
        loop = asyncio.get_running_loop()
        self._closing = loop.call_later(CUT_GRACE, self.relay.close)
        self.check_closed()

    def check_closed(self) -> None:
        """Close both sockets once both streams are over, here and there."""
        ends = (self.relay.client, self.relay.server)
        finished = all(lane.finished for lane in self.lanes.values())
        if finished and all(end.ended for end in ends):
            self.relay.close()

    def discard(self, why: str) -> None:
        """The connection is over: nothing waits any more."""
        if self._closing is not None:
            self._closing.cancel()
        for lane in self.lanes.values():
            lane.drop_all(why)


class Lane:
    """One direction: what `source` sent and the other end does not have yet."""

    def __init__(self, gate: Gate, source: End) -> None:
        self.gate = gate
        self.source = source
        self.direction: Direction = source.direction
        self.queue: deque[InFlight | _Ending] = deque()
        self.size = 0  # bytes that the queue takes
        self.choked = source.transport is not None and not source.transport.is_reading()
        self.full = False
        self.finished = source.ended  # nothing more will be delivered
        self.discards = False
        self.head: InFlight | None = None  # the last one
        self._injections: list[tuple[bytes, str]] = []
        self._timer: asyncio.TimerHandle | None = None

    # --- What the settings say

    @property
    def holds(self) -> bool:
        return self.gate.settings.holds(self.gate.connection, self.direction)

    @property
    def frozen(self) -> bool:
        return self.gate.settings.frozen(self.gate.connection, self.direction)

    @property
    def line(self) -> Line | None:
        return self.gate.settings.line(self.gate.connection, self.direction)

    @property
    def is_idle(self) -> bool:
        """Whether nothing needs the frames of this direction one by one."""
        return (
            not self.queue
            and not self.discards
            and not self._injections
            and not self.gate.settings.arms(self.gate.connection)
        )

    # --- Arriving

    def arrive(self, frame: InFlight) -> None:
        """A unit is there: ask the rules, then let it pass or queue it."""
        if self.discards:
            self._mark(frame, "dropped", note="after the cut")
            return
        unstopped = frame.too_large and (self.holds or self.gate.settings.rules)
        if unstopped:
            self._tell_unstopped(frame)
        wait = 0.0
        reason = "hold"
        actions = iter(()) if frame.is_loose else self.gate.settings.decide(frame)
        for action in actions:
            reason = action.why
            if action.verb in ("drop", "cut", "reset"):
                frame.dropped = True
                self._mark(frame, "dropped", note=action.why)
                for _ in actions:  # the other rules count what came, not what was left of it
                    pass
                if action.verb == "cut":
                    self.gate.cut()
                elif action.verb == "reset":
                    self.gate.relay.cut_hard()
                return
            if action.verb == "hold":
                frame.held = True
            elif action.verb == "duplicate":
                frame.copies += 1
            elif action.verb == "delay":
                wait += action.seconds
            elif action.verb == "freeze":
                self.gate.settings.freeze(self.gate.connection)
            elif action.data is not None:
                self.edit(frame, action.data, action.why)
        now = asyncio.get_running_loop().time()
        due = now + wait
        if (line := self.line) is not None:
            due = max(due, line.arrival(now, len(frame.data)) + wait)
        frame.due = due  # and not before those that wait in front of it
        frame.held = frame.held or (self.holds and not frame.is_loose)
        if self.queue or frame.held or self.frozen:
            self._mark(frame, "held", note=reason if frame.held else "behind what is held")
        elif frame.due > now:
            note = reason if wait else "a slow line"
            self._mark(frame, "delayed", note=note)
        else:
            self._deliver(frame)
            if unstopped:
                note = f"over {LARGEST >> 20} MiB: it passes as it comes"
                self._mark(frame, "delivered", note=note)
            return
        self._enqueue(frame)

    def _tell_unstopped(self, frame: InFlight) -> None:
        """Say that nobody can stop this one, where a learner looks for it."""
        text = (
            f"a frame of {frame.too_large:,} bytes from the {self.direction} was not stopped, and "
            f"no rule saw it: over {LARGEST >> 20} MiB a frame passes as it comes; sent in "
            "fragments it can be held"
        )
        self.gate.relay.tap.log.note(text)
        self.gate.settings.passed = text
        self.gate.settings.tell()

    def end(self, how: How) -> None:
        """The source's stream ended."""
        self.queue.append(_Ending(how))

    def _enqueue(self, frame: InFlight) -> None:
        self.queue.append(frame)
        frame.waits = True
        self.size += len(frame.data) + OVERHEAD
        self._watch_size()

    # --- Leaving

    def pump(self) -> None:
        """Deliver from the front what may go now."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        while self.queue and not self.frozen:
            first = self.queue[0]
            if isinstance(first, _Ending):
                self.queue.popleft()
                self._pass_end(first.how)
                continue
            loop = asyncio.get_running_loop()
            if first.held:
                break
            if first.due > loop.time():
                self._timer = loop.call_at(first.due, self.gate.settle)
                break
            self.let_go(first)

    def let_go(self, frame: InFlight) -> None:
        """Deliver a waiting frame, wherever in the queue it is."""
        self._remove(frame)
        self._deliver(frame)

    def _deliver(self, frame: InFlight) -> None:
        if frame.head is not None and frame.head.dropped:
            self._mark(frame, "dropped", note="its head was dropped")
            return
        self.write(frame.data)
        if frame.marked:
            self._mark(frame, "delivered")
        for _ in range(frame.copies):
            self.copy(frame)

    def copy(self, frame: InFlight) -> None:
        """Deliver it once more; where it waits, it goes on waiting."""
        if not frame.marked:
            self._mark(frame, "delivered")
        self.write(frame.data)
        self._mark(frame, "duplicated")

    def drop(self, frame: InFlight, note: str) -> None:
        """Take a waiting frame away."""
        self._remove(frame)
        frame.dropped = True
        self._mark(frame, "dropped", note=note)

    def edit(self, frame: InFlight, data: bytes, note: str) -> None:
        """Let other bytes go out in its place."""
        if frame.waits:
            self.size += len(data) - len(frame.data)
        frame.data = data
        self._mark(frame, "edited", data=data, note=note)

    def delay(self, frame: InFlight, seconds: float) -> None:
        """Let it go by itself, so many seconds from now."""
        frame.held = False
        frame.due = asyncio.get_running_loop().time() + seconds
        self._mark(frame, "delayed", note="by hand")

    def open_wide(self) -> None:
        """Deliver everything that waits, now."""
        for waiting in list(self.queue):
            if isinstance(waiting, InFlight):
                waiting.held = False
                waiting.due = 0.0
        self.pump()

    def discard(self, data: bytes) -> None:
        """Nobody gets these bytes any more; the recording says that they were sent."""
        capture, number = self.gate.relay.tap.capture, self.gate.relay.number
        size = getattr(capture, "size", None)
        offset = size(number, self.direction) if size is not None and number is not None else 0
        self.record(data)
        self.gate.relay.mark(self.direction, "dropped", offset, len(data), note="after the cut")

    def drop_all(self, why: str) -> None:
        """Nothing in this direction is delivered any more."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        waiting, self.queue = self.queue, deque()
        self.size = 0
        self.discards = self.finished = True
        self._injections.clear()
        for frame in waiting:
            if isinstance(frame, InFlight):
                frame.waits = False
                self._mark(frame, "dropped", note=why)

    def close(self, note: str) -> None:
        """End this direction with FIN, as if its sender had. What it still says is dropped."""
        if self.discards:
            return
        self.drop_all("the tap ended this direction")
        for piece in self.gate.assembler.flush(self.direction):
            frame = InFlight(self.gate.connection, piece, 0)
            self._mark(frame, "dropped", note="the tap ended this direction")
        self.gate.relay.mark(self.direction, "cut", note=note)
        self._watch_size()
        sink = self.source.other.transport
        if sink is not None and not self.source.other.lost:
            sink.write_eof()
        self.gate.check_closed()

    def _pass_end(self, how: How) -> None:
        self.finished = True
        sink = self.source.other
        if sink.transport is None or sink.lost:
            return
        if how == "eof":
            sink.transport.write_eof()
            self.gate.check_closed()
        elif how == "gone":
            sink.transport.close()
        else:
            sink.reset()

    # --- Injecting

    def inject(self, data: bytes, note: str) -> None:
        """Put bytes between two units of this direction: now, or when the present one is whole."""
        self._injections.append((data, note))
        self.inject_waiting()

    def inject_waiting(self) -> None:
        if not self._injections or not self.gate.assembler.between_units(self.direction):
            return
        injections, self._injections = self._injections, []
        for data, note in injections:
            offset = self.gate.assembler.leave_room(self.direction, len(data))
            self.record(data)
            piece = Piece(self.direction, offset, data, "frame")
            frame = InFlight(self.gate.connection, piece, self.gate.settings.next_sequence())
            self._mark(frame, "injected", note=note)
            behind_a_part = any(isinstance(w, InFlight) and w.is_loose for w in self.queue)
            if self.frozen or behind_a_part:
                self._enqueue(frame)
            else:
                self._deliver(frame)

    # --- The two transports and the recording

    def write(self, data: bytes) -> None:
        """Hand bytes to the other end, if it is still there."""
        sink = self.source.other
        if sink.transport is not None and not sink.lost:
            sink.transport.write(data)

    def record(self, data: bytes) -> None:
        """Record bytes of this direction."""
        relay = self.gate.relay
        if relay.number is not None:
            try:
                relay.tap.capture.record(relay.number, self.direction, data)
            except Exception as fault:
                relay.not_recorded(fault)

    def _mark(
        self,
        frame: InFlight,
        name: MarkName,
        *,
        data: bytes | None = None,
        note: str = "",
    ) -> None:
        frame.marked = True
        size = len(frame.sent)
        self.gate.relay.mark(self.direction, name, frame.offset, size, data=data, note=note)

    def _remove(self, frame: InFlight) -> None:
        self.queue.remove(frame)
        frame.waits = False
        self.size -= len(frame.data) + OVERHEAD
        self._watch_size()

    # Backpressure: either end can make the source wait.

    def _watch_size(self) -> None:
        full = self.size > HOLD_LIMIT
        if full != self.full:
            self.full = full
            self.update_reading()

    def choke(self, choked: bool) -> None:
        """The other end cannot take more at present, or can again."""
        self.choked = choked
        self.update_reading()

    def update_reading(self) -> None:
        """Read from the source only while there is room for what it says."""
        transport = self.source.transport
        if transport is None or self.source.ended or self.source.lost:
            return
        if (self.choked or self.full) and not self.discards:
            transport.pause_reading()
        else:
            transport.resume_reading()


def _other(direction: Direction) -> Direction:
    return "server" if direction == "client" else "client"
