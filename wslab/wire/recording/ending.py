"""Says how connections ended, and what the API at each end therefore reports.

An API reports the code of the close frame that it *received*: 1005 if that had none, 1006 if no
close frame came (RFC 6455 §7.1.5, §7.4.1). A recording shows on which side of it TCP was ended;
that may have been a proxy. Nothing is said where it does not show enough.
"""

from __future__ import annotations

from typing import Literal, NamedTuple

from ..fields import Direction
from .capture import Capture
from .connection import Close, End
from .index import Index, mark_words
from .log import stream_number, whose_stream

How = Literal["fin", "reset", "cut", "silence"]
"""By FIN, by RST, by the debugger of a tap, or not at all: a side answers no more."""

PAUSE = 1.0
"""Seconds without bytes before an end that are worth telling."""
UNANSWERED = 2.0
"""Seconds within which a ping should have its pong."""
SILENT = 10.0
"""Seconds for which a recording goes on after an unanswered ping, if that counts as an ending."""

FAILS = (1002, 1007, 1009)
"""The codes that a library sends when it fails a connection: then it does not read the answer."""

IDLE = {
    60: "60 s is a usual idle limit of proxies (nginx, AWS ALB)",
    100: "100 s is the idle limit of Cloudflare's proxies",
    240: "240 s is the idle limit of Azure's load balancer",
    350: "350 s is the idle limit of AWS's Network Load Balancer",
}
"""Limits, in seconds, after which what stands between the peers ends idle connections."""

BOTH: tuple[Direction, Direction] = ("client", "server")
OTHER: dict[Direction, Direction] = {"client": "server", "server": "client"}


class Ending(NamedTuple):
    """How one connection ended."""

    connection: int
    time: float
    """Of the first FIN, RST or cut, or when silence was noticed: seconds since the recording
    began."""
    row: int | None
    """The row of the recording, of any connection, after which it came; None: it came first."""
    by: Direction | None
    """The side from which the end came, or which fell silent; None: the debugger."""
    how: How
    pause: float | None
    """Seconds since the last bytes of either side; None: there were none."""
    client_close: int | None
    """The code in the client's close frame, 1005 if it has none; None: no close frame, or one
    that breaks a rule."""
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
    silent = {ending.connection: ending for ending in found.silent()}
    return silent | ended


class Endings:
    """The endings of a recording that grows: each `news` reads only what came since the last."""

    def __init__(self, capture: Capture) -> None:
        self._capture = capture
        self._read = 0  # of `Index.ended`
        self._rows = 0
        self._pings: dict[int, tuple[float, int]] = {}
        """By stream: when it sent the first ping that has no pong, and how many there are."""

    def news(self) -> list[Ending]:
        """The endings that are new, or of which more is known: those replace the former ones."""
        index = self._capture.index
        new = index.ended[self._read :]
        self._read += len(new)
        # Those of a connection whose bytes are no longer kept are forgotten.
        known = {number: index.ends.get(number) for number in dict.fromkeys(new)}
        return [self._of(index, number, ends) for number, ends in known.items() if ends]

    def silent(self) -> list[Ending]:
        """The connections of which one side answers no pings, while the recording goes on."""
        index, log, found = self._capture.index, self._capture.log, list[Ending]()
        self._read_pings(index)
        latest = max([*log.time_of[-1:], *(event.time for event in log.events[-1:])], default=0.0)
        for stream, (first, _) in self._pings.items():
            wait, (connection, direction) = latest - first, whose_stream(stream)
            unanswered = self._no_pong(index, connection, direction, latest)
            # Who sends something else is not silent.
            last = index.heard(connection, OTHER[direction]) or 0.0
            if not unanswered or wait < SILENT or last > first:
                continue
            says = _fell_silent(OTHER[direction], unanswered)
            found.append(
                Ending(
                    connection, latest, len(index) - 1, OTHER[direction], "silence", wait,
                    None, None, None, None, says, "", "", "RFC 6455 §5.5.2", True,
                )
            )  # fmt: skip
        return found

    def _of(self, index: Index, number: int, ends: list[End]) -> Ending:
        account, evidence = _Account(self._capture, index, number, ends), list[str]()
        if account.quiet >= UNANSWERED:
            self._read_pings(index)
            at = account.first.event.time
            told = (self._no_pong(index, number, direction, at) for direction in BOTH)
            evidence = [_sentence(f"{text} before this end") for text in told if text]
        return account.ending(evidence)

    def _read_pings(self, index: Index) -> None:
        start, self._rows = self._rows, len(index)
        for stream, time, is_ping in index.pings(start):
            if is_ping:
                first, count = self._pings.get(stream, (time, 0))
                self._pings[stream] = first, count + 1
            else:
                self._pings.pop(stream ^ 1, None)

    def _no_pong(self, index: Index, number: int, direction: Direction, until: float) -> str:
        """Which pings of one side had no answer, if that had its time and would be recorded."""
        first, count = self._pings.get(stream_number(number, direction), (until, 0))
        if until - first < UNANSWERED or self._capture.only_messages:
            return ""
        lost = self._capture.log.gaps.get(stream_number(number, OTHER[direction]))
        if lost or index.heard(number, OTHER[direction]) is None:
            return ""
        many, since = ("a ping", "") if count == 1 else (f"{count} pings", ", the first")
        return f"{many} from the {direction} had no pong{since} for {_seconds(until - first)}"


class _Account:
    """Tells the end of one connection: of a WebSocket, or of the handshake for one."""

    def __init__(self, capture: Capture, index: Index, number: int, ends: list[End]) -> None:
        self.capture, self.index, self.number, self.ends = capture, index, number, ends
        self.first = ends[0]
        self.ended: dict[Direction | None, End] = {}
        """By direction: its first end."""
        for end in reversed(ends):
            if end.event.name != "silence":
                self.first = self.ended[end.event.direction] = end
        self.hard = any(end.event.name == "reset" or "RST" in end.event.note for end in ends)
        self.over = self.hard or len(self.ended) == 2 or not self.ended
        chunks, time_of = self.first.chunks, capture.log.time_of
        since = [self.first.event.time - time_of[chunk] for chunk in chunks if chunk >= 0]
        self.pause = max(0.0, min(since)) if since else None
        self.quiet = max(since, default=0.0)
        self.closes = dict[Direction, Close]()
        for direction, closed in zip(BOTH, ends[-1].closed, strict=True):
            close = index.closes.get(stream_number(number, direction))
            if close and (closed or not self.over):  # else it was still on its way, to nobody
                self.closes[direction] = close
        self.hedges: list[str] = []

    def ending(self, evidence: list[str]) -> Ending:
        """The whole account; `evidence` is what pings tell."""
        event, index, number = self.first.event, self.index, self.number
        refused, programs = index.refused.get(number), ""
        shook = index.is_upgraded(number)
        if refused:  # a client that sends frames all the same has not refused the 101
            shook = shook and any(r.kind != "request" for r in index.rows_of(number, "client"))
        codes: dict[Direction, int | None] = {"client": None, "server": None}
        repeated = [end.event.note for end in self.ends if end.event.name == "silence"]
        if not self.ended:
            says, rfc = _fell_silent(event.direction or "client", repeated.pop()), "RFC 9293 §3.8.1"
        elif shook:
            codes = {direction: self._code(direction) for direction in BOTH}
            says, rfc = self._closing(codes), "RFC 6455 §7.1.5"
            evidence += [*self.hedges, *self._reasons(bool(evidence))]
            programs = self._programs(codes)
        else:
            says, rfc = self._no_websocket(refused.status if refused else None), "RFC 6455 §4.1"
            if self._is_recorded("server"):
                programs = "A browser's page is told 1006 all the same; a server has no code."
        evidence = [*(_sentence(f"{note} before") for note in repeated), *evidence]
        close = {direction: close.code for direction, close in self.closes.items()}
        return Ending(
            number, event.time, self.first.rows - 1 if self.first.rows else None,
            None if event.name == "cut" else event.direction, _HOW[event.name], self.pause,
            close.get("client"), close.get("server"), codes["client"], codes["server"],
            says, " ".join(evidence), programs, rfc, self.over,
        )  # fmt: skip

    # --- What crossed, in the order of time

    @property
    def _then(self) -> str:
        """The pause, and the end of TCP."""
        event = self.first.event
        quiet = f"{_seconds(self.pause)} of silence, then " if (self.pause or 0) >= PAUSE else ""
        if event.name != "cut":
            what = "FIN" if event.name == "eof" else "RST"
            return f"{quiet}the {event.direction}'s side sent {what}"
        what = "TCP" if len(self.ended) == 2 else f"what the {event.direction} sends"
        how = event.note.partition(":")[0]
        return f"{quiet}the tap ended {what}" + (f" with {how}" if how in ("FIN", "RST") else "")

    def _no_websocket(self, status: int | None) -> str:
        if status is None:
            return _sentence(f"{self._then}; the recording shows no whole answer to the handshake")
        if status == 101:
            return _sentence(f"a 101 that the client must refuse, then {self._then}")
        answered = f"the handshake was answered with {status}, then {self._then}"
        return _sentence(f"{answered}: no WebSocket existed")

    def _closing(self, codes: dict[Direction, int | None]) -> str:
        event = self.first.event
        lacks = [one for one in BOTH if one not in self.closes and self._may_lack_close(one)]
        order = sorted(self.closes, key=lambda direction: self.closes[direction].chunk)
        before = [one for one in order if self.first.closed[BOTH.index(one)]]
        text = ", ".join(map(self._close, before))
        if before:
            known = len(order) == 1 and not lacks and all(map(self._is_recorded, BOTH))
            text += " without an answer, then " if known else ", then "
        text += self._then
        if not before:
            text += "" if event.direction in lacks else " without a close frame"
            text += self._middle([one for one in BOTH if one not in lacks])
        text += "".join(f", then {self._close(late)}" for late in order[len(before) :])
        for one in lacks:
            what = "the last bytes of" if self._is_recorded(one) else "all bytes of"
            text += f"; the recording lacks {what} the {one}"
        if event.name == "eof" and event.direction:
            other = OTHER[event.direction]
            if other not in self.closes and self._went_on(other):
                text += f"; the {other}'s side still sent something"
            elif not self.over and other not in lacks:
                text += f"; no FIN from the {other}'s side is recorded"
        said = [(end, code) for end, code in codes.items() if code is not None]
        if len(said) == 2 and said[0][1] == said[1][1]:
            text += f": both APIs say {said[0][1]}"
        elif said:
            text += f": the {said[0][0]}'s API says {said[0][1]}"
            text += f", the server's {said[1][1]}" if said[1:] else ""
        return _sentence(text)

    def _close(self, direction: Direction) -> str:
        close = self.closes[direction]
        what = "a broken close frame" if close.code is None else f"close {close.code}"
        what = "close without a code" if close.code == 1005 else what
        marks = self.index.marks_at(stream_number(self.number, direction), close.offset)
        return f"{what} from the {direction}" + (f" ({mark_words(marks)})" if marks else "")

    def _middle(self, whole: list[Direction]) -> str:
        """What was not whole yet, where a stream's last bytes are known."""
        for direction in whole:
            found = self.index.unfinished(self.number, direction)
            if found is not None and not self._went_on(direction):
                kind, here, length = found
                if not length:
                    return f", in the middle of a message in fragments from the {direction}"
                size = f"{here:,} of {length:,} bytes"
                return f", in the middle of a {kind} frame from the {direction} ({size})"
        return ""

    def _went_on(self, direction: Direction) -> bool:
        """Whether a side sent more after the first end."""
        place = BOTH.index(direction)
        return self.ends[-1].chunks[place] > self.first.chunks[place]

    # --- What the APIs say

    def _is_recorded(self, direction: Direction) -> bool:
        """Whether anything shows what this side sent."""
        return self.ends[-1].chunks[BOTH.index(direction)] >= 0 or direction in self.ended

    def _may_lack_close(self, direction: Direction) -> bool:
        """Whether a gap at the end of a stream may hold its close frame."""
        if not self.capture.log.gaps.get(stream_number(self.number, direction)):
            return False
        rows = self.index.rows_of(self.number, direction)
        return not rows or rows[-1].kind == "gap"

    def _code(self, end: Direction) -> int | None:
        """The code that an end's API reports; None where the recording does not tell."""
        other, its, mine = OTHER[end], self.closes.get(OTHER[end]), self.closes.get(end)
        left = self.ended.get(end)
        if not self._is_recorded(other) or (its is None and self._may_lack_close(other)):
            return None
        if its is None:
            return 1006 if self.over or left is None else None
        marks = self.index.marks_at(stream_number(self.number, other), its.offset)
        names = {mark.name for mark in marks}
        if marks and not names & {"delivered", "duplicated"}:
            return 1006
        failed = mine is not None and mine.code in FAILS
        if left and left.event.name != "cut" and not left.closed[BOTH.index(other)]:
            if failed or left.event.name == "reset":
                return 1006
            if its.code is not None:
                self.hedges.append(f"Close {its.code} came after the {end}'s side had ended.")
            return None
        if its.code is None or "edited" in names:  # what comes of these is up to the library
            answered = failed and mine is not None and mine.chunk > its.chunk
            return 1006 if its.code is None and answered else None
        echoes = mine is not None and mine.code == its.code and mine.chunk > its.chunk
        if mine is not None and failed and not echoes:
            self.hedges.append(
                f"The {end}'s API says 1006 if it failed the connection by itself, and {its.code} "
                f"if its program chose {mine.code} (RFC 6455 §7.1.7)."
            )
            return None
        gone = self.ended.get(other)
        if mine is None and gone is not None and gone.event.name == "reset":
            self.hedges.append(
                f"Where RST came before the {end} had read {its.code}, it says 1006."
            )
        return its.code

    def _reasons(self, pinged: bool) -> list[str]:
        event, closed = self.first.event, self.first.closed
        if all(closed) and event.name == "reset":
            return ["The closing handshake was complete before."]
        if all(closed) and event.name == "eof" and event.direction == "client":
            return ["After the closing handshake the server should end TCP first (§7.1.1)."]
        if pinged or any(closed) or event.name == "cut":
            return []
        idle = (says for limit, says in IDLE.items() if abs((self.pause or 0) - limit) <= 5)
        return [f"{says}; a ping every 20 to 30 s keeps a connection open." for says in idle]

    def _programs(self, codes: dict[Direction, int | None]) -> str:
        said, client = list[str](), codes["client"]
        shaken = "client" in self.closes and not self.hard  # after a RST it is false in Chromium
        if client == 1006 or (client is not None and shaken):
            said.append(f"A browser's wasClean is {'false' if client == 1006 else 'true'}.")
        fine = {
            codes[end] in _FINE and (end not in self.closes or self.closes[end].code in _FINE)
            for end in BOTH
        }
        if None not in codes.values() and len(fine) == 1:
            what = "OK" if fine.pop() else "Error"
            said.append(f"Python's websockets raises ConnectionClosed{what}.")
        return " ".join(said)


_FINE = (1000, 1001, 1005)
"""The codes after which Python's websockets does not call the end an error."""
_HOW: dict[str, How] = {"eof": "fin", "reset": "reset", "cut": "cut", "silence": "silence"}


def _fell_silent(side: Direction, how: str) -> str:
    return (
        f"The {side}'s side fell silent: {how}. Its end is not in the recording; each API waits "
        "until its own patience ends."
    )


def _seconds(seconds: float | None) -> str:
    seconds = seconds or 0.0
    return f"{seconds:,.0f} s" if seconds >= 9.95 else f"{seconds:.1f}".removesuffix(".0") + " s"


def _sentence(text: str) -> str:
    return f"{text[0].upper()}{text[1:]}."
