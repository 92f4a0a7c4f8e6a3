"""An echo client on websockets."""

import asyncio
import sys

from websockets.asyncio.client import connect
from websockets.exceptions import InvalidStatus, WebSocketException


async def main(url):
    while True:
        try:
            async with connect(url, ping_interval=None, proxy=None) as websocket:
                async for message in websocket:
                    await websocket.send(message)
        except InvalidStatus as refused:
            if refused.response.status_code == 410:
                return
        except (WebSocketException, OSError, EOFError, TimeoutError):
            pass


asyncio.run(main(sys.argv[1]))
