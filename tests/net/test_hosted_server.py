"""A learner's own server on `websockets`, kept running and replaced."""

from __future__ import annotations

import asyncio

import pytest
from websockets.asyncio.server import serve

from wslab.net import Client, WrongValue, running
from wslab.net.servers.hosted import HostedServer


async def echo(connection):
    async for message in connection:
        await connection.send(message)


async def start():
    return await serve(echo, "127.0.0.1", 0)


def test_it_runs_and_a_second_one_replaces_it():
    first = HostedServer(start).start()
    client = Client(first.url).connect()
    client.send("hello")
    assert client.recv() == "hello"
    second = HostedServer(start).start()
    assert not first.is_running
    assert repr(second) == f"<HostedServer 'yours' {second.url}>"
    assert [entry.thing for entry in running() if entry.kind == "server"] == [second]
    second.stop()
    second.stop()


def test_a_function_that_returns_no_server_is_told_so():
    async def returns_text():
        return "server"

    with pytest.raises(WrongValue, match=r"return await serve\(\.\.\.\).*returned str"):
        HostedServer(returns_text).start()
    assert not running()


def test_what_goes_wrong_in_it_is_raised():
    async def broken():
        raise LookupError("no such thing")

    with pytest.raises(LookupError, match="no such thing"):
        HostedServer(broken).start()
    assert not running()


def test_a_handler_that_never_ends_does_not_hold_up_the_end():
    async def stubborn(connection):
        await asyncio.Event().wait()

    async def begin():
        return await serve(stubborn, "127.0.0.1", 0)

    with_handler = HostedServer(begin).start()
    client = Client(with_handler.url).connect()
    with_handler.stop()
    client.stop()
