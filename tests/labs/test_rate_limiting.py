"""The lab of the rate limiting lesson, on real sockets: who holds what, who waits for whom."""

from __future__ import annotations

import json

import pytest

from wslab.labs import rate_limiting
from wslab.net import NotRunning
from wslab.net.trials import SENDERS

JUST, EMPTY, LIMIT, AWAIT = SENDERS


def test_what_each_sender_holds_and_whether_the_reader_is_idle(lab):
    table = lab.compare()
    happened = {name: rate_limiting._happened(lab._sent[name]) for name in SENDERS}
    assert happened == {
        JUST: rate_limiting._ALL,
        EMPTY: rate_limiting._NONE,
        LIMIT: rate_limiting._SOME,
        AWAIT: rate_limiting._SOME,
    }
    assert [row[0] for row in table.rows] == list(SENDERS)
    arrived = {row[0]: int(row[2].split(" ")[0]) for row in table.rows}
    assert min(arrived[name] for name in SENDERS if name != EMPTY) > 5 * arrived[EMPTY]
    assert table.rows[1][-1] == "stopped after 3 s"


def test_a_gallery_shows_the_code_that_runs_and_compares(lab):
    gallery = lab.senders()
    listed = {one["name"]: one for one in gallery._gallery["experiments"]}
    assert "await connection.send(message)" in listed[AWAIT]["code"]
    assert "noqa" not in "".join(one["code"] for one in listed.values())
    assert gallery.run(JUST).arrived == 500
    gallery.news(content := {}, [])
    assert content["outcomes"][0]["happened"].startswith("Nearly all")


def fills(chart, name: str) -> float:
    """When more waits at a place than a message or two on their way."""
    return next((x for x, y in chart.points(name) if y > 9), float("inf"))


def test_the_places_fill_from_the_reader_back_to_the_sender(lab):
    chart = lab.places()
    lab.send()
    times = [fills(chart, name) for name in chart.names]
    assert chart.names[0] == "sender's library"
    assert times == sorted(times, reverse=True)
    assert max(y for _, y in chart.points("sender's library")) < 2 * 32.768


def test_a_tap_takes_in_nearly_all_of_it_and_the_next_run_begins_anew(lab):
    chart = lab.places(tap=True)
    lab.send(AWAIT, tap=True)
    count = len(chart.points("sender's library"))
    assert max(y for _, y in chart.points(chart.names[-3 if len(chart.names) == 5 else 1])) > 1000
    lab.send(EMPTY)
    assert chart.points("sender's library")[0][0] < 0.1
    assert len(chart.points("sender's library")) < count + 200


def test_where_the_system_tells_nothing_one_band_has_both(lab, monkeypatch):
    monkeypatch.setattr(rate_limiting, "IS_TOLD", False)
    monkeypatch.setattr("wslab.net.buffers.IS_TOLD", False)
    chart = lab.places()
    assert chart.names == ["sender's library", "both systems", "reader's library"]
    lab.send()
    assert max(y for _, y in chart.points("both systems")) > 10


def test_a_reader_that_never_reads_holds_nobody_for_ever(lab):
    waited = lab.send(AWAIT, reads=False)
    assert (waited.arrived, waited.ending) == (0, "stopped after 1 s")
    assert waited.most < 2 * 32_768
    assert "0 of 500 messages arrived" in repr(waited)


def test_a_page_reports_by_its_last_message(lab):
    with lab.connect(lab.server_url) as page:
        for _ in range(3):
            page.send(bytes(10))
        for report in ["<b>", "[1]", "{}", '{"most": null}']:  # whoever may connect
            page.send(report)
        page.send(json.dumps({"sender": "page: mine", "offered": 7, "most": 1234}))
    lab.server.stop()  # its program has read all of it when this returns
    row = next(row for row in lab.results().rows if row[0] == "page: mine")
    assert row[1:3] == ["1 kB", "3 of 7"]


def test_what_is_too_big_is_refused_by_its_header(lab):
    rows = {row[0]: row[1:] for row in lab.sizes().rows}
    answers = [answer.split(" ")[:2] for _, answer in rows.values()]
    assert [first for first, *_ in answers] == ["the", "close", "close", "close"]
    assert {second for first, second in answers if first == "close"} == {"1009"}
    assert rows["a header that announces a terabyte"][0] == "14"


def test_one_fast_client_holds_up_a_quiet_one_unless_it_has_a_bucket(lab):
    rows = lab.fairness().rows
    alone, crowded, guarded = (int(row[1].split(" ")[0].replace(",", "")) for row in rows)
    assert crowded > 100  # of the 800 ms that the server works
    assert crowded > 2 * max(alone, guarded)
    assert [row[3] for row in rows] == ["-", "nothing", "1008"]
    assert int(rows[2][2]) < int(rows[1][2].replace(",", "")) / 10


def test_a_closed_lab_sends_nothing(lab):
    lab.close()
    with pytest.raises(NotRunning, match="run the cell that opens it"):
        lab.send()
