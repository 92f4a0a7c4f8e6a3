"""Finds the browsers that are installed on this machine: Chromium and its kin, and Firefox.

A lab starts one, the tests drive them, `wslab doctor` names them.
"""

from __future__ import annotations

import importlib.util
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import NamedTuple

BROWSERS = {
    "Chromium": (
        "chromium",
        "chromium-browser",
        "/Applications/Chromium.app/Contents/MacOS/Chromium",
    ),
    "Chrome": (
        "google-chrome",
        "google-chrome-stable",
        "chrome",
        "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome",
        r"C:\Program Files\Google\Chrome\Application\chrome.exe",
    ),
    "Edge": (
        "microsoft-edge",
        "msedge",
        r"C:\Program Files (x86)\Microsoft\Edge\Application\msedge.exe",
    ),
    "Firefox": (
        "firefox-esr",
        "firefox",
        "/Applications/Firefox.app/Contents/MacOS/firefox",
        r"C:\Program Files\Mozilla Firefox\firefox.exe",
    ),
}
"""Browsers for the lessons: what each is called on the PATH, and where it is if it is not there."""


class Wanted(NamedTuple):
    """A kind of browser that something needs, to start it and to drive it."""

    name: str
    variable: str
    """The environment variable that may name its program."""
    fits: tuple[str, ...]
    """The names of those that will do, in the order in which they are looked for."""
    debian_package: str
    remedy: str
    """How to get one, as the end of a sentence."""


CHROMIUM = Wanted(
    "Chromium",
    "WSLAB_BROWSER",
    ("Chromium", "Chrome", "Edge"),
    "chromium",
    "install Chromium or Chrome (on Debian and Ubuntu: apt-get install chromium)",
)
FIREFOX = Wanted(
    "Firefox",
    "WSLAB_FIREFOX",
    ("Firefox",),
    "firefox-esr",
    # Playwright's own build of Firefox is another one, with another protocol.
    "install Firefox itself (on Debian: apt-get install firefox-esr)",
)


def browser(name: str) -> str | None:
    """The path of a browser, by its name in `BROWSERS`; None where it is not found."""
    return next(filter(None, map(shutil.which, BROWSERS[name])), None)


def find(wanted: Wanted) -> str | None:
    """The path of a browser that will do, or the program that the variable names; else None."""
    named = os.environ.get(wanted.variable)
    if named:
        return named
    for name in wanted.fits:
        if path := browser(name):
            return path
    return playwrights_own() if wanted is CHROMIUM else None


def playwrights_own() -> str | None:
    """The path of the build that `playwright install chromium` downloaded, if it was."""
    if importlib.util.find_spec("playwright") is None:
        return None
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
