"""WebTransport over HTTP/3: a server, a relay that loses packets, and three clients."""

from wslab.net.webtransport.server import Packet, UdpRelay, WebTransportServer
from wslab.net.webtransport.stage import WAYS, Sent, Stage, TransportPage, Way

__all__ = [
    "WAYS",
    "Packet",
    "Sent",
    "Stage",
    "TransportPage",
    "UdpRelay",
    "Way",
    "WebTransportServer",
]
