"""Estimate how long each lesson takes a learner who works alone, and compare what it states.

    python tools/lesson_minutes.py

The rule, the same for every lesson:

- prose at 180 words a minute: technical text, read by many in a foreign language;
- a line of code takes 4 seconds to read, and a cell 10 to run and look at;
- a question takes a minute, a view of the wire or of states to click through 2 minutes;
- a bench of experiments (some of its buttons, with a prediction each) takes 5 minutes;
- an exercise takes 8 minutes: to read, try, fail once or twice, and repair.

With these, the two lessons that were timed come out as timed: 01 about 60 minutes, 09 about 80.
Teachers' notes are not counted. What is stated may differ by 15%.
"""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).resolve().parents[1]

WORDS_PER_MINUTE = 180
CODE_LINE = 4 / 60
"""Minutes; so are all that follow."""
CELL = 10 / 60
EXERCISE = 8.0
DEEDS = {
    r"\blab\.ask\(": 1.0,
    r"\.(wire|client|secure_client|browser|states|people|page|guest|unsafe_page|mystery|pinged_browser"
    r"|layers)\(": 2.0,
    r"\.(bench|endings|trials|workshop|keepalive_bench|todays_browser|ways|whom_to_trust|old_proxy"
    r"|mixed_content|nginx|conformance)\(\)$": 5.0,
}
"""What a cell lets a learner do, and for how long."""

STATED = re.compile(r"\*\*(\d+) minutes")
TOLERANCE = 0.15


class Minutes(NamedTuple):
    """How long a lesson takes, in minutes."""

    reading: float
    cells: float
    clicking: float
    exercises: float

    @property
    def total(self) -> float:
        return sum(self)


def estimate(path: Path) -> Minutes:
    """The estimate for the notebook at `path`."""
    words = lines = cells = exercises = 0
    clicking = 0.0
    for cell in json.loads(path.read_text("utf-8"))["cells"]:
        source = "".join(cell["source"])
        if cell["cell_type"] == "markdown":
            if cell["id"] != "teach":
                words += len(re.findall(r"\w[\w'’.-]*", re.sub(r"\]\([^)]*\)", "]", source)))
            continue
        cells += 1
        lines += sum(1 for line in source.splitlines() if line.strip())
        exercises += any(tag.startswith("exercise:") for tag in cell["metadata"].get("tags", []))
        clicking += max(
            (minutes for deed, minutes in DEEDS.items() if re.search(deed, source, re.MULTILINE)),
            default=0.0,
        )
    return Minutes(
        words / WORDS_PER_MINUTE, cells * CELL + lines * CODE_LINE, clicking, exercises * EXERCISE
    )


def stated(path: Path) -> int:
    """The minutes that the notebook's first cell states. Raises ValueError if there are none."""
    first = "".join(json.loads(path.read_text("utf-8"))["cells"][0]["source"])
    found = STATED.search(first)
    if not found:
        raise ValueError(f"expected '**60 minutes' in the first cell of {path.name}, got none")
    return int(found[1])


def main() -> None:
    print(f"{'lesson':<24}{'reading':>8}{'cells':>7}{'clicks':>8}{'tasks':>7}{'all':>6}  stated")
    for path in sorted((ROOT / "notebooks").glob("*.ipynb")):
        found = estimate(path)
        reading, cells, clicking, exercises = found
        print(
            f"{path.stem:<24}{reading:>8.0f}{cells:>7.0f}{clicking:>8.0f}{exercises:>7.0f}"
            f"{found.total:>6.0f}{stated(path):>8}"
        )


if __name__ == "__main__":
    main()
