"""Record the talks of lesson 06 anew, for machines that lack their libraries.

    python tools/record_talks.py [NAME ...]

Each goes to wslab/net/payloads/recorded/NAME.jsonl: a real talk on this machine, through the tap.
Run it when a talk changes, or when a library's new version says something else.
"""

from __future__ import annotations

import sys
from pathlib import Path

from wslab.net import Tap
from wslab.net.payloads import TALKS
from wslab.wire import Capture, save

FOLDER = Path(__file__).resolve().parents[1] / "wslab" / "net" / "payloads" / "recorded"


def record(name: str) -> Path:
    """Play one talk, and save what crossed."""
    capture, path = Capture(), FOLDER / f"{name}.jsonl"
    with TALKS[name]() as talk, Tap(talk.url, capture, name=f"record {name}") as tap:
        talk.play(tap.url)
    save(capture, path)
    return path


if __name__ == "__main__":
    FOLDER.mkdir(exist_ok=True)
    for name in sys.argv[1:] or TALKS:
        path = record(name)
        print(f"{path.name}: {path.stat().st_size:,} bytes")
