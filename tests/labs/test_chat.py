"""The chat lab, on real sockets: seats, pages, experiments, and nothing left behind."""

from __future__ import annotations

import json
import re

import pytest
import regex
from websockets.asyncio.server import broadcast, serve

from wslab.exercises.chat import check_offender
from wslab.labs import chat
from wslab.labs.chat import LIMIT, LIMIT_MESSAGES
from wslab.net import running


def test_a_seat_has_joined_when_it_is_shown(lab):
    grid = lab.people("Ada", "Grace", "Linus")
    assert [panel.client.state for panel in grid.children] == ["OPEN"] * 3
    plain = grid._repr_mimebundle_()["text/plain"]
    assert plain == repr(grid) == "<seats in the room: Ada, Grace, Linus>"
    client = lab.join("Watcher")
    assert lab.capture.labels() == {1: "#1 Ada", 2: "#2 Grace", 3: "#3 Linus", 4: "#4 Watcher"}
    assert json.loads(client.recv())["people"] == ["Ada", "Grace", "Linus"]
    assert lab.find("text", "server").payload


def test_the_same_seat_again_replaces_the_one_before(lab):
    first, second = lab.seat("Ada"), lab.seat("Ada")
    assert (first.client.state, second.client.state) == ("CLOSED", "OPEN")
    assert lab.server.people == ["Ada"]


def test_a_server_of_a_lab_that_was_closed_is_asked_for_again(lab):
    url = lab.url
    said = r"nobody listens .* starts your server, .* again"
    with chat.open() as again, pytest.raises(LookupError, match=said):  # which closes `lab`
        again.people("Ada", url=url)


def test_a_learners_own_server_serves_the_same_seats(lab):
    clients = set()

    async def talk(client):
        clients.add(client)
        try:
            async for message in client:
                broadcast(clients, message)
        finally:
            clients.remove(client)

    async def start():
        return await serve(talk, "127.0.0.1", 0, compression=None, ping_interval=None)

    for _ in range(2):  # the second run of the cell replaces the server of the first
        mine = lab.serve(start)
        ada, grace = lab.people("Ada", "Grace", url=mine.url).children
        ada.client.send("hello")
        assert grace.client.recv() == "hello"
    assert [entry.name for entry in running() if entry.kind == "server"] == [
        "chat: chat",
        "chat: yours",
    ]
    assert lab.find("text", "client").payload == b"hello"


def test_the_limits_differ_at_the_fiftieth_character(lab):
    def by_bytes(text):
        return text.encode()[:LIMIT]

    def by_graphemes(text):
        return "".join(regex.findall(r"\X", text)[:LIMIT])

    table = lab.try_limits(by_bytes, by_graphemes)
    assert table.headings == ["at 50", "by_bytes", "by_graphemes", "max_size=50"]
    rows = {row[0]: row[1:] for row in table.rows}
    assert list(rows) == list(LIMIT_MESSAGES)
    assert rows["a family"][0] == "nothing: the receiver closed with 1007"
    assert "👨\u200d👩\u200d👧" in rows["a family"][1]
    assert {row[-1] for row in rows.values()} == {"nothing: the server closed with 1009"}
    assert rows["plain letters"][0] == rows["plain letters"][1]


def test_a_cut_that_fails_is_told_where_it_was_asked_for(lab):
    with pytest.raises(TypeError, match="expected text or bytes from <lambda>"):
        lab.try_limits(lambda text: None)
    with pytest.raises(ZeroDivisionError):
        lab.try_limits(lambda text: 1 / 0)


def test_hostile_guests_are_told_why_and_leave_the_room_as_it_was(lab):
    lab.seat("Ada")
    mine = [lab.join("Ada in code"), lab.join("Grace in code")]
    table = lab.hostile_guests()
    assert [row[1].split(":")[0] for row in table.rows] == [
        "1007", "1009", "1008", "1003", "1008", "1008", "1008",
    ]  # fmt: skip
    assert "Ada" in lab.server.people
    assert [client.state for client in mine] == ["OPEN", "OPEN"]


def test_who_vanishes_is_noticed_or_not(lab):
    rows = lab.vanish().rows
    assert [row[1] == "not noticed" for row in rows] == [False, False, True, False]
    assert rows[0][2] == "said goodbye"
    assert "1006" in rows[1][2]
    assert "1011" in rows[3][2]


def test_a_slow_client_stops_only_who_awaits_in_turn(lab):
    table = lab.slow_client()
    got = [int(re.match(r"\d+", row[1].text).group()) for row in table.rows]
    assert got[0] < 50
    assert got[1:] == [100, 100, 100]
    assert "data-wslab='result'" in table._repr_html_()


def test_the_mystery_has_one_offender(lab):
    view = lab.mystery()
    assert view._remarks is None  # how the guests' connections ended would tell it
    answers = [
        (connection, code)
        for connection in (1, 2, 3)
        for code in (1007, 1008, 1009)
        if check_offender(connection, code, view)
    ]
    assert len(answers) == 1
    assert set(view.capture.labels().values()) == {"#1 guest", "#2 guest", "#3 guest"}


def test_what_is_shown_is_what_runs(lab):
    code = lab.code_of(type(lab.server).handle)
    assert "async for message in connection" in code.data
    assert "ChatServer" in lab.source().data


def test_opening_again_replaces_everything(lab):
    seat = lab.seat("Ada")
    frame = lab.page("Katherine")
    assert frame.url == f"{lab.page_url}?name=Katherine"
    with chat.open() as again:
        assert seat.client.state == "CLOSED"
        assert again.server.people == []
