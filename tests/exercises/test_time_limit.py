"""The limit of time ends a loop wherever it was called from, and leaves everything else alone."""

from __future__ import annotations

import contextlib
import contextvars
import threading

import pytest

from wslab.exercises import time_limit
from wslab.exercises.time_limit import TimeIsUp, within


def workers():
    return [one for one in threading.enumerate() if one.name == "wslab-exercise"]


def loops():
    while True:
        pass


def test_what_is_done_in_time_is_handed_on():
    assert within(30, lambda: 7) == 7
    with pytest.raises(LookupError):
        within(30, lambda: {}["x"])
    assert not workers()


def test_it_runs_in_the_callers_context():
    cell = contextvars.ContextVar("cell", default=0)
    cell.set(3)
    assert within(30, cell.get) == 3


def test_a_loop_ends_in_the_main_thread_and_in_another():
    with pytest.raises(TimeIsUp):
        within(0.05, loops)
    ended = []

    def work():
        with pytest.raises(TimeIsUp):
            within(0.05, loops)
        ended.append(True)

    thread = threading.Thread(target=work)
    thread.start()
    thread.join(10)
    assert ended
    assert not workers()


def test_a_loop_that_catches_everything_ends_too():
    def catches_everything():
        count = 0
        while True:
            try:
                count += 1
            except BaseException:
                count = 0

    with pytest.raises(TimeIsUp):
        within(0.05, catches_everything)


def test_what_blocks_is_left_behind(monkeypatch):
    monkeypatch.setattr(time_limit, "TRIES", 1)
    event = threading.Event()
    with pytest.raises(TimeIsUp):
        within(0.05, event.wait)
    event.set()
    for worker in workers():
        worker.join(10)


def test_nothing_arrives_late(monkeypatch):
    monkeypatch.setattr(time_limit, "PAUSE", 0.0001)
    monkeypatch.setattr(time_limit, "TRIES", 1000)
    for number in range(300):
        with contextlib.suppress(TimeIsUp):
            assert within(0.0001 * (number % 10), lambda: sum(range(2000))) == 1_999_000
