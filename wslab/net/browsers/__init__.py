"""Real browsers, started by a lab: found, commanded over their own protocols, and ended with it."""

from wslab.net.browsers.chromium import Chromium, ChromiumPage
from wslab.net.browsers.commands import CommandFailed, Commands
from wslab.net.browsers.conversation import (
    RECORDED,
    ConversationServer,
    Played,
    play,
    recorded_play,
    response_texts,
)
from wslab.net.browsers.pictures import PICTURES, devtools_picture
from wslab.net.browsers.told import KINDS, Told, beside, bits, told_by_chrome, told_by_firefox

__all__ = [
    "KINDS",
    "PICTURES",
    "RECORDED",
    "Chromium",
    "ChromiumPage",
    "CommandFailed",
    "Commands",
    "ConversationServer",
    "Played",
    "Told",
    "beside",
    "bits",
    "devtools_picture",
    "play",
    "recorded_play",
    "response_texts",
    "told_by_chrome",
    "told_by_firefox",
]
