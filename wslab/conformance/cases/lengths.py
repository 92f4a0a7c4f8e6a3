"""The three forms of a frame's length (RFC 6455 §5.2), and messages of many sizes."""

from __future__ import annotations

from wslab.conformance.cases.frame import END, binary, more, text
from wslab.net.cases import Case

_FORMS = "RFC 6455 §5.2: up to 125 it has 7 bits, up to 65,535 another 16, beyond another 64"
_SHORTEST = (
    "RFC 6455 §5.2: the length takes as few bytes as it can; what a peer does that gets another, "
    "it leaves open"
)
_SIZES = (1, 2, 124, 125, 126, 127, 128, 129, 254, 255, 256, 257, 4095, 65534, 65535, 65536, 65537)

CASES = (
    *(Case(f"text-{size}", f"sends a text message of {size:,} bytes", _FORMS,
           [text("*" * size), END], 1000) for size in _SIZES),
    *(Case(f"binary-{size}", f"sends a binary message of {size:,} bytes", _FORMS,
           [binary(bytes(n % 251 for n in range(size))), END], 1000) for size in _SIZES),
    Case("binary-262144", "sends a binary message of 256 KiB", _FORMS,
         [binary(bytes(2**18)), END], 1000),
    *(Case(f"{kind}-{size}-mib", f"sends a {kind} message of {size} MiB",
           "RFC 6455 §7.4.1: a peer may refuse with 1009 what is too big for it",
           [make(b"*" * (size * 2**20)), END], 1000, duty="may", others=(1009,))
      for size in (1, 2) for kind, make in (("text", text), ("binary", binary))),
    Case("fragments-2-mib", "sends 2 MiB in 512 frames",
         "RFC 6455 §7.4.1, §10.4: a limit is for the whole message, however it was cut",
         [binary(bytes(4096), fin=False), *(more(bytes(4096), fin=False) for _ in range(510)),
          more(bytes(4096)), END], 1000, duty="may", others=(1009,)),
    *(Case(f"{size}-in-{bits}-bits", f"writes the length {size} in {bits} bits", _SHORTEST,
           [text("*" * size, length_form=bits)], 1002, duty="may")
      for bits, sizes in ((16, (0, 1, 125)), (64, (0, 125, 126, 65535))) for size in sizes),
    Case("first-bit-set", "sets the first bit of a length of 64 bits",
         "RFC 6455 §5.2: the most significant bit must be 0",
         [binary(b"", length_form=64, announced_length=2**63)], 1002, others=(1009,)),
    Case("all-bits-set", "announces 2^64 - 1 bytes",
         "RFC 6455 §5.2: the most significant bit must be 0",
         [binary(b"", length_form=64, announced_length=2**64 - 1)], 1002, others=(1009,)),
    Case("huge", "announces 2^62 bytes, and sends none",
         "RFC 6455 §7.4.1: a peer may refuse what is too big for it, and may wait for it",
         [binary(b"", length_form=64, announced_length=2**62)], 1009, duty="may"),
)  # fmt: skip
