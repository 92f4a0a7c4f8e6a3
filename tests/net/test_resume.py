"""A server that is killed in mid-conversation: nothing is lost or doubled, and a cheat is found."""

from __future__ import annotations

import asyncio
import json
from concurrent.futures import ThreadPoolExecutor
from contextlib import aclosing

import pytest

from tests.net.test_programs import needs
from wslab.net import loop
from wslab.net.programs import Postgres
from wslab.net.resume import ResumingClient, Store, back_off, full_jitter, survive


def test_killed_three_times_and_nothing_is_lost_or_doubled():
    told = survive(3, each=4)
    assert (told.said, told.lost, told.doubled, told.out_of_order) == (24, 0, 0, 0)
    assert told.connected >= 2 * 3
    assert not loop.tasks()


class FromNowOn(ResumingClient):
    """Asks for what comes from now on, and not for what it has missed."""

    async def _talk(self, connection):
        told = connection.send

        async def send(text):
            said = json.loads(text)
            await told(json.dumps(said | {"after": 10**6}) if "after" in said else text)

        connection.send = send
        await super()._talk(connection)


class SaidIsSaid(ResumingClient):
    """Does not wait for a confirmation."""

    async def say(self, text):
        await super().say(text)
        self._unconfirmed.clear()


@pytest.mark.parametrize(("guest", "fault"), [(FromNowOn, "lost"), (SaidIsSaid, "lost")])
def test_a_client_that_leaves_something_out_is_found(guest, fault):
    told = survive(2, each=3, guest=guest, patience=1.0)
    assert getattr(told, fault) > 0


@pytest.fixture(params=["sqlite", "postgres"])
def database(request, tmp_path):
    """Where a store can be opened; it is empty."""
    if request.param == "sqlite":
        yield str(tmp_path / "room.db")
    else:
        needs(Postgres)
        with Postgres("store") as program:
            yield program.url


def test_the_same_key_is_stored_once(database):
    with Store.open(database) as store, Store.open(database) as other:
        assert store.last == 0
        assert store.add("ada-1", "hello") == 1
        assert other.add("ada-1", "hello") == 1
        assert other.add("bob-1", "hi") == 2
        assert store.add("bob-1", "hi") == 2
        assert store.last == 2
        assert [one.number for one in store.after(0)] == [1, 2]
        assert [one.text for one in store.after(1)] == ["hi"]


def test_numbers_have_no_gaps_however_many_write_at_once(database):
    def write(name: str) -> list[int]:
        with Store.open(database) as store:
            return [store.add(f"{name}-{number // 2}", "twice each") for number in range(40)]

    with ThreadPoolExecutor(4) as pool:
        got = list(pool.map(write, ["ada", "bob", "cy", "di"]))
    assert sorted({number for one in got for number in one}) == list(range(1, 81))
    assert all(one == sorted(one) for one in got)


def test_what_another_process_stores_is_news(database):
    async def hear() -> None:
        with Store.open(database) as store, Store.open(database) as other:
            async with aclosing(store.news()) as news:
                await anext(news)
                other.add("bob-1", "hi")
                await asyncio.wait_for(anext(news), 10)
                assert store.last == 1

    loop.run(hear())
    assert not loop.tasks()


def test_back_off_doubles_up_to_a_limit_and_jitter_stays_below_it():
    assert [back_off(failed) for failed in (0, 1, 2, 10, 5000)] == [0.05, 0.1, 0.2, 2.0, 2.0]
    tries = [full_jitter(3) for _ in range(200)]
    assert 0 <= min(tries) < 0.2 < max(tries) <= back_off(3)
