"""Servers that are several processes: over one database, over one channel, behind one nginx."""

from __future__ import annotations

import subprocess
import sys

import httpx
import psutil
import pytest

from tests.net.test_programs import needs
from wslab.net import Client, NotConnected, loop
from wslab.net.cluster import (
    Cluster,
    beside,
    post_and_hear,
    redis_or_broker,
    who_hears,
)
from wslab.net.cluster.orders import server_process
from wslab.net.programs import Nginx, Redis


def test_what_is_posted_to_one_server_comes_to_the_guests_of_another(tmp_path):
    # Over PostgreSQL: tests/labs/test_in_production.py.
    with beside(str(tmp_path / "room.db")) as (http, socket):
        urls = http.replace("ws", "http", 1), socket
        posted = post_and_hear(*urls, ["one", "two", "three"], ["Ada", "Ben"])
        assert [(one.status, one.number) for one in posted] == [(201, 1), (201, 2), (201, 3)]
        assert all(list(one.after) == ["Ada", "Ben"] for one in posted)
        for body in (b"", b"[]", b'{"text": "without a key"}'):
            assert httpx.post(f"{urls[0]}messages", content=body).status_code == 400
        assert post_and_hear(*urls, ["four"], ["Cy"], after=3)[0].number == 4
    with pytest.raises(httpx.ConnectError):
        httpx.get(urls[0])
    assert not loop.tasks()


@pytest.mark.parametrize("missing", ["", "redis-server", "redis"])
def test_a_channel_joins_them_and_a_broker_of_our_own_takes_the_place_of_redis(
    missing, monkeypatch
):
    needs(Nginx)
    if missing == "redis-server":
        monkeypatch.setattr(Redis, "program", "redis-that-is-not-here")
    elif missing:
        monkeypatch.setitem(sys.modules, "redis", None)
    else:
        needs(Redis)
    with redis_or_broker("channel") as (where, why), Cluster("joined", channel=where) as cluster:
        heard = [one.texts[0] for one in who_hears(cluster.nginx.url)]
    assert set(heard[0]) == {"Ada", "Ben", "Cy", "Di"}
    assert heard == heard[:1] * 4  # in the same order, too
    remedy = {"": "", "redis-server": "apt-get install redis-server", "redis": "pip install"}
    assert remedy[missing] in why
    assert bool(why) == bool(missing)


# What becomes of guests when a server is killed or restarted: tests/labs/test_in_production.py.


def test_bytes_in_the_chat_are_refused():
    process = server_process()
    try:
        port = process.order("serve", name="A", port=0)
        with Client(f"ws://127.0.0.1:{port}/") as client:
            client.connect()
            assert client.recv() == '{"server": "A", "version": 1}'
            client.send("hello")
            assert client.recv() == "hello"
            client.send(b"hello")
            with pytest.raises(NotConnected):
                client.recv()
            assert (client.close_code, client.close_reason) == (1003, "expected text, got bytes")
    finally:
        process.end()


def test_a_server_without_its_channel_ends():
    needs(Redis)
    server = server_process()
    with Redis() as redis:
        server.order("serve", name="A", port=0, channel=redis.url)
    assert server.process.wait(20) == 1
    assert "redis.exceptions.ConnectionError: " in server.end()


KERNEL = """
import time
from wslab.net.cluster.orders import server_process
process = server_process()
process.order("serve", name="A", port=0)
print(process.process.pid, flush=True)
time.sleep(60)
"""


def test_a_killed_kernel_takes_its_servers_along():
    command = [sys.executable, "-c", KERNEL]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as kernel:
        server = psutil.Process(int(kernel.stdout.readline()))
        kernel.kill()
        psutil.wait_procs([server], timeout=20)
        assert not server.is_running() or server.status() == psutil.STATUS_ZOMBIE
