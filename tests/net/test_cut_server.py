"""Fifty of what? Each way to cut, through a real server."""

from __future__ import annotations

import pytest
import regex

from wslab.net.trials import CutServer, send_through

LEAD = "x" * 49
MESSAGES = [f"{LEAD}é!", f"{LEAD}e\u0301!", f"{LEAD}👨\u200d👩\u200d👧!", f"{LEAD}🇩🇪!"]


def tails(cut, **options):
    with CutServer(cut, **options) as server:
        results = send_through(server.url, MESSAGES)
    return [r.arrived if r.arrived is None else r.arrived[49:] for r in results], results


def test_bytes_break_characters_and_the_receiver_goes():
    arrived, results = tails(lambda text: text.encode()[:50])
    assert arrived == [None, "e", None, None]
    assert all("1007" in result.ending for result in results if result.arrived is None)


def test_characters_break_what_a_reader_sees():
    assert tails(lambda text: text[:50])[0] == ["é", "e", "👨", "🇩"]


def test_graphemes_break_nothing():
    cut = lambda text: "".join(regex.findall(r"\X", text)[:50])  # noqa: E731 - as short as in the lesson
    assert tails(cut)[0] == ["é", "e\u0301", "👨\u200d👩\u200d👧", "🇩🇪"]


def test_max_size_refuses():
    arrived, results = tails(lambda text: text, max_size=50)
    assert arrived == [None] * 4
    assert all("1009" in result.ending for result in results)


@pytest.mark.parametrize("size", [50, 51])
def test_max_size_counts_bytes_exactly(size):
    with CutServer(lambda text: text, max_size=50) as server:
        (result,) = send_through(server.url, ["x" * size])
    assert (result.arrived is None) == (size > 50)
