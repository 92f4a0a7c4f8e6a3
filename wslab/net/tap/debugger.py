"""The wire debugger: stop the wire, step it, change what is in flight.

    tap.hold()                      # from now on frames queue at the tap, visible and undelivered
    tap.held                        # what waits, oldest first
    tap.step()                      # deliver the oldest
    tap.edit(payload="Bye")         # change the oldest; it goes on waiting
    tap.drop()                      # the oldest is never delivered
    tap.inject("hello", "server")   # the client gets what the server never sent
    tap.add_rule("drop every pong") # and so on by itself
    tap.freeze()                    # nothing is delivered: the half-open peer
    tap.disarm()                    # the plain relay again

Every method works from a cell, a callback or any thread. A frame is named by its row in the
recording, by what `held` gave, or not at all: then it is the oldest that waits. The same controls
serve all taps that share one `Settings`: those of a lab, whose connections are numbered together.
"""

from __future__ import annotations

import heapq
import itertools
import random
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any, NamedTuple, TypeVar

from wslab.net import loop
from wslab.net.errors import NotHeld, WrongValue
from wslab.net.tap.gate import Gate, Lane, Line
from wslab.net.tap.in_flight import InFlight, as_bytes, only_bytes
from wslab.net.tap.rules import Action, Decide, Rule, decide_by, normal_text
from wslab.net.tap.wishes import Wishes
from wslab.wire import Direction, Opcode, encode_frame, new_masking_key

if TYPE_CHECKING:
    from wslab.net.tap.relay import Relay, Tap

T = TypeVar("T")
_BOTH: tuple[Direction, ...] = ("client", "server")


class Speed(NamedTuple):
    """How slow a direction is to be made; see `WireDebugger.slow`."""

    bytes_per_second: float | None
    latency: float
    jitter: float
    seed: int


class Settings:
    """What is armed, and for which connections. Lives on the loop thread."""

    def __init__(self) -> None:
        self.taps: list[Tap] = []
        self.rules: list[Decide] = []
        self.holding: Wishes[bool] = Wishes()
        self.freezing: Wishes[bool] = Wishes()
        self.slow: Wishes[Speed] = Wishes()
        self.passed = ""
        """What could not be held though it was wished, in a sentence; the last of them."""
        self.subscribers: list[Callable[[], None]] = []
        self._lines: dict[tuple[int, Direction], Line] = {}
        self._sequence = itertools.count(1)

    def next_sequence(self) -> int:
        return next(self._sequence)

    # --- Asked by gates and relays

    def arms(self, connection: int) -> bool:
        """Whether the frames of this connection must be seen one by one."""
        return bool(self.rules) or any(
            wishes.of(connection) for wishes in (self.holding, self.freezing, self.slow)
        )

    def holds(self, connection: int, direction: Direction) -> bool:
        return direction in self.holding.of(connection)

    def frozen(self, connection: int, direction: Direction) -> bool:
        return direction in self.freezing.of(connection)

    def line(self, connection: int, direction: Direction) -> Line | None:
        speed = self.slow.of(connection).get(direction)
        if speed is None:
            return None
        key = (connection, direction)
        if key not in self._lines:
            chance = random.Random(f"{speed.seed}/{connection}/{direction}")
            self._lines[key] = Line(speed.bytes_per_second, speed.latency, speed.jitter, chance)
        return self._lines[key]

    def decide(self, frame: InFlight) -> Iterator[Action]:
        """What the rules want done to this frame, one by one: do each before asking for the next,
        whose rule then sees the frame as changed. A rule that fails is as none, and noted.
        """
        for rule in list(self.rules):
            try:
                action = rule.decide(frame) if isinstance(rule, Rule) else decide_by(rule, frame)
            except Exception as fault:
                self._note(f"rule {rule}", fault)
                continue
            if action is not None:
                yield action

    def freeze(self, connection: int) -> None:
        self.freezing.add(connection, _BOTH, True)
        self.tell()

    def forget(self, connection: int) -> None:
        """The connection is over."""
        for wishes in (self.holding, self.freezing, self.slow):
            wishes.forget(connection)
        for rule in self.rules:
            if isinstance(rule, Rule):
                rule.forget(connection)
        for direction in _BOTH:
            self._lines.pop((connection, direction), None)

    def clear_lines(self, connection: int | None, directions: tuple[Direction, ...]) -> None:
        """The speed was changed: what is on its way keeps its time, the rest gets a new one."""
        for key in list(self._lines):
            if connection in (None, key[0]) and key[1] in directions:
                del self._lines[key]

    def tell(self) -> None:
        for callback in list(self.subscribers):
            try:
                callback()
            except Exception as fault:
                self._note("subscriber", fault)

    def _note(self, what: str, fault: Exception) -> None:
        for tap in self.taps[:1]:
            tap.faults.note(what, fault)

    # --- Over all connections

    def relays(self, connection: int | None = None) -> list[Relay]:
        return [
            relay
            for tap in list(self.taps)
            for relay in list(tap._relays)
            if connection is None or relay.number == connection
        ]

    def gates(self, connection: int | None = None) -> list[Gate]:
        return [relay.gate for relay in self.relays(connection) if relay.gate is not None]

    def waiting(self, connection: int | None = None) -> Iterator[tuple[Lane, InFlight]]:
        """What waits, oldest first. Each queue is in that order: the first costs no more when many
        wait."""
        lanes = [lane for gate in self.gates(connection) for lane in gate.lanes.values()]
        return heapq.merge(*map(_in_flight, lanes), key=lambda pair: pair[1].sequence)

    def arm(self, connection: int | None = None) -> None:
        """Put a gate before every connection that needs one from now on."""
        for relay in self.relays(connection):
            try:
                relay.arm()
            except WrongValue as problem:
                if connection is not None:
                    raise
                relay.tap.log.note(str(problem))

    def settle(self) -> None:
        for gate in self.gates():
            gate.settle()
        self.tell()


def _in_flight(lane: Lane) -> Iterator[tuple[Lane, InFlight]]:
    return ((lane, frame) for frame in lane.queue if isinstance(frame, InFlight))


class WireDebugger:
    """The controls of a tap. Raises `NotHeld` for a frame that does not wait, or no connection."""

    _settings: Settings
    capture: Any

    # --- Looking

    @property
    def held(self) -> list[InFlight]:
        """What waits at the tap, oldest first: held, delayed, or behind such a frame."""
        return self._do("held", lambda: [frame for _, frame in self._settings.waiting()])

    @property
    def rules(self) -> list[Decide]:
        """The rules that are followed, in order."""
        return list(self._settings.rules)

    @property
    def is_holding(self) -> bool:
        """Whether frames are held on any connection."""
        return bool(self._settings.holding)

    @property
    def is_armed(self) -> bool:
        """Whether anything is: else the tap is a plain relay."""
        settings = self._settings
        return bool(settings.rules or settings.holding or settings.freezing or settings.slow)

    def status(self) -> dict[str, Any]:
        """All of that as plain data, for a view: quick, and safe on any thread."""
        settings = self._settings
        waiting = sum(len(lane.queue) for gate in settings.gates() for lane in gate.lanes.values())
        return {
            "holding": bool(settings.holding),
            "frozen": bool(settings.freezing),
            "slow": bool(settings.slow),
            "waiting": waiting,
            "rules": [_rule_text(rule) for rule in settings.rules],
            "passed": settings.passed,
        }

    def subscribe(self, callback: Callable[[], None]) -> Callable[[], None]:
        """Have `callback()` called on the loop thread when what is armed has changed: be quick.

        Returns a function that ends the subscription.
        """
        self._settings.subscribers.append(callback)

        def unsubscribe() -> None:
            if callback in self._settings.subscribers:
                self._settings.subscribers.remove(callback)

        return unsubscribe

    # --- Hold and step

    def hold(self, direction: Direction | None = None, *, connection: int | None = None) -> None:
        """Queue everything from now on: of one direction or both, one connection or all."""

        which = _directions(direction)
        _check_connection(connection)

        def act() -> None:
            self._arm(connection)
            self._settings.passed = ""
            self._settings.holding.add(connection, which, True)
            self._settings.tell()

        self._do("hold", act)

    def resume(self, connection: int | None = None) -> None:
        """Hold no more: deliver what waits, and let pass what comes. The others stay held, if one
        connection is named.
        """
        _check_connection(connection)

        def act() -> None:
            self._settings.passed = ""
            self._settings.holding.lift(connection, _BOTH)
            for _, frame in self._settings.waiting(connection):
                frame.held = False
            self._settings.settle()

        self._do("resume", act)

    def step(
        self, connection: int | None = None, *, direction: Direction | None = None
    ) -> InFlight | None:
        """Deliver the oldest frame that waits; returns it, or None where nothing does."""

        def act() -> InFlight | None:
            for lane, frame in self._settings.waiting(connection):
                if direction in (None, lane.direction) and not lane.frozen:
                    lane.let_go(frame)
                    self._settings.settle()
                    return frame
            return None

        return self._do("step", act)

    def deliver_all(self, connection: int | None = None) -> int:
        """Deliver all that waits now, and go on holding; returns how many that were."""

        def act() -> int:
            waiting = [pair for pair in self._settings.waiting(connection) if not pair[0].frozen]
            for lane, frame in waiting:
                lane.let_go(frame)
            self._settings.settle()
            return len(waiting)

        return self._do("deliver_all", act)

    # --- One frame

    def deliver(self, frame: InFlight | int | None = None) -> InFlight:
        """Deliver this frame, also past others that wait before it."""

        def act(lane: Lane, frame: InFlight) -> None:
            _refuse_frozen(lane)
            lane.let_go(frame)

        return self._to_one("deliver", frame, act)

    def drop(self, frame: InFlight | int | None = None) -> InFlight:
        """Take this frame away: it is never delivered."""
        return self._to_one("drop", frame, lambda lane, frame: lane.drop(frame, "by hand"))

    def duplicate(self, frame: InFlight | int | None = None) -> InFlight:
        """Deliver a copy of this frame now. The frame itself goes on waiting."""

        def act(lane: Lane, frame: InFlight) -> None:
            _refuse_frozen(lane)
            lane.copy(frame)

        return self._to_one("duplicate", frame, act)

    def edit(
        self,
        frame: InFlight | int | None = None,
        payload: str | bytes | None = None,
        **changes: Any,
    ) -> InFlight:
        """Change this frame: its payload, or any bit of its header; it goes on waiting.

        `changes` are those of `InFlight.changed`: fin, rsv1, rsv2, rsv3, opcode, masked,
        masking_key, length_form, announced_length, or data for all of its bytes. Raises
        `WrongValue`.
        """
        return self._to_one(
            "edit",
            frame,
            lambda lane, frame: lane.edit(frame, frame.changed(payload, **changes), "by hand"),
        )

    def delay(self, frame: InFlight | int | None = None, seconds: float = 1.0) -> InFlight:
        """Let this frame go by itself, so many seconds from now; all behind it wait for it."""
        if not _is_number(seconds) or not 0 <= seconds <= 86_400:
            raise WrongValue(f"expected 0 to 86400 seconds (a day), got {seconds!r}")
        return self._to_one("delay", frame, lambda lane, frame: lane.delay(frame, seconds))

    def inject(
        self,
        message: str | bytes = "",
        direction: Direction = "server",
        *,
        connection: int | None = None,
        opcode: int | None = None,
        raw: bytes | None = None,
        **header: Any,
    ) -> None:
        """Send a frame that `direction` never sent, ahead of what is held.

        A text message goes out as text, bytes as binary, or as `opcode` says; a client's frame is
        masked. `header` are the options of `wire.encode_frame`. `raw` are bytes to send as they
        are, whatever they mean. Without a `connection`, the newest. While a frame is just arriving
        in this direction, the injected one follows it.
        """
        _one_direction(direction)
        if raw is not None:
            raw = only_bytes("raw", raw)
        data = _frame(message, direction, opcode, header) if raw is None else raw
        if not data:
            raise WrongValue("expected at least one byte to inject")

        def act() -> None:
            relay = self._relay(connection)
            gate = relay.arm()
            if raw is None and not gate.assembler.upgraded:
                gate.settle()
                raise NotHeld(
                    f"connection {relay.number} speaks HTTP still: frames come after the 101; "
                    "to inject other bytes, give them as raw=…"
                )
            gate.lanes[direction].inject(data, "by hand")
            gate.settle()

        self._do("inject", act)

    # --- The connection

    def cut(self, connection: int | None = None, *, hard: bool = False) -> int:
        """End the connections (or one) with FIN, or with RST if `hard`. What waits is dropped.

        Returns how many that were.
        """

        def act() -> int:
            relays = self._settings.relays(connection)
            if connection is not None and not relays:
                raise _no_connection(connection)
            for relay in relays:
                if hard:
                    relay.cut_hard()
                else:
                    relay.arm(join=False).cut()
            return len(relays)

        return self._do("cut", act)

    def half_close(self, direction: Direction, connection: int | None = None) -> None:
        """End one direction with FIN, as if `direction` had said all it had to say.

        The other direction goes on. Without a `connection`, the newest.
        """
        _one_direction(direction)

        def act() -> None:
            self._relay(connection).arm().lanes[direction].close("FIN")

        self._do("half_close", act)

    def freeze(self, direction: Direction | None = None, *, connection: int | None = None) -> None:
        """Accept everything and deliver nothing, not even the end of a stream.

        So a peer looks whose machine lost its power: the connection is half open.
        """

        which = _directions(direction)
        _check_connection(connection)

        def act() -> None:
            self._arm(connection)
            self._settings.freezing.add(connection, which, True)
            self._settings.tell()

        self._do("freeze", act)

    def thaw(self, connection: int | None = None) -> None:
        """Deliver what was frozen, and go on. The others stay frozen, if one connection is
        named.
        """
        _check_connection(connection)

        def act() -> None:
            self._settings.freezing.lift(connection, _BOTH)
            self._settings.settle()

        self._do("thaw", act)

    def slow(
        self,
        bytes_per_second: float | None = None,
        *,
        latency: float = 0.0,
        jitter: float = 0.0,
        seed: int = 0,
        direction: Direction | None = None,
        connection: int | None = None,
    ) -> None:
        """Make the line slow: a limited bandwidth, seconds of latency, seconds of jitter at most.

        Frames keep their order, as in TCP. The jitter is drawn from `seed`. Called for one
        direction, the other stays as slow as it is. Called with nothing, the line is as fast as it
        was.
        """
        if bytes_per_second is not None and not (
            _is_number(bytes_per_second) and bytes_per_second > 0
        ):
            raise WrongValue(f"expected more than 0 bytes a second, got {bytes_per_second!r}")
        for name, value in (("latency", latency), ("jitter", jitter)):
            if not _is_number(value) or not 0 <= value <= 3600:
                raise WrongValue(f"expected {name} from 0 to 3600 seconds, got {value!r}")
        which = _directions(direction)
        _check_connection(connection)
        speed = Speed(bytes_per_second, latency, jitter, seed)

        def act() -> None:
            if bytes_per_second is None and not latency and not jitter:
                self._settings.slow.lift(connection, which)
            else:
                self._arm(connection)
                self._settings.slow.add(connection, which, speed)
            self._settings.clear_lines(connection, which)
            self._settings.settle()

        self._do("slow", act)

    # --- Rules

    def add_rule(self, rule: str | Decide, *, seed: int = 0) -> Decide:
        """Follow a rule from now on: a sentence (see `net/tap/rules.py`), a `Rule`, or a function.

        A function gets each `InFlight` and answers "drop", "hold", "duplicate", "corrupt", "cut",
        "reset", "freeze", or None; it runs on the loop thread: be quick. Raises `WrongRule`.
        """
        added = Rule.parse(rule, seed=seed) if isinstance(rule, str) else rule
        if not isinstance(added, Rule) and not callable(added):
            raise WrongValue(f"expected a rule as text, a Rule or a function, got {rule!r}")

        def act() -> Decide:
            self._settings.rules.append(added)
            self._settings.arm()
            self._settings.tell()
            return added

        return self._do("add_rule", act)

    def remove_rule(self, rule: str | Decide) -> None:
        """Follow it no more. Raises `NotHeld` where there is no such rule."""
        text = normal_text(rule) if isinstance(rule, str) else None

        def act() -> None:
            for one in self._settings.rules:
                if one is rule or _rule_text(one) == text:
                    self._settings.rules.remove(one)
                    self._settings.settle()
                    return
            known = "; ".join(map(_rule_text, self._settings.rules)) or "none"
            raise NotHeld(f"there is no rule {rule!r}; the rules are: {known}")

        self._do("remove_rule", act)

    def clear_rules(self) -> None:
        """Follow none of the rules any more. What they hold goes on waiting."""

        def act() -> None:
            self._settings.rules.clear()
            self._settings.settle()

        self._do("clear_rules", act)

    def disarm(self) -> None:
        """Everything off, everything that waits delivered: a plain relay again."""

        def act() -> None:
            settings = self._settings
            for wishes in (settings.holding, settings.freezing, settings.slow):
                wishes.clear()
            settings.rules.clear()
            settings.passed = ""
            for gate in settings.gates():
                for lane in gate.lanes.values():
                    lane.open_wide()
            settings.settle()

        self._do("disarm", act)

    # --- How

    def _do(self, name: str, act: Callable[[], T]) -> T:
        async def call() -> T:
            return act()

        call.__qualname__ = f"{type(self).__name__}.{name}"  # as the caller wrote it
        return loop.run(call())

    def _to_one(
        self, name: str, which: InFlight | int | None, act: Callable[[Lane, InFlight], None]
    ) -> InFlight:
        def call() -> InFlight:
            lane, frame = self._find(which)
            act(lane, frame)
            self._settings.settle()
            return frame

        return self._do(name, call)

    def _find(self, which: InFlight | int | None) -> tuple[Lane, InFlight]:
        if which is None:
            for pair in self._settings.waiting():
                return pair
            raise NotHeld("nothing waits at the tap: hold() first, then let a peer send something")
        place = self._place(which) if isinstance(which, int) else None
        count = 0
        for lane, frame in self._settings.waiting():
            if frame is which or place == (frame.connection, frame.direction, frame.offset):
                return lane, frame
            count += 1
        what = f"row {which}" if isinstance(which, int) else repr(which)
        raise NotHeld(
            f"{what} does not wait at the tap: it was delivered or dropped, or never held; "
            f"{count} wait{'s' if count == 1 else ''} (see held)"
        )

    def _place(self, number: int) -> tuple[int, Direction, int] | None:
        """Where the row of this number starts."""
        for row in self.capture.index.rows(number, number + 1) if number >= 0 else []:
            return row.connection, row.direction, row.offset
        return None

    def _arm(self, connection: int | None) -> None:
        if connection is not None and not self._settings.relays(connection):
            raise _no_connection(connection)
        self._settings.arm(connection)

    def _relay(self, connection: int | None) -> Relay:
        open_ones = [relay for relay in self._settings.relays(connection) if relay.is_joined]
        if not open_ones:
            raise _no_connection(connection)
        return max(open_ones, key=lambda relay: relay.number or 0)


def _no_connection(connection: int | None) -> NotHeld:
    which = "connection" if connection is None else f"connection {connection}"
    return NotHeld(f"there is no open {which} at the tap: connect a client to it first")


def _check_connection(connection: int | None) -> None:
    if connection is not None and not isinstance(connection, int):
        raise WrongValue(
            f"expected a connection's number, such as 1, or None for all, got {connection!r}"
        )


def _refuse_frozen(lane: Lane) -> None:
    if lane.frozen:
        raise NotHeld(
            f"expected a connection that delivers, but what the {lane.direction} sends on "
            f"connection {lane.gate.connection} is frozen: thaw() first"
        )


def _rule_text(rule: Decide) -> str:
    return str(rule) if isinstance(rule, Rule) else getattr(rule, "__name__", repr(rule))


def _directions(direction: Direction | None) -> tuple[Direction, ...]:
    if direction is None:
        return _BOTH
    return (_one_direction(direction),)


def _one_direction(direction: Direction) -> Direction:
    if direction not in _BOTH:
        raise WrongValue(
            f"expected 'client' or 'server', whose frames are meant, got {direction!r}"
        )
    return direction


def _is_number(value: object) -> bool:
    return isinstance(value, int | float)


def _frame(
    message: str | bytes, direction: Direction, opcode: int | None, header: dict[str, Any]
) -> bytes:
    payload = as_bytes(message)
    if header.get("masking_key") is not None:
        header["masking_key"] = only_bytes("masking_key", header["masking_key"])
    if opcode is None:
        opcode = Opcode.TEXT if isinstance(message, str) else Opcode.BINARY
    if direction == "client":
        header = {"masking_key": new_masking_key(), **header}
    try:
        return encode_frame(opcode, payload, **header)
    except (ValueError, TypeError) as error:
        raise WrongValue(str(error)) from error
