"""An earlier run of lesson 11, for machines without Node; `tools/record_node.py` makes it."""

from __future__ import annotations

import json
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

from wslab.net.node.program import Printed
from wslab.wire import Capture, load

FOLDER = Path(__file__).with_name("recorded")


@cache
def recorded_run() -> dict[str, Any]:
    """`versions` of Node and ws; `programs`, with the lines that each printed; and the results of
    the lab's own measurements, by the names of its methods."""
    told: dict[str, Any] = json.loads((FOLDER / "run.json").read_text("utf-8"))
    return told


def recorded_wire() -> Capture:
    """What crossed in that run."""
    return load(FOLDER / "wire.jsonl")


class RecordedProgram:
    """A program of the recorded run, by its name: it printed something, and it does not run."""

    is_running = False

    def __init__(self, name: str) -> None:
        self.name = name
        lines = recorded_run()["programs"].get(name, [])
        self.lines = [Printed(time, stream, text) for time, stream, text in lines]
        """What it printed; nothing, where the recorded run had no program of this name."""

    @property
    def state(self) -> str:
        """That it is a recording, and of which versions."""
        return f"RECORDED, not live: {recorded_run()['versions']}"

    def subscribe(self, callback: Callable[[], None]) -> Callable[[], None]:
        """Nothing changes any more."""
        return lambda: None
