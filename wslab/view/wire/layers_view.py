"""Shows messages, frames and reads above each other, to scale: a picture for the notebook."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape

from wslab.wire import KINDS, PALETTE
from wslab.wire.recording import Layers, Span

_COLOURS = {kind: look.colour for kind, look in KINDS.items()} | {"read": PALETTE["grey"]}
_SHOWN = 150
"""The most spans of one layer that are drawn."""


class LayersView:
    """Three rows of boxes; the width of a box is its number of bytes."""

    def __init__(self, layers: Layers) -> None:
        self.layers = layers

    def _repr_html_(self) -> str:
        found = self.layers
        rows = [
            ("messages", found.messages),
            ("frames", found.frames),
            ("reads", found.reads),
        ]
        body = "".join(self._row(name, spans) for name, spans in rows)
        size = found.stop - found.start
        return (
            "<div data-wslab='layers' style='max-width:64em;line-height:1.5'>"
            f"{body}<div style='margin-left:clamp(0em,99*(100% - 29em),9em);opacity:.75'>"
            f"{size:,} bytes on the wire, drawn to scale</div></div>"
        )

    def _row(self, name: str, spans: Sequence[Span]) -> str:
        whole = max(self.layers.stop - self.layers.start, 1)
        boxes, position = [], self.layers.start
        for span in spans[:_SHOWN]:
            if span.start > position:
                boxes.append(f"<span style='flex:{span.start - position} 0 0'></span>")
            wide = (span.stop - span.start) / whole
            text = _text(span) if wide > 0.035 else ""
            boxes.append(
                f"<span title='{escape(_title(span), quote=True)}' style='flex:"
                f"{span.stop - span.start} 0 0;min-width:2px;overflow:hidden;"
                "white-space:nowrap;text-overflow:ellipsis;padding:.1em 0;text-align:center;"
                "box-sizing:border-box;border:1px solid color-mix(in srgb,currentColor 55%,"
                "transparent);border-bottom:4px solid "
                f"{_COLOURS[span.kind].plain}'>{escape(text)}</span>"
            )
            position = span.stop
        if position < self.layers.stop:
            boxes.append(f"<span style='flex:{self.layers.stop - position} 0 0'></span>")
        count = f"{len(spans)} {name if len(spans) != 1 else name[:-1]}"
        return (
            "<div style='display:flex;flex-wrap:wrap;margin:.25em 0'>"
            f"<b style='flex:none;width:9em'>{count}</b>"
            f"<span style='flex:1 1 20em;min-width:0;display:flex'>{''.join(boxes)}</span></div>"
        )

    def __repr__(self) -> str:
        found = self.layers
        return (
            f"messages: {len(found.messages)}, frames: {len(found.frames)}, "
            f"reads: {len(found.reads)}, bytes: {found.stop - found.start}"
        )


def _text(span: Span) -> str:
    return span.label if span.kind == "read" else f"{span.kind} {span.label}"


def _title(span: Span) -> str:
    return f"{_text(span)} ({span.stop - span.start} bytes)"
