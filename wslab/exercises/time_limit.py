"""Limits the time of a learner's code, so that even an endless loop ends."""

from __future__ import annotations

import contextvars
import ctypes
import threading
from collections.abc import Callable
from typing import TypeVar

T = TypeVar("T")

TRIES = 10
"""How often, every `PAUSE` seconds, code that catches all exceptions is told to end."""
PAUSE = 0.1


class TimeIsUp(BaseException):
    """Raised inside code that took too long; `except Exception` does not catch it."""


def within(seconds: float, call: Callable[[], T]) -> T:
    """Run `call` on a thread of its own, and return or raise what it returns or raises.

    Raises `TimeIsUp` if it is not done after `seconds`, and raises it inside the code to end it.
    Code that blocks outside Python, or catches even this, is left running on its thread.
    """
    # Not on the caller's thread: what is raised in the last moment must not hit the caller's code.
    results: list[tuple[T | None, BaseException | None]] = []
    lock = threading.Lock()

    def work() -> None:
        try:
            try:
                result: tuple[T | None, BaseException | None] = call(), None
            except BaseException as error:
                result = None, error
            with lock:  # after this, nothing is raised in here any more
                results.append(result)
        except TimeIsUp:
            pass

    context = contextvars.copy_context()  # tells Jupyter which cell prints
    worker = threading.Thread(target=context.run, args=(work,), name="wslab-exercise", daemon=True)
    worker.start()
    try:
        worker.join(seconds)
    finally:  # also if the kernel is interrupted
        for _ in range(TRIES):
            with lock:
                if not worker.is_alive() or results:
                    break
                raise_in(worker, TimeIsUp)
            worker.join(PAUSE)
    value, error = results[0] if results else (None, TimeIsUp())
    if isinstance(error, TimeIsUp) and not error.args:
        raise TimeIsUp(f"not done after {seconds:g} s: this looks like a loop without an end")
    if error is not None:
        raise error
    return value  # type: ignore[return-value]


def raise_in(thread: threading.Thread, error: type[BaseException]) -> None:
    """Raise an exception of that class in what a thread is doing, if it runs Python."""
    ctypes.pythonapi.PyThreadState_SetAsyncExc(
        ctypes.c_ulong(thread.ident or 0), ctypes.py_object(error)
    )
