"""An echo client on picows."""

import asyncio
import sys

from picows import ws_connect
from picows_echo import Echo


async def main(url):
    while True:
        try:
            transport, _ = await ws_connect(Echo, url, enable_auto_pong=True)
            await transport.wait_disconnected()
        except Exception as error:  # whatever it is: the next case waits
            if "410" in str(error):
                return


asyncio.run(main(sys.argv[1]))
