"""A frame, request or response on its way through the tap, and how to change it."""

from __future__ import annotations

from wslab.net.errors import WrongValue
from wslab.net.tap.assembler import Piece
from wslab.wire import Direction, Kind, encode_frame
from wslab.wire.protocol.frames import KINDS, frame_payload, read_header

_BITS = {"fin": 0x80, "rsv1": 0x40, "rsv2": 0x20, "rsv3": 0x10}


class InFlight:
    """One unit that a peer sent and the other does not have yet.

    `sent` is what came, `data` what will go out: the same, unless it was edited.
    """

    def __init__(self, connection: int, piece: Piece, sequence: int) -> None:
        self.connection = connection
        self.direction: Direction = piece.direction
        self.offset = piece.offset
        self.sent = piece.data
        self.data = piece.data
        self.sequence = sequence
        """Counts what came to the tap, over all connections."""
        self.is_frame = piece.what == "frame"
        self.is_loose = piece.what in ("large", "body", "loose")
        self.head: InFlight | None = None
        """Of a part of a body: the head that went ahead. Where that is dropped, this is too."""
        self.dropped = False
        self.too_large = piece.unit
        """Of the first part of what is too large to be held: bytes of the whole. Else 0."""
        self.waits = False
        """Is in a queue at the tap."""
        self.held = False
        """Waits until somebody lets it go."""
        self.due = 0.0
        """When it may go, on the loop's clock."""
        self.copies = 0
        """How many copies follow it when it goes."""
        self.marked = False
        """The recording knows that it did not just pass."""

    @property
    def kind(self) -> Kind:
        """What it is on the wire now."""
        if self.is_frame:
            return KINDS[self.data[0] & 0x0F]
        return "request" if self.direction == "client" else "response"

    @property
    def fin(self) -> bool:
        """Whether a message ends with it."""
        return not self.is_frame or self.data[0] >= 0x80

    @property
    def payload(self) -> bytes:
        """The payload, unmasked; of a request or response, nothing."""
        if not self.is_frame:
            return b""
        header = read_header(self.data, 0, len(self.data))
        return b"" if header is None else frame_payload(self.data, 0, header)

    def changed(
        self,
        payload: str | bytes | None = None,
        *,
        data: bytes | None = None,
        opcode: int | None = None,
        fin: bool | None = None,
        rsv1: bool | None = None,
        rsv2: bool | None = None,
        rsv3: bool | None = None,
        masked: bool | None = None,
        masking_key: bytes | None = None,
        length_form: int | None = None,
        announced_length: int | None = None,
    ) -> bytes:
        """Its bytes with this changed and the rest as it is; `data` replaces all of them.

        A payload given as text is not compressed: where RSV1 is not named, it becomes 0, as RFC
        7692 §6 has it. What has no header bits, a request or response, only takes `data`. Raises
        WrongValue.
        """
        header_bits = (opcode, fin, rsv1, rsv2, rsv3, masked, masking_key)
        lengths = (length_form, announced_length)
        if data is not None:
            if any(value is not None for value in (payload, *header_bits, *lengths)):
                raise WrongValue("expected data (all bytes) or what to change in them, got both")
            if not (data := only_bytes("data", data)):
                raise WrongValue("expected at least one byte of data; to send nothing, drop it")
            return data
        if not self.is_frame:
            raise WrongValue(
                f"expected a frame, got a {self.kind}, which has no payload or header bits: "
                "give all its bytes as data=…"
            )
        header = read_header(self.data, 0, len(self.data))
        if header is None:
            raise WrongValue(
                f"expected a frame, got {self.data.hex(' ')}, which an earlier edit made of it and "
                "which is less than a header: give all its bytes as data=…"
            )
        numbers = {"opcode": opcode, "length_form": length_form}
        for name, number in (numbers | {"announced_length": announced_length}).items():
            if number is not None and not isinstance(number, int):
                raise WrongValue(f"expected {name} as a whole number, got {number!r}")
        if masking_key is not None:
            masking_key = only_bytes("masking_key", masking_key)
        first = self.data[0]
        was_masked = header.masked or masking_key is not None
        key = None
        if was_masked if masked is None else masked:
            old = self.data[header.length - 4 : header.length] if header.masked else b"\0\0\0\0"
            key = masking_key if masking_key is not None else old
        body = self.payload if payload is None else as_bytes(payload)
        if length_form is None and payload is None and masked is None and announced_length is None:
            length_form = {126: 16, 127: 64}.get(self.data[1] & 0x7F, 7)  # odd forms stay odd
        if isinstance(payload, str) and rsv1 is None:
            rsv1 = False
        bits = {"fin": fin, "rsv1": rsv1, "rsv2": rsv2, "rsv3": rsv3}
        try:
            return encode_frame(
                first & 0x0F if opcode is None else opcode,
                body,
                masking_key=key,
                length_form=length_form,
                announced_length=announced_length,
                **{
                    name: bool(first & _BITS[name] if value is None else value)
                    for name, value in bits.items()
                },
            )
        except ValueError as error:
            raise WrongValue(str(error)) from error

    def __repr__(self) -> str:
        other = "server" if self.direction == "client" else "client"
        return (
            f"<{self.kind} {self.direction} → {other}, {len(self.data)} bytes, "
            f"connection {self.connection}{', edited' if self.data != self.sent else ''}>"
        )


def only_bytes(name: str, value: object) -> bytes:
    """Bytes as they are. Raises WrongValue for text, too: how it becomes bytes is not said."""
    if not isinstance(value, bytes | bytearray | memoryview):
        raise WrongValue(f"expected {name} as bytes, such as bytes.fromhex('8100'), got {value!r}")
    return bytes(value)


def as_bytes(payload: str | bytes) -> bytes:
    """A payload's bytes: text in UTF-8. Raises WrongValue for what is neither."""
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
