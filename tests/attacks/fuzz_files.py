"""Mutants of valid recordings as files, through the command `wslab explain`.

    python tests/attacks/fuzz_files.py [COUNT] [SEED]

Exits 1 where one is a traceback, takes more than 2 s for a megabyte, puts a control character on
stderr, or is refused in more than one line.
"""

from __future__ import annotations

import contextlib
import io
import sys
import tempfile
import time
import traceback
from collections import Counter
from pathlib import Path

from fuzz import is_control
from mutants import Mutants, in_time

from wslab import cli

SECONDS = 150
"""The most CPU time for all."""


def main(count: int, seed: int) -> int:
    mutants, found, began = Mutants(seed), Counter[str](), time.process_time()
    with tempfile.TemporaryDirectory() as folder:
        for number in range(count):
            outcome, details = attack(mutants, Path(folder))
            found[outcome] += 1
            if details and found[outcome] == 1:
                print(f"  mutant {number} of seed {seed}: {outcome}\n{details}", flush=True)
            if time.process_time() - began > SECONDS:
                break
    print(f"{found.total()} files of seed {seed}: {dict(found)}")
    return 1 if found.total() - found["read"] - found["refused"] else 0


def attack(mutants: Mutants, folder: Path) -> tuple[str, str]:
    """One file, or two: what came of it, and details if that is a fault."""
    chance = mutants.chance
    kind = chance.choice([kind for kind in mutants.kinds if kind != "hex"])
    options = ["explain", *chance.choice([[], ["--json"], ["--brief"]])]
    sides = ["client", "server"][: chance.choice([1, 2])]
    size = 0
    for side in sides if kind == "raw" else [kind]:
        path = folder / f"mutant.{side}"
        path.write_bytes(mutants.stream() if kind == "raw" else mutants.file(kind))
        size += path.stat().st_size
        options += [f"--{side}", str(path)] if kind == "raw" else [str(path)]
    errors = io.StringIO()
    try:
        with contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(errors):
            code = in_time(lambda: cli.main(options), size)
    except Exception as error:
        says = "".join(traceback.format_exception(error)[-12:])
        data = Path(options[-1]).read_bytes()
        return f"{type(error).__name__} {kind}", f"{options}\n{says}{data[:2000]!r}"
    said = errors.getvalue()
    if any(map(is_control, said)):
        return "a control character on stderr", repr(said)
    if said.count("\n") > 1:
        return "more than one line on stderr", said
    return (
        ("refused", "") if code == 2 and said else ("read", "") if code == 0 else (f"{code}", said)
    )


if __name__ == "__main__":
    sys.exit(main(*map(int, (*sys.argv[1:], *["400", "1"][len(sys.argv) - 1 :]))))
