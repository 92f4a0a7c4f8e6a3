"""Random streams, legal and not: the same rows however they were cut, every bit told once, nothing
lost in a file.

    python tests/attacks/invariants.py [COUNT] [SEED]

Exits 1 where one of them gets through. 1,500 streams take about a minute.
"""

from __future__ import annotations

import io
import random
import sys
from collections import Counter
from collections.abc import Iterator
from typing import Any

from streams import two_streams

from wslab.wire import Capture
from wslab.wire.formats import har, jsonl, pcapng

Turns = list[tuple[str, bytes]]


def main(count: int, seed: int) -> int:
    chance, found, shown = random.Random(seed), Counter[str](), Counter[str]()
    for number in range(count):
        turns = in_turns(chance, *two_streams(chance))
        ends = [
            (direction, chance.choice(["eof", "reset"]))
            for direction in ("client", "server")
            if chance.random() < 0.5
        ]
        upgraded = chance.random() < 0.1
        for fault in faults(turns, ends, upgraded, chance):
            found[fault] += 1
            if not shown[fault]:
                shown[fault] += 1
                print(f"  {fault}: stream {number} of seed {seed}: {str(turns)[:800]}", flush=True)
    print(f"{count} streams, seed {seed}: {dict(found) or 'nothing got through'}")
    return 1 if found else 0


def in_turns(chance: random.Random, client: bytes, server: bytes) -> Turns:
    """The two streams in turns, which are part of the truth; how they are cut is not."""
    turns: Turns = []
    left = {"client": client, "server": server}
    while any(left.values()):
        direction = chance.choice([one for one, data in left.items() if data])
        data = left[direction]
        size = chance.choice([len(data), chance.randrange(1, len(data) + 1)])
        turns.append((direction, data[:size]))
        left[direction] = data[size:]
    return turns


def faults(
    turns: Turns, ends: list[tuple[str, str]], upgraded: bool, chance: random.Random
) -> Iterator[str]:
    """What of it does not hold."""

    def record(sizes: list[int], looks: float) -> Capture:
        capture = Capture(clock=lambda: 0.0)
        capture.open_connection(upgraded=upgraded)
        for direction, data in turns:
            while data:
                size = chance.choice(sizes)
                capture.record(1, direction, data[:size])
                data = data[size:]
                if chance.random() < looks:
                    _ = capture.index
        for direction, how in ends:
            capture.end(1, direction, how)
        return capture

    whole = record([1 << 30], 0)
    rows, units = rows_of(whole), units_of(whole)
    for sizes, looks in (([1, 1, 2, 3, 7, 50, 500], 0.0), ([1, 2, 3, 50], 0.3), ([1], 1.0)):
        cut = record(sizes, looks)
        # Of two directions the order may differ, with who came first.
        if sorted(rows_of(cut), key=_place) != sorted(rows, key=_place):
            yield "rows differ by how they were cut"
        elif sorted(units_of(cut), key=_place) != sorted(units, key=_place):
            yield "units differ by how they were cut"
    for number in range(len(whole.index)):
        unit, bit = whole.index.unit(number), 0
        for field in unit.fields:
            if field.bit != bit or field.bits <= 0:
                yield "a gap between two fields"
            bit = field.bit + field.bits
        if bit != 8 * unit.length:
            yield "fields that do not cover their unit"
    again = jsonl.read(io.BytesIO("".join(jsonl.lines(whole)).encode()), "it")
    if rows_of(again) != rows or units_of(again) != units:
        yield "JSON Lines lose something"
    again = pcapng.read(b"".join(pcapng.blocks(whole)))
    # Only WebSockets are read out of packets: of others nothing is there.
    if again.log.streams and (rows_of(again) != rows or units_of(again) != units):
        yield "pcapng loses something"
    again = har.loads(har.dumps(whole))
    if (rows or upgraded) and messages_of(again) != messages_of(whole):
        yield "HAR loses a message"


def rows_of(capture: Capture) -> list[Any]:
    return [
        (row.connection, row.direction, row.offset, row.kind, row.length, row.preview, row.broken)
        for row in capture.index.rows()
    ]


def units_of(capture: Capture) -> list[Any]:
    units = map(capture.index.unit, range(len(capture.index)))
    return [
        (u.connection, u.direction, u.offset, u.data, u.fields, u.violations, u.inflated)
        for u in units
    ]


def messages_of(capture: Capture) -> list[Any]:
    return [
        (one.direction, one.kind, one.text if one.kind == "text" else one.content)
        for one in capture.index.messages()
    ]


def _place(row: tuple[Any, ...]) -> Any:
    return row[:3]


if __name__ == "__main__":
    sys.exit(main(*map(int, sys.argv[1:3])) if len(sys.argv) > 2 else main(1500, 1))
