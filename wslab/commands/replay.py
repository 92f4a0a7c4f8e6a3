"""Send again what a recording's clients sent, to a live server, and compare its answers.

Exit status 0 if the server answers as it did then, 1 if not, 2 if there is no recording or no
server.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path

from wslab.commands import CommandError, opened


def arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("file", type=Path, metavar="FILE", help="a recording: .jsonl, .pcapng, HAR")
    parser.add_argument("url", metavar="URL", help="the server, such as ws://127.0.0.1:8000/")
    parser.add_argument("--timing", action="store_true", help="wait between units as then")
    parser.add_argument(
        "--patience",
        type=seconds,
        default=2.0,
        metavar="SECONDS",
        help="how long an answer may take that there was then (default 2)",
    )
    parser.add_argument(
        "--header",
        action="append",
        default=[],
        metavar="NAME:VALUE",
        help="in the place of the recorded one, such as a Cookie; may be repeated",
    )
    parser.add_argument("--json", action="store_true", help="print the differences as JSON")


def run(options: argparse.Namespace) -> int:
    from wslab.net import WslabError, replay

    capture = opened(options.file)
    try:
        result = replay(
            capture,
            options.url,
            timing=options.timing,
            patience=options.patience,
            headers=dict(map(_header, options.header)),
        )
    except WslabError as error:
        raise CommandError(" ".join(str(error).split())) from error
    text = json.dumps(result.to_json(), indent=2).replace("\x7f", "\\u007f")
    print(text if options.json else result)
    return 0 if result.same else 1


def seconds(text: str) -> float:
    """A number of seconds from the command line."""
    try:
        seconds = float(text)
    except ValueError:
        seconds = -1.0
    if not 0 <= seconds <= 86_400:  # nor NaN
        raise argparse.ArgumentTypeError(f"expected 0 to 86400 seconds (a day), got {text!r}")
    return seconds


def _header(text: str) -> tuple[str, str]:
    name, colon, value = text.partition(":")
    if not colon or not name.strip():
        raise CommandError(f"expected NAME:VALUE for --header, got {text!r}")
    return name.strip(), value.strip()
