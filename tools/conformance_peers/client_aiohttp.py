"""An echo client on aiohttp."""

import asyncio
import sys

import aiohttp


async def main(url):
    async with aiohttp.ClientSession() as session:
        while True:
            try:
                async with session.ws_connect(url, compress=15) as socket:
                    async for message in socket:
                        if message.type == aiohttp.WSMsgType.TEXT:
                            await socket.send_str(message.data)
                        elif message.type == aiohttp.WSMsgType.BINARY:
                            await socket.send_bytes(message.data)
            except aiohttp.WSServerHandshakeError as refused:
                if refused.status == 410:
                    return
            except (aiohttp.ClientError, OSError, ValueError):
                pass


asyncio.run(main(sys.argv[1]))
