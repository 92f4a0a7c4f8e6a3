"""Find the Chromium that the browser tests drive; with `--install`, get one where apt may.

Looked for, in this order: what `WSLAB_BROWSER` names, Chromium or Chrome on the PATH, the places
where macOS and Windows keep Chrome and Edge, and the build that Playwright downloads for itself.
"""

from __future__ import annotations

import argparse
import os
import shutil
import subprocess
import sys
from pathlib import Path

ON_PATH = (
    "chromium",
    "chromium-browser",
    "google-chrome",
    "google-chrome-stable",
    "chrome",
    "msedge",
)
ELSEWHERE = (
    "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome",
    "/Applications/Chromium.app/Contents/MacOS/Chromium",
    r"C:\Program Files\Google\Chrome\Application\chrome.exe",
    r"C:\Program Files (x86)\Microsoft\Edge\Application\msedge.exe",
)
# The fonts: without one the screenshots show boxes instead of "▶" and "↗".
DEBIAN_PACKAGES = ("chromium", "fonts-dejavu-core")
REMEDY = "install Chromium or Chrome, or run: .venv/bin/python -m playwright install chromium"


def find() -> str | None:
    """The path of a browser that Playwright's `chromium` can drive; None where there is none."""
    named = os.environ.get("WSLAB_BROWSER")
    if named:
        return named
    for name in ON_PATH:
        path = shutil.which(name)
        if path:
            return path
    for path in ELSEWHERE:
        if Path(path).exists():
            return path
    return playwrights_own()


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


def install() -> None:
    """Install Debian's Chromium if this user may without being asked for a password.

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
    print("Installing Chromium for the browser tests (apt-get, once) ...", flush=True)
    quiet = ["env", "DEBIAN_FRONTEND=noninteractive", apt, "-qq", "-o", "Dpkg::Use-Pty=0"]
    for command in (["update"], ["install", "--yes", "--no-install-recommends", *DEBIAN_PACKAGES]):
        if subprocess.run([*sudo, *quiet, *command], stdout=subprocess.DEVNULL).returncode:
            print(f"apt-get {command[0]} failed; going on without.", file=sys.stderr)
            return


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument(
        "--install", action="store_true", help="install one by apt-get where it may"
    )
    options = parser.parse_args()
    if find() is None and options.install:
        install()
    found = find()
    if found is None:
        print(f"No browser found: the browser tests will be skipped. To run them, {REMEDY}")
    elif not options.install:
        print(found)


if __name__ == "__main__":
    main()
