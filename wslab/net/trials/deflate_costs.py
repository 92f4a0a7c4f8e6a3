"""Measures what permessage-deflate saves and costs: bytes, time, and memory of a connection."""

from __future__ import annotations

import json
import random
import time
import tracemalloc
import zlib
from pydoc_data.topics import topics
from typing import NamedTuple

from websockets.extensions.permessage_deflate import PerMessageDeflate
from websockets.frames import Frame, Opcode

WINDOW_BITS = range(9, 16)

MESSAGES, SIZE = 24, 2048
"""How many messages of each kind there are, and their size in bytes."""

CONNECTIONS = 8
"""How many connections' memory is measured together."""


def samples() -> dict[str, list[bytes]]:
    """Messages by kind, the same every time."""
    chance = random.Random(7692)
    prose = "".join(topics.values()).encode()  # Python's own handbook: it is on every machine
    people = [
        {"id": n, "name": chance.choice(["Ada", "Linus", "Grace", "Tim"]), "online": n % 3 == 0,
         "x": chance.randrange(1000), "y": chance.randrange(1000)}
        for n in range(1200)
    ]  # fmt: skip
    bulk = {
        "text": prose,
        "JSON": json.dumps(people).encode(),
        "random": chance.randbytes(MESSAGES * SIZE),
        "already compressed": zlib.compress(prose, 9)[16:],
    }
    return {
        kind: [data[at : at + SIZE] for at in range(0, MESSAGES * SIZE, SIZE)]
        for kind, data in bulk.items()
    }


class DeflateCost(NamedTuple):
    """What one kind of data costs with one size of window."""

    kind: str
    window_bits: int
    percent: float
    """Bytes on the wire for 100 bytes of message, frame headers left out."""
    microseconds: float
    """Time of the processor to compress one message of `SIZE` bytes."""


def measure_deflate(kind: str, messages: list[bytes], window_bits: int) -> DeflateCost:
    """Compress these messages as one connection does, one after the other."""
    best, sent = float("inf"), 0
    for _ in range(3):  # the fastest of three: whatever else the machine does only adds time
        side = PerMessageDeflate(False, False, window_bits, window_bits)
        began = time.thread_time()
        sent = sum(len(side.encode(Frame(Opcode.TEXT, message)).data) for message in messages)
        best = min(best, time.thread_time() - began)
    share = 100 * sent / sum(map(len, messages))
    return DeflateCost(kind, window_bits, share, 1e6 * best / len(messages))


def measure_memory(window_bits: int, message: bytes) -> tuple[float, float]:
    """KiB that a connection holds to compress, and to inflate, while it keeps its context.

    Python counts what zlib asks it for, so nothing is computed from a formula here.
    """
    began = not tracemalloc.is_tracing()
    if began:
        tracemalloc.start()
    try:
        out = [PerMessageDeflate(True, False, 15, window_bits) for _ in range(CONNECTIONS)]
        frame = out[0].encode(Frame(Opcode.TEXT, message))
        before = tracemalloc.get_traced_memory()[0]
        sides = [PerMessageDeflate(True, False, 15, window_bits) for _ in range(CONNECTIONS)]
        compressing = tracemalloc.get_traced_memory()[0] - before
        receivers = [PerMessageDeflate(False, True, window_bits, 15) for _ in range(CONNECTIONS)]
        for one in receivers:
            one.decode(frame)
        inflating = tracemalloc.get_traced_memory()[0] - before - compressing
        del sides, receivers, out
    finally:
        if began:
            tracemalloc.stop()
    return compressing / CONNECTIONS / 1024, inflating / CONNECTIONS / 1024
