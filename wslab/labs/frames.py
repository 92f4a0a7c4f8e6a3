"""The frames lesson: a frame bit by bit, made by hand, sent to real peers in both directions."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

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
from wslab.wire import Capture, Direction, close_code
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
        # The last one: whatever is sent after it on the same connection is swallowed.
        ("a length that lies", _C, "length-lies"),
    ]
}
"""What is tried out on real peers, by what the lesson calls it: who sends, and the case."""

RECIPES: dict[str, tuple[Direction, FrameDraft]] = {
    name: (sender, frames[0])
    for name, (sender, case) in TRIALS.items()
    if len(frames := case.frames(sender)) == 1
}
"""Those of one frame, to start from in the workshop."""


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
    """What came of a trial."""

    broken: tuple[str, ...]
    """The rules that the wire saw broken, by name."""
    close_code: int | None
    """The one in the peer's close frame; None where it sent none."""
    reaction: Reaction


class Frames(Lesson):
    """The lab of the frames lesson."""

    questions = QUESTIONS
    server: TellingEchoServer

    def _make_server(self) -> TellingEchoServer:
        return TellingEchoServer(self._name("echo"))

    def _set_up(self) -> None:
        self._to_server = RawToServer(self.url, self.server)
        self._to_client = RawToClient(
            "frames", lambda url: self.tap_before(url, "frames, to a client").url
        )
        self._resources.callback(self._to_server.close)
        self._resources.callback(self._to_client.close)

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
        """Send exactly these bytes to a real client, as the server that it has connected to."""
        self._check_open()
        return self._to_client.send(data)

    def try_out(self, name: str) -> Trial:
        """Send a trial's frames to a real peer, in one piece. Raises KeyError for another name."""
        sender, case = TRIALS[name]
        index = self.capture.index
        rows, waiting = len(index), {c: index.incomplete(c, sender) for c in index.connections}
        send = self.send if sender == "client" else self.send_to_client
        reaction = send(b"".join(frame.to_bytes() for frame in case.frames(sender)))
        index = self.capture.index
        units = [index.unit(row.number) for row in index.rows(rows) if row.direction == sender]
        broken = [rule.rule for unit in units for rule in unit.violations]
        for connection in index.connections:  # a frame that is not all there, and never will be
            if index.incomplete(connection, sender) > waiting.get(connection, 0):
                found = index.incomplete_violations(connection, sender)
                broken += [rule.rule for rule in found]
        answerer: Direction = "server" if sender == "client" else "client"
        return Trial(tuple(broken), _close_code(reaction.answer, answerer), reaction)

    def trials(self) -> Gallery:
        """Each trial by a button: predict what the peer does, and compare."""
        experiments = [self._experiment(name) for name in TRIALS]
        return self._show(Gallery(experiments, "trials", _TRIALS))

    def _experiment(self, name: str) -> Experiment:
        sender, case = TRIALS[name]

        def run(_: Choice) -> Outcome:
            before = len(self.capture.index)
            trial = self.try_out(name)
            wire = [
                Line(row.preview, "", row.direction, row.kind, row.number, row.broken)
                for row in self.capture.index.rows(before)
                if row.kind not in ("request", "response")  # where the first one has to connect
            ]
            if not wire:  # the peer waits for the rest, and would take the next frame for it
                self.hang_up()
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
        """End the TCP connection of `send`: the next frame goes over a new one."""
        self._to_server.hang_up()


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
