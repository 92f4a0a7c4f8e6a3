"""One feed of messages got in five ways: HTTP against WebSocket, counted on the wire."""

from wslab.net.feeds.clients import COOKIE, WAYS, Received, Way
from wslab.net.feeds.server import FeedServer, Message
from wslab.net.feeds.trial import Run, Traffic, run_way

__all__ = [
    "COOKIE",
    "WAYS",
    "FeedServer",
    "Message",
    "Received",
    "Run",
    "Traffic",
    "Way",
    "run_way",
]
