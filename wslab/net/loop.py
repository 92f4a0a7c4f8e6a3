"""The loop thread: one daemon thread with its own asyncio event loop, on which all networking runs.

A server on the kernel's own loop stops answering while a cell runs, and JupyterLab runs widget
callbacks in another thread than cells, so there is not even *one* kernel loop. Therefore everything
that moves bytes runs on a loop of its own. The public functions of `wslab.net` are plain functions:
they hand that loop a coroutine and wait for its result. They work from a cell, from any thread, and
inside a running loop, whether nest_asyncio was applied or not.
"""

from __future__ import annotations

import asyncio
import os
import socket
import sys
import threading
import time
from collections.abc import Callable, Coroutine
from typing import Any, Generic, TypeVar

from wslab.net.errors import OnLoopThread, TimedOut
from wslab.net.problem_log import ProblemLog

T = TypeVar("T")

THREAD_NAME = "wslab-loop"

# Waiting for a lock cannot be interrupted on Windows: the Stop button takes effect when a slice
# ends. Elsewhere it takes effect at once, and waking five times a second costs nothing.
_SLICE = 0.2

problems = ProblemLog("loop")
"""What went wrong on the loop thread outside any call: kept here, because nothing may be printed
from a background thread.
"""

_lock = threading.Lock()
_loop: asyncio.AbstractEventLoop | None = None
_thread: threading.Thread | None = None


def start() -> asyncio.AbstractEventLoop:
    """Start the loop thread unless it runs already, and return its event loop. `run` does this by
    itself.
    """
    global _loop, _thread
    with _lock:
        if _loop is None or _thread is None or not _thread.is_alive():
            _loop = _new_loop()
            _loop.set_exception_handler(_keep_problem)
            # Daemon: it must never keep the kernel from ending.
            _thread = threading.Thread(
                target=_run_forever, args=(_loop,), name=THREAD_NAME, daemon=True
            )
            _thread.start()
        return _loop


def run(
    coroutine: Coroutine[Any, Any, T],
    timeout: float | None = None,
    *,
    refuse: Callable[[str], None] | None = None,
) -> T:
    """Run `coroutine` on the loop thread, wait for it, and return its result or raise its
    exception.

    Waits at most `timeout` seconds (None: without limit), then cancels the coroutine and raises
    `TimedOut`. A KeyboardInterrupt while waiting cancels the coroutine as well and leaves the loop
    usable. Raises `OnLoopThread` when called on the loop thread itself. `refuse` is called again
    and again while this waits, with the name of the call, and may raise: see `held_loop`.
    """
    # Named as the caller wrote it: Client.connect, not Client._connect.
    name = getattr(coroutine, "__qualname__", "the coroutine").replace("._", ".")
    try:
        refuse_on_loop_thread(name)
    except OnLoopThread:
        coroutine.close()  # otherwise Python warns, later, that it was never awaited
        raise
    call = _Call(coroutine, start())
    deadline = None if timeout is None else time.monotonic() + timeout
    try:
        call.begin()
        while not call.done.is_set():
            left = _SLICE if deadline is None else min(_SLICE, deadline - time.monotonic())
            if left <= 0:
                raise TimedOut(f"expected {name} to finish within {timeout:g} s; it did not")
            if not call.done.wait(left) and refuse is not None:
                refuse(name)
    except BaseException:
        call.cancel()
        raise
    return call.result()


def call(function: Callable[..., T], *arguments: Any) -> T:
    """Call a plain function on the loop thread, and return or raise what it does."""

    async def act() -> T:
        return function(*arguments)

    act.__qualname__ = function.__qualname__
    return run(act())


class _Call(Generic[T]):
    """Runs a coroutine on the loop thread, and hands its result to the calling thread.

    `asyncio.run_coroutine_threadsafe` does nearly the same, but an interrupt may come after it has
    scheduled the coroutine and before it has returned the future needed to cancel it.
    """

    def __init__(self, coroutine: Coroutine[Any, Any, T], loop: asyncio.AbstractEventLoop) -> None:
        self.done = threading.Event()
        self._coroutine = coroutine
        self._loop = loop
        self._task: asyncio.Task[T] | None = None
        self._given_up = False

    def begin(self) -> None:
        self._loop.call_soon_threadsafe(self._begin)

    def cancel(self) -> None:
        self._loop.call_soon_threadsafe(self._cancel)

    def result(self) -> T:
        assert self._task is not None
        return self._task.result()

    def _begin(self) -> None:
        if not self._given_up:
            self._task = self._loop.create_task(self._coroutine)
            self._task.add_done_callback(self._finish)

    def _cancel(self) -> None:
        self._given_up = True
        if self._task is None:
            self._coroutine.close()
        else:
            self._task.cancel()

    def _finish(self, task: asyncio.Task[T]) -> None:
        if not task.cancelled():
            task.exception()  # mark it as retrieved, even if nobody waits: asyncio would complain
        self.done.set()


def on_loop_thread() -> bool:
    """Whether this is called on the loop thread."""
    return _thread is not None and threading.current_thread() is _thread


def refuse_on_loop_thread(what: str) -> None:
    """Raise `OnLoopThread` if called on the loop thread, where `what` would wait for itself."""
    if on_loop_thread():
        raise OnLoopThread(
            f"{what} waits for the thread {THREAD_NAME!r}, but was called on that thread, where "
            "it would wait forever. Callbacks of wslab and handlers of its servers run there: "
            "let them set an event or fill a queue, and call this from a cell or another thread; "
            "in a coroutine, await the library directly."
        )


def tasks() -> list[asyncio.Task[Any]]:
    """The unfinished tasks on the loop thread: tests use them to find leaks."""
    if _loop is None:
        return []
    return run(_tasks())


async def _tasks() -> list[asyncio.Task[Any]]:
    # Run the loop once first: a task that was cancelled just now is about to end, and not a leak.
    await asyncio.sleep(0)
    return [task for task in asyncio.all_tasks() if task is not asyncio.current_task()]


def _new_loop() -> asyncio.AbstractEventLoop:
    """Make asyncio's own loop, whatever event loop policy a learner has set.

    The tap inserts a gate by replacing `data_received` of a connected protocol. Other loops, such
    as uvloop's, look that method up only once, at the beginning, and would bypass the gate.
    """
    if sys.platform == "win32":
        return asyncio.ProactorEventLoop()
    return asyncio.SelectorEventLoop()


def _leave_to_parent() -> None:
    """In a forked child: the loop, its thread and its sockets are the parent's.

    The child has copies of their file descriptors. To close a socket properly would end the
    parent's connection, and to keep it would serve the parent's port; so each of them now leads
    to nowhere. The old loop is kept, so that nothing of it is finalized and touches the descriptors
    of something new. What the child starts gets a loop and a thread of its own.
    """
    global _lock, _loop, _thread
    loop, _loop, _thread, _lock = _loop, None, None, threading.Lock()
    selector = getattr(loop, "_selector", None)
    if loop is None or selector is None:
        return
    _of_parents.append(loop)
    ours = {key.fd for key in selector.get_map().values()} | set(getattr(loop, "_transports", ()))
    if hasattr(selector, "fileno"):  # epoll's own, which parent and child would share
        ours.add(selector.fileno())
    # A connection that was accepted in this very moment is not known to the selector yet.
    addresses = {address for one in ours if (address := _address(one))}
    descriptors = map(int, os.listdir("/dev/fd"))  # noqa: PTH208 (numbers, not files)
    ours |= {one for one in descriptors if _address(one) in addresses}
    nowhere = os.open(os.devnull, os.O_RDWR)
    for descriptor in ours:
        os.dup2(nowhere, descriptor, inheritable=False)
    os.close(nowhere)


def _address(descriptor: int) -> Any:
    """The local address of an internet socket; None for another descriptor."""
    try:
        with socket.socket(fileno=os.dup(descriptor)) as one:
            address = one.getsockname()
    except OSError:
        return None
    return address if isinstance(address, tuple) else None


_of_parents: list[asyncio.AbstractEventLoop] = []

if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_leave_to_parent)


def _run_forever(loop: asyncio.AbstractEventLoop) -> None:
    asyncio.set_event_loop(loop)
    loop.run_forever()


def _keep_problem(loop: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
    problems.note(str(context.get("message", "")), context.get("exception"))
