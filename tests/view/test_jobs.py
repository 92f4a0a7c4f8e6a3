"""Jobs: in order within a lane, beside each other over lanes, and nothing left behind."""

from __future__ import annotations

import threading

from wslab.view.live.jobs import Jobs


def test_jobs_of_one_lane_run_one_after_the_other_in_order():
    jobs, ran, all_done = Jobs(), [], threading.Event()
    first_may_go = threading.Event()

    def job(number):
        assert number or first_may_go.wait(10)
        ran.append(number)

    def done(result, error):
        assert error is None
        if len(ran) == 20:
            all_done.set()

    for number in range(20):
        jobs.run("send", lambda number=number: job(number), done)
    first_may_go.set()
    assert all_done.wait(10)
    assert ran == list(range(20))


def test_a_lane_that_hangs_does_not_hold_up_another():
    jobs = Jobs()
    hangs, closed, connected = threading.Event(), threading.Event(), threading.Event()
    jobs.run("connect", lambda: hangs.wait(10), lambda *_: connected.set())
    jobs.run("close", lambda: None, lambda *_: closed.set())
    assert closed.wait(10)
    assert not connected.is_set()
    hangs.set()
    assert connected.wait(10)


def test_what_a_job_returns_or_raises_reaches_the_one_who_waits():
    jobs, outcomes, both = Jobs(), [], threading.Event()

    def done(result, error):
        outcomes.append((result, type(error)))
        if len(outcomes) == 2:
            both.set()

    jobs.run("ping", lambda: 0.25, done)
    jobs.run("ping", lambda: 1 / 0, done)
    assert both.wait(10)
    assert outcomes == [(0.25, type(None)), (None, ZeroDivisionError)]


def test_the_thread_of_a_lane_ends_when_the_lane_is_empty():
    jobs, done = Jobs(), threading.Event()
    threads = []
    jobs.run("send", lambda: threads.append(threading.current_thread()), lambda *_: done.set())
    assert done.wait(10)
    threads[0].join(10)
    assert not threads[0].is_alive()
