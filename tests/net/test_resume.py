"""A server that is killed in mid-conversation: nothing is lost or doubled, and a cheat is found."""

from __future__ import annotations

import asyncio
import random
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, aclosing

import pytest

from tests.net.test_programs import needs
from wslab.net import Tap, loop
from wslab.net.programs import Postgres
from wslab.net.resume import (
    ForgetfulClient,
    RepeatingClient,
    ResumingClient,
    Store,
    back_off,
    full_jitter,
    lose_confirmation,
    lose_server,
    survive,
)
from wslab.wire import Capture


def test_killed_three_times_and_only_numbers_and_keys_lose_and_double_nothing():
    kinds = {"naive": ForgetfulClient, "again": RepeatingClient, "resuming": ResumingClient}
    told = survive(3, kinds, each=3)
    assert {one.said for one in told.values()} == {3 * 3 * 2 + 4}
    whole = told["resuming"]
    assert (whole.lost, whole.doubled, whole.out_of_order) == (0, 0, 0)
    assert told["naive"].lost > 0
    assert told["naive"].doubled == 0
    assert told["again"].doubled > 0
    assert told["again"].lost == 0
    assert all(one.connected == 2 * (3 + 1) for one in told.values())
    assert not loop.tasks()


class SaidIsSaid(ResumingClient):
    """Does not wait for a confirmation."""

    async def say(self, text):
        await super().say(text)
        self._unconfirmed.clear()


def test_a_client_that_waits_for_no_confirmation_loses():
    assert survive(2, {"cheat": SaidIsSaid}, each=3)["cheat"].lost > 0


@pytest.mark.parametrize(("guest", "stored"), [(ResumingClient, 1), (RepeatingClient, 2)])
def test_without_a_key_what_was_stored_and_not_confirmed_is_stored_twice(guest, stored):
    capture = Capture()
    with ExitStack() as taps:
        texts = lose_confirmation(guest, "Ada", lambda url: taps.enter_context(Tap(url, capture)))
    assert texts == ["Hello"] * stored
    assert capture.index.connections == [1, 2]


def lose(wait, clients=40):
    waits = [[wait(failed) for failed in range(8)] for _ in range(clients)]
    (told,) = lose_server({"herd": waits}, away=0.2).values()
    assert len(told.accepted) == clients == sum(count for _, count in told.counts)
    assert max(told.accepted) <= told.over
    return told


def test_a_herd_comes_back_together_unless_each_waits_as_long_as_chance_says():
    together = lose(lambda failed: 1.0)
    assert together.refused % 40 == 0
    apart = lose(lambda failed: random.uniform(0.8, 2.0))
    assert together.peak > 2 * apart.peak
    assert not loop.tasks()


def test_while_there_is_no_server_tries_are_in_vain():
    assert lose(lambda failed: 0.05, clients=10).refused >= 10


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
