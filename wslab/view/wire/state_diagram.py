"""Shows the states of both peers side by side, live, with the events that changed them."""

from __future__ import annotations

from html import escape
from math import inf
from typing import Any

import traitlets

from wslab.wire.protocol import TCP, TRANSITIONS, Peer, State, edges_of
from wslab.wire.recording import Capture, StateLog, Step, steps

from ..live.assets import script, style
from ..live.batches import describe, link
from ..live.live_view import LiveView
from .replay import Replay

PEERS: tuple[Peer, ...] = ("client", "server")

LINES = 400
"""The most lines of the time line: the newest ones."""

BYTES = 512
"""The most bytes of a unit beside the diagram; the wire view shows the rest."""


class StateDiagram(LiveView):
    """The states of client and server, each as that peer sees it, and what led to them.

    They follow from `capture` and the table `wslab.wire.TRANSITIONS`. `said` adds the states that
    the programs at both ends report. Shows the newest connection unless a page chooses another.
    Views with the same `replay` move through the recording together.
    """

    _esm = script("wire/state_diagram.js")
    _css = style("wire/state_diagram.css")
    _states: Any = traitlets.List().tag(sync=True)
    _edges: Any = traitlets.Dict().tag(sync=True)
    _tcp: Any = traitlets.Dict().tag(sync=True)

    def __init__(
        self,
        capture: Capture,
        said: StateLog | None = None,
        *,
        replay: Replay | None = None,
        **traits: Any,
    ) -> None:
        self.capture = capture
        self.said = said
        self._replay = replay or Replay()
        self._walked: tuple[tuple[int, ...], list[Step]] | None = None
        self._chosen: int | None = None
        self._told: tuple[Any, ...] | None = None
        self._details: dict[str, int] = {}
        self._unsubscribe = capture.subscribe(self.tell)
        self._leave_replay = self._replay.subscribe(self.tell)
        super().__init__(
            _states=[state.name for state in State],
            _edges={peer: [_edge(edge) for edge in edges_of(peer)] for peer in PEERS},
            _tcp={tcp.name: tcp.value for tcp in TCP},
            **traits,
        )

    def unsubscribe(self) -> None:
        self._unsubscribe()
        self._leave_replay()

    def forget(self) -> None:
        super().forget()
        self.capture, self.said, self._unsubscribe = Capture(), None, lambda: None
        self._walked = None

    # -- asked by a page -------------------------------------------------------------------------

    def ask(self, question: dict[str, Any]) -> None:
        match question:
            case {"do": "hello"}:
                self._told = None
            case {"do": "connection", "number": int(number)}:
                self._chosen = number or None
                self._told = None
            case {"do": "moment", "rows": int() | None as rows, "page": str(page)}:
                self._replay.show(rows, page)
            case {"do": "detail", "number": int(number), "page": str(page)}:
                self._details[page] = number

    # -- told to the pages -----------------------------------------------------------------------

    def news(self, content: dict[str, Any], buffers: list[bytes]) -> float | None:
        index = self.capture.index
        moment = self._replay.account()
        said = len(self.said) if self.said else 0
        seen = (len(index), len(self.capture.events), said, *moment.values())
        if seen != self._told:
            self._told = seen
            content["story"] = {**self.story(moment["rows"]), "moment": moment}
        while self._details:
            page, number = self._details.popitem()
            try:
                account, data = describe(index.unit(number), BYTES)
            except LookupError as error:
                content["detail"] = {"page": page, "number": number, "missing": str(error)}
                continue
            content["detail"] = {**account, "page": page, "hex": data.hex(" ")}
            break
        return 0.0 if self._details else None

    def story(self, rows: int | None = None) -> dict[str, Any]:
        """The states of both peers, and the steps that led to them, as plain data.

        With `rows` as they were when the first `rows` rows of the recording had crossed.
        """
        until, rows = self._until(rows)
        opened = {e.connection: e.time for e in list(self.capture.events) if e.name == "open"}
        connections = [n for n in self.capture.index.connections if opened.get(n, 0.0) <= until]
        newest = connections[-1] if connections else None
        shown = self._chosen if self._chosen in connections else newest
        now: dict[str, Any] = {
            peer: {"state": "CONNECTING" if shown else None, "tcp": None, "says": {}}
            for peer in PEERS
        }
        lines: list[dict[str, Any]] = []
        if shown is not None:
            taken = [
                step
                for step in self._steps(shown)
                if step.time <= until and (rows is None or step.row is None or step.row < rows)
            ]
            if any(
                event.connection == shown and event.name == "upgraded"
                for event in list(self.capture.events)
            ):
                for peer in PEERS:
                    now[peer]["state"] = "OPEN"
            for peer in PEERS:
                now[peer]["tcp"] = TCP.ESTABLISHED.name
            for step in taken:
                now[step.peer] |= {"state": step.after.name, "tcp": step.tcp.name}
                if (step.before, step.event) in TRANSITIONS:  # else only TCP's state changed
                    edge = [step.before.name, step.event.name]
                    now[step.peer] |= {"edge": edge, "row": step.row}
                lines.append(
                    {
                        "time": step.time,
                        "peer": step.peer,
                        "text": step.event.value,
                        "event": step.event.name,
                        "state": step.after.name,
                        "moved": step.after is not step.before,
                        "tcp": step.tcp.name,
                        "row": step.row,
                    }
                )
            for change in self.said.of_connection(shown) if self.said else []:
                if change.time > until:
                    continue
                now[change.peer]["says"][change.source] = change.state
                lines.append(
                    {
                        "time": change.time,
                        "peer": change.peer,
                        "source": change.source,
                        "state": change.state,
                    }
                )
        lines.sort(key=lambda line: line["time"])
        return {
            "connection": shown,
            "connections": [[n, self.capture.label(n)] for n in list(connections)[-50:]],
            "following": self._chosen is None,
            "now": now,
            "lines": lines[-LINES:],
            "rows": len(self.capture.index),
            "time": until if rows else None,
        }

    def _until(self, rows: int | None) -> tuple[float, int | None]:
        """The time of the last of the first `rows` rows; without end where that is all of them."""
        index = self.capture.index
        if rows is None or rows >= len(index):
            return inf, None
        return (index.rows(rows - 1, rows)[0].time if rows else -1.0), rows

    def _steps(self, connection: int) -> list[Step]:
        """The connection's steps, found once for all moments of a replay."""
        key = (connection, len(self.capture.index), len(self.capture.events))
        if self._walked is None or self._walked[0] != key:
            self._walked = (key, steps(self.capture, connection))
        return self._walked[1]

    def static(self) -> dict[str, str]:
        story = self.story()
        states = {peer: story["now"][peer]["state"] or "no connection yet" for peer in PEERS}
        text = "; ".join(f"{peer}: {state}" for peer, state in states.items())
        rows = "".join(
            f"<tr><td>{line['time']:.3f}</td><td>{escape(line['peer'])}</td>"
            f"<td>{escape(line.get('text') or line['source'] + ' says')}</td>"
            f"<td>{escape(line['state'])}</td></tr>"
            for line in story["lines"]
        )
        table = f"<table>{rows}</table>" if rows else ""
        return {
            "text/plain": text,
            "text/html": f"<div data-wslab='state-static'><p>{escape(text)}</p>{table}</div>",
        }


def _edge(edge: Any) -> dict[str, Any]:
    return {
        "before": edge.before.name,
        "event": edge.event.name,
        "after": edge.after.name,
        "text": edge.event.value,
        "rfc": edge.rfc,
        "url": link(edge.rfc),
    }
