"""Take the README's pictures again: the wire view of a real conversation, in both themes.

python tools/readme_pictures.py        # writes docs/wire-view-light.png and -dark.png
"""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path
from typing import get_args

from real_lab import REPOSITORY, Theme, running_browser, running_lab

from wslab.installed import CHROMIUM, find

CELLS = (
    "from wslab.labs import start_here\n"
    "lab = start_here.open()\n"
    "with lab.connect() as client:\n"
    "    client.send('Hello')\n"
    "    client.recv()\n"
    "    client.ping(b'are you there?')\n",
    "lab.wire(height=290)",
)


def main() -> int:
    found = find(CHROMIUM)
    if found is None:
        print("no browser found: see CONTRIBUTING.md", file=sys.stderr)
        return 1
    folder = REPOSITORY / "docs"
    folder.mkdir(exist_ok=True)
    with (
        tempfile.TemporaryDirectory() as work,
        running_lab(Path(work)) as lab,
        running_browser(str(found)) as browser,
    ):
        for theme in get_args(Theme):
            lab.write_notebook("pictures.ipynb", *CELLS)
            notebook = lab.open(browser, "pictures.ipynb", theme=theme, width=1240, height=1100)
            notebook.run_all()
            wire = notebook.view("wire-view")
            wire.locator('[data-kind="text"][data-direction="client"]').click()
            wire.locator('[data-byte="6"]').first.hover()
            notebook.page.mouse.move(5, 5)
            wire.screenshot(path=folder / f"wire-view-{theme}.png")
            notebook.close()
    return 0


if __name__ == "__main__":
    sys.exit(main())
