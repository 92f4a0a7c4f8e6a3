"""The pump: soon when idle, 20 messages a second at most, and never killed by a view."""

from __future__ import annotations

import threading

from wslab.view.live.pump import INTERVAL, LINGER, Pump


class View:
    """Notes when it is asked; `again` is what it answers, `raises` what it raises."""

    def __init__(self, pump, again=None, raises=None):
        self.pump, self.again, self.raises = pump, again, raises
        self.asked, self.failed = [], []
        pump.add(self)

    def flush(self):
        self.asked.append(self.pump.clock.now)
        if self.raises:
            raise self.raises
        return self.again

    def fail(self, error):
        self.failed.append(error)


def test_the_first_news_goes_out_at_once_but_for_a_moment_to_gather_its_echo(pump):
    view = View(pump)
    start = pump.clock.now
    pump.notify(view)
    pump.turn(1.0)
    assert view.asked == [start + LINGER]


def test_whatever_the_traffic_a_view_is_asked_20_times_in_any_second_at_most(pump):
    view = View(pump)
    for _ in range(5000):
        pump.notify(view)
        pump.turn(0.001)
    assert len(view.asked) > 5 * 18
    assert max(sum(t <= s < t + 1 for s in view.asked) for t in view.asked) <= 20
    gaps = [b - a for a, b in zip(view.asked, view.asked[1:], strict=False)]
    assert min(gaps) >= INTERVAL - 1e-9


def test_a_late_message_does_not_delay_those_that_follow_but_never_are_they_21_in_a_second(pump):
    view = View(pump, again=0.0)
    pump.notify(view)
    for late in (0.0, 0.04, 0.0, 0.001, 0.02) * 40:
        pump.clock.now += late
        pump.turn(0.1)
    seconds = view.asked[-1] - view.asked[0]
    assert len(view.asked) > 19.5 * seconds
    assert max(sum(t <= s < t + 1 for s in view.asked) for t in view.asked) == 20
    gaps = [b - a for a, b in zip(view.asked, view.asked[1:], strict=False)]
    assert min(gaps) < INTERVAL * 0.9


def test_each_view_has_a_rate_of_its_own(pump):
    one, two = View(pump), View(pump)
    pump.notify(one)
    pump.turn(LINGER)
    pump.notify(two)
    pump.turn(LINGER)
    assert len(one.asked) == len(two.asked) == 1


def test_a_view_that_wants_to_be_asked_again_is_after_that_time(pump):
    view = View(pump, again=1.0)
    pump.notify(view)
    pump.turn(0.5)
    view.again = None
    pump.turn(10.0)
    assert len(view.asked) == 2
    assert abs(view.asked[1] - view.asked[0] - 1.0) < 1e-9


def test_a_view_with_more_to_say_is_asked_at_the_full_rate(pump):
    view = View(pump, again=0.0)
    pump.notify(view)
    pump.turn(1.0)
    assert 18 <= len(view.asked) <= 20


def test_news_during_the_wait_for_a_tail_does_not_wait(pump):
    view = View(pump, again=1.0)
    pump.notify(view)
    pump.turn(0.2)
    view.again = None
    pump.notify(view)
    pump.turn(0.2)
    assert len(view.asked) == 2


def test_a_view_that_raises_is_told_so_and_the_others_are_served(pump):
    wrong, right = View(pump, raises=ValueError("no")), View(pump)
    for _ in range(2):
        pump.notify(wrong)
        pump.notify(right)
        pump.turn(1.0)
    assert [str(error) for error in wrong.failed] == ["no", "no"]
    assert len(right.asked) == 2


def test_even_a_view_that_fails_at_failing_does_not_stop_the_pump(pump):
    wrong, right = View(pump, raises=ValueError("no")), View(pump)
    wrong.fail = lambda error: 1 / 0
    pump.notify(wrong)
    pump.notify(right)
    pump.turn(1.0)
    assert len(right.asked) == 1


def test_a_view_that_was_removed_is_not_asked_even_if_it_has_news(pump):
    view = View(pump)
    pump.notify(view)
    pump.remove(view)
    pump.notify(view)
    pump.turn(1.0)
    assert view.asked == []
    assert pump.step() is None


def test_the_thread_is_one_serves_all_and_ends_with_the_last_view():
    pump = Pump()
    asked = [threading.Event(), threading.Event()]
    threads = []

    class Signal:
        def __init__(self, event):
            self.event = event

        def flush(self):
            threads.append(threading.current_thread())
            self.event.set()

        def fail(self, error):
            raise error

    views = [Signal(event) for event in asked]
    for view, event in zip(views, asked, strict=True):
        pump.add(view)
        pump.notify(view)
        assert event.wait(10)
    (thread,) = set(threads)
    assert thread.name == "wslab-view"
    assert thread.daemon
    for view in views:
        pump.remove(view)
    thread.join(10)
    assert not thread.is_alive()

    # And it comes back with the next view.
    asked[0].clear()
    pump.add(views[0])
    pump.notify(views[0])
    assert asked[0].wait(10)
    pump.remove(views[0])
    threads[-1].join(10)
