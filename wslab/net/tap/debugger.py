"""The wire debugger: stop the wire, step it, change what is in flight.

    tap.hold()                      # from now on frames queue at the tap, visible and undelivered
    tap.held                        # the waiting frames, oldest first
    tap.step()                      # deliver the oldest
    tap.edit(payload="Bye")         # change the oldest; it stays in the queue
    tap.drop()                      # the oldest is never delivered
    tap.inject("hello", "server")   # the client gets what the server never sent
    tap.add_rule("drop every pong") # do this automatically
    tap.freeze()                    # nothing is delivered: a half-open connection
    tap.disarm()                    # a plain relay again

Every method works from a cell, a callback or any thread. A frame is named by its row in the
recording, by an item of `held`, or not at all, which means the oldest that waits. The taps of a lab
share one debugger, because their connections are numbered together.
"""

from __future__ import annotations

import functools
import heapq
from collections.abc import Callable, Iterator
from typing import Any, ParamSpec, TypeVar

from wslab.net import loop
from wslab.net.errors import NotHeld, WrongValue
from wslab.net.tap.gate import Gate, Lane
from wslab.net.tap.in_flight import InFlight, as_bytes, only_bytes
from wslab.net.tap.relay import Relay
from wslab.net.tap.rules import Decide, Rule, normal_text
from wslab.net.tap.settings import BOTH, Settings, Speed
from wslab.wire import Capture, Direction, Opcode, encode_frame, new_masking_key

P = ParamSpec("P")
T = TypeVar("T")


def _on_loop(method: Callable[P, T]) -> Callable[P, T]:
    """Run a method on the loop thread, which owns all that it changes, and wait for it."""

    @functools.wraps(method)
    def call(*arguments: P.args, **options: P.kwargs) -> T:
        async def act() -> T:
            return method(*arguments, **options)

        act.__qualname__ = f"Tap.{method.__name__}"  # as the caller wrote it
        return loop.run(act())

    return call


def _joins(method: Callable[P, T]) -> Callable[P, T]:
    """The same for a method that may join connections in their middle.

    To join one, the recording has to be indexed. What was recorded so far is indexed here, on the
    caller's thread: on the loop thread all traffic would wait for it.
    """
    act = _on_loop(method)

    @functools.wraps(method)
    def call(*arguments: P.args, **options: P.kwargs) -> T:
        debugger: Any = arguments[0]
        debugger.capture.index  # noqa: B018  (asking for it brings it up to date)
        return act(*arguments, **options)

    return call


class WireDebugger:
    """The controls of a tap. They raise `NotHeld` if there is no such frame or connection."""

    def __init__(self, capture: Capture) -> None:
        self.capture = capture
        self.settings = Settings()
        self.attached: list[set[Relay]] = []
        """The connections of each tap that it controls."""

    def attach(self, relays: set[Relay]) -> None:
        """Control the present and future connections of a tap."""
        self.attached.append(relays)

    def detach(self, relays: set[Relay]) -> None:
        """Stop controlling these connections."""
        self.attached = [other for other in self.attached if other is not relays]

    # --- State

    @property
    @_on_loop
    def held(self) -> list[InFlight]:
        """The units that wait at the tap, oldest first: held, delayed, or behind such a unit."""
        return [frame for _, frame in self._waiting()]

    @property
    def rules(self) -> list[Decide]:
        """The rules in force, in order."""
        return list(self.settings.rules)

    @property
    def is_holding(self) -> bool:
        """Whether frames are held on any connection."""
        return bool(self.settings.holding)

    @property
    def is_armed(self) -> bool:
        """Whether anything is held, frozen, slow or subject to rules; if not, it just relays."""
        return bool(self.settings)

    def status(self) -> dict[str, Any]:
        """What is armed and how much waits, as plain data for a view: safe on any thread."""
        settings = self.settings
        return {
            "holding": bool(settings.holding),
            "frozen": bool(settings.freezing),
            "slow": bool(settings.slow),
            "waiting": sum(len(lane.queue) for lane in self._lanes()),
            "rules": [_rule_text(rule) for rule in settings.rules],
            "passed": settings.passed,
        }

    def subscribe(self, callback: Callable[[], None]) -> Callable[[], None]:
        """Call `callback()` on the loop thread when what is armed has changed: be quick.

        Returns a function that ends the subscription.
        """
        subscribers = self.settings.subscribers
        subscribers.append(callback)

        def unsubscribe() -> None:
            if callback in subscribers:
                subscribers.remove(callback)

        return unsubscribe

    # --- Hold and step

    @_joins
    def hold(self, direction: Direction | None = None, *, connection: int | None = None) -> None:
        """Queue all frames from now on: of one direction or both, of one connection or all."""
        which = _directions(direction)
        self._arm(connection)
        self.settings.passed = ""
        self.settings.holding.set(connection, which, True)
        self.settings.tell()

    @_on_loop
    def resume(self, connection: int | None = None) -> None:
        """Stop holding: deliver what waits, and let everything pass. If a connection is named, the
        others stay held.
        """
        _check_connection(connection)
        self.settings.passed = ""
        self.settings.holding.unset(connection, BOTH)
        for _, frame in self._waiting(connection):
            frame.held = False
        self._update_gates()

    @_on_loop
    def step(
        self, connection: int | None = None, *, direction: Direction | None = None
    ) -> InFlight | None:
        """Deliver the oldest waiting frame; returns it, or None if none waits."""
        for lane, frame in self._waiting(connection):
            if direction in (None, lane.direction) and not lane.frozen:
                lane.let_go(frame)
                self._update_gates()
                return frame
        return None

    @_on_loop
    def deliver_all(self, connection: int | None = None) -> int:
        """Deliver everything that waits now, and keep holding; returns the number of frames."""
        lanes = [lane for lane in self._lanes(connection) if not lane.frozen]
        count = sum(len(lane.waiting) for lane in lanes)
        for lane in lanes:
            lane.release()
        self._update_gates()
        return count

    # --- One frame

    @_on_loop
    def deliver(self, frame: InFlight | int | None = None) -> InFlight:
        """Deliver this frame now, even before others that are ahead of it."""
        return self._to_one(frame, Lane.let_go, frozen=False)

    @_on_loop
    def drop(self, frame: InFlight | int | None = None) -> InFlight:
        """Remove this frame: it is never delivered."""
        return self._to_one(frame, Lane.drop)

    @_on_loop
    def duplicate(self, frame: InFlight | int | None = None) -> InFlight:
        """Deliver a copy of this frame now. The frame itself keeps waiting."""
        return self._to_one(frame, Lane.copy, frozen=False)

    @_on_loop
    def edit(
        self,
        frame: InFlight | int | None = None,
        payload: str | bytes | None = None,
        **changes: Any,
    ) -> InFlight:
        """Change this frame: its payload, or any bit of its header. It keeps waiting.

        `changes` are those of `InFlight.changed`: fin, rsv1, rsv2, rsv3, opcode, masked,
        masking_key, length_form, announced_length, or data for all of its bytes. Raises
        `WrongValue`.
        """

        def act(lane: Lane, found: InFlight) -> None:
            lane.edit(found, found.changed(payload, **changes), "by hand")

        return self._to_one(frame, act)

    @_on_loop
    def delay(self, frame: InFlight | int | None = None, seconds: float = 1.0) -> InFlight:
        """Deliver this frame after so many seconds; all frames behind it wait for it."""
        if not _is_number(seconds) or not 0 <= seconds <= 86_400:
            raise WrongValue(f"expected 0 to 86400 seconds (a day), got {seconds!r}")
        return self._to_one(frame, lambda lane, found: lane.delay(found, seconds))

    @_joins
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

        A str is sent as text, bytes as binary, or as `opcode` says; a client's frame is masked.
        `header` are the options of `wire.encode_frame`. `raw` are bytes to send exactly as they
        are. Without a `connection`, the newest is used. While a frame is arriving in this
        direction, the injected one follows it.
        """
        _check_direction(direction)
        if raw is None:
            data = _encode(message, direction, opcode, header)
        elif not (data := only_bytes("raw", raw)):
            raise WrongValue("expected at least one byte to inject")
        relay = self._relay(connection)
        gate = relay.arm()
        if raw is None and not gate.assembler.upgraded:
            gate.update()
            raise NotHeld(
                f"connection {relay.label} speaks HTTP still: frames come after the 101; "
                "to inject other bytes, give them as raw=…"
            )
        gate.lanes[direction].inject(data)
        gate.update()

    # --- The connection

    @_on_loop
    def cut(self, connection: int | None = None, *, hard: bool = False) -> int:
        """End all connections (or one) with FIN, or with RST if `hard`. What waits is dropped.

        Returns the number of connections.
        """
        relays = self._relays(connection)
        if connection is not None and not relays:
            raise self._no_connection(connection)
        for relay in relays:
            if hard:
                relay.cut_hard()
            else:
                relay.arm(join=False).cut()
        return len(relays)

    @_joins
    def half_close(self, direction: Direction, connection: int | None = None) -> None:
        """End one direction with FIN, as if `direction` had nothing more to send.

        The other direction stays open. Without a `connection`, the newest is used.
        """
        _check_direction(direction)
        self._relay(connection).arm().lanes[direction].close()

    @_joins
    def freeze(self, direction: Direction | None = None, *, connection: int | None = None) -> None:
        """Accept everything and deliver nothing, not even the end of a stream.

        This is how a peer looks whose machine has lost its power: the connection is half open.
        """
        which = _directions(direction)
        self._arm(connection)
        self.settings.freezing.set(connection, which, True)
        self.settings.tell()

    @_on_loop
    def thaw(self, connection: int | None = None) -> None:
        """Stop freezing, and deliver what has come meanwhile. If a connection is named, the others
        stay frozen.
        """
        _check_connection(connection)
        self.settings.freezing.unset(connection, BOTH)
        self._update_gates()

    @_joins
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
        """Make the line slow: a limited bandwidth, a latency and a jitter in seconds.

        Frames keep their order, as in TCP. The jitter is derived from `seed`. If a direction is
        named, the other one does not change. Without arguments the line is fast again.
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
        if bytes_per_second is None and not latency and not jitter:
            self.settings.set_speed(connection, which, None)
        else:
            self._arm(connection)
            speed = Speed(bytes_per_second, latency, jitter, seed)
            self.settings.set_speed(connection, which, speed)
        self._update_gates()

    # --- Rules

    @_joins
    def add_rule(self, rule: str | Decide, *, seed: int = 0) -> Decide:
        """Apply a rule from now on: a sentence (see `net/tap/rules.py`), a `Rule`, or a function.

        A function gets each `InFlight` and answers "drop", "hold", "duplicate", "corrupt", "cut",
        "reset", "freeze", or None; it runs on the loop thread: be quick. Raises `WrongRule`.
        """
        added = Rule.parse(rule, seed=seed) if isinstance(rule, str) else rule
        if not isinstance(added, Rule) and not callable(added):
            raise WrongValue(f"expected a rule as text, a Rule or a function, got {rule!r}")
        self.settings.rules.append(added)
        self._arm(None)
        self.settings.tell()
        return added

    @_on_loop
    def remove_rule(self, rule: str | Decide) -> None:
        """Stop applying a rule. Raises `NotHeld` if there is no such rule."""
        text = normal_text(rule) if isinstance(rule, str) else None
        for one in self.settings.rules:
            if one is rule or _rule_text(one) == text:
                self.settings.rules.remove(one)
                self._update_gates()
                return
        known = "; ".join(map(_rule_text, self.settings.rules)) or "none"
        raise NotHeld(f"there is no rule {rule!r}; the rules are: {known}")

    @_on_loop
    def clear_rules(self) -> None:
        """Stop applying all rules. Frames that they hold keep waiting."""
        self.settings.rules.clear()
        self._update_gates()

    @_on_loop
    def disarm(self) -> None:
        """Turn everything off and deliver what waits: the tap is a plain relay again."""
        self.settings.clear()
        self._each_gate(Gate.deliver_all)
        self._update_gates()

    # --- The connections

    def _relays(self, connection: int | None = None) -> list[Relay]:
        return [
            relay
            for relays in self.attached
            for relay in list(relays)
            if connection is None or relay.number == connection
        ]

    def _relay(self, connection: int | None) -> Relay:
        """This connection, or the newest. Raises NotHeld if it is not open."""
        open_ones = [relay for relay in self._relays(connection) if relay.is_joined]
        if not open_ones:
            raise self._no_connection(connection)
        return max(open_ones, key=lambda relay: relay.number)

    def _no_connection(self, connection: int | None) -> NotHeld:
        label = "" if connection is None else f" {self.capture.label(connection)}"
        return NotHeld(f"there is no open connection{label} at the tap: connect a client first")

    def _gates(self, connection: int | None = None) -> list[Gate]:
        return [relay.gate for relay in self._relays(connection) if relay.gate is not None]

    def _lanes(self, connection: int | None = None) -> list[Lane]:
        return [lane for gate in self._gates(connection) for lane in gate.lanes.values()]

    def _arm(self, connection: int | None) -> None:
        """Put a gate into this connection, or into all."""
        _check_connection(connection)
        relays = self._relays(connection)
        if connection is not None and not relays:
            raise self._no_connection(connection)
        for relay in relays:
            try:
                relay.arm()
            except WrongValue as problem:
                if connection is not None:
                    raise
                relay.log.note(str(problem))

    def _update_gates(self) -> None:
        self._each_gate(Gate.update)
        self.settings.tell()

    def _each_gate(self, act: Callable[[Gate], None]) -> None:
        """Call `act` for each gate; if it fails for a connection, cut that one and go on."""
        for relay in self._relays():
            try:
                if relay.gate is not None:
                    act(relay.gate)
            except Exception as fault:
                self.settings.faults.note(f"connection {relay.label} was cut", fault)
                relay.cut()

    # --- The frames that wait

    def _waiting(self, connection: int | None = None) -> Iterator[tuple[Lane, InFlight]]:
        """The waiting frames, oldest first. Queues are in order, so the first is found fast."""
        lanes = self._lanes(connection)
        return heapq.merge(*map(_in_flight, lanes), key=lambda pair: pair[1].sequence)

    def _to_one(
        self,
        which: InFlight | int | None,
        act: Callable[[Lane, InFlight], None],
        *,
        frozen: bool = True,
    ) -> InFlight:
        """Do `act` to one waiting frame; `frozen` says whether its lane may be frozen."""
        lane, frame = self._find(which)
        if lane.frozen and not frozen:
            raise NotHeld(
                f"expected a connection that delivers, but what the {lane.direction} sends on "
                f"connection {frame.whose.label} is frozen: thaw() first"
            )
        act(lane, frame)
        self._update_gates()
        return frame

    def _find(self, which: InFlight | int | None) -> tuple[Lane, InFlight]:
        if which is None:
            for pair in self._waiting():
                return pair
            raise NotHeld("nothing waits at the tap: hold() first, then let a peer send something")
        place = self._place(which) if isinstance(which, int) else None
        count = 0
        for lane, frame in self._waiting():
            if frame is which or place == (frame.connection, frame.direction, frame.offset):
                return lane, frame
            count += 1
        what = f"row {which}" if isinstance(which, int) else repr(which)
        raise NotHeld(
            f"{what} does not wait at the tap: it was delivered or dropped, or never held; "
            f"{count} wait{'s' if count == 1 else ''} (see held)"
        )

    def _place(self, number: int) -> tuple[int, Direction, int] | None:
        """The connection, direction and offset of a row."""
        for row in self.capture.index.rows(number, number + 1) if number >= 0 else []:
            return row.connection, row.direction, row.offset
        return None


def _in_flight(lane: Lane) -> Iterator[tuple[Lane, InFlight]]:
    return ((lane, frame) for frame in lane.queue if isinstance(frame, InFlight))


def _check_connection(connection: int | None) -> None:
    if connection is not None and not isinstance(connection, int):
        raise WrongValue(
            f"expected a connection's number, such as 1, or None for all, got {connection!r}"
        )


def _rule_text(rule: Decide) -> str:
    return str(rule) if isinstance(rule, Rule) else getattr(rule, "__name__", repr(rule))


def _directions(direction: Direction | None) -> tuple[Direction, ...]:
    if direction is None:
        return BOTH
    _check_direction(direction)
    return (direction,)


def _check_direction(direction: Direction) -> None:
    if direction not in BOTH:
        raise WrongValue(
            f"expected 'client' or 'server', whose frames are meant, got {direction!r}"
        )


def _is_number(value: object) -> bool:
    return isinstance(value, int | float)


def _encode(
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
