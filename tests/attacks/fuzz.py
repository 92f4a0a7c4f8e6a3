"""Mutants of valid recordings: all that reads them, in one process.

    python tests/attacks/fuzz.py [KIND|all] [COUNT] [SEED]

Exits 1 where one raises anything but a refusal, takes more than 2 s for a megabyte, has a bit that
no field or two describe, a control character in an account, or changes when it is saved and loaded.
"""

from __future__ import annotations

import io
import json
import sys
import time
import traceback
from collections import Counter
from pathlib import Path
from typing import Any

from mutants import KINDS, Mutants, in_time

from wslab.commands import CommandError
from wslab.commands.explain import _of_hex
from wslab.view.live import batches, static_html
from wslab.wire import Capture, CaptureError
from wslab.wire.accounts import json_pieces, text_pieces
from wslab.wire.formats import har, jsonl, pcapng
from wslab.wire.recording import layers_of

SECONDS = 100
"""The most CPU time for one kind."""
ROWS = 3000
"""How many rows of a mutant are looked at one by one."""


def main(kinds: list[str], count: int, seed: int) -> int:
    mutants, failed = Mutants(seed), 0
    for kind in kinds:
        if kind not in mutants.kinds:
            print(f"{kind}: no valid recording of it could be made here")
            continue
        found, shown = Counter[str](), set[str]()
        began = time.process_time()
        for number in range(count):
            outcome, details = attack(mutants, kind)
            found[outcome] += 1
            if details and outcome not in shown:
                print(f"  {kind} mutant {number} of seed {seed}: {outcome}\n{details}", flush=True)
                shown.add(outcome)
            if time.process_time() - began > SECONDS:
                break
        print(f"{kind}: {found.total()} mutants of seed {seed}: {dict(found)}", flush=True)
        failed += found.total() - found["read"] - found["refused"]
    return 1 if failed else 0


def attack(mutants: Mutants, kind: str) -> tuple[str, str]:
    """One mutant: what came of it, and details if that is a fault."""
    chance = mutants.chance
    data: Any = mutants.hex() if kind == "hex" else b""
    if kind == "raw":
        data = {"client": mutants.stream(), "server": mutants.stream()}
    elif kind != "hex":
        data = mutants.file(kind)
    sender = chance.choice([None, "client", "server"])
    cuts = chance.getrandbits(64)

    def work() -> None:
        if kind == "raw":
            capture = recorded(mutants, data, cuts)
        elif kind == "hex":
            capture = _of_hex(data, sender)
        else:
            capture = loaded(kind, data)
        stands_the_same(capture, look_at_all(capture))

    try:
        in_time(work, sum(map(len, data.values())) if isinstance(data, dict) else len(data))
    except (CaptureError, CommandError):
        return "refused", ""
    except Exception as error:
        ours = [one for one in traceback.extract_tb(error.__traceback__) if "wslab" in one.filename]
        where = f"{Path(ours[-1].filename).name}:{ours[-1].lineno}" if ours else ""
        says = "".join(traceback.format_exception(error)[-12:])
        return f"{type(error).__name__} {str(error)[:40]} {where}", says + str(data)[:2000]
    return "read", ""


def recorded(mutants: Mutants, streams: dict[str, bytes], seed: int) -> Capture:
    """Two streams, as they might come through a tap."""
    chance = type(mutants.chance)(seed)
    capture = Capture(clock=lambda: 0.0)
    number = capture.open_connection(upgraded=chance.random() < 0.1)
    left = dict(streams)
    while left:
        direction = chance.choice(list(left))
        size = chance.choice([1, 3, 20, 200, 1000, 100_000])
        capture.record(number, direction, left[direction][:size])
        left[direction] = left[direction][size:]
        if chance.random() < 0.1:
            _ = capture.index
        if not left[direction]:
            del left[direction]
            if chance.random() < 0.5:
                capture.end(number, direction, chance.choice(["eof", "reset"]))
    return capture


def loaded(kind: str, data: bytes) -> Capture:
    if kind == "jsonl":
        return jsonl.read(io.BytesIO(data), "it")
    if kind == "har":
        return har.loads(data.decode("utf-8-sig", "replace"))
    return pcapng.read(data)


def look_at_all(capture: Capture) -> Any:
    """Do what a reader may do with a recording; returns its account as JSON."""
    index, ends = capture.index, dict[tuple[int, str], int]()
    rows = index.rows(0, ROWS)
    for row in rows:
        unit, side, bit = index.unit(row.number), (row.connection, row.direction), 0
        assert row.offset >= ends.get(side, 0), f"two units share bytes: {row}"
        ends[side] = row.offset + row.length
        for field in unit.fields:
            assert field.bit == bit, f"a gap before {field} of {row}"
            assert field.bits > 0, f"no bits in {field} of {row}"
            bit += field.bits
        assert {bit} == {8 * unit.length, 8 * row.length}, f"{bit} bits are described of {row}"
        marks = index.marks(row.number)
        batches.describe(unit, 1000)
        batches.outgoing(unit, marks)
        batches.describe_marks(marks)
        static_html.render_unit(unit)
    batches.pack(rows)
    for brief in (False, True):
        text = "".join(text_pieces(capture, brief=brief))
        assert text.isprintable() or not any(map(is_control, text)), "a control character"
    static_html.render(capture)
    static_html.summary(capture)
    for connection in index.connections:
        index.state(connection)
        for direction in ("client", "server"):
            layers_of(capture, connection, direction)
    return strict("".join(json_pieces(capture)))


def stands_the_same(capture: Capture, account: Any) -> None:
    """Save and load it in every format."""
    lines = "".join(jsonl.lines(capture))
    for line in lines.splitlines():
        strict(line)
    again = strict("".join(json_pieces(jsonl.read(io.BytesIO(lines.encode()), "it"))))
    assert again | {"notes": []} == account | {"notes": []}, "JSON Lines lose something"
    pcapng.read(b"".join(pcapng.blocks(capture)))
    text = har.dumps(capture)
    strict(text)
    har.loads(text)


def strict(text: str) -> Any:
    """Read JSON that other programs can read as well."""

    def refuse(constant: str) -> None:
        raise AssertionError(f"{constant} in JSON")

    return json.loads(text, parse_constant=refuse)


def is_control(letter: str) -> bool:
    return letter != "\n" and (letter < " " or "\x7f" <= letter < "\xa0")


if __name__ == "__main__":
    kind, count, seed = (*sys.argv[1:], *["all", "300", "1"][len(sys.argv) - 1 :])
    sys.exit(main(KINDS if kind == "all" else [kind], int(count), int(seed)))
