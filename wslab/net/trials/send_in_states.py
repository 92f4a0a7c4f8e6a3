"""Tries what `send` does in each of the four states of a connection, with several libraries."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable

from websockets.asyncio.client import connect as library_connect

from wslab.net import loop
from wslab.net.cases.runner import FaultyServer
from wslab.net.clients.client import Client

STATES = ("CONNECTING", "OPEN", "CLOSING", "CLOSED")


def send_on_websockets(url: str) -> dict[str, str]:
    """What `send` of Python's `websockets` does in each state, with the server at `url`."""
    return loop.run(_on_websockets(url), 10.0)


def send_on_wslab(url: str) -> dict[str, str]:
    """What `send` of the lab's own client does in each state, with the server at `url`."""
    said: dict[str, str] = {}
    with FaultyServer("hangs", name="send while connecting") as hanging:
        client = Client(name="send in states")
        loop.run(_send_while_connecting(client, hanging.url, said))
    with FaultyServer("never-answers-close", name="send while closing") as stubborn:
        client = Client(stubborn.url, name="send in states", close_timeout=0.3).connect()
        said["OPEN"] = _tried(client)
        loop.call(_send_close, client)
        said["CLOSING"] = _tried(client)
        client.stop()
        said["CLOSED"] = _tried(client)
    return said


async def _on_websockets(url: str) -> dict[str, str]:
    said = {"CONNECTING": "there is nothing to send with: connect() has not returned yet"}
    connection = await library_connect(
        url, compression=None, ping_interval=None, close_timeout=0.3, proxy=None
    )
    said["OPEN"] = await _awaited(connection.send("Hello"))
    closing = asyncio.ensure_future(connection.close())
    await asyncio.sleep(0)  # its close frame is sent, the answer has not come
    said["CLOSING"] = await _awaited(connection.send("too late"))
    await closing
    said["CLOSED"] = await _awaited(connection.send("too late"))
    return said


async def _awaited(call: Awaitable[None]) -> str:
    try:
        await call
    except Exception as error:
        return f"raises {type(error).__name__}"
    return "sends"


async def _send_while_connecting(client: Client, url: str, said: dict[str, str]) -> None:
    # The inner coroutines, because this runs on the loop thread already.
    attempt = asyncio.ensure_future(client._connect(url, 5.0, {}))
    await asyncio.sleep(0)  # let it begin
    try:
        await client._send("too early", b"too early", 1.0)
    except Exception as error:
        said["CONNECTING"] = f"raises {type(error).__name__}"
    await client._close(1000, "", 1.0)
    await asyncio.wait([attempt])
    attempt.exception()


def _send_close(client: Client) -> None:
    connection = client._connection
    assert connection is not None
    connection.protocol.send_close(1000)
    connection.send_data()


def _tried(client: Client) -> str:
    try:
        client.send("Hello")
    except Exception as error:
        return f"raises {type(error).__name__}"
    return "sends"
