"""What the server and the client on picows do alike: echo whole messages, answer a close frame."""

from picows import WSListener, WSMsgType


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
