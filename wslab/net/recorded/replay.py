"""Sends the client's side of a recording to a live server again, and compares the answers.

    result = replay(capture, "ws://127.0.0.1:8000/")
    print(result)                 # what the server answered then and now
    result.differences            # the same as data
    result.capture                # the recording of what happened now

The same bytes are sent as then, connection after connection, including the key of the handshake:
so the server must answer with the same Sec-WebSocket-Accept. Before each unit, the replay waits
until the server has answered as much as it had then (or `patience` is over).
"""

from __future__ import annotations

import asyncio
import ssl
import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

from wslab.net import held_loop, loop
from wslab.net.address import Address
from wslab.net.clients.raw import dial
from wslab.net.errors import WrongValue
from wslab.net.recorded.live import Live
from wslab.net.recorded.script import End, Script, Step, end_of, script_of
from wslab.wire import Capture, Unit, printable
from wslab.wire.accounts import Difference, compare
from wslab.wire.protocol import is_masked, masked_text, parse_head

CONNECT_TIMEOUT = 10.0
"""Seconds that the server has to accept a connection."""


class Played(NamedTuple):
    """One connection that was played again."""

    then: int
    """Its number in the first recording."""
    now: int
    """Its number in the new recording."""
    sent: int
    """How many of the client's units were sent."""
    answers_then: int
    answers_now: int
    label: str
    """How the first recording shows it, such as "#3 Ada"."""


class Replay:
    """The result of a replay. `str` gives the differences as text, `to_json` as data."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.capture = Capture()
        self.connections: list[Played] = []
        self.differences: list[Difference] = []
        self.notes: list[str] = []
        """What was sent otherwise than recorded, and where an answer was awaited in vain."""

    @property
    def same(self) -> bool:
        """Whether the server answered as it did then."""
        return not self.differences

    def to_json(self) -> dict[str, Any]:
        """The result as plain data."""
        return {
            "url": masked_text(self.url),
            "same": self.same,
            "connections": [played._asdict() for played in self.connections],
            "differences": [difference.to_json() for difference in self.differences],
            "notes": self.notes,
        }

    def __str__(self) -> str:
        sent = sum(played.sent for played in self.connections)
        lines = [f"{_count(sent, 'unit')} sent again to {masked_text(self.url)}"]
        lines += [f"  note: {note}" for note in self.notes]
        for played in self.connections:
            mine = [d for d in self.differences if d.connection == played.then]
            lines.append(
                f"connection {played.label}: {_count(played.answers_then, 'answer')} then, "
                f"{played.answers_now} now: " + (f"{len(mine)} not as then" if mine else "the same")
            )
            lines += [f"  {_SIGNS[d.what]} {d.text}" for d in mine]
        return "\n".join(map(printable, lines))  # a peer has written some of it

    __repr__ = __str__


_SIGNS = {"changed": "≠", "missing": "−", "extra": "+", "ended": "≠"}


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}{'s' * (number != 1)}"


def replay(
    capture: Capture,
    url: str | int | tuple[str, int],
    *,
    connections: Iterable[int] | None = None,
    timing: bool = False,
    patience: float = 2.0,
    headers: Mapping[str, str] | None = None,
    tls: ssl.SSLContext | None = None,
) -> Replay:
    """Send what the clients of `capture` sent to a live server, and compare what it answers.

    ``connections``: their numbers (all, if None). ``timing``: also wait as long as the client did.
    ``patience``: seconds to wait for an answer that was recorded. ``headers`` replace those of the
    requests, since a recording has no cookies and no logins. The path of `url` replaces the
    recorded one, unless it is ``/``. ``tls`` is for ``wss://`` with a certificate of your own.

    Raises `WrongURL`, `WrongValue`, `ConnectFailed`.
    """
    address = Address.parse(url)
    known = capture.index.connections
    chosen = list(known if connections is None else connections)
    for number in chosen:
        if number not in known:
            raise WrongValue(f"expected connections out of {known}, got {number!r}")
    chosen = [number for number in chosen if _has_beginning(capture, number)]
    if not chosen:
        raise WrongValue(_nothing(capture))
    result = Replay(address.url)
    context = (tls or ssl.create_default_context()) if address.secure else None
    player = _Player(capture, address, result, timing, patience, headers or {}, context)
    loop.run(player.play(chosen), refuse=lambda _: held_loop.refuse(address, "replay"))
    return result


def _has_beginning(capture: Capture, number: int) -> bool:
    """Whether a connection has units of its client, from its first one on."""
    gap = ("gap", number, "client", 0)
    late = any((one.name, one.connection, one.direction, one.offset) == gap
               for one in capture.events)  # fmt: skip
    first = next(iter(capture.index.rows_of(number, "client")), None)
    return not late and first is not None and first.kind != "gap"


def _nothing(capture: Capture) -> str:
    """Why there is nothing to send again."""
    return "; ".join(
        [
            "expected a recording with a connection from its client's first request or frame on, "
            "got none",
            *capture.notes[:3],
            "record it again from before the connection opens, in both directions "
            "(`wslab tap`, or tcpdump -s 0); `wslab explain FILE` shows what is there",
        ]
    )


@dataclass
class _Player:
    """Plays recorded connections again; the fields are the arguments of `replay`."""

    capture: Capture
    address: Address
    result: Replay
    timing: bool
    patience: float
    headers: Mapping[str, str]
    tls: ssl.SSLContext | None

    async def play(self, connections: list[int]) -> None:
        for number in connections:
            await self._connection(number)

    async def _connection(self, number: int) -> None:
        script = script_of(self.capture, number, "client")
        answers, ended = script.others, script.ends
        first = next(((side, event.name) for side, event in ended.items()), ("", ""))
        if script.lost:
            self._note(number, f"{_count(script.lost, 'unit')} not in the recording left out")
        streams = await dial(self.address, CONNECT_TIMEOUT, self.tls)
        live = Live(self.result.capture, *streams, "server")
        if name := self.capture.names.get(number):
            self.result.capture.set_name(live.number, name)
        sent = 0
        try:
            live.start()
            sent = await self._send(number, script, live)
            mine = end_of(ended.get("client"))
            if mine and first[0] == "client":
                live.end(mine)
            if "server" in ended:
                await live.wait_for_end(self.patience)
            if mine == "reset":
                live.end(mine)
        finally:
            await live.close()
        now = live.units()
        found = compare(number, answers, now)
        then_end, now_end = end_of(ended.get("server")), live.ended
        if then_end != now_end and first != ("client", "reset"):  # after that, we hear nothing
            text = f"the server {_END_WORDS[then_end]} then, and {_END_WORDS[now_end]} now"
            found.append(Difference(number, "ended", text))
        self.result.differences += found
        self.result.connections.append(
            Played(number, live.number, sent, len(answers), len(now), self.capture.label(number))
        )

    def _request(self, number: int, unit: Unit) -> bytes:
        """The request for this server: with its Host, and the headers that the caller replaces."""
        head = parse_head(unit.data)
        host = self.address.host_in_url
        if self.address.port != (443 if self.address.secure else 80):
            host += f":{self.address.port}"
        instead = {"host": host} | {name.lower(): value for name, value in self.headers.items()}
        first = head.first_line
        if self.address.path != "/":
            method, _, rest = first.partition(" ")
            first = f"{method} {self.address.path} {rest.rpartition(' ')[2]}"
        lines = [f"{first}\r\n".encode("latin-1", "replace")]
        masked = []
        for header in head.headers:
            name = header.name.lower()
            if name in instead:
                lines.append(f"{header.name}: {instead.pop(name)}\r\n".encode())
            elif is_masked(header.value, name):
                masked.append(header.name or "a line that is no header")
            else:
                lines.append(unit.data[header.offset : header.offset + header.length])
        given = {name.lower(): name for name in self.headers}
        lines += [f"{given[n]}: {v}\r\n".encode() for n, v in instead.items() if n in given]
        if is_masked(first):
            self._note(
                number,
                "a login in its path was masked in the recording, and went "
                "out as stars: a path in the URL replaces it",
            )
        if masked:
            self._note(
                number,
                f"{', '.join(masked)} left out: its value was masked in the "
                "recording; headers={...} puts it in",
            )
        return b"".join(lines) + b"\r\n" + unit.data[head.length :]

    def _note(self, number: int, text: str) -> None:
        self.result.notes.append(f"connection {self.capture.label(number)}: {text}")

    async def _send(self, number: int, script: Script, live: Live) -> int:
        """Send each step when it is due; returns how many whole units were sent."""
        began = time.perf_counter()
        steps, answers = script.steps, script.others
        first = steps[0].time if steps else 0.0
        sent = late = 0
        # Frames that were sent without a handshake, or before its answer, are sent like that again.
        upgraded = self.capture.index.is_upgraded(number)
        for step in [*steps, Step(b"", 0.0, len(answers), None)]:
            if not await live.wait_for_units(step.after, self.patience):
                late += 1
            if live.ended is not None or not step.data:
                break
            request = step.unit is not None and step.unit.kind == "request"
            if not request and sent and upgraded and answers and not live.upgraded():
                self._note(
                    number,
                    "the server did not say 101 as it did then, so the frames were not sent",
                )
                break
            if self.timing:
                await asyncio.sleep(max(0.0, began + step.time - first - time.perf_counter()))
            data = self._request(number, step.unit) if request and step.unit else step.data
            if not await live.send(data):
                break
            sent += step.unit is not None
        if late:
            self._note(
                number,
                f"{_count(late, 'time')} the server had not answered as much "
                f"as then within {self.patience:g} s",
            )
        return sent


_END_WORDS: dict[End | None, str] = {
    "eof": "ended its stream",
    "reset": "cut the connection off",
    None: "left the connection open",
}
