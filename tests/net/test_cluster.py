"""Servers that are several processes: over one database, over one channel, behind one nginx."""

from __future__ import annotations

import httpx
import pytest

from tests.net.test_programs import needs
from wslab.net import loop
from wslab.net.cluster import Beside, post_and_hear
from wslab.net.programs import Postgres


@pytest.fixture(params=["sqlite", "postgres"])
def database(request, tmp_path):
    if request.param == "sqlite":
        yield str(tmp_path / "room.db")
    else:
        needs(Postgres)
        with Postgres() as program:
            yield program.url


def test_what_is_posted_to_one_server_comes_to_the_guests_of_another(database):
    with Beside(database) as beside:
        urls = beside.http_url.replace("ws", "http", 1), beside.socket_url
        posted = post_and_hear(*urls, ["one", "two", "three"], ["Ada", "Ben"])
        assert [(one.status, one.number) for one in posted] == [(201, 1), (201, 2), (201, 3)]
        assert all(list(one.after) == ["Ada", "Ben"] for one in posted)
        for body in (b"", b"[]", b'{"text": "without a key"}'):
            assert httpx.post(f"{urls[0]}messages", content=body).status_code == 400
        assert post_and_hear(*urls, ["four"], ["Cy"], after=3)[0].number == 4
    with pytest.raises(httpx.ConnectError):
        httpx.get(urls[0])
    assert not loop.tasks()
