"""A frame whose every bit is set by hand, legal or not.

Source: RFC 6455 §5.2. Bytes can be turned back into a draft, so that a captured frame can be
changed in one bit and sent again.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from ..fields import Direction, Field, Violation
from .frames import (
    encode_frame,
    frame_fields,
    frame_payload,
    frame_violations,
    header_at,
    read_header,
)


@dataclass(frozen=True)
class FrameDraft:
    """A frame before it is encoded, legal or not.

    `length_form` is 7, 16 or 64 bits, None for the shortest. `announced_length` is the length that
    the header states, None for the true one.
    """

    opcode: int = 1
    payload: bytes = b""
    fin: bool = True
    rsv1: bool = False
    rsv2: bool = False
    rsv3: bool = False
    masking_key: bytes | None = None
    length_form: int | None = None
    announced_length: int | None = None

    def to_bytes(self) -> bytes:
        """Encode the frame. Raises ValueError if its header cannot hold these values."""
        return encode_frame(**vars(self))  # whose parameters are the fields

    @classmethod
    def from_bytes(cls, data: bytes) -> FrameDraft:
        """The draft that encodes to `data`; bytes beyond the announced length count as payload.

        Raises ValueError if not even the header is complete.
        """
        header = read_header(data, 0, len(data))
        if header is None:
            raise ValueError(
                f"expected a frame's header of 2 to 14 bytes, got {len(data)} bytes that end "
                "within it (RFC 6455 §5.2)"
            )
        there = header._replace(payload_length=len(data) - header.length)
        payload = frame_payload(data, 0, there)
        first = data[0]
        fin, rsv1, rsv2, rsv3 = (bool(first & bit) for bit in (0x80, 0x40, 0x20, 0x10))
        key = data[header.length - 4 : header.length] if header.masked else None
        draft = cls(first & 0x0F, payload, fin, rsv1, rsv2, rsv3, key)
        if header.payload_length != len(payload):
            draft = replace(draft, announced_length=header.payload_length)
        if draft.to_bytes() == data:
            return draft
        return replace(draft, length_form={0: 7, 2: 16, 8: 64}[header.extended])

    def fields(self, direction: Direction) -> tuple[Field, ...]:
        """The fields of its bytes, as if `direction` had sent it."""
        data = self.to_bytes()
        return frame_fields(data, header_at(data, 0), direction, self.payload)

    def violations(self, direction: Direction) -> list[Violation]:
        """The rules that it breaks as the first frame that `direction` sends."""
        data = self.to_bytes()
        return frame_violations(data[0], header_at(data, 0), direction, 0, False, self.payload)


def flip_bit(data: bytes, bit: int) -> bytes:
    """`data` with one bit flipped; bit 0 is the first bit of the first byte.

    Raises IndexError for a bit that is not there.
    """
    if not 0 <= bit < 8 * len(data):
        raise IndexError(f"expected a bit from 0 to {8 * len(data) - 1}, got {bit}")
    changed = bytearray(data)
    changed[bit // 8] ^= 0x80 >> bit % 8
    return bytes(changed)
