"""The frames lesson: a frame bit by bit, made by hand, sent to real peers in both directions."""

from __future__ import annotations

from wslab.exercises.frames import QUESTIONS
from wslab.labs.lab import Lab
from wslab.net.frame_peers import RawToClient, RawToServer, Reaction, TellingEchoServer
from wslab.view.frame_workshop import FrameWorkshop
from wslab.wire.fields import Direction
from wslab.wire.frame_draft import FrameDraft

KEY = bytes.fromhex("37fa213d")
"""The masking key of the examples in RFC 6455 §5.7."""

RECIPES: dict[str, tuple[Direction, FrameDraft]] = {
    "Hello, as a client sends it": ("client", FrameDraft(payload=b"Hello", masking_key=KEY)),
    "Hello, as a server sends it": ("server", FrameDraft(payload=b"Hello")),
    "the start of a message": ("client", FrameDraft(payload=b"Hel", fin=False, masking_key=KEY)),
    "a ping between fragments": ("client", FrameDraft(9, b"?", masking_key=KEY)),
    "the end of the message": ("client", FrameDraft(0, b"lo", masking_key=KEY)),
    "a client that does not mask": ("client", FrameDraft(payload=b"Hello")),
    "a server that masks": ("server", FrameDraft(payload=b"Hello", masking_key=KEY)),
    "a longer form than needed": (
        "client",
        FrameDraft(payload=b"Hello", masking_key=KEY, length_form=64),
    ),
    "RSV1 without an extension": (
        "client",
        FrameDraft(payload=b"Hello", rsv1=True, masking_key=KEY),
    ),
    "a reserved opcode": ("client", FrameDraft(3, b"Hello", masking_key=KEY)),
    "a ping in pieces": ("client", FrameDraft(9, b"?", fin=False, masking_key=KEY)),
    "a ping of 126 bytes": ("client", FrameDraft(9, bytes(126), masking_key=KEY)),
    "a continuation of nothing": ("client", FrameDraft(0, b"lo", masking_key=KEY)),
    "text that is not UTF-8": ("client", FrameDraft(1, b"caf\xe9", masking_key=KEY)),
    "a close with code and reason": (
        "client",
        FrameDraft(8, (1000).to_bytes(2, "big") + b"done", masking_key=KEY),
    ),
    "a close of one byte": ("client", FrameDraft(8, b"\x03", masking_key=KEY)),
    "a length that lies": (
        "client",
        FrameDraft(payload=b"Hello", masking_key=KEY, announced_length=20),
    ),
}
"""Frames to start from in the workshop, by name."""


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

    def hang_up(self) -> None:
        """End the TCP connection of `send`: the next frame goes over a new one."""
        self._to_server.hang_up()


def open() -> FramesLab:
    """Start the lab; opening it again replaces the one before."""
    return FramesLab()
