"""The registry of close codes as a table."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape

from wslab.wire import CLOSE_CODES, close_code

from ..live.batches import link


class CodeTable:
    """The registry as a table that stays in the notebook."""

    def __init__(self, codes: Sequence[int] | None = None) -> None:
        self.codes = list(CLOSE_CODES if codes is None else codes)

    def _repr_html_(self) -> str:
        cell = "style='text-align:left;vertical-align:top;padding:.25em .8em .25em 0'"
        titles = (
            "code",
            "name",
            "who may send it",
            "it means",
            "connect again?",
            "and the client then",
            "",
        )
        head = "".join(f"<th {cell}>{title}</th>" for title in titles)
        rows = []
        for entry in map(close_code, self.codes):
            url = link(entry.rfc)
            texts = [
                f"<b>{entry.code}</b>",
                escape(entry.name),
                escape(entry.who) + ("" if entry.sendable else ": never in a frame"),
                escape(entry.meaning),
                escape(entry.reconnect),
                escape(entry.then),
                f"<a href='{escape(url or '')}' target='_blank' rel='noopener'>"
                f"{escape(entry.rfc.removeprefix('RFC 6455 '))}</a>",
            ]
            rows.append("<tr>" + "".join(f"<td {cell}>{text}</td>" for text in texts) + "</tr>")
        return (
            "<table data-wslab='close-codes' style='border-collapse:collapse'>"
            f"<thead><tr>{head}</tr></thead><tbody>{''.join(rows)}</tbody></table>"
        )

    def __repr__(self) -> str:
        return "\n".join(
            f"{entry.code}  {entry.name:<22} {entry.who:<12} {entry.meaning}; {entry.then}"
            for entry in map(close_code, self.codes)
        )
