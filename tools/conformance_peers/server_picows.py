"""An echo server on picows, which hands over frames and leaves messages to its user."""

import asyncio

from picows import WSListener, WSMsgType, ws_create_server


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


async def main():
    server = await ws_create_server(lambda request: Echo(), "127.0.0.1", 0, enable_auto_pong=True)
    print(server.sockets[0].getsockname()[1], flush=True)
    await server.serve_forever()


asyncio.run(main())
