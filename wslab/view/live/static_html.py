"""Renders a recording as HTML or text: for saved notebooks, nbviewer, and readers without widgets.

No script, no style sheet, nothing to load. Inline styles use the reader's own colours, so that it
is readable in light and dark, and without styles too (on GitHub). Everything that crossed the wire
is escaped.
"""

from __future__ import annotations

from html import escape

from wslab.wire import KINDS, PALETTE, Unit
from wslab.wire.recording import Capture, Row

from .batches import MOST_FIELDS, clipped, link

ROWS = 50
"""The rows that are shown by default: few, because they are saved in the notebook."""

BYTES = 256
"""The most bytes that are shown of one unit."""

_MONO = "font-family:var(--jp-code-font-family,ui-monospace,monospace);font-size:.93em"
_RULE = "color-mix(in srgb,currentColor 22%,transparent)"
_ALARM = (
    f"background:{PALETTE['alarm'].plain};"
    "color:#fff;border-radius:3px;padding:0 .4em;font-weight:600"
)
_DONE = "border:1px dashed currentColor;border-radius:3px;padding:0 .4em"
_CELL = "text-align:left;vertical-align:top;padding:.1em 1.2em .1em 0;border:0"


def render(capture: Capture, *, server_label: str = "server", rows: int = ROWS) -> str:
    """The first `rows` rows of `capture` as HTML, each opening to its fields and bytes."""
    index = capture.index
    count = len(index)
    shown = index.rows(0, min(rows, count))
    many = len({row.connection for row in shown}) > 1
    labels = capture.labels() if many else {}
    parts = [_row(row, index.unit(row.number), labels.get(row.connection, "")) for row in shown]
    if not shown:
        parts = ['<p style="margin:.8em;opacity:.8">Nothing has crossed the wire yet.</p>']
    elif count > len(shown):
        parts.append(
            f'<p style="margin:.6em .8em;opacity:.8">… and {count - len(shown):,} more rows: run '
            "this cell to see them live.</p>"
        )
    states = ", ".join(f"{labels.get(n, '')} {index.state(n)}".lstrip() for n in index.connections)
    head = f"<b>wire</b> · {_plural(count, 'row')}" + (f" · {escape(states)}" if states else "")
    lost = f'<p style="margin:.3em .8em" data-wslab="loss">{escape(loss(capture))}</p>'
    peers = (
        '<div style="display:flex;justify-content:space-between;margin:0 .5em 0 6.7em;'
        'font-weight:600"><span>client</span><span> </span>'
        f"<span>{escape(server_label)}</span></div>"
    )
    return (
        '<div data-wslab="wire-static" style="border:1px solid '
        f"{_RULE};border-radius:4px;padding:.5em 0;max-width:72em;line-height:1.5;"
        'font-family:var(--jp-ui-font-family,system-ui,sans-serif)">'
        f'<div style="padding:0 .8em .4em">{head}</div>{lost if capture.dropped else ""}{peers}'
        f"{''.join(parts)}</div>"
    )


def summary(capture: Capture, *, rows: int = 20) -> str:
    """The first `rows` rows of `capture` as lines of text."""
    index = capture.index
    count = len(index)
    lines = [f"wire: {_plural(count, 'row')}", *([loss(capture)] if capture.dropped else [])]
    labels = capture.labels()
    for row in index.rows(0, min(rows, count)):
        whose = f"{labels[row.connection]}  " if len(labels) > 1 else ""
        arrow = "client ──▶ server" if row.direction == "client" else "client ◀── server"
        broken = "  ⚠ broken" if row.broken else ""
        broken += f"  [{row.mark}]" if row.mark else ""
        lines.append(
            f"{row.time:9.3f}  {whose}{arrow}  {_kind(row):<12} {row.length:>7,} B  "
            f"{row.preview}{broken}"
        )
    if count > rows:
        lines.append(f"           … and {count - rows:,} more")
    return "\n".join(lines)


def loss(capture: Capture) -> str:
    """Say how much of a recording was dropped, and how to keep more; empty if nothing was."""
    if not capture.dropped:
        return ""
    return (
        f"{capture.loss} To keep more of what comes: capture.limit = {2 * capture.limit:_} (bytes "
        "of this kernel's memory)."
    )


def _row(row: Row, unit: Unit, label: str) -> str:
    look = KINDS[row.kind]
    colour = look.colour.plain
    server = row.direction == "server"
    line = (
        '<span aria-hidden="true" style="flex:{grow};align-self:center;'
        f"border-top:2px {'dashed' if row.kind in ('ping', 'pong', 'close') else 'solid'} {colour}"
        '"></span>'
    )
    tip = f'<span aria-hidden="true" style="color:{colour}">{"◀" if server else "▶"}</span>'
    broken = f' <span style="{_ALARM}">⚠ broken</span>' if row.broken else ""
    if row.mark:
        broken += f' <span style="{_DONE}">{escape(row.mark)}</span>'
    # For screen readers, and for sites that remove styles; otherwise hidden: the arrow shows it.
    words = (
        '<span style="position:absolute;clip-path:inset(50%);width:1px;overflow:hidden;'
        'color:transparent">'
        f" {'server → client' if server else 'client → server'}: </span>"
    )
    whose = f"{escape(label)} · " if label else ""
    lane = [
        f'<code style="{_MONO};background:none;color:inherit;min-width:0;overflow:hidden;'
        f'text-overflow:ellipsis;unicode-bidi:isolate">{escape(row.preview)}</code> ',
        line.format(grow="1 1 1.5em"),
        f' <span style="white-space:nowrap"><span aria-hidden="true" style="color:{colour}">'
        f"{look.shape}</span> {whose}{_kind(row)} · "
        f"{row.length:,} B{broken}</span> ",
        line.format(grow="0 0 1em") + tip,
    ]
    direction = "row-reverse" if server else "row"
    gap = "margin-right:-.2em" if server else "margin-left:-.2em"
    return (
        f'<details data-wslab-row="{row.number}" data-kind="{row.kind}" '
        f'data-direction="{row.direction}" style="margin:0 .5em">'
        '<summary style="cursor:pointer"><span style="display:inline-flex;width:calc(100% - 1.5em);'
        'vertical-align:middle;white-space:nowrap">'
        f'<span style="flex:0 0 4.6em;text-align:right;padding-right:.9em;opacity:.8;{_MONO}">'
        f"{row.time:.3f}</span>{words}"
        f'<span style="flex:1;min-width:0;display:flex;flex-direction:{direction};gap:.5em;'
        "align-items:baseline;padding:.1em 0;border:solid color-mix(in srgb,currentColor 45%,"
        f'transparent);border-width:0 2px"><span style="{gap}"></span>{"".join(lane)}</span>'
        f"</span></summary>{render_unit(unit, indent='5.6em')}</details>"
    )


def render_unit(unit: Unit, *, indent: str = "0") -> str:
    """One unit as HTML: the rules that it breaks, its fields, its bytes."""
    broken = "".join(
        f'<p style="margin:.3em 0"><span style="{_ALARM}">⚠ broken</span> '
        f"{escape(violation.text)}{_answer(violation.close_code, violation.http_status)} "
        f"{reference(violation.rfc)}</p>"
        for violation in unit.violations
    )
    # As wide as the values need: long values are broken, numbers and host names are not.
    width = min(26, max((len(_value(field.value)) for field in unit.fields), default=0))
    fields = "".join(
        f'<tr><th style="{_CELL};white-space:nowrap">{escape(field.name)}</th>'
        f'<td style="{_CELL};{_MONO};min-width:{width}ch;overflow-wrap:anywhere">'
        f"{escape(_value(field.value))}</td>"
        f'<td style="{_CELL};min-width:16em">{escape(field.meaning)} {reference(field.rfc)}</td>'
        "</tr>"
        for field in unit.fields[:MOST_FIELDS]
    )
    return (
        f'<div style="margin:.3em 0 .8em {indent};padding-left:1em;border-left:3px solid '
        f'{_RULE}">{broken}<table style="border-collapse:collapse;margin:.3em 0;'
        f'font-size:.95em">{fields}</table>'
        f'<pre style="{_MONO};margin:.5em 0;overflow-x:auto;white-space:pre;line-height:1.45">'
        f"{escape(hex_lines(unit.data, BYTES))}</pre></div>"
    )


def hex_lines(data: bytes, most: int) -> str:
    """The first `most` bytes as lines of 16: offset, hex in groups of eight, and text."""
    lines = []
    for start in range(0, min(len(data), most), 16):
        line = data[start : min(start + 16, most)]
        digits = f"{line[:8].hex(' ')}  {line[8:].hex(' ')}".rstrip()
        text = "".join(chr(byte) if 0x20 <= byte < 0x7F else "·" for byte in line)
        lines.append(f"{start:04x}  {digits:<48}  {text}")
    if len(data) > most:
        lines.append(f"… {len(data) - most:,} more bytes")
    return "\n".join(lines)


def _value(value: int | str | None) -> str:
    text = clipped(value) or ""
    return text if len(text) <= 120 else text[:119] + "…"


def _answer(close_code: int | None, http_status: int | None) -> str:
    if close_code is not None:
        return f" Answer: close code {close_code}."
    return f" Answer: HTTP status {http_status}." if http_status is not None else ""


def reference(rfc: str, text: str = "") -> str:
    """A link to the section that `rfc` names, with the words `text` (default: `rfc` itself)."""
    url = link(rfc)
    if url is None:
        return escape(rfc)
    return (
        f'<a href="{escape(url)}" target="_blank" rel="noopener noreferrer" '
        'style="white-space:nowrap;color:var(--jp-content-link-color,revert);'
        f'text-decoration:underline">{escape(text or rfc)}</a>'
    )


def _kind(row: Row) -> str:
    return row.kind if row.fin else f"{row.kind}, more follows"


def _plural(count: int, noun: str) -> str:
    return f"{count:,} {noun}{'' if count == 1 else 's'}"
