"""Find the browsers that the tests drive; with `--install`, get them where apt may.

Looked for, in this order: what `WSLAB_BROWSER` (Chromium) or `WSLAB_FIREFOX` names, the PATH, the
places where macOS and Windows keep their browsers, and the Chromium that Playwright downloads.
"""

from __future__ import annotations

import argparse
import os
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

from wslab import doctor


@dataclass(frozen=True)
class Wanted:
    """A browser that the tests need."""

    name: str
    variable: str
    fits: tuple[str, ...]
    """The names of those that will do, in the order in which they are looked for."""
    debian_package: str
    remedy: str


CHROMIUM = Wanted(
    "Chromium",
    "WSLAB_BROWSER",
    ("Chromium", "Chrome", "Edge"),
    "chromium",
    "install Chromium or Chrome, or run: .venv/bin/python -m playwright install chromium",
)
FIREFOX = Wanted(
    "Firefox",
    "WSLAB_FIREFOX",
    ("Firefox",),
    "firefox-esr",
    # Playwright's own build of Firefox is another one, with another protocol.
    "install Firefox itself (on Debian: apt-get install firefox-esr)",
)
WANTED = (CHROMIUM, FIREFOX)
# Without this font the screenshots show boxes instead of "▶" and "↗".
FONTS = "fonts-dejavu-core"


def find(wanted: Wanted = CHROMIUM) -> str | None:
    """The path of a browser that Playwright can drive; None where there is none."""
    named = os.environ.get(wanted.variable)
    if named:
        return named
    for name in wanted.fits:
        if path := doctor.browser(name):
            return path
    return playwrights_own() if wanted is CHROMIUM else None


def playwrights_own() -> str | None:
    """The path of the build that `playwright install chromium` downloaded, if it was."""
    # In a process of its own: asking Playwright starts its driver and an event loop.
    ask = (
        "from playwright.sync_api import sync_playwright\n"
        "with sync_playwright() as p: print(p.chromium.executable_path)"
    )
    answer = subprocess.run(
        [sys.executable, "-c", ask], capture_output=True, text=True, timeout=60, check=False
    )
    path = answer.stdout.strip()
    return path if path and Path(path).exists() else None


def install(packages: list[str]) -> None:
    """Install Debian's packages if this user may without being asked for a password.

    Where that cannot be done nothing is: the browser tests then say why they are skipped.
    """
    apt = shutil.which("apt-get")
    if apt is None:
        return
    if os.geteuid() == 0:
        sudo: list[str] = []
    elif (
        shutil.which("sudo")
        and not subprocess.run(["sudo", "-n", "true"], capture_output=True).returncode
    ):
        sudo = ["sudo", "-n"]
    else:
        return
    print(f"Installing {', '.join(packages)} for the tests (apt-get, once) ...", flush=True)
    quiet = ["env", "DEBIAN_FRONTEND=noninteractive", apt, "-qq", "-o", "Dpkg::Use-Pty=0"]
    for command in (["update"], ["install", "--yes", "--no-install-recommends", *packages]):
        if subprocess.run([*sudo, *quiet, *command], stdout=subprocess.DEVNULL).returncode:
            print(f"apt-get {command[0]} failed; going on without.", file=sys.stderr)
            return


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--install", action="store_true", help="install them by apt-get if it may")
    options = parser.parse_args()
    missing = [one.debian_package for one in WANTED if find(one) is None]
    if missing and options.install:
        install([*missing, FONTS])
    for one in WANTED:
        path = find(one)
        if path is None:
            print(f"No {one.name}: its tests will be skipped. To run them, {one.remedy}")
        elif not options.install:
            print(path)


if __name__ == "__main__":
    main()
