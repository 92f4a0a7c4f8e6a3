"""Real browsers, started by a lab: found, commanded over their own protocols, and ended with it."""

from wslab.net.browsers.chromium import BrowserFailed, BrowserMissing, Chromium, ChromiumPage
from wslab.net.browsers.commands import BrowserEvent, CommandFailed, Commands

__all__ = [
    "BrowserEvent",
    "BrowserFailed",
    "BrowserMissing",
    "Chromium",
    "ChromiumPage",
    "CommandFailed",
    "Commands",
]
