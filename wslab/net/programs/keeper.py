"""Runs one program while somebody holds the other end of its input, and cleans up after it.

    python keeper.py FOLDER [ENDING PROGRAM ARGUMENT ...]

When that end is closed, which is also when the process at it is killed, it ends the program with
all its processes, and removes FOLDER. ENDING is the signal that the program gets first; or `PIPES`,
where the program takes its commands on the pipes of `--remote-debugging-pipe` and ends when they
do: these become our standard input and output, as the file descriptors 3 and 4, or on Windows by
their handles. Without a program it has only the folder to remove.

It runs as a script in a process of its own, which nobody interrupts or kills together with a
notebook's kernel, and imports nothing of wslab. Whatever the program prints comes out as errors.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

GRACE = 2.0
"""Seconds that the program has to end by itself when it is asked to."""

PATIENCE = 30.0
"""Seconds that the folder's removal may take."""


def keep(folder: Path, command: list[str]) -> int:
    """Run a command, behind the way to end it, until it ends or the input is closed.

    Returns the command's exit code.
    """
    try:
        return _run(*command) if command else _wait_for_the_end()
    finally:
        late = time.monotonic() + PATIENCE
        while folder.exists() and time.monotonic() < late:
            shutil.rmtree(folder, ignore_errors=True)  # a file may still be open, on Windows
            time.sleep(0.02)


def _run(ending: str, *command: str) -> int:
    if ending == "PIPES":
        program = _on_pipes(list(command))
    else:
        program = subprocess.Popen(
            command, stdin=subprocess.DEVNULL, stdout=2, start_new_session=True
        )
        threading.Thread(target=_end_with_the_input, args=(program, ending), daemon=True).start()
    try:
        return program.wait()
    finally:
        _kill_all(program)


def _on_pipes(command: list[str]) -> subprocess.Popen[bytes]:
    if sys.platform == "win32":
        import msvcrt

        handles = [msvcrt.get_osfhandle(descriptor) for descriptor in (0, 1)]
        for handle in handles:
            os.set_handle_inheritable(handle, True)
        command.append(f"--remote-debugging-io-pipes={handles[0]},{handles[1]}")
        program = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=2, close_fds=False)
    else:
        os.dup2(0, 3)
        os.dup2(1, 4)
        program = subprocess.Popen(
            command, stdin=subprocess.DEVNULL, stdout=2, pass_fds=(3, 4), start_new_session=True
        )
        os.close(3)
        os.close(4)
    # Only the program holds them now: its end is seen at the other side.
    os.close(0)
    os.close(1)
    return program


def _end_with_the_input(program: subprocess.Popen[bytes], ending: str) -> None:
    _wait_for_the_end()
    program.send_signal(signal.Signals[ending])
    with contextlib.suppress(subprocess.TimeoutExpired):
        program.wait(GRACE)
    _kill_all(program)


def _wait_for_the_end() -> int:
    while os.read(0, 4096):
        pass
    return 0


def _kill_all(program: subprocess.Popen[bytes]) -> None:
    """End it and its helpers, which may outlive it for a moment."""
    if sys.platform == "win32":
        ask = ["taskkill", "/F", "/T", "/PID", str(program.pid)]
        subprocess.run(ask, capture_output=True, check=False)
    else:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(program.pid, signal.SIGKILL)
    program.wait()


if __name__ == "__main__":
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))  # told to end: clean up all the same
    sys.exit(keep(Path(sys.argv[1]), sys.argv[2:]))
