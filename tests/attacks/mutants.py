"""Damaged recordings of every format, for `fuzz.py` and `fuzz_files.py`."""

from __future__ import annotations

import copy
import json
import random
import signal
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import corpus
from streams import conversation, mutated, request, response

KINDS = ["raw", "hex", "jsonl", "har", "pcapng", "pcap"]

SECONDS = 2.0
"""The most CPU time for a mutant, and for each megabyte of it."""


def nested(depth: int) -> list[Any]:
    made: list[Any] = []
    for _ in range(depth):
        made = [made]
    return made


NASTY: list[Any] = [
    float("nan"), float("inf"), -float("inf"), -1, 0, 1, 2**31, 2**63, 2**64, -(2**63), 10**300,
    1e308, -1e308, 1e12, 1.5, True, False, None, "", "x", "\ud800", "\u202e\x1b[31m\x07",
    "a" * 5000, "9" * 4000, [], {}, [[]], [None], {"a": 1}, "NaN", "0001-01-01",
    "9999-12-31T23:59:59+00:00", "2024-01-01T00:00:00", "2024-01-01T00:00:00+23:59", "client",
    "server", "open", "upgraded", "eof", "reset", "cut", "held", "edited", "delivered", "injected",
    "duplicated", "zz", "8105", nested(300), nested(900), "\r\n\r\n", "\r\nCookie: x",
    ":authority", "\x85\x0c\u2028",
]  # fmt: skip

Way = tuple[Any, ...]


def places(tree: Any, way: Way = ()) -> Iterator[Way]:
    """The way to everything in a JSON value."""
    yield way
    inner = (
        tree.items()
        if isinstance(tree, dict)
        else enumerate(tree)
        if isinstance(tree, list)
        else ()
    )
    for key, value in inner:
        yield from places(value, (*way, key))


def at(tree: Any, way: Way) -> Any:
    for key in way:
        tree = tree[key]
    return tree


def mutated_json(chance: random.Random, tree: Any) -> Any:
    """A JSON value in which things are replaced, taken out, doubled, added and mixed up."""
    tree = copy.deepcopy(tree)
    for _ in range(chance.choice([1, 1, 2, 4])):
        ways = list(places(tree))
        way = chance.choice(ways)
        if not way:
            continue
        parent, key = at(tree, way[:-1]), way[-1]
        match chance.randrange(6):
            case 0 | 1 | 2:
                parent[key] = chance.choice(NASTY)
            case 3:
                del parent[key]
            case 4 if isinstance(parent, list):
                parent.insert(chance.randrange(len(parent) + 1), copy.deepcopy(parent[key]))
            case 4:
                added = ["x", "_marks", "time", "opcode", "hex", "note", "offset", "length"]
                parent[chance.choice(added)] = chance.choice(NASTY)
            case _:
                value = at(tree, chance.choice(ways))
                small = not isinstance(value, (dict, list)) or chance.random() < 0.3
                parent[key] = copy.deepcopy(value) if small else chance.choice(NASTY)
    return tree


def mutated_lines(chance: random.Random, data: bytes) -> bytes:
    """JSON Lines in which values are wrong, or marks are where none can be."""
    lines = [json.loads(line) for line in data.splitlines()]
    if chance.random() < 0.5:
        events = [
            "held",
            "delivered",
            "edited",
            "dropped",
            "injected",
            "cut",
            "duplicated",
            "delayed",
        ]
        mark = {
            "time": chance.choice([0.1, 1e9]), "connection": 1, "event": chance.choice(events),
            "direction": chance.choice(["client", "server"]),
            "offset": chance.choice([0, 180, 200]), "length": chance.choice([0, 1, 7, 2**40]),
            "hex": "8100", "note": "n",
        }  # fmt: skip
        lines.insert(chance.randrange(1, len(lines) + 1), mark)
    if chance.random() < 0.8:
        for _ in range(chance.choice([1, 2])):
            line = chance.choice(lines)
            line[chance.choice(list(line))] = chance.choice(NASTY)
    else:
        lines = mutated_json(chance, lines)
    return b"".join(json.dumps(line).encode() + b"\n" for line in lines)


class Mutants:
    """Makes them out of valid recordings."""

    def __init__(self, seed: int) -> None:
        self.chance = random.Random(seed)
        self._valid: dict[str, list[bytes]] = {"raw": []}
        with tempfile.TemporaryDirectory() as folder:
            for path in corpus.files(Path(folder)):
                self._valid.setdefault(path.suffix[1:], []).append(path.read_bytes())
        for seed in range(6):
            capture = conversation(seed)
            self._valid["raw"] += [capture.stream(1, "client"), capture.stream(1, "server")]
        self._valid["raw"] += [request(compressed=True), response(compressed=True)]
        self.kinds = [kind for kind in KINDS if kind == "hex" or kind in self._valid]

    def stream(self) -> bytes:
        """A direction's bytes."""
        raw = self._valid["raw"]
        return mutated(self.chance, self.chance.choice(raw), raw)

    def hex(self) -> str:
        """A few bytes of frames, as they are typed."""
        return self.stream()[-self.chance.randrange(1, 200) :].hex(" ")

    def file(self, kind: str) -> bytes:
        """A file of one format."""
        chance, valid = self.chance, self._valid[kind]
        data = chance.choice(valid)
        if kind == "har" and chance.random() < 0.7:
            return json.dumps(mutated_json(chance, json.loads(data))).encode()
        if kind == "jsonl" and chance.random() < 0.7:
            return mutated_lines(chance, data)
        return mutated(chance, data, valid)


class TooLong(Exception):
    pass


def in_time(work: Callable[[], Any], size: int) -> Any:
    """The result of `work` on so many bytes. Raises TooLong after its CPU time, whoever else
    is busy on this machine."""

    def end(*_: object) -> None:
        raise TooLong(f"more than {SECONDS} s of CPU for each MB of {size} bytes")

    signal.signal(signal.SIGPROF, end)
    signal.setitimer(signal.ITIMER_PROF, SECONDS * max(1, size / 1e6))
    try:
        return work()
    finally:
        signal.setitimer(signal.ITIMER_PROF, 0)
