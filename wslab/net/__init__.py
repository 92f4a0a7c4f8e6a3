"""What moves the bytes: servers, the wire tap, clients, and peers that misbehave on purpose.

    server = EchoServer().start()             # on a free port of this machine
    tap = Tap(server.port, capture).start()   # between any client and the server
    client = connect(tap.url)                 # plain functions: send, recv, ping, close
    running()                                 # what there is; stop_all() ends it

Everything runs on one thread of its own (`loop`), so that a busy cell stops none of it.
"""

from wslab.net import faulty_clients, faulty_frames, faulty_servers
from wslab.net.address import Address, parse_url
from wslab.net.chat_server import ChatServer
from wslab.net.client import Client, Event, connect
from wslab.net.echo_server import EchoServer
from wslab.net.errors import (
    ConnectFailed,
    ConnectTimedOut,
    HandshakeFailed,
    NotConnected,
    NotHeld,
    NotRunning,
    OnLoopThread,
    PortForbidden,
    PortTaken,
    TimedOut,
    WrongClose,
    WrongMessage,
    WrongRule,
    WrongURL,
    WrongValue,
    WslabError,
)
from wslab.net.faulty_servers import FaultyServer
from wslab.net.handshake_result import HandshakeResult
from wslab.net.in_flight import InFlight
from wslab.net.raw_client import RawClient
from wslab.net.raw_server import RawConnection, RawServer
from wslab.net.registry import port_holder, running, stop_all
from wslab.net.replay import Replay, replay
from wslab.net.server import Server
from wslab.net.tap import Recorder, Tap
from wslab.net.tap_rules import Rule

__all__ = [
    "Address",
    "ChatServer",
    "Client",
    "ConnectFailed",
    "ConnectTimedOut",
    "EchoServer",
    "Event",
    "FaultyServer",
    "HandshakeFailed",
    "HandshakeResult",
    "InFlight",
    "NotConnected",
    "NotHeld",
    "NotRunning",
    "OnLoopThread",
    "PortForbidden",
    "PortTaken",
    "RawClient",
    "RawConnection",
    "RawServer",
    "Recorder",
    "Replay",
    "Rule",
    "Server",
    "Tap",
    "TimedOut",
    "WrongClose",
    "WrongMessage",
    "WrongRule",
    "WrongURL",
    "WrongValue",
    "WslabError",
    "connect",
    "faulty_clients",
    "faulty_frames",
    "faulty_servers",
    "parse_url",
    "port_holder",
    "replay",
    "running",
    "stop_all",
]
