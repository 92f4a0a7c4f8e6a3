"""Check this machine: each fault with one remedy.

Exit status 0 if nothing failed, 1 otherwise. The notebook 00_start_here asks the same, and two
things more that only a page can answer.
"""

from __future__ import annotations

import argparse
import json
import os
import sys


def arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--json", action="store_true", help="print the checks as JSON")


def run(options: argparse.Namespace) -> int:
    from wslab import doctor

    checks = doctor.check()
    failed = any(check.result == "fail" for check in checks)
    if options.json:
        print(json.dumps([check._asdict() for check in checks], indent=2))
    else:
        colour = sys.stdout.isatty() and "NO_COLOR" not in os.environ
        print(doctor.table(checks, colour=colour))
    return 1 if failed else 0
