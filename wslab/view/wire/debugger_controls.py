"""Carries out what a page asks of the wire debugger, and reports the result.

The view does not depend on the tap: a lab gives it a debugger, any object with these methods.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from typing import Any, Protocol

from ..live.jobs import Jobs
from ..live.typed import typed_bytes, typed_length

BITS = ("fin", "rsv1", "rsv2", "rsv3", "masked")
"""The header bits that a page may flip."""


class Debugger(Protocol):
    """What the view needs of a debugger; `wslab.net.Tap` has it. A frame is named by its row."""

    def status(self) -> dict[str, Any]: ...
    def subscribe(self, callback: Callable[[], None]) -> Callable[[], None]: ...
    def hold(self) -> None: ...
    def resume(self) -> None: ...
    def step(self) -> object: ...
    def deliver_all(self) -> int: ...
    def deliver(self, frame: int) -> object: ...
    def drop(self, frame: int) -> object: ...
    def duplicate(self, frame: int) -> object: ...
    def delay(self, frame: int, seconds: float) -> object: ...
    def edit(self, frame: int, payload: str | bytes | None, **changes: Any) -> object: ...
    def inject(self, message: str | bytes, direction: Any, *, opcode: int | None) -> None: ...
    def cut(self, *, hard: bool) -> int: ...
    def half_close(self, direction: Any) -> None: ...
    def freeze(self) -> None: ...
    def thaw(self) -> None: ...
    def slow(self, bytes_per_second: float | None, *, latency: float, jitter: float) -> None: ...
    def add_rule(self, rule: str) -> object: ...
    def remove_rule(self, rule: str) -> None: ...
    def disarm(self) -> None: ...


class DebuggerControls:
    """Runs what pages ask for as jobs, one after the other, and answers the page that asked."""

    def __init__(self, debugger: Debugger, tell: Callable[[], None]) -> None:
        self._debugger = debugger
        self._tell = tell
        self._jobs = Jobs()
        self._answers: deque[dict[str, Any]] = deque()
        self._told: dict[str, Any] | None = None
        self._unsubscribe = debugger.subscribe(tell)

    def close(self) -> None:
        """End the subscription to the debugger."""
        self._unsubscribe()

    def again(self) -> None:
        """Send everything once more, because a page has just opened."""
        self._told = None

    def ask(self, question: dict[str, Any]) -> None:
        """Start what a page asks for."""

        def done(_result: object, error: BaseException | None) -> None:
            said = "" if error is None else str(error) or type(error).__name__
            self._answers.append({"page": question.get("page"), "error": said})
            self._tell()

        self._jobs.run("debugger", lambda: self._do(question), done)

    def news(self, content: dict[str, Any]) -> float | None:
        """Put what has changed into `content`; returns 0 if there is more to send."""
        status = self._debugger.status()
        if status != self._told:
            content["debugger"] = self._told = status
        if self._answers:
            content["answer"] = self._answers.popleft()
        return 0.0 if self._answers else None

    def _do(self, question: dict[str, Any]) -> None:
        debugger = self._debugger
        match question:
            case {
                "what": "hold" | "resume" | "step" | "deliver_all" | "freeze" | "thaw" | "disarm"
            }:
                getattr(debugger, question["what"])()
            case {"what": "deliver" | "drop" | "duplicate", "row": int(row)}:
                getattr(debugger, question["what"])(row)
            case {"what": "delay", "row": int(row), "seconds": int() | float() as seconds}:
                debugger.delay(row, float(seconds))
            case {"what": "edit", "row": int(row), "changes": dict(changes)}:
                debugger.edit(row, *_changes(changes)[0], **_changes(changes)[1])
            case {"what": "inject", "direction": str(side), "kind": int(opcode)}:
                debugger.inject(_payload(question), side, opcode=opcode)
            case {"what": "cut" | "reset"}:
                debugger.cut(hard=question["what"] == "reset")
            case {"what": "half_close", "direction": str(side)}:
                debugger.half_close(side)
            case {"what": "slow"}:
                speed, latency, jitter = (
                    _number(question.get(name)) for name in ("speed", "latency", "jitter")
                )
                debugger.slow(speed, latency=(latency or 0) / 1000, jitter=(jitter or 0) / 1000)
            case {"what": "add_rule" | "remove_rule", "rule": str(rule)}:
                getattr(debugger, question["what"])(rule)
            case _:
                raise ValueError(f"the view asked for something unknown: {question!r}")


def _changes(asked: dict[str, Any]) -> tuple[tuple[str | bytes | None], dict[str, Any]]:
    changes: dict[str, Any] = {
        name: value for name in BITS if isinstance(value := asked.get(name), bool)
    }
    if isinstance(opcode := asked.get("opcode"), int):
        changes["opcode"] = opcode
    if isinstance(form := asked.get("length_form"), int):
        changes["length_form"] = form
    if isinstance(length := asked.get("announced_length"), str):
        changes["announced_length"] = typed_length(length)
    if isinstance(key := asked.get("masking_key"), str):
        changes["masking_key"] = typed_bytes(key, "masking key")
    changed = "text" in asked or "hex" in asked
    return (_payload(asked) if changed else None,), changes


def _payload(asked: dict[str, Any]) -> str | bytes:
    if isinstance(digits := asked.get("hex"), str):
        try:
            return bytes.fromhex(digits)
        except ValueError:
            raise ValueError(
                f"expected bytes in hex, two digits each, such as '03 e8', got {digits!r}"
            ) from None
    return str(asked.get("text", ""))


def _number(value: Any) -> float | None:
    return float(value) if isinstance(value, int | float) and value else None
