"""A frame, request or response on its way through the tap, and how to change it."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, Protocol

from wslab.net.errors import WrongValue
from wslab.net.tap.assembler import Piece
from wslab.wire import Direction, Kind
from wslab.wire.protocol import KIND_OF_OPCODE, FrameDraft, frame_payload, read_header


class Whose(Protocol):
    """What a unit needs of its connection. `wslab.net.tap.relay.Relay` has it."""

    number: int

    @property
    def label(self) -> str: ...


class InFlight:
    """One unit that a peer sent and the other has not received yet.

    `sent` are the bytes that came, `data` those that will be delivered: the same unless edited.
    """

    def __init__(self, whose: Whose, piece: Piece, sequence: int) -> None:
        self.whose = whose
        self.connection = whose.number
        self.direction: Direction = piece.direction
        self.offset = piece.offset
        self.sent = piece.data
        self.data = piece.data
        self.sequence = sequence
        """Its number among all units that came to the tap, over all connections."""
        self.is_frame = piece.what == "frame"
        self.is_record = piece.what == "record"
        self.is_loose = piece.what in ("large", "body", "loose")
        self.head: InFlight | None = None
        """For a part of a body: its head, which went ahead. If that is dropped, so is this."""
        self.dropped = False
        self.too_large = piece.unit
        """For the first part of a unit that is too large to be held: its whole size. Else 0."""
        self.waits = False
        """Whether it is in a queue at the tap."""
        self.held = False
        """Whether it waits until it is delivered by hand."""
        self.due = 0.0
        """When it may be delivered, on the loop's clock (seconds)."""
        self.copies = 0
        """How many copies follow it when it is delivered."""
        self.marked = False
        """Whether the recording has a mark for it, because it did not just pass."""

    @property
    def kind(self) -> Kind:
        """The kind of the unit, as its bytes are now."""
        if self.is_frame:
            return KIND_OF_OPCODE[self.data[0] & 0x0F]
        if self.is_record:
            return "tls"
        return "request" if self.direction == "client" else "response"

    @property
    def fin(self) -> bool:
        """Whether a message ends with it."""
        return not self.is_frame or self.data[0] >= 0x80

    @property
    def payload(self) -> bytes:
        """The unmasked payload; empty for what is no frame."""
        if not self.is_frame:
            return b""
        header = read_header(self.data, 0, len(self.data))
        return b"" if header is None else frame_payload(self.data, 0, header)

    def changed(
        self,
        payload: str | bytes | None = None,
        *,
        data: bytes | None = None,
        masked: bool | None = None,
        **bits: Any,
    ) -> bytes:
        """Its bytes with these changes; `data` replaces all of them.

        `bits` are those of a `FrameDraft`: fin, rsv1, rsv2, rsv3, opcode, masking_key, length_form,
        announced_length. A payload given as text is not compressed: where RSV1 is not named, it
        becomes 0, as RFC 7692 §6 has it. What has no header bits, a request or response, only takes
        `data`. Raises WrongValue.
        """
        bits = {name: value for name, value in bits.items() if value is not None}
        if data is not None:
            if bits or payload is not None or masked is not None:
                raise WrongValue("expected data (all bytes) or what to change in them, got both")
            if not (data := only_bytes("data", data)):
                raise WrongValue("expected at least one byte of data; to send nothing, drop it")
            return data
        if not self.is_frame:
            raise WrongValue(
                f"expected a frame, got a {self.kind}, which has no payload or header bits: "
                "give all its bytes as data=…"
            )
        try:
            draft = FrameDraft.from_bytes(self.data)
        except ValueError as error:
            raise WrongValue(
                f"expected a frame, got {self.data.hex(' ')}, which an earlier edit made of it and "
                "which is less than a header: give all its bytes as data=…"
            ) from error
        for name in ("opcode", "length_form", "announced_length"):
            if not isinstance(bits.get(name, 0), int):
                raise WrongValue(f"expected {name} as a whole number, got {bits[name]!r}")
        for name in ("fin", "rsv1", "rsv2", "rsv3"):
            if name in bits:
                bits[name] = bool(bits[name])
        if "masking_key" in bits:
            bits["masking_key"] = only_bytes("masking_key", bits["masking_key"])
        if masked:
            bits.setdefault("masking_key", draft.masking_key or bytes(4))
        elif masked is not None:
            bits["masking_key"] = None
        if payload is not None:
            bits = {"payload": as_bytes(payload), "announced_length": None} | bits
            if isinstance(payload, str):
                bits.setdefault("rsv1", False)
        if "announced_length" in bits:  # and the shortest form that has room for it
            bits.setdefault("length_form", None)
        try:
            return replace(draft, **bits).to_bytes()
        except ValueError as error:
            raise WrongValue(str(error)) from error

    def __repr__(self) -> str:
        other = "server" if self.direction == "client" else "client"
        return (
            f"<{self.kind} {self.direction} → {other}, {len(self.data)} bytes, "
            f"connection {self.whose.label}{', edited' if self.data != self.sent else ''}>"
        )


def only_bytes(name: str, value: object) -> bytes:
    """Check that a value is bytes. Raises WrongValue for anything else, text included."""
    if not isinstance(value, bytes | bytearray | memoryview):
        raise WrongValue(f"expected {name} as bytes, such as bytes.fromhex('8100'), got {value!r}")
    return bytes(value)


def as_bytes(payload: str | bytes) -> bytes:
    """Encode a payload: text as UTF-8. Raises WrongValue unless it is str or bytes."""
    if isinstance(payload, str):
        try:
            return payload.encode()
        except UnicodeEncodeError as error:
            raise WrongValue(
                f"expected text that UTF-8 can carry, got a lone surrogate at position "
                f"{error.start}; to send broken UTF-8, give bytes"
            ) from error
    if isinstance(payload, bytes | bytearray | memoryview):
        return bytes(payload)
    raise WrongValue(f"expected a payload as str or bytes, got {type(payload).__name__}")
