"""The subcommands of `wslab`, one module each.

To add one, add a module: its name is the command's name, the first line of its docstring is the
summary in `wslab --help`, and it has the two functions of `Command`. All these modules are imported
for the help, so `run` imports what is heavy.
"""

from __future__ import annotations

import argparse
import contextlib
import signal
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from wslab.wire import Capture


class Command(Protocol):
    """The functions that a module of this package must have."""

    __doc__: str | None

    def arguments(self, parser: argparse.ArgumentParser) -> None:
        """Add the command's options to its parser."""

    def run(self, options: argparse.Namespace) -> int:
        """Run the command, and return the exit status. Raises CommandError with one clear line."""


class CommandError(Exception):
    """A command cannot do what it was asked to do; the text is the line that the user reads."""


def opened(path: Path) -> Capture:
    """The recording in a file, or from standard input (`-`). Raises CommandError."""
    from wslab.wire import CaptureError, load

    try:
        return load("/dev/stdin" if str(path) == "-" else path)
    except OSError as error:
        raise CommandError(unreadable(path, error)) from error
    except CaptureError as error:
        raise CommandError(" ".join(str(error).split())) from error


def unreadable(path: Path, error: OSError) -> str:
    """What is said of a file that cannot be read."""
    return f"cannot read {path}: {error.strerror or error}"


def printable(text: str) -> str:
    """`text` with escapes for control characters: for what a file, its name or a peer says."""
    from wslab import wire

    return wire.printable(text)


@contextlib.contextmanager
def until_stopped() -> Iterator[threading.Event]:
    """An event that Ctrl-C or SIGTERM sets, for a command that runs until it is told to end.

    Wait for it in slices: outside POSIX, a signal does not end a wait.
    """
    stopped = threading.Event()
    before = {
        number: signal.signal(number, lambda *_: stopped.set())
        # SIGHUP: the terminal was closed. Windows has none.
        for name in ("SIGINT", "SIGTERM", "SIGHUP")
        if (number := getattr(signal, name, None)) is not None
    }
    try:
        yield stopped
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
