"""The command `wslab`. Each subcommand is a module of `wslab.commands`, found by its name."""

from __future__ import annotations

import argparse
import importlib
import io
import os
import pkgutil
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import NoReturn

from wslab import __version__, commands


def parser() -> argparse.ArgumentParser:
    """The whole command line, one subparser for each module of `wslab.commands`."""
    top = _Parser(prog="wslab", description="A laboratory for WebSocket in JupyterLab.")
    top.add_argument("--version", action="version", version=f"wslab {__version__}")
    subparsers = top.add_subparsers(title="commands", metavar="COMMAND", required=True)
    for module in pkgutil.iter_modules(commands.__path__):
        command: commands.Command = importlib.import_module(f"{commands.__name__}.{module.name}")
        summary = (command.__doc__ or "").partition("\n")[0].rstrip(".")
        subparser = subparsers.add_parser(module.name, help=summary, description=command.__doc__)
        command.arguments(subparser)
        subparser.set_defaults(run=command.run, name=module.name)
    return top


class _Parser(argparse.ArgumentParser):
    """Its errors quote arguments, which may be file names that a stranger has chosen."""

    def error(self, message: str) -> NoReturn:
        super().error(commands.printable(message))


def main(arguments: Sequence[str] | None = None) -> int:
    """Run `wslab` with these arguments (default: the process's own). Returns the exit status.

    2 stands for a command that could not do what it was asked; one line on stderr says why.
    """
    _ready_streams()
    try:
        options = parser().parse_args(arguments)
        status: int = options.run(options)
        sys.stdout.flush()
    except commands.CommandError as error:
        print(f"wslab {options.name}: {commands.printable(str(error))}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print("wslab: interrupted", file=sys.stderr)
        return 130
    except BrokenPipeError:
        # Whoever read our output has seen enough (`| head`). Python flushes once more at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    return status


def _ready_streams() -> None:
    """Make the standard streams such that any text can be read and written.

    One that was closed (`>&-`) becomes the null device: in this order each gets its own number
    back, before a socket does.
    """
    for name, mode in (("stdin", "r"), ("stdout", "w"), ("stderr", "w")):
        stream = getattr(sys, name)
        if stream is None:
            setattr(sys, name, Path(os.devnull).open(mode, encoding="utf-8"))  # noqa: SIM115
        elif isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")  # an escape is better than an error
