"""An echo client on picows."""

import asyncio
import sys

from picows import WSListener, WSMsgType, ws_connect


class Echo(WSListener):
    kind, parts = WSMsgType.TEXT, b""

    def on_ws_frame(self, transport, frame):
        if frame.msg_type == WSMsgType.CLOSE:
            transport.send_close(frame.get_close_code(), frame.get_close_message())
            transport.disconnect()
        elif frame.msg_type in (WSMsgType.TEXT, WSMsgType.BINARY, WSMsgType.CONTINUATION):
            if frame.msg_type != WSMsgType.CONTINUATION:
                self.kind, self.parts = frame.msg_type, b""
            self.parts += frame.get_payload_as_bytes()
            if frame.fin:
                transport.send(self.kind, self.parts)


async def main(url):
    while True:
        try:
            transport, _ = await ws_connect(Echo, url, enable_auto_pong=True)
            await transport.wait_disconnected()
        except Exception as error:  # whatever it is: the next case waits
            if "410" in str(error):
                return


asyncio.run(main(sys.argv[1]))
