"""The subcommands of `wslab`, one module each.

A new one is a new module: its name is the command's name, the first line of its docstring the
summary in `wslab --help`, and it holds the two functions of `Command`. All of these modules are
imported to make the help, so what is heavy is imported inside `run`.
"""

from __future__ import annotations

import argparse
from typing import Protocol


class Command(Protocol):
    """What a module of this package has to hold."""

    __doc__: str | None

    def arguments(self, parser: argparse.ArgumentParser) -> None:
        """Add the command's options to its parser."""

    def run(self, options: argparse.Namespace) -> int:
        """Do it, and return the exit status. Raises CommandError with one clear line."""


class CommandError(Exception):
    """A command cannot do what it was asked: its text is the one line that the user reads."""
