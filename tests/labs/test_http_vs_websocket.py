"""The lab of the lesson on HTTP against WebSocket, on real sockets: what each way takes."""

from __future__ import annotations

import http.client
import json

import pytest

from wslab.labs import http_vs_websocket as lesson
from wslab.net import NotRunning, loop
from wslab.net.feeds import WAYS, Traffic

STREAMS = ("server-sent events", "streamed fetch", "WebSocket")
FIREFOX = "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0"


def test_five_ways_get_the_same_and_three_ask_once(lab):
    total, waits = lab.bytes(), lab.waits()
    gallery = lab.ways()
    table = lab.compare(rate=20, interval=0.5)
    assert [row[0] for row in table.rows] == list(WAYS)
    assert {row[1] for row in table.rows} == {"30"}
    requests = {row[0]: int(row[2]) for row in table.rows}
    assert {way: requests[way] for way in STREAMS} == dict.fromkeys(STREAMS, 1)
    each = {row[0]: int(row[4]) for row in table.rows}
    assert each["WebSocket"] < each["server-sent events"] < each["long polling"]
    assert {len(waits.points(way)) for way in WAYS} == {30}
    assert total.points("WebSocket") == []  # the runs are drawn in the chart last shown
    lab.bytes()
    gallery.run("WebSocket", rate=2)  # and those of a gallery in the chart above it
    assert len(waits.points("WebSocket")) == 3
    assert {lab.capture.label(n).partition(" ")[2] for n in lab.capture.index.connections} == {
        *WAYS
    }


def test_a_prediction_is_compared_with_what_crossed(lab):
    gallery = lab.ways()
    (polled,) = lab.get("polling", rate=20, interval=0.3)
    assert lesson._happened(polled) == lesson._CLOCK
    assert gallery.run("WebSocket", rate=5).traffic.requests == 1
    gallery.news(content := {}, [])
    outcome = content["outcomes"][0]
    assert outcome["happened"] == lesson._ONE
    counts = {
        line["label"]: int(line["text"].replace(",", "")) for line in outcome["columns"][1]["lines"]
    }
    traffic = gallery.outcomes["WebSocket"].traffic
    assert sum(counts.values()) == traffic.bytes
    assert all("async def" in one["code"] for one in gallery._gallery["experiments"][:4])


def test_with_few_messages_a_websocket_takes_more_than_the_streams_over_http(lab):
    took = {row[0]: int(row[3].replace(",", "")) for row in lab.compare(rate=2, interval=0.5).rows}
    assert took["streamed fetch"] < took["server-sent events"] < took["WebSocket"]


def test_a_sign_of_life_costs_little_and_one_poll_an_hour_still_less(lab):
    rows = {row[0]: row[1:] for row in lab.idle(interval=2).rows}
    assert rows["server-sent events"] == ["chunk", "8 bytes", "20 s", "1.4 kB"]
    assert rows["streamed fetch"] == ["chunk", "6 bytes", "20 s", "1.1 kB"]
    assert rows["WebSocket"] == ["ping and pong", "8 bytes", "20 s", "1.4 kB"]
    for way, every in (("polling", 2), ("long polling", 20)):
        once = int(rows[way][1].removesuffix(" bytes"))
        assert 300 < once < 500
        assert rows[way][2:] == [f"{every} s", f"{3.6 / every * once:,.1f} kB"]
    rare = {row[0]: float(row[4].removesuffix(" kB")) for row in lab.idle(interval=3600).rows}
    assert min(rare, key=rare.get) == "polling"


def test_one_answer_is_cheaper_by_http_and_cheapest_from_a_cache(lab):
    took = {row[0]: int(row[1].replace(",", "")) for row in lab.once().rows}
    assert took["HTTP, asked again"] < took["HTTP"] / 2
    assert took["HTTP"] < took["WebSocket"]


@pytest.mark.parametrize("stops", [False, True])
def test_sse_cannot_tell_cancelling_from_a_break(lab, stops):
    sse, socket = lab.words(stops=stops).rows
    assert (int(sse[3]) > 3) == (not stops)
    assert int(socket[3]) <= 3
    assert (sse[5], sse[6]) == (socket[5], socket[6]) == ("50" if stops else "0", "0")
    assert (sse[4] == "never") == stops


def test_what_cannot_be_is_refused_in_words(lab):
    with pytest.raises(ValueError, match="expected rate from 0 to 50, got 1000"):
        lab.get(rate=1000)
    with pytest.raises(ValueError, match=r"expected interval from 0\.05 to 5"):
        lab.get(interval=0)
    with pytest.raises(KeyError):
        lab.get("pigeon")
    lab.close()
    with pytest.raises(NotRunning, match="run the cell that opens it"):
        lab.get()


# --- The page's side, by a client that sends what a page sends


def ask(lab, method: str, path: str, body: str | None = None, **fields: str):
    connection = http.client.HTTPConnection(lab.host, lab.port, timeout=20)
    try:
        fields = {"User-Agent": FIREFOX, **fields}
        connection.request(method, path, body, {k.replace("_", "-"): v for k, v in fields.items()})
        answer = connection.getresponse()
        return answer.status, dict(answer.getheaders()), answer.read()
    finally:
        connection.close()


def test_a_page_has_messages_published_and_reports(lab):
    assert "no page has got the feed yet" in repr(lab.in_page())
    status, head, _ = ask(lab, "GET", "/")
    assert (status, head["Content-Type"]) == (200, "text/html; charset=utf-8")
    assert "default-src 'none'" in head["Content-Security-Policy"]
    status, _, body = ask(lab, "POST", "/publish")
    begun = json.loads(body)
    assert (status, begun) == (200, {"after": 0, "count": 20})
    assert ask(lab, "POST", "/publish")[0] == 409
    got = []
    while len(got) < 20:
        got += json.loads(ask(lab, "GET", f"/long-poll?after={len(got)}")[2])
    assert [one["number"] for one in got] == list(range(1, 21))
    report = {"way": "long polling", "waits": [1.0] * 20}
    assert ask(lab, "POST", "/report", json.dumps(report))[0] == 200
    (row,) = lab.in_page().rows
    assert row[:2] == ["long polling", "20"]
    assert row[4] == "1.0 ms"
    assert float(row[5].text.removesuffix("%")) > 30


def test_a_page_of_another_site_gets_nothing(lab):
    stranger = {"Origin": "http://evil.example"}
    handshake = {
        "Upgrade": "websocket",
        "Connection": "Upgrade",
        "Sec_WebSocket_Version": "13",
        "Sec_WebSocket_Key": "dGhlIHNhbXBsZSBub25jZQ==",
    }
    tried = [("GET", "/poll", {}), ("GET", "/events", {}), ("POST", "/publish", {})]
    for method, path, fields in [*tried, ("GET", "/socket", handshake)]:
        status, _, _ = ask(lab, method, path, **stranger, **fields)
        assert status == 403, path
    for wrong in ("", "[]", '{"way": 1}', '{"way": "x", "waits": ["<b>"]}'):
        status, _, body = ask(lab, "POST", "/report", wrong)
        assert (status, b"expected" in body) == (400, True), wrong


def test_a_feed_that_is_being_published_for_a_page_ends_with_the_lab(lab):
    ask(lab, "POST", "/publish")
    lab.close()
    assert loop.tasks() == []


def test_the_traffic_adds_up(lab):
    (run,) = lab.get("server-sent events", rate=10, seconds=1)
    assert run.crossed[-1][1] == run.traffic.bytes
    assert isinstance(run.traffic, Traffic)
    assert sum(lesson._parts(run.traffic).values()) == run.traffic.bytes
