"""Plays the whole matrix, with a real Chromium, and records it in wslab/net/matrix/recorded.json.

python tools/record_matrix.py            # all cells
python tools/record_matrix.py --show     # the browser's cells only, and nothing is written
"""

from __future__ import annotations

import argparse
import importlib.metadata
import json
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from wslab.net import EchoServer
from wslab.net.browsers import Chromium
from wslab.net.matrix import CELLS, Matrix
from wslab.net.matrix.recording import write
from wslab.net.node import find_node
from wslab.net.peers.page import InPage
from wslab.view.live.assets import script
from wslab.wire import Capture


@contextmanager
def a_page() -> Iterator[tuple[InPage, str]]:
    """What runs a function of page_runs.js in a page of this machine; and the browser's version."""
    with EchoServer("matrix: page") as server, Chromium("matrix") as chromium:
        # Any page with an origin here will do: that of a server which wants no HTTP, too.
        page = chromium.open(server.url.replace("ws:", "http:"))
        page.evaluate(f"(() => {{ {script('experiments/page_runs.js')}; "
                      "globalThis.PAGE_RUNS = PAGE_RUNS; })()")  # fmt: skip

        def in_page(function: str, data: Mapping[str, Any]) -> list[str]:
            call = f"PAGE_RUNS[{json.dumps(function)}]({json.dumps(dict(data))})"
            lines: list[str] = page.evaluate(call)
            return lines

        yield in_page, chromium.version.partition("/")[2].partition(".")[0]


def main() -> int:
    arguments = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    arguments.add_argument("--show", action="store_true", help="the browser's cells only")
    show = arguments.parse_args().show
    node = find_node()
    version = subprocess.run([node.node, "--version"], capture_output=True, text=True, check=True)
    with a_page() as (in_page, chromium):
        label = (
            f"{time.strftime('%-d %B %Y')}, Chromium {chromium}, "
            f"websockets {importlib.metadata.version('websockets')}, ws {node.version}, "
            f"Node {version.stdout.strip().removeprefix('v')}"
        )
        matrix, played, odd = Matrix(Capture()), [], 0
        for cell in CELLS:
            if show and cell.client != "browser":
                continue
            one = matrix.play(cell, in_page)
            played.append(one)
            if one.unlike:
                odd += 1
                print(*cell, sep=" · ")
                for name in one.unlike:
                    seen, expected = getattr(one.seen, name), getattr(cell.expected, name)
                    print(f"    {name}: {seen!r}, written down: {expected!r}")
                if one.why_not:
                    print(f"    {one.why_not}")
        matrix.stop()
    print(f"{label}: {len(played)} cells, {odd} not as written down")
    if not show and not odd:
        write(played, label)
    return 1 if odd else 0


if __name__ == "__main__":
    sys.exit(main())
