"""The frames lesson: a frame bit by bit, made by hand, sent to real peers in both directions."""

from __future__ import annotations

from typing import NamedTuple

from wslab.exercises.frames import QUESTIONS
from wslab.labs.lesson import Lab
from wslab.net.peers import RawToClient, RawToServer, Reaction, TellingEchoServer
from wslab.view.experiments import FrameWorkshop
from wslab.wire import Capture, Direction
from wslab.wire.protocol.frame_draft import FrameDraft

KEY = bytes.fromhex("37fa213d")
"""The masking key of the examples in RFC 6455 §5.7."""

_START = FrameDraft(payload=b"Hel", fin=False, masking_key=KEY)
_GOODBYE = FrameDraft(8, (1000).to_bytes(2, "big") + b"done", masking_key=KEY)

TRIALS: dict[str, tuple[Direction, tuple[FrameDraft, ...]]] = {
    "Hello, as a client sends it": ("client", (FrameDraft(payload=b"Hello", masking_key=KEY),)),
    "Hello, as a server sends it": ("server", (FrameDraft(payload=b"Hello"),)),
    "the start of a message": ("client", (_START,)),
    "a ping between fragments": ("client", (FrameDraft(9, b"?", masking_key=KEY),)),
    "the end of the message": ("client", (FrameDraft(0, b"lo", masking_key=KEY),)),
    "another message between fragments": (
        "client",
        (_START, FrameDraft(payload=b"Hello", masking_key=KEY)),
    ),
    "a continuation of nothing": ("client", (FrameDraft(0, b"lo", masking_key=KEY),)),
    "a client that does not mask": ("client", (FrameDraft(payload=b"Hello"),)),
    "a server that masks": ("server", (FrameDraft(payload=b"Hello", masking_key=KEY),)),
    "RSV1 without an extension": (
        "client",
        (FrameDraft(payload=b"Hello", rsv1=True, masking_key=KEY),),
    ),
    "RSV2": ("client", (FrameDraft(payload=b"Hello", rsv2=True, masking_key=KEY),)),
    "RSV3": ("client", (FrameDraft(payload=b"Hello", rsv3=True, masking_key=KEY),)),
    "a reserved opcode": ("client", (FrameDraft(3, b"Hello", masking_key=KEY),)),
    "a reserved control opcode": ("client", (FrameDraft(11, b"?", masking_key=KEY),)),
    "a ping in pieces": ("client", (FrameDraft(9, b"?", fin=False, masking_key=KEY),)),
    "a ping of 126 bytes": ("client", (FrameDraft(9, bytes(126), masking_key=KEY),)),
    "16 bits of length for 5 bytes": (
        "client",
        (FrameDraft(payload=b"Hello", masking_key=KEY, length_form=16),),
    ),
    "64 bits of length for 5 bytes": (
        "client",
        (FrameDraft(payload=b"Hello", masking_key=KEY, length_form=64),),
    ),
    "a length with its top bit set": (
        "client",
        (FrameDraft(payload=b"Hello", masking_key=KEY, announced_length=2**63),),
    ),
    "text that is not UTF-8": ("client", (FrameDraft(1, b"caf\xe9", masking_key=KEY),)),
    "a close with code and reason": ("client", (_GOODBYE,)),
    "a close of one byte": ("client", (FrameDraft(8, b"\x03", masking_key=KEY),)),
    "data after a close": (
        "client",
        (_GOODBYE, FrameDraft(payload=b"late", masking_key=KEY)),
    ),
    # The last one: whatever is sent after it on the same connection is swallowed.
    "a length that lies": (
        "client",
        (FrameDraft(payload=b"Hello", masking_key=KEY, announced_length=20),),
    ),
}
"""What is tried out on real peers, by name: who sends, and the frames of one sending."""

RECIPES: dict[str, tuple[Direction, FrameDraft]] = {
    name: (sender, drafts[0]) for name, (sender, drafts) in TRIALS.items() if len(drafts) == 1
}
"""Those of one frame, to start from in the workshop."""


class Trial(NamedTuple):
    """What came of a trial."""

    broken: tuple[str, ...]
    """The rules that the wire saw broken, by name."""
    close_code: int | None
    """The one in the peer's close frame; None where it sent none."""
    reaction: Reaction


class FramesLab(Lab):
    """The lab of the frames lesson."""

    def __init__(self) -> None:
        server = TellingEchoServer("frames: echo")
        super().__init__("frames", server, QUESTIONS)
        self._to_server = RawToServer(self.url, server)
        self._to_client = RawToClient(
            "frames", lambda url: self.tap_before(url, "frames, to a client").url
        )
        self._ends.callback(self._to_server.close)
        self._ends.callback(self._to_client.close)

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
        sender, drafts = TRIALS[name]
        index = self.capture.index
        rows, waiting = len(index), {c: index.incomplete(c, sender) for c in index.connections}
        send = self.send if sender == "client" else self.send_to_client
        reaction = send(b"".join(draft.to_bytes() for draft in drafts))
        index = self.capture.index
        units = [index.unit(row.number) for row in index.rows(rows) if row.direction == sender]
        broken = [rule.rule for unit in units for rule in unit.violations]
        for connection in index.connections:  # a frame that is not all there, and never will be
            if index.incomplete(connection, sender) > waiting.get(connection, 0):
                found = index.incomplete_violations(connection, sender)
                broken += [rule.rule for rule in found]
        answerer: Direction = "server" if sender == "client" else "client"
        return Trial(tuple(broken), _close_code(reaction.answer, answerer), reaction)

    def hang_up(self) -> None:
        """End the TCP connection of `send`: the next frame goes over a new one."""
        self._to_server.hang_up()


def _close_code(answer: bytes, sender: Direction) -> int | None:
    """The code in the close frame among the frames that a peer answered with."""
    capture = Capture()
    capture.record(capture.open_connection(upgraded=True), sender, answer)
    units = map(capture.index.unit, range(len(capture.index)))
    codes = [unit.payload[:2] for unit in units if unit.kind == "close"]
    return int.from_bytes(codes[-1], "big") if codes and codes[-1] else None


def open() -> FramesLab:
    """Start the lab; opening it again replaces the one before."""
    return FramesLab()
