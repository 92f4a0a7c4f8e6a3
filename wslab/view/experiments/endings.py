"""The gallery of endings: a button for each, and three columns for what came of it."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Mapping, Sequence
from html import escape
from typing import Any, Protocol

import traitlets

from wslab.wire.protocol.close_codes import CLOSE_CODES, close_code

from ..live.assets import script, style
from ..live.batches import link
from ..live.jobs import Jobs
from ..live.live_view import LiveView


class Report(Protocol):
    """What one peer's API says."""

    @property
    def code(self) -> int | None: ...
    @property
    def reason(self) -> str: ...
    @property
    def clean(self) -> bool | None: ...
    @property
    def said(self) -> Sequence[str]: ...
    @property
    def raw(self) -> bool: ...


class Line(Protocol):
    """Something that crossed."""

    @property
    def direction(self) -> str: ...
    @property
    def kind(self) -> str: ...
    @property
    def text(self) -> str: ...
    @property
    def row(self) -> int | None: ...
    @property
    def broken(self) -> bool: ...


class Result(Protocol):
    """What came of an ending; `wslab.net.cases.endings.Result` is one."""

    @property
    def name(self) -> str: ...
    @property
    def stack(self) -> str: ...
    @property
    def wire(self) -> Sequence[Line]: ...
    @property
    def client(self) -> Report: ...
    @property
    def server(self) -> Report: ...
    @property
    def as_documented(self) -> bool: ...
    @property
    def seconds(self) -> float: ...


class Ending(Protocol):
    """One button; `wslab.net.cases.endings.Ending` is one."""

    @property
    def name(self) -> str: ...
    @property
    def title(self) -> str: ...
    @property
    def what(self) -> str: ...
    @property
    def why(self) -> str: ...
    @property
    def rfc(self) -> str: ...
    @property
    def code(self) -> int | None: ...
    @property
    def difference(self) -> str: ...


class Endings(LiveView):
    """A button for each of `endings`; `play(name, stack)` makes one happen and returns its result.

    `stacks` are the libraries that can play, by name, with what to call them; a stack whose label
    begins with "-" is missing, and the rest of the label says why.
    """

    _esm = script("experiments/endings.js")
    _css = style("experiments/endings.css")
    _endings: Any = traitlets.List().tag(sync=True)
    _stacks: Any = traitlets.List().tag(sync=True)

    def __init__(
        self,
        endings: Sequence[Ending],
        stacks: Mapping[str, str],
        play: Callable[[str, str], Result],
        **traits: Any,
    ) -> None:
        self._play = play
        self._jobs = Jobs()
        self._outcomes: deque[dict[str, Any]] = deque()
        self._last: list[dict[str, Any]] = []  # for a page that opens later
        super().__init__(
            _endings=[_button(ending) for ending in endings],
            _stacks=[
                {"name": name, "label": label.removeprefix("-"), "missing": label.startswith("-")}
                for name, label in stacks.items()
            ],
            **traits,
        )

    def show(self, result: Result) -> None:
        """Show a result that came about elsewhere, by code."""
        self._outcomes.append(_told(result))
        self.tell()

    # -- asked by a page -------------------------------------------------------------------------

    def ask(self, question: dict[str, Any]) -> None:
        match question:
            case {"do": "hello"}:
                self._outcomes.extendleft(reversed(self._last))
            case {"do": "play", "name": str(name), "stack": str(stack)}:
                if name in (ending["name"] for ending in self._endings):
                    self._start(name, stack)

    def _start(self, name: str, stack: str) -> None:
        def done(result: Any, error: BaseException | None) -> None:
            if error is None:
                self.show(result)
                return
            problem = str(error) or type(error).__name__
            self._outcomes.append({"name": name, "stack": stack, "problem": problem})
            self.tell()

        # One lane: endings are played one after the other, in the order of the clicks.
        self._jobs.run("endings", lambda: self._play(name, stack), done)

    # -- told to the pages -----------------------------------------------------------------------

    def news(self, content: dict[str, Any], buffers: list[bytes]) -> float | None:
        if self._outcomes:
            outcomes = [self._outcomes.popleft() for _ in range(len(self._outcomes))]
            content["outcomes"] = outcomes
            name = outcomes[-1]["name"]
            kept = {entry["stack"]: entry for entry in self._last if entry["name"] == name}
            kept |= {entry["stack"]: entry for entry in outcomes if entry["name"] == name}
            self._last = list(kept.values())
        return None

    def static(self) -> dict[str, str]:
        rows = "".join(
            f"<tr><td style='text-align:left'><b>{escape(entry['name'])}</b></td>"
            f"<td style='text-align:left'>{escape(entry['title'])}</td>"
            f"<td style='text-align:left'>{escape(entry['what'])}</td></tr>"
            for entry in self._endings
        )
        head = "".join(
            f"<th style='text-align:left'>{title}</th>" for title in ("ending", "", "what happens")
        )
        return {
            "text/plain": f"{len(self._endings)} endings, each with a button",
            "text/html": f"<table data-wslab='endings-static'><tr>{head}</tr>{rows}</table>",
        }


def _button(ending: Ending) -> dict[str, Any]:
    entry = close_code(ending.code) if ending.code is not None else None
    return {
        "name": ending.name,
        "code": ending.code,
        "title": ending.title,
        "what": ending.what,
        "why": ending.why,
        "difference": ending.difference,
        "rfc": ending.rfc,
        "url": link(ending.rfc),
        "sendable": entry is None or entry.sendable,
        "who": entry.who if entry else None,
        "meaning": entry.meaning if entry else None,
        "then": entry.then if entry else None,
        "reconnect": entry.reconnect if entry else None,
    }


def _told(result: Result) -> dict[str, Any]:
    return {
        "name": result.name,
        "stack": result.stack,
        "as_documented": result.as_documented,
        "seconds": result.seconds,
        "wire": [
            {
                "direction": line.direction,
                "kind": line.kind,
                "text": line.text,
                "row": line.row,
                "broken": line.broken,
            }
            for line in result.wire
        ],
        "client": _column(result.client),
        "server": _column(result.server),
    }


def _column(report: Report) -> dict[str, Any]:
    return {
        "code": report.code,
        "name": close_code(report.code).name if report.code is not None else None,
        "reason": report.reason,
        "clean": report.clean,
        "said": list(report.said),
        "raw": report.raw,
    }


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
