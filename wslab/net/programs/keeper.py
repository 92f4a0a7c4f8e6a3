"""Runs one program while somebody holds the other end of its input, and cleans up after it.

    python keeper.py FOLDER [SIGNAL PROGRAM ARGUMENT ...]

When that end is closed, which is also when the process at it is killed, it ends the program with
all its processes, SIGNAL first, and removes FOLDER. Without a program it has only the folder to
remove. It runs as a script in a process of its own, which nobody interrupts or kills together with
a notebook's kernel, and imports nothing of wslab.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import subprocess
import sys
import threading
from pathlib import Path

GRACE = 2.0
"""Seconds that the program has to end by itself when it is asked to."""


def keep(folder: Path, command: list[str]) -> int:
    """Run a command, behind the signal that ends it, until it ends or the input is closed.

    Returns the command's exit code.
    """
    try:
        return _run(*command) if command else _wait_for_the_end()
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _run(ending: str, *command: str) -> int:
    program = subprocess.Popen(command, stdin=subprocess.DEVNULL, start_new_session=True)

    def end_with_the_input() -> None:
        _wait_for_the_end()
        program.send_signal(signal.Signals[ending])
        with contextlib.suppress(subprocess.TimeoutExpired):
            program.wait(GRACE)
        _kill_all(program)

    threading.Thread(target=end_with_the_input, daemon=True).start()
    try:
        return program.wait()
    finally:
        _kill_all(program)


def _wait_for_the_end() -> int:
    while os.read(0, 4096):
        pass
    return 0


def _kill_all(program: subprocess.Popen[bytes]) -> None:
    with contextlib.suppress(ProcessLookupError):
        os.killpg(program.pid, signal.SIGKILL)


if __name__ == "__main__":
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))  # told to end: clean up all the same
    sys.exit(keep(Path(sys.argv[1]), sys.argv[2:]))
