"""Charts: what is kept, what is handed to the page, and the picture for saved notebooks."""

from __future__ import annotations

import threading

import pytest

from wslab.view.experiments import Chart
from wslab.view.experiments.chart import STROKES
from wslab.view.experiments.chart_picture import drawn, number, picture, ticks


@pytest.fixture
def chart(pump, watch):
    """Makes charts that a page looks at; painting waits for no clock."""

    def make(kind="lines", **options):
        watched = watch(Chart("trial", kind=kind, served_by=pump, **options))
        watched.view._resting = True
        watched.says(do="hello")
        return watched

    return make


def shown(chart):
    return {entry["name"]: entry["last"] for entry in chart.all("series")[-1]}


def test_points_added_on_any_thread_are_told_and_painted(chart):
    watched = chart(series=["a"])
    thread = threading.Thread(target=lambda: [watched.view.add("b", n, n * n) for n in range(5)])
    thread.start()
    thread.join()
    watched.view.add("a", 1, 0.5)
    assert shown(watched) == {"a": "0.5", "b": "16"}
    assert watched.all("count")[-1] == 6
    first, second = watched.view._marks
    assert (list(first.x), list(first.y)) == ([1.0], [0.5])
    assert list(second.y) == [0.0, 1.0, 4.0, 9.0, 16.0]
    watched.view.draw("b", [(0, 3), (1, 2)])
    assert shown(watched) == {"a": "0.5", "b": "2"}
    assert (list(second.x), list(second.y)) == ([0.0, 1.0], [3.0, 2.0])
    watched.view.clear()
    assert shown(watched) == {"a": "", "b": ""}
    assert list(second.y) == []


def test_no_two_series_differ_by_colour_alone():
    assert len({(stroke.style, stroke.width) for stroke in STROKES}) == len(STROKES)


def test_only_the_newest_points_are_kept(chart):
    watched = chart(most=10)
    for n in range(1000):
        watched.view.add("a", n, n)
    assert watched.view.points("a") == [(n, n) for n in range(990, 1000)]
    assert len(watched.view._series["a"][0]) < 20
    with pytest.raises(KeyError):
        watched.view.points("b")


def test_a_chart_that_nobody_looks_at_paints_nothing(pump, watch):
    watched = watch(Chart("trial", served_by=pump))
    watched.view.add("a", 1, 1)
    pump.turn(1)
    assert (watched.sent, watched.view._marks) == ([], [])


def test_a_costly_painting_is_followed_by_a_pause(pump, watch):
    watched = watch(Chart("trial", served_by=pump))
    watched.says(do="hello")
    pump.turn(0.1)
    watched.view._cost = 3600.0
    watched.view.add("a", 1, 1)
    content = {}
    assert watched.view.news(content, []) > 3600
    assert content == {}
    watched.view._cost = 0.0
    assert watched.view.news(content, []) is None
    assert content["count"] == 1


def test_stacked_series_stand_on_each_other():
    series = {"a": ([0, 1, 2], [1, 2, 3]), "b": ([0, 2], [10, 30])}
    # b was not measured at 1: what waited there still waits.
    assert drawn("stacked", series) == [([0, 1, 2], [11, 12, 33]), ([0, 1, 2], [10, 10, 30])]
    assert drawn("bars", series) == [([0, 1, 2], [1, 2, 3]), ([0, 1, 2], [10, 0, 30])]
    assert drawn("lines", series) == [([0, 1, 2], [1, 2, 3]), ([0, 2], [10, 30])]
    same = {"a": ([0, 1], [1, 2]), "b": ([0, 1], [3, 4])}
    assert drawn("stacked", same) == [([0, 1], [4, 6]), ([0, 1], [3, 4])]
    assert drawn("stacked", {}) == drawn("lines", {}) == []


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        ([9.5], [0, 2, 4, 6, 8, 10]),
        ([0.07], [0, 0.02, 0.04, 0.06, 0.08]),
        ([-3, 7], [-4, -2, 0, 2, 4, 6, 8]),
        ([], [0, 1]),
        ([0, 0], [0, 1]),
    ],
)
def test_an_axis_has_round_numbers_from_zero(values, expected):
    assert ticks(values) == pytest.approx(expected)


def test_numbers_as_people_read_them():
    assert [number(n) for n in (12345.6, 7.0, 0.12345, 0)] == ["12,346", "7", "0.123", "0"]


@pytest.mark.parametrize("kind", ["lines", "stacked", "bars"])
def test_a_saved_notebook_has_a_picture_and_a_table(chart, kind):
    watched = chart(kind, x="<seconds>", y="bytes")
    assert "<svg" not in watched.view.static()["text/html"]  # nothing to draw yet
    for n in range(3000):
        watched.view.add("<b>", n, n % 7)
    watched.view.add("other", 5, 2)
    html = watched.view.static()["text/html"]
    assert "data-wslab='chart-static'" in html
    assert "<svg" in html
    assert "<b>" not in html.replace("<p>", "")
    assert "<seconds>" not in html
    assert "&lt;seconds&gt;" in html
    if kind != "bars":
        assert len(html) < 12_000  # however long it ran
    assert "<b>: 1000 points, last 3 bytes" in watched.view.static()["text/plain"]


def test_the_picture_of_one_point_is_drawn_too():
    for kind in ("lines", "stacked", "bars"):
        assert "nan" not in picture(kind, {"a": ([3.0], [0.0]), "b": ([], [])}, "x", "y").lower()
