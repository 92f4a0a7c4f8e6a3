"""Protocols on top of WebSocket, spoken for real: each by its own libraries, server and client.

Read in this order: `talk` (what they have in common), then one file for each protocol, named as in
`wslab.wire.payloads`.
"""

from .graphql_transport_ws import GraphQLTalk
from .jupyter_kernel import JupyterTalk
from .mqtt import MQTTTalk
from .socket_io import SocketIOTalk
from .stomp import StompTalk
from .talk import Talk, recorded

TALKS: dict[str, type[Talk]] = {
    talk.name: talk for talk in (MQTTTalk, JupyterTalk, SocketIOTalk, GraphQLTalk, StompTalk)
}
"""The talks by the name of their protocol."""

__all__ = ["TALKS", "Talk", "recorded"]
