"""Peers on Python's `websockets` in a process of their own: run by `LibraryProcesses`.

It reads orders as lines of JSON from the standard input, and writes one answer for each to the
standard output. It ends with its input, so that it never outlives the lab that started it.
"""

from __future__ import annotations

import json
import sys
from typing import Any

from wslab.net.peers.library import LibraryPeers


def main() -> None:
    """Obey until the input ends. Nothing is closed then: that is what the end of a program is."""
    peers = LibraryPeers()
    for line in sys.stdin:
        details = json.loads(line, object_hook=_with_bytes)
        order, who, patience = (details.pop(key) for key in ("order", "who", "patience"))
        if order == "reset":
            peers.reset()
            answer = None
        else:
            if order in ("hear", "report"):
                details["patience"] = patience
            answer = peers._order(order, who, **details)
        print(json.dumps(answer), flush=True)


def _with_bytes(found: dict[str, Any]) -> Any:
    if list(found) == ["zeros"]:
        return bytes(found["zeros"])
    return bytes.fromhex(found["hex"]) if list(found) == ["hex"] else found


if __name__ == "__main__":
    main()
