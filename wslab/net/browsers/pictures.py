"""Pictures of the real DevTools, taken while they watched the recorded conversation."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

from wslab.net.browsers.conversation import RECORDED, read_lines, recorded_play
from wslab.net.browsers.told import Told, told_by_chrome, told_by_firefox
from wslab.wire import Capture, printable

PICTURES = {
    "chrome-messages": "The Network pane of Chrome's DevTools, with a WebSocket's Messages.",
    "chrome-headers": (
        "The Network pane of Chrome's DevTools, with a WebSocket's Headers: the URL, the method, "
        "the status 101, and the fields of response and request in alphabetical order, each with "
        "capital letters of DevTools' own. A box named Raw stands beside both, and is not ticked."
    ),
    "firefox-messages": "The Network pane of Firefox's DevTools, with a WebSocket's Response.",
    "firefox-control-frames": (
        "The same pane after its filter Control and all its columns were switched on: Data, Size, "
        "OpCode, MaskBit, FinBit and Time."
    ),
}
"""The pictures by name: what each shows."""


class DevtoolsPicture(NamedTuple):
    """A picture of DevTools in a light and a dark theme, as WebP."""

    light: bytes
    dark: bytes
    alt: str
    """What is to be seen, for those who do not see it."""
    caption: str


def devtools_picture(name: str) -> DevtoolsPicture:
    """The picture of that name. Raises KeyError for one that is not in `PICTURES`."""
    if name not in PICTURES:
        raise KeyError(f"expected one of {', '.join(PICTURES)}, got {name!r}")
    alt, which = PICTURES[name], name.partition("-")[0]
    (head, *_) = read_lines(RECORDED / f"{which}.jsonl")
    if name == "chrome-messages":
        shown = (
            one for one in told_by_chrome(recorded_play(Capture()).events) if "Frame" in one.name
        )
        alt += _rows(shown)
    elif which == "firefox":
        control = name == "firefox-control-frames"
        alt += _rows(one for one in told_by_firefox() if control or not one.hidden)
    light, dark = ((RECORDED / f"{name}-{theme}.webp").read_bytes() for theme in ("light", "dark"))
    browser = head["browser"].replace("/", " ")
    return DevtoolsPicture(light, dark, alt, f"{browser}, without a window, on {head['day']}")


def _rows(told: Iterable[Told]) -> str:
    """The rows of a list of messages, as a sentence each."""
    words = {"client": "sent", "server": "received", None: ""}
    rows = [one for one in told if one.kind not in ("request", "response")]
    texts = (one.text if len(one.text) <= 60 else f"{one.text[:20]}…" for one in rows)
    lines = [
        f"{words[one.direction]} {printable(text)} {one.length}".strip()
        for one, text in zip(rows, texts, strict=True)
    ]
    return f" {len(lines)} rows: {'; '.join(lines)}."
