"""The frames lesson: a frame bit by bit, made by hand, sent to real peers in both directions."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar, NamedTuple

from wslab.exercises.frames import QUESTIONS
from wslab.labs.lesson import Lesson
from wslab.net.cases import FAULTY_FRAMES, FURTHER_FRAMES, Case
from wslab.net.peers import RawToClient, RawToServer, Reaction, TellingEchoServer
from wslab.view.experiments import (
    Choice,
    Column,
    Experiment,
    FrameWorkshop,
    Gallery,
    Line,
    Outcome,
    Words,
)
from wslab.wire import Capture, Direction, Row, close_code
from wslab.wire.protocol import FrameDraft

_C: Direction = "client"
_S: Direction = "server"

TRIALS: dict[str, tuple[Direction, Case]] = {
    label: (sender, (FAULTY_FRAMES | FURTHER_FRAMES)[name])
    for label, sender, name in [
        ("Hello, as a client sends it", _C, "hello"),
        ("Hello, as a server sends it", _S, "hello"),
        ("the start of a message", _C, "first-fragment"),
        ("a ping between fragments", _C, "ping"),
        ("the end of the message", _C, "last-fragment"),
        ("another message between fragments", _C, "message-interleaved"),
        ("a continuation of nothing", _C, "continuation-first"),
        ("a client that does not mask", _C, "sends-unmasked"),
        ("a server that masks", _S, "masks-its-frames"),
        ("RSV1 without an extension", _C, "rsv-set"),
        ("RSV2", _C, "rsv2-set"),
        ("RSV3", _C, "rsv3-set"),
        ("a reserved opcode", _C, "reserved-opcode"),
        ("a reserved control opcode", _C, "reserved-control-opcode"),
        ("a ping in pieces", _C, "fragmented-control-frame"),
        ("a ping of 126 bytes", _C, "long-control-frame"),
        ("16 bits of length for 5 bytes", _C, "length-in-16-bits"),
        ("64 bits of length for 5 bytes", _C, "length-in-64-bits"),
        ("a length with its top bit set", _C, "length-of-2**63"),
        ("text that is not UTF-8", _C, "text-not-utf8"),
        ("a close with code and reason", _C, "close"),
        ("a close of one byte", _C, "one-byte-close"),
        ("data after a close", _C, "data-after-close"),
        ("a length that lies", _C, "length-lies"),
    ]
}
"""The frames to try out on real peers, by the lesson's name for each: the sender and the case."""

BEGUN = ("the start of a message", "a ping between fragments", "the end of the message")
"""The trials that need the ones before them: each is sent after those, on the same connection."""

RECIPES: dict[str, tuple[Direction, FrameDraft]] = {
    name: (sender, frames[0])
    for name, (sender, case) in TRIALS.items()
    if len(frames := case.frames(sender)) == 1
}
"""The trials of a single frame, as drafts for the workshop."""


_TRIALS = Words(
    title="trials",
    choose="Choose what to send.",
    press="Send it",
    ready="send it to a real peer",
    waiting="Sent; waiting for what comes …",
    static="Choose what to send, say what the peer will do, send it for real, and compare:",
)
_ENDS = {
    code: f"It closes with {code}, {close_code(code).name}" for code in (1000, 1002, 1007, 1009)
}
_GOES_ON = "The connection goes on"


class Trial(NamedTuple):
    """The result of a trial."""

    broken: tuple[str, ...]
    """The rules that the wire saw broken, by name."""
    close_code: int | None
    """The code in the peer's close frame; None if it sent none."""
    reaction: Reaction
    rows: tuple[Row, ...] = ()
    """What crossed, without the handshake."""


class Frames(Lesson):
    """The lab of the frames lesson."""

    questions = QUESTIONS
    predicts: ClassVar = {"trials": "What does a peer do after each broken rule?"}
    server: TellingEchoServer

    def _make_server(self) -> TellingEchoServer:
        return TellingEchoServer(self._name("echo"))

    def _set_up(self) -> None:
        self._to_server, self._to_client = self._peers("by hand")
        # Whatever was sent by hand, from a cell or the workshop, a trial starts anew.
        self._trial_to_server, self._trial_to_client = self._peers("trial")

    def _peers(self, role: str) -> tuple[RawToServer, RawToClient]:
        to_server = RawToServer(self.url, self.server, role)
        to_client = RawToClient(
            self._name(role), lambda url: self.tap_before(url, f"frames, to a client {role}").url
        )
        self._resources.callback(to_server.close)
        self._resources.callback(to_client.close)
        return to_server, to_client

    def workshop(self) -> FrameWorkshop:
        """Set every bit of a frame, and send it to a real peer. All of it is on the wire view."""
        workshop = FrameWorkshop(
            {"client": self.send, "server": self.send_to_client},
            recipes=RECIPES,
            take=lambda number: self.capture.index.unit(number),
        )
        return self._show(workshop)

    def send(self, data: bytes) -> Reaction:
        """Send exactly these bytes to the echo server, as a client that has shaken hands."""
        self._check_open()
        return self._to_server.send(data)

    def send_to_client(self, data: bytes) -> Reaction:
        """Send exactly these bytes to a real client, as the server that it is connected to."""
        self._check_open()
        return self._to_client.send(data)

    def try_out(self, name: str) -> Trial:
        """Send a trial's frames to a real peer, in one piece, on a connection of their own.

        Raises KeyError for another name.
        """
        sender = TRIALS[name][0]
        earlier = BEGUN[: BEGUN.index(name)] if name in BEGUN else ()
        frames = [frame for one in (*earlier, name) for frame in TRIALS[one][1].frames(sender)]
        before = len(self.capture.index)
        self._check_open()
        peer = self._trial_to_server if sender == "client" else self._trial_to_client
        try:
            reaction = peer.send(b"".join(frame.to_bytes() for frame in frames))
            index = self.capture.index
            rows = index.rows(before)  # the goodbye is no part of it
        finally:
            peer.hang_up()
        units = [index.unit(row.number) for row in rows if row.direction == sender]
        broken = [rule.rule for unit in units for rule in unit.violations]
        for connection in {unit.connection for unit in units}:  # a frame that never came whole
            found = index.incomplete_violations(connection, sender)
            broken += [rule.rule for rule in found]
        crossed = tuple(row for row in rows if row.kind not in ("request", "response"))
        answerer: Direction = "server" if sender == "client" else "client"
        code = _close_code(reaction.answer, answerer)
        return Trial(tuple(broken), code, reaction, crossed)

    def trials(self) -> Gallery:
        """A gallery of the trials: predict what the peer does, and compare."""
        experiments = [self._experiment(name) for name in TRIALS]
        return self._show(self._noted(Gallery(experiments, "trials", _TRIALS), "trials"))

    def _experiment(self, name: str) -> Experiment:
        sender, case = TRIALS[name]

        def run(_: Choice) -> Outcome:
            trial = self.try_out(name)
            wire = [
                Line(row.preview, "", row.direction, row.kind, row.number, row.broken)
                for row in trial.rows
            ]
            columns = [
                Column("wire", "on the wire", wire or [Line("a frame that is not all there")]),
                Column("rules", "rules that are broken", _lines(trial.broken)),
                Column("said", "what the peer's API says", _lines(trial.reaction.said)),
            ]
            happened = _ENDS.get(trial.close_code or 0, _GOES_ON)
            return Outcome(columns, happened, result=trial)

        return Experiment(
            name,
            f"The {sender} {case.what}",
            run,
            predictions=(_GOES_ON, *_ENDS.values()),
            why=case.why[:1].upper() + case.why[1:],
            rfc=case.section,
        )

    def hang_up(self) -> None:
        """End the connections of `send` and the workshop: the next frame goes over a new one."""
        self._to_server.hang_up()
        self._to_client.hang_up()


def _lines(texts: Sequence[str]) -> list[Line]:
    return [Line(text) for text in texts] or [Line("none")]


def _close_code(answer: bytes, sender: Direction) -> int | None:
    """The code in the close frame among the frames that a peer answered with."""
    capture = Capture()
    capture.record(capture.open_connection(upgraded=True), sender, answer)
    units = map(capture.index.unit, range(len(capture.index)))
    codes = [unit.payload[:2] for unit in units if unit.kind == "close"]
    return int.from_bytes(codes[-1], "big") if codes and codes[-1] else None


open = Frames  # again: it replaces the one before
