"""A table of measured results, which stays in a saved notebook."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape
from typing import NamedTuple

from wslab.wire import PALETTE

from ..live.static_html import reference

LONGEST_WORD = 24
"""Characters of the longest word that a column makes room for."""


class Bar(NamedTuple):
    """A cell with a bar: `part` is its length (0 to 1), and `text` stands beside it."""

    part: float
    text: str


class Link(NamedTuple):
    """A cell with a link to a section of an RFC, such as "RFC 6455 §7.4.1"."""

    text: str
    rfc: str


Cell = str | Bar | Link


class ResultTable:
    """Rows of cells under headings. Everything in it is shown as text, never as HTML.

    `kind` is its `data-wslab`; `note`, if there is one, stands above the table.
    """

    def __init__(
        self,
        headings: Sequence[str],
        rows: Sequence[Sequence[Cell]],
        kind: str = "result",
        *,
        note: str = "",
    ) -> None:
        self.kind = kind
        self.note = note
        self.headings = list(headings)
        self.rows = [list(row) for row in rows]

    def _repr_html_(self) -> str:
        style = "text-align:left;vertical-align:top;padding:.35em 1.2em .35em 0;"
        # Above the labels of the rows there may be nothing to say: then it heads nothing.
        head = "".join(
            f"<th style='{style}'>{escape(text)}</th>" if text else f"<td style='{style}'></td>"
            for text in self.headings
        )
        rows = "".join(
            "<tr>"
            + "".join(
                f"<td style='{style}{_width(cell, column)}'>{_html(cell)}</td>"
                for column, cell in enumerate(row)
            )
            + "</tr>"
            for row in self.rows
        )
        note = f"<p><strong>{escape(self.note)}</strong></p>" if self.note else ""
        # JupyterLab gives tables 12 pixels, at the size of a presentation too: em follows it.
        return (
            f"{note}<table data-wslab='{self.kind}' "
            "style='border-collapse:collapse;line-height:1.45;"
            f"font-size:.86em;max-width:72em'><thead><tr>{head}</tr></thead><tbody>{rows}</tbody></table>"
        )

    def __repr__(self) -> str:
        lines = [self.headings, *([_text(cell) for cell in row] for row in self.rows)]
        widths = [max(len(line[column]) for line in lines) for column in range(len(self.headings))]
        note = f"{self.note}\n\n" if self.note else ""
        return note + "\n".join(
            "  ".join(text.ljust(width) for text, width in zip(line, widths, strict=True)).rstrip()
            for line in lines
        )


def _width(cell: Cell, column: int) -> str:
    """A short label stays on one line; a narrow page gives a long text no more than three or so."""
    long = len(_text(cell))
    return (
        "white-space:nowrap" if column == 0 and long <= 24 else f"min-width:{min(long // 3, 20)}ch"
    )


def _text(cell: Cell) -> str:
    return cell if isinstance(cell, str) else cell.text


def _html(cell: Cell) -> str:
    if isinstance(cell, Link):
        return reference(cell.rfc, cell.text)
    # Isolated, so that right-to-left text does not affect the rest of the row. Only a word that is
    # long beyond measure is broken: others would be in a column that is a little too narrow.
    words = _text(cell).split()
    wrap = "anywhere" if any(len(word) > LONGEST_WORD for word in words) else "normal"
    text = f"<bdi style='overflow-wrap:{wrap}'>{escape(_text(cell))}</bdi>"
    if not isinstance(cell, Bar):
        return text
    width = round(8 * min(1.0, max(0.0, cell.part)), 2)
    bar = (
        f"<span aria-hidden='true' style='display:inline-block;width:{width}em;height:.7em;"
        f"background:{PALETTE['blue'].plain};margin-right:.5em'></span>"
    )
    return f"<span style='white-space:nowrap'>{bar}{text}</span>"
