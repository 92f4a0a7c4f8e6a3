"""GraphQL: graphql-core answers on a small server, and gql's client asks and subscribes."""

from __future__ import annotations

import inspect
import json
from collections.abc import AsyncIterator
from typing import Any

from websockets.asyncio.server import Server, ServerConnection, serve

from wslab.net import loop
from wslab.net.address import LOOPBACK
from wslab.net.payloads.talk import PATIENCE, HostedTalk
from wslab.net.servers.hosted import HostedServer

_SCHEMA = """
type Query { hello(name: String!): String }
type Subscription { count(to: Int!): Int }
"""


class GraphQLTalk(HostedTalk):
    """A query with its one result, and a subscription with three."""

    name = "graphql_transport_ws"
    cast = "a server on graphql-core, and gql's client"
    packages = {"graphql": "graphql-core", "gql": "gql"}  # noqa: RUF012
    install = "pip install gql graphql-core"

    def __init__(self) -> None:
        super().__init__(HostedServer(_serve, "GraphQL"))

    def play(self, url: str) -> None:
        loop.run(_ask(url), PATIENCE)


async def _serve() -> Server:
    from graphql import build_schema

    schema = build_schema(_SCHEMA)

    async def count(_root: object, _info: object, to: int) -> AsyncIterator[dict[str, int]]:
        for number in range(1, to + 1):
            yield {"count": number}

    assert schema.query_type is not None
    assert schema.subscription_type is not None
    schema.query_type.fields["hello"].resolve = lambda _root, _info, name: f"Hello, {name}!"
    schema.subscription_type.fields["count"].subscribe = count

    async def handle(connection: ServerConnection) -> None:
        async for message in connection:
            said = json.loads(message)
            match said["type"]:
                case "connection_init":
                    await connection.send('{"type":"connection_ack"}')
                case "ping":
                    await connection.send('{"type":"pong"}')
                case "subscribe":
                    await _answer(connection, schema, said)

    return await serve(
        handle, LOOPBACK, 0, subprotocols=["graphql-transport-ws"], compression=None,  # type: ignore[list-item]
        ping_interval=None,
    )  # fmt: skip


async def _answer(connection: ServerConnection, schema: Any, said: dict[str, Any]) -> None:
    """Carry out one operation, and send its results."""
    from graphql import OperationType, get_operation_ast, graphql, parse, subscribe

    query, variables = said["payload"]["query"], said["payload"].get("variables")
    document = parse(query)
    operation = get_operation_ast(document)

    async def send(result: Any) -> None:
        answer = {"id": said["id"], "type": "next", "payload": result.formatted}
        await connection.send(json.dumps(answer, separators=(",", ":")))

    if operation is not None and operation.operation == OperationType.SUBSCRIPTION:
        results: Any = subscribe(schema, document, variable_values=variables)
        if inspect.isawaitable(results):
            results = await results
        async for result in results:
            await send(result)
    else:
        await send(await graphql(schema, query, variable_values=variables))
    await connection.send(json.dumps({"id": said["id"], "type": "complete"}))


async def _ask(url: str) -> None:
    from gql import Client, gql
    from gql.transport.websockets import WebsocketsTransport

    transport = WebsocketsTransport(url, connect_args={"compression": None, "ping_interval": None})
    async with Client(transport=transport) as session:
        await session.execute(gql('{ hello(name: "Ada") }'))
        async for _ in session.subscribe(gql("subscription { count(to: 3) }")):
            pass
