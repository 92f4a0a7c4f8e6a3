"""The kinds of units in words, colour and shape: one table for pages, pictures and terminals.

The colours are Okabe and Ito's palette, which people tell apart whatever they see of colour. No
kind is told by its colour alone: a shape and a word stand beside it.
"""

from __future__ import annotations

from typing import NamedTuple

from .fields import Kind


class Colour(NamedTuple):
    """One colour, as each medium needs it."""

    name: str
    """The style sheets' `--ws-<name>`."""
    plain: str
    """Where nobody knows how light the paper is."""
    on_light: str
    """Darkened a little until a thin line reads (3:1)."""
    on_dark: str
    """As published; the darkest ones lightened."""
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
"""The colours by name; `alarm` is for what is broken."""


class Look(NamedTuple):
    """How one kind of unit is shown."""

    meaning: str
    colour: Colour
    shape: str
    """Filled for what carries data or starts an exchange, hollow for what goes on or answers."""


KINDS: dict[Kind, Look] = {
    "request": Look("asks to turn HTTP into a WebSocket", BLUE, "◆"),
    "response": Look("the server's answer: 101 means yes", BLUE, "◇"),
    "text": Look("a message, or its first part, in UTF-8", GREEN, "●"),
    "binary": Look("the same, of any bytes", ORANGE, "■"),
    "continuation": Look("the next part of that message", YELLOW, "○"),
    "ping": Look("are you there?", PURPLE, "▲"),
    "pong": Look("yes, I am", PURPLE, "△"),
    "close": Look("I am done, and a code that says why", RED, "✕"),
    "reserved": Look("an opcode that nobody may use yet", GREY, "⬡"),
}
"""In the order in which a legend names them."""
