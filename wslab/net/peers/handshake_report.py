"""Finds out what a client built on `websockets` reports for a given answer, byte for byte."""

from __future__ import annotations

from websockets.client import ClientProtocol
from websockets.http11 import Response
from websockets.uri import parse_uri

from wslab.wire.protocol import parse_head


def library_report(request: bytes, answer: bytes, *, ended: bool = True) -> str:
    """Feed `answer` to the library's own protocol core, as the answer to `request`'s key.

    `ended` says that the server then closed the connection. This also works for requests that the
    library would never send itself.
    """
    protocol = ClientProtocol(parse_uri("ws://127.0.0.1/"))
    protocol.connect()
    protocol.key = parse_head(request).get("Sec-WebSocket-Key") or protocol.key
    protocol.receive_data(answer)
    if ended:
        protocol.receive_eof()
    responses = [event for event in protocol.events_received() if isinstance(event, Response)]
    error = protocol.handshake_exc
    if error is not None:
        text = f"{type(error).__name__}: {error}"
        if error.__cause__ is not None:
            text += f" ({error.__cause__})"
        return text
    return "open" if responses else "nothing: still waiting for an answer"
