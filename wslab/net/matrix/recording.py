"""The matrix as it was played once, for peers that are not here: written and read.

`tools/record_matrix.py` plays it anew, with a real Chromium.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from functools import cache
from pathlib import Path
from typing import Any

from wslab.net.cases.wire_line import WireLine
from wslab.net.matrix.cell import Cell, Played
from wslab.net.matrix.situation import Seen
from wslab.net.peers import PeerReport

RECORDING = Path(__file__).with_name("recorded.json")


def write(cells: Iterable[Played], label: str) -> None:
    """Write the recording. `label` says when it was made, and with which versions."""
    told = [
        {
            "cell": played.cell,
            "seen": {name: value for name, value in played.seen._asdict().items() if value},
            "wire": [[line.direction, line.kind, line.text] for line in played.wire],
            "heard": [played.client_heard, played.server_heard],
            "reports": [played.client, played.server],
            "why_not": played.why_not,
        }
        for played in cells
    ]
    lines = ",\n".join(json.dumps(one, ensure_ascii=False) for one in told)
    text = f'{{"recorded": {json.dumps(label)}, "cells": [\n{lines}\n]}}\n'
    RECORDING.write_text(text, "utf-8")


@cache
def recorded() -> dict[Cell, Played]:
    """The recording, by cell. Its lines have no rows: they are in no wire view."""
    told = json.loads(RECORDING.read_text("utf-8"))
    return {Cell(*one["cell"]): _read(one, told["recorded"]) for one in told["cells"]}


def _read(one: dict[str, Any], label: str) -> Played:
    seen = {name: tuple(v) if isinstance(v, list) else v for name, v in one["seen"].items()}
    if "cannot" not in seen:
        seen = {
            "client_sends": (),
            "server_sends": (),
            "client_hears": (),
            "server_hears": (),
        } | seen
    client_heard, server_heard = (tuple(heard) for heard in one["heard"])
    client, server = (None if told is None else _report(told) for told in one["reports"])
    return Played(
        Cell(*one["cell"]),
        Seen(**seen),
        tuple(WireLine(side, kind, text, None) for side, kind, text in one["wire"]),
        client_heard,
        server_heard,
        client,
        server,
        why_not=one["why_not"],
        recorded=label,
    )


def _report(told: list[Any]) -> PeerReport:
    code, reason, clean, said = told
    return PeerReport(code, reason, clean, tuple(said))
