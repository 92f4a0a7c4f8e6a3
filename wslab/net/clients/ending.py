"""Explains how a connection ended, so that a learner understands the close code."""

from __future__ import annotations

from websockets.asyncio.client import ClientConnection
from websockets.exceptions import WebSocketException
from websockets.frames import OK_CLOSE_CODES, Close
from websockets.protocol import State

from wslab.wire import close_code

# The library's exceptions for data that a client must not, or does not want to, accept.
_REFUSED = (WebSocketException, UnicodeDecodeError)


def ended_well(connection: ClientConnection) -> bool:
    """Whether both sides sent a close frame, and neither of them because of a protocol error."""
    frames = (connection.protocol.close_rcvd, connection.protocol.close_sent)
    return all(
        close is not None and (close.code in OK_CLOSE_CODES or close.code >= 3000)
        for close in frames
    )


def tell_ending(connection: ClientConnection, cause: BaseException | None = None) -> str:
    """Say who closed the connection, with which code and reason.

    `cause` is the exception that ended it, if it did not end by a closing handshake alone.
    """
    protocol = connection.protocol
    if connection.state is not State.CLOSED:
        return f"the connection is {connection.state.name}"
    received, sent = protocol.close_rcvd, protocol.close_sent
    if received is not None and protocol.close_rcvd_then_sent:
        return f"the server closed the connection with code {_name(received)}"
    if received is not None and sent is not None:
        return (
            f"this client closed the connection with code {_name(sent)}; the server answered "
            f"{_name(received)}"
        )
    if received is not None:
        return f"the server closed the connection with code {_name(received)}, unanswered"
    cause = cause or protocol.parser_exc
    if sent is not None and isinstance(cause, _REFUSED):
        return (
            f"this client broke the connection off with code {_name(sent)}, because of what the "
            f"server sent: {cause}; no close frame came back, so the code reported is 1006 (it is "
            "never sent itself)"
        )
    if sent is not None:
        return (
            f"this client sent close code {_name(sent)}, but no close frame came back, so the code "
            f"reported is 1006 (abnormal closure; it is never sent itself)"
        )
    because = f": {cause}" if cause is not None and str(cause) else ""
    return (
        "the connection broke off without a close frame, so the code reported is 1006 (abnormal "
        f"closure; it is never sent itself){because}"
    )


def _name(close: Close) -> str:
    """For example: 1001 (Going Away), reason "restart"."""
    code = f"{int(close.code)} ({close_code(close.code).name})"
    return f'{code}, reason "{close.reason}"' if close.reason else code
