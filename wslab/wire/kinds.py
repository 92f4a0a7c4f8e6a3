"""The word, colour and shape of each kind of unit: one table for pages, pictures and terminals.

The colours are Okabe and Ito's palette, which colour-blind people can tell apart too. No kind is
marked by colour alone: a shape and a word always go with it.
"""

from __future__ import annotations

from typing import NamedTuple

from .fields import Kind


class Colour(NamedTuple):
    """One colour, with its values for paper, light pages, dark pages and terminals."""

    name: str
    """Its name; style sheets call it `--ws-<name>`."""
    plain: str
    """For pictures whose background is not known."""
    on_light: str
    """For light backgrounds: darkened a little, until a thin line can be seen (contrast 3:1)."""
    on_dark: str
    """For dark backgrounds: as published, except that the darkest ones are lightened."""
    terminal: int
    """The nearest of a terminal's 256 colours."""


BLUE = Colour("blue", "#0072b2", "#0072b2", "#3a9fdb", 32)
GREEN = Colour("green", "#009e73", "#008f68", "#16b585", 36)
ORANGE = Colour("orange", "#e69f00", "#b87e00", "#e69f00", 214)
YELLOW = Colour("yellow", "#b5a800", "#948c00", "#f0e442", 184)
RED = Colour("red", "#d55e00", "#d55e00", "#f0762a", 202)
PURPLE = Colour("purple", "#cc79a7", "#b8628f", "#cc79a7", 175)
ALARM = Colour("alarm", "#b3261e", "#b3261e", "#ff8a80", 160)
GREY = Colour("grey", "#7f7f7f", "#7f7f7f", "#8c8c8c", 246)
PALETTE = {one.name: one for one in (BLUE, GREEN, ORANGE, YELLOW, RED, PURPLE, ALARM, GREY)}
"""The colours by name; `alarm` marks units that break a rule."""


class Look(NamedTuple):
    """How one kind of unit is shown."""

    meaning: str
    colour: Colour
    shape: str
    """Filled if the unit carries data or starts an exchange, hollow if it continues or answers."""


KINDS: dict[Kind, Look] = {
    "request": Look("asks by HTTP: for an answer, or for a WebSocket", BLUE, "◆"),
    "response": Look("the server's answer; 101 makes it a WebSocket", BLUE, "◇"),
    "chunk": Look("the next part of a response that HTTP streams", BLUE, "▫"),
    "text": Look("a message, or its first part, in UTF-8", GREEN, "●"),
    "binary": Look("the same, of any bytes", ORANGE, "■"),
    "continuation": Look("the next part of that message", YELLOW, "○"),
    "ping": Look("are you there?", PURPLE, "▲"),
    "pong": Look("yes, I am", PURPLE, "△"),
    "close": Look("I am done, and a code that says why", RED, "✕"),
    "reserved": Look("an opcode that nobody may use yet", GREY, "⬡"),
    "tls": Look("a record of TLS: only the two ends can read what is in it", GREY, "⊠"),
    "socks": Look("asks a proxy for a connection, or is its answer", BLUE, "▷"),
    "gap": Look("bytes that crossed, but are missing in the recording", GREY, "┄"),
}
"""How each kind is shown, in the order of a legend."""
