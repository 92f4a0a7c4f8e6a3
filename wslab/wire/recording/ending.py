"""Says how connections ended, and what the API at each end therefore reports.

An API reports the code of the close frame that it *received*: 1005 if that had none, 1006 if no
close frame came (RFC 6455 §7.1.5, §7.4.1). A recording shows on which side of it somebody ended
TCP; that may have been a proxy. Nothing is said where it does not show enough.
"""

from __future__ import annotations

from typing import Literal, NamedTuple

from ..fields import Direction
from .capture import Capture
from .connection import End
from .index import Ended, Sent, mark_words
from .log import stream_number, whose_stream

How = Literal["fin", "reset", "cut", "silence"]
"""By FIN, by RST, by the debugger of a tap, or not at all: a side answers no more."""

PAUSE = 1.0
"""Seconds without bytes before an end that are worth telling."""
UNANSWERED = 2.0
"""Seconds after which a ping should have its pong."""
SILENT = 10.0
"""Seconds that a recording goes on after an unanswered ping, if that is to count as an ending."""

FAILS = (1002, 1007, 1009)
"""The codes that libraries send when they fail a connection: then they do not read the answer."""

IDLE = {
    60: "60 s is a usual idle limit of proxies (nginx, AWS ALB)",
    100: "100 s is the idle limit of Cloudflare's proxies",
    240: "240 s is the idle limit of Azure's load balancer",
    350: "350 s is the idle limit of AWS's Network Load Balancer",
}
"""Limits, in seconds, after which what stands between the peers ends idle connections."""


class Ending(NamedTuple):
    """How one connection ended."""

    connection: int
    time: float
    """Seconds since the recording began: of the first FIN, RST or cut; of silence, its start."""
    row: int | None
    """The row of the recording, of any connection, after which it came; None: it came first."""
    by: Direction | None
    """The side from which the end came, or which fell silent; None: the debugger."""
    how: How
    pause: float | None
    """Seconds since the last bytes of either side; None: there were none."""
    client_close: int | None
    """The code in the client's close frame, 1005 if it has none; None: no close frame, or one
    whose code cannot be read."""
    server_close: int | None
    client_code: int | None
    """The code that the client's API reports; None: the recording does not tell, or no code."""
    server_code: int | None
    says: str
    """All this in a sentence."""
    evidence: str
    """What explains it, and what is open, in short sentences; may be empty."""
    programs: str
    """What a browser's page and Python's websockets get, in short sentences; may be empty."""
    rfc: str
    over: bool
    """False while only one half of TCP has ended, so that the other side may still send."""


def endings(capture: Capture) -> dict[int, Ending]:
    """By connection, how it ended; none for one that goes on, or whose file does not tell."""
    found = Endings(capture)
    ended = {ending.connection: ending for ending in found.news()}
    return ended | {
        ending.connection: ending for ending in found.silent() if ending.connection not in ended
    }


class Endings:
    """The endings of a recording that grows: each `news` reads only what came since the last."""

    def __init__(self, capture: Capture) -> None:
        self._capture = capture
        self._read = 0  # of `Index.ended`
        self._rows = 0
        self._pings: dict[int, tuple[int, int]] = {}  # by stream: the first ping without a pong,
        # and how many there are

    def news(self) -> list[Ending]:
        """The endings that are new, or of which more is known: those replace the former ones."""
        new = self._capture.index.ended[self._read :]
        self._read += len(new)
        return [found for number in dict.fromkeys(new) if (found := self._of(number))]

    def silent(self) -> list[Ending]:
        """The open connections of which one side answers no pings, while the recording goes on."""
        self._read_pings()
        log, found = self._capture.log, list[Ending]()
        latest = max([*log.time_of[-1:], *(event.time for event in log.events[-1:])], default=0.0)
        for stream in self._pings:
            connection, direction = whose_stream(stream)
            unanswered = self._unanswered(connection, direction, latest)
            if unanswered is None or unanswered.wait < SILENT:
                continue
            other = OTHER[direction]
            says = (
                f"The {other}'s side fell silent: {unanswered.says}, and the recording goes on for "
                f"{_seconds(unanswered.wait)}. {_PATIENCE}"
            )
            found.append(
                Ending(
                    connection, latest, len(self._capture.index) - 1, other, "silence",
                    unanswered.wait, None, None, None, None, says, "", "", "RFC 6455 §5.5.2", True,
                )
            )  # fmt: skip
        return found

    def _of(self, number: int) -> Ending | None:
        known = self._capture.index.ended_of(number)
        if known is None:
            return None
        account = _Account(self._capture, number, known)
        pings = []
        if account.quiet >= UNANSWERED:
            self._read_pings()
            for direction in BOTH:
                unanswered = self._unanswered(number, direction, account.first.event.time)
                if unanswered is not None and unanswered.wait >= UNANSWERED:
                    pings.append(_sentence(f"{unanswered.says} before this end"))
        return account.ending(pings)

    def _read_pings(self) -> None:
        index = self._capture.index
        rows, self._rows = self._rows, len(index)
        for row, is_ping in index.pings(rows):
            stream = index.stream_of(row)
            if is_ping:
                first, count = self._pings.get(stream, (row, 0))
                self._pings[stream] = first, count + 1
            else:
                self._pings.pop(stream ^ 1, None)

    def _unanswered(self, number: int, direction: Direction, until: float) -> _Unanswered | None:
        row, count = self._pings.get(stream_number(number, direction), (0, 0))
        if not count or self._capture.index.is_gone(row):
            return None
        (first,) = self._capture.index.rows(row, row + 1)
        wait = until - first.time
        if count == 1:
            return _Unanswered(
                wait, f"a ping from the {direction} had no pong for {_seconds(wait)}"
            )
        says = f"{count} pings from the {direction} had no pong, the first for {_seconds(wait)}"
        return _Unanswered(wait, says)


class _Unanswered(NamedTuple):
    wait: float
    says: str


_PATIENCE = "Its end is not in the recording; each API waits until its own patience ends."


class _Account:
    """Tells the end of one connection: of a WebSocket, or of the handshake for one."""

    def __init__(self, capture: Capture, number: int, known: Ended) -> None:
        self.number, self.known, log = number, known, capture.log
        ends = known.ends
        self.first = next((end for end in ends if end.event.name != "silence"), ends[0])
        self.ended = dict[Direction | None, End]()
        for end in ends:
            if end.event.name != "silence":
                self.ended.setdefault(end.event.direction, end)
        last = max(self.first.chunks)
        self.pause = None if last < 0 else max(0.0, self.first.event.time - log.time_of[last])
        heard = min(self.first.chunks)
        self.quiet = self.first.event.time - log.time_of[heard] if heard >= 0 else 0.0
        hard = any(end.event.name == "reset" or "RST" in end.event.note for end in ends)
        self.over = hard or len(self.ended) == 2
        self.codes = {direction: _code(known.sent[direction]) for direction in BOTH}
        self.hedges: list[str] = []

    def ending(self, evidence: list[str]) -> Ending:
        """The whole account; `evidence` is what pings tell."""
        event, known = self.first.event, self.known
        how: How = _HOW[event.name]
        repeated = [end.event.note for end in known.ends if end.event.name == "silence"]
        shook = known.upgraded and (not known.refused or known.sent["client"].frames)
        reports: dict[Direction, int | None] = {"client": None, "server": None}
        programs = ""
        if how == "silence":
            says, rfc = f"The {event.direction}'s side fell silent: {repeated[0]}. {_PATIENCE}", ""
        elif not shook:
            says, rfc = self._no_websocket(), "RFC 6455 §4.1"
            if self.known.sent["server"].chunk >= 0 or "server" in self.ended:
                programs = "A browser's page is told 1006 all the same; a server has no code."
        else:
            reports = {direction: self._report(direction) for direction in BOTH}
            says, rfc = self._closing(reports), "RFC 6455 §7.1.5"
            evidence += self._reasons()
            programs = self._programs(reports)
        if how != "silence":
            evidence[:0] = [_sentence(f"{note} before") for note in repeated]
        return Ending(
            self.number, event.time, self.first.rows - 1 if self.first.rows else None,
            None if how == "cut" else event.direction, how, self.pause,
            self.codes["client"], self.codes["server"], reports["client"], reports["server"],
            says, " ".join(evidence), programs, rfc or "RFC 9293 §3.8.1",
            self.over or how == "silence",
        )  # fmt: skip

    # --- What crossed

    @property
    def _silence(self) -> str:
        return f"{_seconds(self.pause)} of silence, then " if (self.pause or 0) >= PAUSE else ""

    @property
    def _end(self) -> str:
        event = self.first.event
        if event.name == "cut":
            what = "" if len(self.ended) == 2 else f" of what the {event.direction} sends"
            note = event.note.partition(":")[0]
            return f"the tap ended TCP{what}" + (f" with {note}" if note in ("FIN", "RST") else "")
        return f"the {event.direction}'s side sent {'FIN' if event.name == 'eof' else 'RST'}"

    def _no_websocket(self) -> str:
        known, then = self.known, self._silence + self._end
        status = known.refused.status if known.refused is not None and not known.asked else None
        if status is None:
            return _sentence(f"{then}; the recording shows no whole answer to the handshake")
        if status == 101:
            return _sentence(f"a 101 that the client must refuse, then {then}")
        return _sentence(
            f"the handshake was answered with {status}, then {then}: no WebSocket existed"
        )

    def _closing(self, reports: dict[Direction, int | None]) -> str:
        """The close frames, the pause and the end in the order of time, and what the APIs say."""
        sent, by = self.known.sent, self.first.event.direction
        order = sorted(
            (direction for direction in BOTH if sent[direction].closed >= 0),
            key=lambda direction: sent[direction].closed,
        )
        before = [one for one in order if self.first.closed[BOTH.index(one)]]
        text = ", ".join(self._close(one) for one in before)
        text += " without an answer" if len(order) == 1 and before else ""
        text += (", then " if before else "") + self._silence + self._end
        if not before:
            text += f" without a close frame{self._middle()}"
        for late in order[len(before) :]:
            text += f", then {self._close(late)}"
        if self.first.event.name == "eof" and by is not None:
            other = OTHER[by]
            if sent[other].chunk > self.first.chunks[BOTH.index(other)] and other not in order:
                text += f"; the {other}'s side still sent something"
            elif not self.over:
                text += f"; the {other}'s side has not ended its half"
        return _sentence(text + _verdict(reports))

    def _close(self, direction: Direction) -> str:
        sent, code = self.known.sent[direction], self.codes[direction]
        what = "close without a code" if code == 1005 and not sent.close else f"close {code}"
        what = "a broken close frame" if sent.broken or code is None else what
        done = f" ({mark_words(sent.marks)})" if sent.marks else ""
        return f"{what} from the {direction}{done}"

    def _middle(self) -> str:
        """What was not whole yet."""
        for direction in BOTH:
            sent = self.known.sent[direction]
            if sent.unfinished is not None:
                kind, here, length = sent.unfinished
                size = f"{here:,} of {length:,} bytes"
                return f", in the middle of a {kind} frame from the {direction} ({size})"
            if sent.in_message:
                return f", in the middle of a message in fragments from the {direction}"
        return ""

    # --- What the APIs say

    def _report(self, end: Direction) -> int | None:
        """The code that an end's API reports; None where the recording does not tell."""
        other = OTHER[end]
        mine, its, left = self.known.sent[end], self.known.sent[other], self.ended.get(end)
        if its.chunk < 0 and other not in self.ended:
            return None  # what it sent is not in the recording
        if its.closed < 0:
            return 1006 if self.over or left is None else None
        arrived = any(mark.name in ("delivered", "duplicated") for mark in its.marks)
        if its.marks and not arrived:
            return 1006
        edited = [mark.data for mark in its.marks if mark.name == "edited"]
        if edited and edited[-1] is not None:
            return None  # see the unit
        code, my_code = self.codes[other], self.codes[end]
        if left is not None and not left.closed[BOTH.index(other)]:
            if left.event.name == "reset" or my_code in FAILS:
                return 1006
            self.hedges.append(f"Close {code} came after the {end}'s side had ended its half.")
            return None
        if its.broken or code is None:
            failed = my_code in FAILS and mine.closed > its.closed
            return 1006 if failed else None
        if my_code in FAILS and mine.closed < its.closed:
            self.hedges.append(
                f"The {end}'s API says 1006 if it failed the connection by itself, and {code} if "
                f"its program chose {my_code} (RFC 6455 §7.1.7)."
            )
            return None
        if mine.closed < 0 and (gone := self.ended.get(other)) and gone.event.name == "reset":
            self.hedges.append(f"Where RST came before the {end} had read {code}, it says 1006.")
        return code

    def _reasons(self) -> list[str]:
        said, event = list(self.hedges), self.first.event
        whole = all(self.first.closed)
        limit = next((one for one in IDLE if abs((self.pause or 0) - one) <= 5), None)
        if limit is not None and not any(self.first.closed) and event.name != "cut":
            said.append(f"{IDLE[limit]}; a ping every 20 to 30 s keeps a connection open.")
        if whole and event.name == "eof" and event.direction == "client":
            said.append("After the closing handshake the server should end TCP first (§7.1.1).")
        if whole and event.name == "reset":
            said.append("The closing handshake was complete before.")
        return said

    def _programs(self, reports: dict[Direction, int | None]) -> str:
        said, sent = list[str](), self.known.sent
        client, server = reports["client"], reports["server"]
        if client == 1006 or (client is not None and sent["client"].closed >= 0):
            clean = "false" if client == 1006 else "true"
            said.append(f"A browser's wasClean is {clean}.")
        if client is not None and server is not None:
            raised = [
                "OK" if reports[end] in _FINE and self.codes[end] in (*_FINE, None) else "Error"
                for end in BOTH
            ]
            if raised[0] == raised[1]:
                said.append(f"Python's websockets raises ConnectionClosed{raised[0]}.")
            else:
                said.append(
                    f"Python's websockets raises ConnectionClosed{raised[0]} at the client and "
                    f"ConnectionClosed{raised[1]} at the server."
                )
        return " ".join(said)


BOTH: tuple[Direction, Direction] = ("client", "server")
OTHER: dict[Direction, Direction] = {"client": "server", "server": "client"}
_FINE = (1000, 1001, 1005)
_HOW: dict[str, How] = {"eof": "fin", "reset": "reset", "cut": "cut", "silence": "silence"}


def _code(sent: Sent) -> int | None:
    if sent.close is None or len(sent.close) == 1:
        return None
    return int.from_bytes(sent.close[:2], "big") if sent.close else 1005


def _verdict(reports: dict[Direction, int | None]) -> str:
    client, server = reports["client"], reports["server"]
    if client is not None and server is not None:
        if client == server:
            return f": both APIs say {client}"
        return f": the client's API says {client}, the server's {server}"
    for end, code in reports.items():
        if code is not None:
            return f": the {end}'s API says {code}"
    return ""


def _seconds(seconds: float | None) -> str:
    seconds = seconds or 0.0
    return f"{seconds:,.0f} s" if seconds >= 9.95 else f"{seconds:.1f}".removesuffix(".0") + " s"


def _sentence(text: str) -> str:
    return f"{text[0].upper()}{text[1:]}."
