"""The registry of everything that runs: it lists and stops things, and replaces one by the next.

Servers, taps and clients register themselves when they start and leave when they stop. The key is
kind and name: a cell that is run twice starts "the echo server" anew, and stops the first one.
"""

from __future__ import annotations

import contextlib
import os
import sys
import threading
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from html import escape
from typing import Protocol, TypeVar

from wslab.net.loop import problems, refuse_on_loop_thread
from wslab.wire.protocol import masked_text

V = TypeVar("V")

SWITCH_INTERVAL = 0.0005
"""Seconds after which a busy cell gives way to the loop thread, while something runs. During a cell
that computes, a round trip took 7.7 ms with Python's default of 0.005, and takes 0.8 ms with this.
"""


class Stoppable(Protocol):
    """Something that the registry can hold and stop. `stop` may be called twice. `url`, `port` and
    `forget` are optional; `forget` is called in a forked child, where the parent still needs it.
    """

    def stop(self) -> None: ...


@dataclass(frozen=True)
class Entry:
    """An entry of the registry: a kind ("server", "tap", "client"), a name, and what runs."""

    kind: str
    name: str
    thing: Stoppable = field(repr=False)

    @property
    def url(self) -> str | None:
        """The address it listens on or is connected to; None while it is starting."""
        return self._ask("url", str)

    @property
    def shown_url(self) -> str:
        """The address, without a login that is in it; empty while it is starting."""
        return masked_text(self.url or "")

    @property
    def port(self) -> int | None:
        """The port it listens on; None for a client."""
        return self._ask("port", int)

    def stop(self) -> None:
        """Stop it."""
        self.thing.stop()

    def __str__(self) -> str:
        return f"{self.kind} {self.name!r}" + (f" at {self.shown_url}" if self.url else "")

    def _ask(self, attribute: str, expected: type[V]) -> V | None:
        try:
            value = getattr(self.thing, attribute, None)
        except Exception:  # not started yet, or not one of ours: listing must never fail
            return None
        return value if isinstance(value, expected) else None


class Running(list[Entry]):
    """The entries, readable as a table."""

    def __repr__(self) -> str:
        if not self:
            return "nothing is running"
        rows = [
            ("kind", "name", "url"),
            *((e.kind, e.name, e.shown_url) for e in self),
        ]
        widths = [max(len(row[column]) for row in rows) for column in range(3)]
        return "\n".join(
            "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()
            for row in rows
        )

    def _repr_html_(self) -> str:
        if not self:
            return "<p>nothing is running</p>"
        rows = "".join(_html_row("td", (e.kind, e.name, e.shown_url)) for e in self)
        return f"<table>{_html_row('th', ('kind', 'name', 'url'))}{rows}</table>"


_lock = threading.Lock()
_telling = threading.RLock()  # one at a time: the last word is the latest
_watchers: list[Callable[[list[int]], None]] = []
_entries: dict[tuple[str, str], Entry] = {}
_interval_before: float | None = None


def register(kind: str, name: str, thing: Stoppable) -> None:
    """Register `thing`, after stopping what ran under this kind and name before. If that fails,
    `loop.problems` says so.
    """
    refuse_on_loop_thread("registry.register")
    with _lock:
        predecessor = _entries.get((kind, name))
        _entries[kind, name] = Entry(kind, name, thing)
        _set_switch_interval()
    # Outside the lock: stopping waits for the loop thread, which may be removing another entry.
    if predecessor is not None and predecessor.thing is not thing:
        try:
            predecessor.stop()
        except Exception as fault:  # the new one must start anyway
            problems.note(f"{predecessor} could not be stopped", fault)


def unregister(thing: Stoppable) -> None:
    """Remove `thing` if it is registered. Never waits, so that the loop thread may call it."""
    with _lock:
        keys = [key for key, entry in _entries.items() if entry.thing is thing]
        for key in keys:
            del _entries[key]
        _set_switch_interval()
    if keys:
        tell_ports()


def holds(thing: Stoppable) -> bool:
    """Whether `thing` is registered. Never waits."""
    with _lock:
        return any(entry.thing is thing for entry in _entries.values())


def running() -> Running:
    """What is running now, oldest first."""
    with _lock:
        return Running(_entries.values())


def stop_all() -> None:
    """Stop everything that runs: clients first, so that they can say goodbye, then taps, servers.

    Before that, taps deliver the frames that they hold; otherwise the goodbyes would be held too.

    If one of them cannot be stopped, the others are stopped anyway, and the first error is raised
    at the end.
    """
    order = {"client": 0, "tap": 1}
    failure: Exception | None = None
    for entry in running():
        with contextlib.suppress(Exception):
            if disarm := getattr(entry.thing, "disarm", None):
                disarm()
    for entry in sorted(running(), key=lambda entry: order.get(entry.kind, 2)):
        try:
            entry.stop()
        except Exception as error:
            failure = failure or error
        # Not after an interrupt: what still runs must stay in the registry.
        unregister(entry.thing)
    if failure is not None:
        raise failure


def _forget_all() -> None:
    """Empty the registry of a forked child: its entries belong to the parent, and run there."""
    global _lock, _telling
    _lock, _telling = threading.Lock(), threading.RLock()
    _watchers.clear()
    for entry in _entries.values():
        if forget := getattr(entry.thing, "forget", None):
            forget()
    _entries.clear()
    _set_switch_interval()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_forget_all)


def port_holder(port: int) -> Entry | None:
    """The server or tap of ours that listens on `port`; None if none does."""
    return next((entry for entry in running() if entry.port == port), None)


def watch_ports(watcher: Callable[[list[int]], None]) -> None:
    """Call `watcher` with the ports that servers and taps listen on: now, and when they change.

    It is called on any thread, also the loop thread, and must be quick.
    """
    _watchers.append(watcher)
    tell_ports()


def tell_ports() -> None:
    """Tell the watchers that a port was opened or let go."""
    with _telling:
        if not _watchers:
            return
        ports = sorted(
            {e.port for e in running() if e.port and getattr(e.thing, "is_running", True)}
        )
        for watcher in _watchers:
            try:
                watcher(ports)
            except Exception as fault:  # whoever starts or stops something is not to blame
                problems.note("the open ports could not be told", fault)


def _set_switch_interval() -> None:
    # Called under the lock. Never overwrite a value that a learner has set in the meantime.
    global _interval_before
    now = sys.getswitchinterval()
    if _entries and _interval_before is None and now > SWITCH_INTERVAL:
        _interval_before = now
        sys.setswitchinterval(SWITCH_INTERVAL)
    elif not _entries and _interval_before is not None:
        if abs(now - SWITCH_INTERVAL) < 2e-6:
            # Python truncates to whole microseconds: 1e-4 s would come back as 99 of them.
            sys.setswitchinterval(_interval_before + 5e-7)
        _interval_before = None


def _html_row(tag: str, cells: Iterable[str]) -> str:
    return "<tr>" + "".join(f"<{tag}>{escape(cell)}</{tag}>" for cell in cells) + "</tr>"
