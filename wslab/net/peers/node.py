"""The cast of `library_peers.py` on Node's `ws`, where Node and `ws` are installed.

`ws` is looked for in the folder that the environment variable `WSLAB_NODE` names, and in the user's
cache. `find()` says what is missing, and how to get it: nothing is installed unasked.
"""

from __future__ import annotations

import contextlib
import json
import os
import secrets
import shutil
import socket
import subprocess
import sys
import time
from pathlib import Path
from typing import Any, NamedTuple

from wslab.net.address import LOOPBACK
from wslab.net.errors import WslabError
from wslab.net.peers.library import CLOSE_TIMEOUT
from wslab.net.peers.report import PeerReport

VARIABLE = "WSLAB_NODE"
"""Names a folder in which `npm install ws` was run."""

PATIENCE = 20.0
"""Seconds that Node has for each order."""

SCRIPT = Path(__file__).with_name("ws_peers.js")


class NodeMissing(WslabError):
    """Node or `ws` is not on this machine; the message says how to get it."""


class NodeAndWs(NamedTuple):
    """What is needed to run peers on `ws`."""

    node: str
    """The program."""
    ws: Path
    """The folder of the package."""
    version: str
    """The version of `ws`."""


def cache_folder() -> Path:
    """Where `ws` is looked for unless the environment says otherwise: beside other programs'
    caches, and never in the project."""
    if sys.platform == "win32":
        base = os.environ.get("LOCALAPPDATA") or str(Path.home() / "AppData" / "Local")
    elif sys.platform == "darwin":
        base = str(Path.home() / "Library" / "Caches")
    else:
        base = os.environ.get("XDG_CACHE_HOME") or str(Path.home() / ".cache")
    return Path(base) / "wslab" / "node"


def find() -> NodeAndWs:
    """Node and `ws` on this machine. Raises `NodeMissing`."""
    node = shutil.which("node")
    if node is None:
        raise NodeMissing("Node is not installed (nodejs.org): its `ws` is left out here")
    named = os.environ.get(VARIABLE)
    folders = [Path(named)] if named else [cache_folder()]
    for folder in folders:
        package = folder / "node_modules" / "ws" / "package.json"
        with contextlib.suppress(OSError, ValueError, KeyError):
            version = str(json.loads(package.read_text("utf-8"))["version"])
            return NodeAndWs(node, package.parent, version)
    raise NodeMissing(
        f"Node is here, its package `ws` is not in {folders[0]}: "
        f"npm install --prefix {folders[0]} ws (or set {VARIABLE} to a folder that has it)"
    )


class _Ended(Exception):
    """The process ended before it answered."""


class _Process:
    """One Node with one control connection."""

    def __init__(self, found: NodeAndWs) -> None:
        token = secrets.token_hex(16)
        with socket.create_server((LOOPBACK, 0)) as listener:
            listener.settimeout(PATIENCE)
            port = listener.getsockname()[1]
            self.process = subprocess.Popen(
                [found.node, str(SCRIPT), str(port), str(found.ws), token],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.PIPE,
                encoding="utf-8",
                errors="replace",
            )
            try:
                self.control = _accept(listener, token)
            except TimeoutError as error:
                self.end()
                raise NodeMissing(f"Node did not start within {PATIENCE:g} s") from error
        self.lines = self.control.makefile("r", encoding="utf-8")

    def order(self, order: str, **details: Any) -> dict[str, Any]:
        line = json.dumps({"order": order, **details})
        try:
            self.control.sendall(f"{line}\n".encode())
            answer = self.lines.readline()
        except TimeoutError:
            self.process.kill()
            self.end()
            raise _Ended(f"no answer to {order!r} within {PATIENCE:g} s") from None
        except ConnectionError:
            answer = ""
        if not answer:
            raise _Ended(self.end())
        result: dict[str, Any] = json.loads(answer)
        return result

    def end(self) -> str:
        """End the process; its last words, if it had any."""
        if hasattr(self, "lines"):
            self.lines.close()
            self.control.close()
        else:
            self.process.kill()
        try:
            _, words = self.process.communicate(timeout=PATIENCE)
        except subprocess.TimeoutExpired:
            self.process.kill()
            _, words = self.process.communicate()
        return next((line for line in words.splitlines() if "Error: " in line), "").strip()


def _accept(listener: socket.socket, token: str) -> socket.socket:
    """The connection of our own Node. Raises TimeoutError.

    Others call as well: a port that has just become ours may be one that a stranger (a Jupyter
    front end, say) still tries to reach its kernel at.
    """
    expected = f"{token}\n".encode()
    deadline = time.monotonic() + PATIENCE
    while time.monotonic() < deadline:
        control, _ = listener.accept()
        control.settimeout(2.0)  # ours says it at once, a stranger may say nothing
        try:
            if control.recv(len(expected), socket.MSG_WAITALL) == expected:
                control.settimeout(PATIENCE)
                return control
        except OSError:
            pass
        control.close()
    raise TimeoutError


class NodePeers:
    """A server and clients on `ws`, in two Node processes: one may crash without the other.

    The processes are kept from one play to the next (`reset`). Raises `NodeMissing`.
    """

    name = "ws"

    def __init__(self) -> None:
        self.found = find()
        self._processes: dict[str, _Process] = {}
        self._together = False
        self._last_words = ""

    def serve(self, behaviour: str, *, upstream: str = "", together: bool = False) -> int:
        """Start the server; its port. `together` puts the clients into its process."""
        self._together = together
        port: int = self._run("server").order("serve", behaviour=behaviour, upstream=upstream)[
            "port"
        ]
        return port

    def connect(
        self, url: str, who: str = "client", *, close_timeout: float = CLOSE_TIMEOUT
    ) -> None:
        """Connect a client. That it fails is a report too."""
        self._run(who).order("connect", url=url, who=who, closeTimeout=1000 * close_timeout)

    def send(self, who: str, message: str | bytes) -> None:
        """Let `who` send a message; a failure is noted in its report."""
        content = {"text": message} if isinstance(message, str) else {"hex": message.hex()}
        self._run(who).order("send", who=who, **content)

    def close(self, who: str, code: int | None = None, reason: str = "") -> None:
        """Let `who` close; a refusal is noted in its report."""
        self._run(who).order("close", who=who, code=code, reason=reason)

    def close_both(self, client: tuple[int, str], server: tuple[int, str]) -> None:
        """Let both close before either has read the other's close frame; needs `together`."""
        self._run("server").order("close_both", client=client, server=server)

    def vanish(self, who: str) -> None:
        """Let `who` drop TCP without a close frame."""
        self._run(who).order("vanish", who=who)

    def shut_down(self, code: int = 1001, reason: str = "") -> None:
        """Stop the server. `ws` leaves its connections open: the program closes each."""
        self._run("server").order("shut_down", code=code, reason=reason)

    def report(self, who: str, patience: float = 5.0) -> PeerReport:
        """What `who` says once its connection is over."""
        try:
            answer = self._run(who).order("report", who=who, patience=1000 * patience)
        except _Ended as ended:
            del self._processes[self._place(who)]
            words = f"the process ended: {ended}"
            return PeerReport(None, "", False, (words,))
        return PeerReport(answer["code"], answer["reason"], answer["clean"], tuple(answer["said"]))

    def send_in_each_state(self, url: str, hanging: str) -> dict[str, str]:
        """What `send` does in each state, against the server at `url`; the one at `hanging` never
        answers."""
        return dict(self._run("client").order("send_in_each_state", url=url, hanging=hanging))

    def reset(self) -> None:
        """Let all connections and the server go; the processes stay."""
        for place, process in list(self._processes.items()):
            try:
                process.order("reset")
            except _Ended:
                del self._processes[place]
        self._together = False

    def stop(self) -> None:
        """End the processes. May be called twice."""
        for process in self._processes.values():
            process.end()
        self._processes = {}

    def _place(self, who: str) -> str:
        return "server" if who == "server" or self._together else "client"

    def _run(self, who: str) -> _Process:
        place = self._place(who)
        if place not in self._processes:
            self._processes[place] = _Process(self.found)
        return self._processes[place]
