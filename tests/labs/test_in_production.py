"""The lab of the lesson on production, on real sockets."""

from __future__ import annotations

import asyncio.sslproto
import os
import random
import re
import sys

import pytest

from tests.net.test_programs import needs
from wslab.installed import CHROMIUM, find
from wslab.net import NotRunning, loop
from wslab.net.programs import Nginx, Postgres, Redis

needs_chromium_and_nginx = pytest.mark.skipif(
    not os.environ.get("CI") and (find(CHROMIUM) is None or Nginx.find() is None),
    reason="there is no Chromium or no nginx on this machine",
)


# --- Coming back


def test_a_herd_comes_back_and_is_drawn_in_the_chart_last_shown(lab):
    chart = lab.connects()

    def together(failed):
        return 1.0

    def apart(failed):
        return random.uniform(0.8, 1.6)

    table = lab.lose_server(together, apart, clients=30)
    assert [row[0] for row in table.rows] == ["together", "apart"]
    for name in ("together", "apart"):
        assert sum(count for _, count in chart.points(name)) == 30
    peaks = {row[0]: int(row[1].text) for row in table.rows}
    assert peaks["apart"] < peaks["together"]


def test_a_wait_that_cannot_be_is_refused_in_words(lab):
    def too_long(failed):
        return 9

    with pytest.raises(ValueError, match=r"expected too_long\(0\) to be from 0 to 5 \(seconds\)"):
        lab.lose_server(too_long, clients=1)
    with pytest.raises(ValueError, match="expected 1 to 400 clients in all, got 800"):
        lab.lose_server(too_long, clients=800)


# --- Going on where you were


def test_a_message_whose_confirmation_is_lost_is_stored_once_if_it_keeps_its_key(lab):
    rows = lab.lose_confirmation().rows
    assert [(row[0], row[3]) for row in rows] == [("Ben", "Hello, Hello"), ("Ada", "Hello")]


def test_only_numbers_confirmations_and_keys_survive_a_kill(lab):
    again, all_again, resuming = (row[1:] for row in lab.survive(kills=1).rows)
    assert again[0] == "1"
    assert int(again[2]) > 0
    assert (all_again[2], int(all_again[3]) > 0) == ("0", True)
    assert resuming[1:] == ["10", "0", "0"]
    with pytest.raises(ValueError, match="expected 1 to 10 kills, got 11"):
        lab.survive(11)


# --- Is anybody there?


def test_a_silent_client_is_noticed_by_pings_only(lab):
    rows = lab.heartbeats().rows
    assert rows[0][1:] == ["not within 1 s", ""]
    for row in rows[1:3]:
        interval = float(row[0].split()[1])
        after = float(row[1].split()[1])
        assert 2 * interval <= after
        assert "1011" in row[1]
    assert [row[2] for row in rows[3:]] == ["11,520 bytes", "2,880 bytes", "1,047 bytes"]


@pytest.mark.skipif(
    not os.environ.get("CI") and Nginx.find() is None, reason="there is no nginx on this machine"
)
def test_nginx_cuts_an_idle_connection_on_both_sides_and_a_ping_keeps_one(lab):
    table = lab.cut_by_proxy()
    assert table.note == ""
    rows = {row[0]: row[1:] for row in table.rows}
    assert float(rows["open for"][0].removesuffix(" s")) >= 1.9
    assert rows["open for"][1] == "still open"
    assert rows["its client is told"] == ["close code 1006", "nothing"]
    assert rows["its server is told"][0].startswith("ConnectionClosedError: no close frame")
    assert rows["the end, before nginx"] == ["nginx: FIN · client: FIN", "has not come"]
    assert rows["the end, behind nginx"] == ["nginx: FIN · server: FIN", "has not come"]
    assert '"GET / HTTP/1.1" 101' in rows["nginx's access log"][0]


def test_without_nginx_the_recorded_table_says_so(lab, monkeypatch):
    monkeypatch.setattr(Nginx, "program", "nginx-that-is-not-here")
    table = lab.cut_by_proxy()
    assert table.note.startswith("RECORDED, not live (on 20")
    assert "apt-get install nginx-light" in table.note
    assert table.rows[1] == ["its client is told", "close code 1006", "nothing"]


# --- Who are you?, and somebody else's page


def test_each_login_is_sniffed_and_masked_in_the_recording(lab):
    rows = {row[0]: row[1:] for row in lab.sniff().rows}
    assert list(rows) == ["first message", "cookie", "query string", "ticket"]
    masked = {way: "*" in recorded for way, (crossed, recorded) in rows.items()}
    assert masked == {"first message": False, "cookie": True, "query string": True, "ticket": True}
    assert not any("*" in crossed for crossed, _ in rows.values())


@needs_chromium_and_nginx
def test_a_ticket_is_in_every_log_and_opens_nothing_any_more(lab):
    table = lab.secrets()
    assert table.note == ""
    shows, no = "👁 shows", "no"
    assert [row[1:] for row in table.rows] == [
        [shows, shows, no, no, shows, "localStorage", "opens the account"],
        [shows, no, no, no, shows, no, "opens the account"],
        [shows, no, shows, shows, shows, "localStorage", "opens the account"],
        [shows, no, shows, shows, shows, no, "refused: 401"],
    ]


@needs_chromium_and_nginx
def test_same_site_stops_another_site_and_origin_and_ticket_stop_both(lab):
    table = lab.hijack()
    assert table.note == ""
    reads = {
        row[0]: [cell.startswith("reads: “100 paid to Eve") for cell in row[1:]]
        for row in table.rows
    }
    assert reads == {
        "none": [True, True],
        "SameSite=Lax": [True, False],
        "SameSite=Strict": [True, False],
        "Origin": [False, False],
        "ticket": [False, False],
    }
    refusals = {row[0]: [cell[-3:] for cell in row[1:]] for row in table.rows[-2:]}
    assert refusals == {"Origin": ["403", "403"], "ticket": ["401", "401"]}
    assert lab.bank.defence == "none"


@pytest.mark.parametrize(("method", "why"), [("secrets", "nginx"), ("hijack", "Chromium")])
def test_without_the_programs_a_recorded_table_says_so(lab, method, why, monkeypatch, tmp_path):
    monkeypatch.setattr("wslab.net.programs.Program.find", classmethod(lambda cls: None))
    monkeypatch.setattr("wslab.net.browsers.chromium.find", lambda browser: None)
    table = getattr(lab, method)()
    assert table.note.startswith("RECORDED, not live (on 20")
    assert why in table.note


# --- Limits


def test_each_attack_succeeds_without_limits_and_fails_with_them(lab):
    rows = {row[0]: row[1:] for row in lab.limits().rows}
    assert [(row[1], row[4].partition(", after")[0]) for row in rows.values()] == [
        ("100 are open", "20 are open, 80 got 503"),
        ("100 go on waiting", "all are cut off"),
        ("it is taken", "close 1009"),
        ("all are taken", "the attacker waits"),
        ("all of it waits for the reader", "the reader is cut off"),
    ]
    mib = [
        [float(cell.removesuffix("\N{NO-BREAK SPACE}MiB")) for cell in (row[0], row[3])]
        for row in rows.values()
    ]
    for careless, careful in mib[2:]:
        assert careless > 8
        assert careful < 3
    assert mib[0][1] < mib[0][0] / 2
    assert "503" in lab.door_code().data


def test_a_bucket_protects_the_quiet_client_whatever_becomes_of_the_fast_one(lab):
    rows = {row[0]: row[1:] for row in lab.too_many().rows}
    waits = {what: int(row[0].removesuffix(" ms").replace(",", "")) for what, row in rows.items()}
    assert waits["nothing"] > 3 * max(waits[what] for what in list(rows)[1:])
    worked = {what: int(row[1]) for what, row in rows.items()}
    assert worked["nothing"] > 400
    assert worked["close with 1008"] <= worked["let it wait"] < 200
    assert worked["drop the message"] < 200
    told = {what: row[2] for what, row in rows.items()}
    assert told.pop("close with 1008") == "close 1008"
    assert set(told.values()) == {"nothing"}


# --- 7 · Beside an HTTP server


def test_what_is_posted_comes_to_the_guests_of_the_other_server(lab):
    table = lab.posts("SQLite")
    assert table.note == ""
    assert [row[0] for row in table.rows] == [f"201, number {n}" for n in range(1, 6)]
    assert all(re.fullmatch(r"\d+ ms", cell) for row in table.rows for cell in row[1:])
    posts = [lab.find("request", number=-n) for n in range(1, 6)]
    assert all(one.data.startswith(b"POST /messages ") for one in posts)
    told = [lab.find("text", "server", number=-n).payload for n in range(1, 4)]
    assert told == [b'{"number": 5, "text": "apples"}'] * 3


def test_a_database_of_ones_own_keeps_what_is_in_it(lab):
    needs(Postgres)
    with Postgres("one's own") as database:
        for first in (1, 6):
            rows = lab.posts(database.url).rows
            assert [row[0] for row in rows] == [f"201, number {n}" for n in range(first, first + 5)]


@pytest.mark.parametrize("missing", ["postgres", "psycopg"])
def test_without_postgresql_its_table_is_a_recorded_one(lab, monkeypatch, missing):
    if missing == "postgres":
        monkeypatch.setattr(Postgres, "program", "postgres-that-is-not-here")
    else:
        needs(Postgres)
        monkeypatch.setitem(sys.modules, "psycopg", None)
    table = lab.posts("PostgreSQL")
    assert table.note.startswith("RECORDED, not live (on 20")
    assert ("apt-get install" if missing == "postgres" else "pip install") in table.note
    assert [row[0] for row in table.rows] == [f"201, number {n}" for n in range(1, 6)]


# --- 8 · One chat on many servers, and 9 · A rolling restart


def test_half_of_the_room_is_deaf_and_hears_by_a_channel(lab):
    needs(Nginx)
    deaf, joined = lab.who_hears(), lab.who_hears(redis=True)
    assert deaf.headings[1:] == ["Ada, at A", "Ben, at B", "Cy, at A", "Di, at B"]
    assert [row[1:] for row in deaf.rows] == [["hears", "—"] * 2, ["—", "hears"] * 2] * 2
    assert [row[1:] for row in joined.rows] == [["hears"] * 4] * 4
    assert bool(joined.note) == (Redis.find() is None)


def test_the_guests_of_a_killed_server_go_on_at_the_other_and_have_missed_something(lab):
    needs(Nginx)
    rows = {row[0]: row[1:] for row in lab.kill_one().rows}
    assert rows["Ben"] == rows["Di"] == ["B1", "—", "12 of 12", "6 of 6", "12 of 12"]
    assert [row[:3] for row in (rows["Ada"], rows["Cy"])] == [["A1 → B1", "1006", "12 of 12"]] * 2
    assert rows["Ada"][3] != "6 of 6"


def test_whoever_resumes_loses_nothing_in_a_rolling_restart(lab):
    needs(Nginx)
    table = lab.rolling_restart()
    assert table.note == ""
    # On a busy machine a guest may come back only when a new version is there.
    ways = [row[2] for row in table.rows]
    assert all(re.fullmatch("A1 → (B1 → )?[AB]2", way) for way in ways[::2])
    assert all(re.fullmatch("B1 → [AB]2", way) for way in ways[1::2])
    assert [row[4:] for row in table.rows[2:]] == [["0", "0", "0"]] * 2
    assert all(int(row[5]) > 0 for row in table.rows[:2])
    gone = sum(way.count("→") for way in ways)
    closes = [lab.find("close", "server", number=n).payload for n in range(gone)]
    assert closes == [b"\x03\xf4service restart"] * gone  # 1012
    assert not loop.tasks()


@pytest.mark.parametrize(
    "call",
    [
        lambda lab: lab.who_hears(),
        lambda lab: lab.who_hears(redis=True),
        lambda lab: lab.kill_one(),
        lambda lab: lab.rolling_restart(),
    ],
)
def test_without_nginx_the_tables_are_recorded_ones(lab, monkeypatch, call):
    monkeypatch.setattr(Nginx, "program", "nginx-that-is-not-here")
    table = call(lab)
    assert table.note.startswith("RECORDED, not live (on 20")
    assert "apt-get install nginx-light" in table.note
    assert len(table.rows) == 4


# --- 10 · The same socket over HTTP/2

NEEDS_CHROMIUM = pytest.mark.skipif(
    find(CHROMIUM) is None and not os.environ.get("CI"), reason="no Chromium on this machine"
)


@pytest.mark.parametrize("who", ["Python", pytest.param("Chromium", marks=NEEDS_CHROMIUM)])
def test_a_websocket_over_http2_carries_the_same_frames(lab, who):
    table = lab.http2(who)
    assert table.note == ""
    told = [(row[0], row[2], row[4], row[5]) for row in table.rows]
    offer = next(says for who, kind, stream, says in told if (who, kind) == ("server", "SETTINGS"))
    assert "ENABLE_CONNECT_PROTOCOL 1" in offer
    (asked,) = [says for who, kind, _, says in told if (who, kind) == ("client", "HEADERS")]
    assert ":method CONNECT" in asked
    assert ":protocol websocket" in asked
    assert [says.partition(":")[0] for _, kind, _, says in told if kind == "DATA"] == [
        "text", "text", "close", "close",
    ]  # fmt: skip
    rows = lab.same_frames(who).rows
    verdicts = {row[0]: row[3] for row in rows}
    assert verdicts["the server's text"] == "the same"
    differ = ["nextHopProtocol"] if who == "Chromium" else []
    differ += ["request", "Sec-WebSocket-Key", "answer", "Sec-WebSocket-Accept"]
    differ += ["the client's text", "· masking key", "the end"]
    assert [row[0] for row in rows if row[3] == "differs"] == differ
    if who == "Chromium":
        assert rows[0][:3] == ["nextHopProtocol", "http/1.1", "h2"]
    key = next(row for row in rows if row[0] == "Sec-WebSocket-Key")
    assert (len(key[1]), key[2]) == (24, "none")


def test_streams_take_turns_and_one_that_is_not_read_holds_up_the_other(lab):
    rows = lab.streams().rows
    whose = {row[1]: row[2] for row in rows}
    assert whose == {"1": "the first socket", "3": "the second socket", "5": "the page"}
    asked = [int(row[4]) for row in rows if row[0] == "client" and row[3] == "HEADERS"]
    assert asked[1] * 4 < asked[0]
    first, second = lab.unread().rows
    assert first[1:] == ["65,535", "80,020"]
    assert second[1:] == ["0", "19"]


@pytest.mark.parametrize("missing", ["hypercorn", "trustme", "Chromium"])
def test_what_http2_needs_and_is_missing_is_named_with_a_recorded_run(lab, monkeypatch, missing):
    if missing == "Chromium":
        monkeypatch.setattr("wslab.net.browsers.chromium.find", lambda program: None)
    else:
        monkeypatch.setitem(sys.modules, missing, None)
    browser = lab.http2("Chromium")
    assert browser.note.startswith("RECORDED, not live (on 20")
    assert (
        "CHROMIUM" in browser.note.upper()
        if missing == "Chromium"
        else "pip install" in browser.note
    )
    assert any(":protocol websocket" in row[5] for row in browser.rows)
    assert bool(lab.streams().note) == (missing == "hypercorn")


# --- 11 · WebTransport


@pytest.mark.parametrize("who", ["Python", pytest.param("Chromium", marks=NEEDS_CHROMIUM)])
def test_a_webtransport_session_goes_over_udp(lab, who):
    table = lab.webtransport(who)
    assert table.note == ""
    rows = {row[0]: row[1:] for row in table.rows}
    assert {"Initial", "1-RTT"} <= rows.keys()  # a Handshake may be behind an Initial, in one
    count = 20 if who == "Chromium" else 1
    stream, datagrams = (row[1] for row in table.rows[-2:])
    assert stream == "stream: “Hello” came back"
    # UDP promises nothing, so a busy machine may lose some.
    assert re.fullmatch(rf"datagrams: [1-9]\d* of {count} came back", datagrams)


def test_of_lost_packets_streams_make_good_and_datagrams_do_not(lab):
    rows = {row[0]: row[1:] for row in lab.losses(loss=0.3).rows}
    assert rows["one stream"][1:3] == ["40 of 40", "yes"]
    assert rows["a stream for each"][1] == "40 of 40"
    assert int(rows["datagrams"][1].partition(" ")[0]) < 40
    assert [rows[way][3] for way in ("a stream for each", "datagrams")] == ["0", "0"]


@pytest.mark.parametrize("missing", ["aioquic", "trustme"])
def test_without_aioquic_there_is_a_recorded_run(lab, monkeypatch, missing):
    for module in [one for one in sys.modules if one.partition(".")[0] == missing]:
        monkeypatch.delitem(sys.modules, module)
    monkeypatch.delitem(sys.modules, "wslab.net.webtransport.session", raising=False)
    monkeypatch.setitem(sys.modules, missing, None)
    for table in (lab.webtransport(), lab.webtransport("Chromium"), lab.losses(loss=0.2)):
        assert table.note.startswith("RECORDED, not live (on 20")
        assert "pip install 'wslab[production]'" in table.note
    assert f"There is no page here\nthe package {missing}" in repr(lab.transport_page())
    lab.close()
    with pytest.raises(NotRunning, match="run the cell that opens it"):
        lab.webtransport()


# --- 12 · A million connections


def test_a_plan_is_made_of_the_figures_that_were_measured(lab):
    table = lab.figures()
    assert [row[0] for row in table.rows] == ["plain", "compressed", "TLS"]
    assert table.note == ""
    plain, packed, secure = lab._figures.values()
    assert 2_000 < plain.memory < packed.memory < secure.memory
    assert plain.handshake < secure.handshake
    # Most of it is asyncio's own buffer, as the lesson says.
    assert asyncio.sslproto.SSLProtocol.max_size == 256 * 1024 < secure.memory
    gallery = lab.plan()
    quiet = gallery.run("plain", thousands=1000, rate=0, memory=1, herd=600)
    memory = float(table.rows[0][1].removesuffix(" kB"))
    assert quiet.memory / 1e9 == pytest.approx(memory, rel=0.01)
    assert quiet.decides == "memory"
    assert gallery.run("plain", thousands=1000, rate=5, memory=128, herd=600).decides == "messages"
    assert lab.heartbeat() == 8  # a client's ping, masked, and its pong (RFC 6455 §5.5)
    assert [row[1] for row in lab.ports().rows] == ["10", "10"]


def test_without_trustme_there_is_no_figure_for_tls_and_it_says_so(lab, monkeypatch):
    monkeypatch.setitem(sys.modules, "trustme", None)
    table = lab.figures()
    assert [row[0] for row in table.rows] == ["plain", "compressed"]
    assert "pip install 'wslab[production]'" in table.note
