"""What a recording's client said, in its order, and where a live client departs from it."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import islice

from wslab.wire import Index, Unit
from wslab.wire.accounts import Difference, What, place, short
from wslab.wire.protocol import is_masked, parse_head

AHEAD = 5
"""How many messages too early one is recognised."""
LATE = 20
"""How many that were awaited in vain are recognised later."""

CONTROL = ("ping", "pong")


def said_by(index: Index, unit: Unit) -> Unit | None:
    """What a unit says once it is whole: a message with its last frame; None for a fragment."""
    if unit.kind not in ("text", "binary", "continuation"):
        return unit
    if not unit.fin:
        return None
    if unit.kind != "continuation" and unit.inflated is None:
        return unit
    message = index.message(unit.number, whole=True)
    if message is None:
        return unit
    return unit._replace(kind=message.kind, payload=message.content, inflated=None)


def asked_for(request: Unit) -> tuple[str, list[str]]:
    """What a request asks for: its target, and the subprotocols.

    A query with a masked login is left out, and a masked subprotocol is one star.
    """
    head = parse_head(request.data)
    target = [*head.first_line.split(" "), ""][1]
    if is_masked(target):
        target = target.partition("?")[0]
    offers = head.listed("Sec-WebSocket-Protocol")
    return target, ["*" if is_masked(word) else word for word in offers]


def has_key(request: Unit) -> bool:
    """Whether a request has a Sec-WebSocket-Key, as one for a WebSocket must."""
    return parse_head(request.data).get("Sec-WebSocket-Key") is not None


def _differs(then: Unit, now: Unit) -> str | None:
    """Where two units differ in what they say; "" if not, None if they are of different kinds."""
    if then.kind != now.kind:
        return None
    if then.kind == "request":
        (target, offers), (other, offered) = asked_for(then), asked_for(now)
        if target != other:
            return "another target"
        if has_key(then) > has_key(now):
            return "it asks for no WebSocket"
        return "" if offers == offered else f"it offers the subprotocols {offered}, not {offers}"
    if then.opcode is None:
        return place(then.data, now.data)
    return place(then.payload, now.payload)


class Expected:
    """The client's part of a recorded connection; `position` is how far a live client has come.

    The n-th message is held against the n-th recorded one. One that came too early, or that takes
    the place of another, moves the position on all the same, so that it gets its answer.
    Pings, pongs and fragments are no departures: libraries send them by themselves.
    """

    def __init__(self, connection: int, said: Sequence[Unit]) -> None:
        self.connection = connection
        self.said = said
        self.position = 0
        self.pings: dict[int, bytes] = {}
        """By the place of a recorded ping: the payload of the live one."""
        self.closed = False
        self.left = False
        """Whether the client closed where the recording's did not."""
        self.farewell = b""
        """The payload of its close frame."""
        self._passed: list[int] = []  # were awaited, and may come yet

    def control(self, now: Unit) -> int | None:
        """A ping or pong has come: the place of the recorded one, if there is one here."""
        for at in range(self.position, len(self.said)):
            then = self.said[at]
            if then.kind == now.kind:
                if now.kind == "ping":
                    self.pings[at] = now.payload
                self.position = at + 1
                return at
            if then.kind not in CONTROL:
                break
        return None

    def take(self, now: Unit) -> Difference | None:
        """Something else has come: where it departs from the recording, or None."""
        if not self.said and now.kind != "close":
            return None  # only the server's side was recorded
        awaited = self._awaited(AHEAD + 1)
        first = self.said[awaited[0]] if awaited else None
        if now.kind == "close":
            return self._close(now, first)
        for at in awaited:
            if _differs(then := self.said[at], now) == "":
                self.position = at + 1
                if then is first or first is None:
                    return None
                self._pass(awaited[: awaited.index(at)])
                return self._tell("changed", f"got {_row(then)} before {_row(first)}", then, now)
        for at in self._passed:
            if _differs(then := self.said[at], now) == "":
                self._passed.remove(at)
                return self._tell("extra", f"got {_row(then)} later than recorded", then, now)
        if first is None or first.kind == "close":
            return self._tell(
                "extra", f"got {short(now)}, which the recording does not have", None, now
            )
        self.position = awaited[0] + 1
        self._pass(awaited[:1])
        differs = _differs(first, now)
        text = f"expected {_row(first)}, got {short(now)}{f': {differs}' if differs else ''}"
        return self._tell("changed", text, first, now)

    def next(self) -> str:
        """What should come next, in words."""
        return "".join(_row(self.said[at]) for at in self._awaited(1))

    def miss(self, stop: int, why: str) -> Difference | None:
        """Go on to the place `stop` without what comes before it; `why` begins the text."""
        missing = [at for at in self._awaited() if at < stop and self.said[at].kind != "close"]
        self._pass(missing)
        self.position = max(self.position, stop)
        if not missing:
            return None
        then = self.said[missing[0]]
        more = f" and {len(missing) - 1} more" if len(missing) > 1 else ""
        return self._tell("missing", f"{why} {_row(then)}{more}", then)

    def _close(self, now: Unit, first: Unit | None) -> Difference | None:
        self.closed, self.farewell = True, now.payload
        if first is None or first.kind != "close":
            self.left = True
            return self.miss(len(self.said), f"{short(now)} came before")
        self.position = self._awaited(1)[0] + 1
        if _differs(first, now) == "":
            return None
        return self._tell("changed", f"expected {_row(first)}, got {short(now)}", first, now)

    def _awaited(self, most: int | None = None) -> list[int]:
        """The places of what comes next, pings and pongs left out."""
        places = range(self.position, len(self.said))
        return list(islice((p for p in places if self.said[p].kind not in CONTROL), most))

    def _pass(self, places: list[int]) -> None:
        self._passed = [*self._passed, *places][-LATE:]

    def _tell(
        self, what: What, text: str, then: Unit | None, now: Unit | None = None
    ) -> Difference:
        return Difference(self.connection, what, text, then, now)


def _row(unit: Unit) -> str:
    return f"{short(unit)} (row {unit.number})"
