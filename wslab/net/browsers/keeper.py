"""Runs one browser while somebody holds the other end of its pipes, and cleans up after it.

    python keeper.py FOLDER PROGRAM ARGUMENT ...

The pipes are standard input and output. They become the pipes of `--remote-debugging-pipe`, on
which Chromium takes its commands: as file descriptors 3 and 4, or on Windows by their handles.
Chromium ends when its input does, which is also when the process at the other end is killed; then
this one ends what is left of it and removes FOLDER. It runs as a script in a process of its own,
which nobody interrupts or kills together with a notebook's kernel, and imports nothing of wslab.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

PATIENCE = 30.0
"""Seconds that the folder's removal may take."""


def keep(folder: Path, command: list[str]) -> int:
    """Run the command to its end, and then remove the folder; returns the command's exit code."""
    browser: subprocess.Popen[bytes] | None = None
    try:
        browser = _start(command)
        # Only the browser holds them now: its end is seen at the other side.
        os.close(0)
        os.close(1)
        return browser.wait()
    finally:
        if browser is not None:
            _end_all(browser)
        late = time.monotonic() + PATIENCE
        while folder.exists() and time.monotonic() < late:
            shutil.rmtree(folder, ignore_errors=True)  # a file may still be open, on Windows
            time.sleep(0.02)


def _start(command: list[str]) -> subprocess.Popen[bytes]:
    if sys.platform == "win32":
        import msvcrt

        handles = [msvcrt.get_osfhandle(descriptor) for descriptor in (0, 1)]
        for handle in handles:
            os.set_handle_inheritable(handle, True)
        pipes = f"--remote-debugging-io-pipes={handles[0]},{handles[1]}"
        return subprocess.Popen(
            [*command, pipes],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            close_fds=False,
        )
    os.dup2(0, 3)
    os.dup2(1, 4)
    browser = subprocess.Popen(
        command,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        pass_fds=(3, 4),
        start_new_session=True,
    )
    os.close(3)
    os.close(4)
    return browser


def _end_all(browser: subprocess.Popen[bytes]) -> None:
    """End the browser and its helpers, which may outlive it for a moment."""
    if sys.platform == "win32":
        ask = ["taskkill", "/F", "/T", "/PID", str(browser.pid)]
        subprocess.run(ask, capture_output=True, check=False)
    else:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(browser.pid, signal.SIGKILL)
    browser.wait()


if __name__ == "__main__":
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))  # told to end: clean up all the same
    sys.exit(keep(Path(sys.argv[1]), sys.argv[2:]))
