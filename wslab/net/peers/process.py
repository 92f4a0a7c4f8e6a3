"""Peers in processes of their own, controlled through their standard input and output."""

from __future__ import annotations

import contextlib
import json
import os
import subprocess
import threading
from collections.abc import Sequence
from typing import Any

from wslab.net.peers.peers import PATIENCE, PeerReport, Peers, plain


class ProcessEnded(Exception):
    """The process ended before it answered; the message is what it said last."""


class PeerProcess:
    """A process that takes orders on its standard input, and ends when that is closed.

    An order and its answer are one line of JSON each. So no stranger can give orders, and the
    process does not outlive its parent, whatever becomes of it.
    """

    def __init__(self, command: Sequence[str]) -> None:
        self.process = subprocess.Popen(
            command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            encoding="utf-8",
            errors="replace",
            # Not in the kernel's group: the Stop button is for the kernel alone.
            process_group=0 if os.name == "posix" else None,
        )

    def order(self, order: str, *, patience: float = 0.0, **details: Any) -> Any:
        """Give an order, and return its answer; the process has `patience` seconds more for it
        than usual. Raises `ProcessEnded`."""
        line = json.dumps(
            {"order": order, "patience": patience, **details},
            default=plain,
        )
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        answer, seconds = "", PATIENCE + patience
        late = threading.Timer(seconds, self.process.kill)
        late.start()
        with contextlib.suppress(OSError):  # the pipe of a process that has ended
            print(line, file=self.process.stdin, flush=True)
            answer = self.process.stdout.readline()
        too_late = late.finished.is_set()
        late.cancel()
        late.join()
        if not answer:
            words = self.end()
            raise ProcessEnded(
                f"no answer to {order!r} within {seconds:g} s" if too_late else words
            )
        return json.loads(answer)

    def end(self) -> str:
        """Close its input and wait for its end; returns its last words about an error."""
        try:
            _, words = self.process.communicate(timeout=PATIENCE)
        except subprocess.TimeoutExpired:
            self.process.kill()
            _, words = self.process.communicate()
        return next((line for line in words.splitlines() if "Error: " in line), "").strip()

    def kill(self) -> None:
        """Kill it, as `kill -9` does, and wait until it is gone."""
        self.process.kill()
        self.process.communicate()


class ProcessPeers(Peers):
    """A server and clients of one library, in two processes: one may crash without the other.

    `command` starts one. `reset` keeps the processes for the next play.
    """

    def __init__(self, command: Sequence[str]) -> None:
        self.command = list(command)
        self._processes: dict[str, PeerProcess] = {}
        self._gone: dict[str, str] = {}
        """How the process of a peer ended, by the peer's name, until the next play."""
        self._together = False

    def reset(self) -> None:
        for place, process in list(self._processes.items()):
            try:
                process.order("reset", who=place)
            except ProcessEnded:
                del self._processes[place]
        self._together, self._gone = False, {}

    def stop(self) -> None:
        for process in self._processes.values():
            process.end()
        self._processes, self._gone = {}, {}

    def leave(self, who: str) -> None:
        self._remove(who).end()
        self._gone[who] = "the process ended by itself"

    def kill(self, who: str) -> None:
        self._remove(who).kill()
        self._gone[who] = "the process was killed"

    def _remove(self, who: str) -> PeerProcess:
        return self._processes.pop(self._place(who))

    def _place(self, who: str) -> str:
        return "server" if who == "server" or self._together else "client"

    def _order(self, order: str, who: str, **details: Any) -> Any:
        if who in self._gone and order == "report":
            return PeerReport(None, "", False, (self._gone[who],))
        if who in self._gone and order == "hear":
            return []
        if order == "serve":
            self._together = details["together"]
        place = self._place(who)
        if place not in self._processes:
            self._processes[place] = PeerProcess(self.command)
        try:
            return self._processes[place].order(order, who=who, **details)
        except ProcessEnded as ended:
            if order != "report":
                raise
            del self._processes[place]
            return PeerReport(None, "", False, (f"the process ended: {ended}",))
