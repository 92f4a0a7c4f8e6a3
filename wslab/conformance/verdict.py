"""Judges what came of a case: pass, fail (a MUST), unusual (a SHOULD) or skipped."""

from __future__ import annotations

from typing import Literal, NamedTuple

from wslab.conformance.play import Played, is_legal, is_strict, speaks_on
from wslab.conformance.wire import Wire
from wslab.net.cases import Case, Head
from wslab.net.peers import code_in
from wslab.wire import Capture, Unit, printable
from wslab.wire.protocol import parse_head

NEVER = (1005, 1006, 1015)
"""Codes that an endpoint must not set in a close frame (RFC 6455 §7.4.1)."""

Word = Literal["pass", "fail", "unusual", "skipped"]

_WORDS: dict[str, Word] = {"must": "fail", "should": "unusual", "may": "pass"}
"""By the duty of a case: the verdict on a peer that does not do it."""


class Verdict(NamedTuple):
    """What came of a case."""

    case: Case
    word: Word
    why: str = ""
    """What was expected and what came; "" where all was as expected."""
    rfc: str = ""
    """The section that was not followed; the case's own, if nothing else went wrong."""
    capture: Capture | None = None
    """Everything that crossed."""
    seconds: float = 0.0


class _Broken(Exception):
    """The peer did not do what it must; or what it should, if the word says so."""

    def __init__(self, why: str, rfc: str = "", word: Word = "fail") -> None:
        super().__init__(why)
        self.word, self.rfc = word, rfc


def judge(case: Case, played: Played) -> tuple[Word, str, str]:
    """The verdict, what is wrong, and the section that says so."""
    if played.skipped:
        return "skipped", played.skipped, ""
    try:
        if played.wire.ended == "endless":
            raise _Broken("the peer sends without an end: it was cut off")
        if isinstance(case.sends, Head):
            _judge_head(case, played)
        else:
            _judge_frames(case, played)
    except _Broken as broken:
        return broken.word, str(broken), broken.rfc or case.section
    return "pass", "", case.section


# --- The opening handshake


def _judge_head(case: Case, played: Played) -> None:
    wire = played.wire
    if wire.side == "server":
        _judge_opened(
            case, speaks_on(wire), "the client opened the connection", "it did not open it"
        )
        return
    status = played.status
    if case.expected == 101:
        _judge_opened(case, status == 101, "101", _came(played))
        _judge_own_faults(wire, wire.units(wire.other))
    elif status == 101:
        _judge_opened(case, True, "101", "")
    elif status is None:
        if wire.ended is None:
            raise _Broken(f"expected {case.expected} or another refusal, and nothing came")
        raise _Broken(
            f"expected {case.expected} or another refusal; the server ended TCP without a word",
            word="unusual",
        )
    else:
        _judge_own_faults(wire, wire.units(wire.other))
        if status < 300:
            raise _Broken(f"expected {case.expected} or another refusal, got {status}")


def _judge_opened(case: Case, opened: bool, yes: str, no: str) -> None:
    if opened == (case.expected == 101):
        return
    wanted = "the connection to open" if case.expected == 101 else "a refusal"
    word = _WORDS[case.duty]
    if word != "pass":
        raise _Broken(f"expected {wanted}, got {yes if opened else no}", word=word)


def _came(played: Played) -> str:
    if played.status is not None:
        return f"status {played.status}"
    how = {"eof": "the end of TCP", "reset": "a reset", None: "nothing", "endless": "too much"}
    return how[played.wire.ended]


# --- Frames


def _judge_frames(case: Case, played: Played) -> None:
    wire = played.wire
    if played.status != 101:
        raise _Broken(f"expected 101 to a correct handshake, got {_came(played)}", "RFC 6455 §4.2")
    mine, theirs = wire.units(wire.side), wire.units(wire.other)
    _judge_own_faults(wire, theirs)
    left = wire.capture.index.incomplete(wire.connection, wire.other)
    if left and wire.ended is not None:
        raise _Broken(f"the peer ended TCP {left} bytes into a frame", "RFC 6455 §5.2")
    legal = is_legal(case)
    strict = is_strict(case)
    _judge_messages(wire, mine, legal, strict=strict)
    _judge_pongs(mine, theirs, legal, strict=strict)
    _judge_end(case, wire, theirs, legal)


def _judge_own_faults(wire: Wire, theirs: list[Unit]) -> None:
    """What the peer sends must itself be legal."""
    for unit in theirs:
        is_head = unit.kind in ("request", "response")
        head = unit.data[: parse_head(unit.data).length] if is_head else b""
        if b"\n" in head.replace(b"\r\n", b""):
            raise _Broken("the lines of a head end in CR LF, got LF alone", "RFC 9112 §2.1")
    for unit in theirs:
        for broken in unit.violations:
            if broken.rule == "broken-request-accepted":
                continue  # the case says how strictly it is meant
            # Of most codes that nobody uses the RFC does not say that they must not be sent.
            odd = broken.rule == "close-code-not-allowed" and code_in(unit.payload) not in NEVER
            word: Word = "unusual" if odd else "fail"
            raise _Broken(f"the peer's {unit.kind}: {broken.text}", broken.rfc, word)
    for message in wire.capture.index.messages(wire.connection):
        if message.direction == wire.other and message.violations:
            raise _Broken(f"the peer's message: {message.violations[0].text}")


def _judge_messages(wire: Wire, mine: list[Unit], legal: bool, *, strict: bool) -> None:
    """An echo server sends back each whole message before the fault, in order, and no other."""
    fault = next((unit.number for unit in mine if unit.violations), None)
    said, heard = [], []
    for message in wire.capture.index.messages(wire.connection):
        if message.direction == wire.other:
            heard.append((message.kind, message.content))
        elif not strict or (not message.violations and (fault is None or message.row < fault)):
            said.append((message.kind, message.content))
    for number, one in enumerate(heard):
        if number >= len(said):
            raise _Broken(
                f"expected no further message, got {_shown(*one)}: what breaks a rule is not to "
                "reach the program" if not legal else f"got {_shown(*one)}, which nobody sent"
            )  # fmt: skip
        if one != said[number]:
            raise _Broken(f"expected the echo {_shown(*said[number])}, got {_shown(*one)}")
    if legal and strict and len(heard) < len(said):
        raise _Broken(f"expected the echo {_shown(*said[len(heard)])}, and it did not come")


def _judge_pongs(mine: list[Unit], theirs: list[Unit], legal: bool, *, strict: bool) -> None:
    pings = []
    for unit in mine:
        if unit.kind == "close":
            break  # what comes behind it is not read any more
        if unit.kind == "ping" and not (strict and unit.violations):
            pings.append(unit.payload)
    pongs = [unit.payload for unit in theirs if unit.kind == "pong"]
    left = iter(pings)
    for payload in pongs:
        if payload not in left:  # which takes what stands before it away, too
            raise _Broken(
                f"got a pong with {printable(repr(payload[:40]))}, and no ping had this payload",
                "RFC 6455 §5.5.3",
            )
    if legal and strict and pings and (not pongs or pongs[-1] != pings[-1]):
        raise _Broken("expected a pong with the payload of the last ping", "RFC 6455 §5.5.2")


def _judge_end(case: Case, wire: Wire, theirs: list[Unit], legal: bool) -> None:
    close = next((unit for unit in theirs if unit.kind == "close"), None)
    if is_strict(case):
        _judge_close(case, wire, close, legal)
    if close is not None and wire.side == "client" and wire.ended is None:
        raise _Broken(
            "expected the server to end TCP after both close frames, and it stayed open",
            "RFC 6455 §5.5.1",
        )


def _judge_close(case: Case, wire: Wire, close: Unit | None, legal: bool) -> None:
    expected = f"expected close code {case.expected}"
    went_on = _Broken(f"{expected}, and the peer went on", word=_WORDS[case.duty])
    if close is None:
        if wire.ended is None:
            raise went_on
        why = f"{expected} before the end of TCP, got no close frame"
        if legal:
            raise _Broken(why, "RFC 6455 §5.5.1")
        raise _Broken(why, "RFC 6455 §7.1.7", "unusual")
    code = code_in(close.payload)
    if code in (case.expected, *case.others):
        return
    if not legal and code == 1000 and wire.count(wire.side, "close"):
        raise went_on  # that is its answer to our own close frame
    raise _Broken(f"{expected}, got {code}", word="unusual")


def _shown(kind: str, content: bytes) -> str:
    short = printable(repr(content[:24])) + ("…" if len(content) > 24 else "")
    return f"{kind} {short} ({len(content):,} bytes)"
