"""An echo client on Tornado."""

import asyncio
import sys

from tornado.httpclient import HTTPClientError
from tornado.websocket import websocket_connect


async def main(url):
    while True:
        try:
            socket = await websocket_connect(url, compression_options={})
            while (message := await socket.read_message()) is not None:
                await socket.write_message(message, binary=isinstance(message, bytes))
        except HTTPClientError as refused:
            if refused.code == 410:
                return
        except Exception:  # whatever it is: the next case waits
            pass


asyncio.run(main(sys.argv[1]))
