"""An echo server on picows, which hands over frames and leaves messages to its user."""

import asyncio

from picows import ws_create_server
from picows_echo import Echo


async def main():
    server = await ws_create_server(lambda request: Echo(), "127.0.0.1", 0, enable_auto_pong=True)
    print(server.sockets[0].getsockname()[1], flush=True)
    await server.serve_forever()


asyncio.run(main())
