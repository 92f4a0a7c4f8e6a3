"""Record what a lesson's methods find, for machines that lack the programs or packages they need.

    python tools/record_results.py 14_in_production.ipynb

Runs the notebook's cells here, with everything installed, and keeps the result of each method that
is marked `@recorded_where_missing`, in wslab/labs/recorded/<topic>.json.
"""

from __future__ import annotations

import argparse
import platform
import re
import subprocess
from collections.abc import Iterator
from datetime import date
from importlib.metadata import version
from pathlib import Path

import nbformat
from IPython.core.interactiveshell import InteractiveShell

from wslab.labs import recorded_result

NOTEBOOKS = Path(__file__).resolve().parents[1] / "notebooks"
PACKAGES = ("websockets", "trustme", "redis", "psycopg", "hypercorn", "aioquic")
PROGRAMS = {
    "nginx": ["/usr/sbin/nginx", "-v"],
    "redis-server": ["redis-server", "--version"],
    "chromium": ["chromium", "--version"],
    "tshark": ["tshark", "--version"],
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("notebook", help="its file name")
    name = parser.parse_args().notebook
    shell = InteractiveShell.instance()
    for cell in nbformat.read(NOTEBOOKS / name, as_version=4).cells:
        # An exercise's stub fails, and so may a cell that shows a failure: neither is recorded.
        if cell.cell_type == "code":
            shell.run_cell(cell.source)
    topic = Path(name).stem.partition("_")[2]
    path = recorded_result.write(topic, ", ".join(versions()), recorded_result.live)
    shell.run_cell("lab.close()")
    print(f"{path}: {', '.join(recorded_result.live) or 'nothing'}")


def versions() -> Iterator[str]:
    """When this was recorded, and with what."""
    yield f"on {date.today()} with Python {platform.python_version()}"
    for package in PACKAGES:
        yield f"{package} {version(package)}"
    for program, command in PROGRAMS.items():
        told = subprocess.run(command, capture_output=True, text=True, check=True)
        yield f"{program} {re.findall(r'[0-9]+[.][0-9.]*[0-9]', told.stdout + told.stderr)[0]}"


if __name__ == "__main__":
    main()
