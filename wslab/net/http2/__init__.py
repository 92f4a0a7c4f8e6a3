"""WebSocket over HTTP/2 (RFC 8441): a server, a client, and what crosses between them."""

from wslab.net.http2.client import Http2Client
from wslab.net.http2.frame import PREFACE, Http2Frame, frames, inside, sockets
from wslab.net.http2.hypercorn import Hypercorn
from wslab.net.http2.stage import Stage, Talk, Who

__all__ = [
    "PREFACE",
    "Http2Client",
    "Http2Frame",
    "Hypercorn",
    "Stage",
    "Talk",
    "Who",
    "frames",
    "inside",
    "sockets",
]
