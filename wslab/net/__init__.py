"""What moves the bytes: servers, the wire tap, clients, and peers that misbehave on purpose.

    server = EchoServer().start()             # on a free port of this machine
    tap = Tap(server.port, capture).start()   # between any client and the server
    client = connect(tap.url)                 # plain functions: send, recv, ping, close
    running()                                 # what is running; stop_all() stops it

Everything runs on one thread of its own (`loop`), so that a busy cell does not hold it up.
"""

from wslab.net.address import Address, parse_url
from wslab.net.cases.runner import FaultyServer, Observed, visit
from wslab.net.clients import Client, ClientEvent, RawClient, connect
from wslab.net.compression import Compression
from wslab.net.errors import (
    ConnectFailed,
    ConnectTimedOut,
    HandshakeFailed,
    LoopHeld,
    Missing,
    NotConnected,
    NotHeld,
    NotRunning,
    OnLoopThread,
    PackageMissing,
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
from wslab.net.held_loop import refuse as refuse_held
from wslab.net.listener import Listener
from wslab.net.loop import run as run_on_loop
from wslab.net.problem_log import ProblemLog
from wslab.net.recorded import RecordedServer, Replay, replay
from wslab.net.registry import (
    port_holder,
    register,
    running,
    stop_all,
    unregister,
    watch_ports,
)
from wslab.net.reset import close as close_stream
from wslab.net.reset import reset as reset_stream
from wslab.net.servers import (
    ChatServer,
    EchoPageServer,
    EchoServer,
    RawConnection,
    RawServer,
    Server,
)
from wslab.net.tap import InFlight, Rule, Tap, WireDebugger, page_opened

__all__ = [
    "Address",
    "ChatServer",
    "Client",
    "ClientEvent",
    "Compression",
    "ConnectFailed",
    "ConnectTimedOut",
    "EchoPageServer",
    "EchoServer",
    "FaultyServer",
    "HandshakeFailed",
    "InFlight",
    "Listener",
    "LoopHeld",
    "Missing",
    "NotConnected",
    "NotHeld",
    "NotRunning",
    "Observed",
    "OnLoopThread",
    "PackageMissing",
    "PortForbidden",
    "PortTaken",
    "ProblemLog",
    "RawClient",
    "RawConnection",
    "RawServer",
    "RecordedServer",
    "Replay",
    "Rule",
    "Server",
    "Tap",
    "TimedOut",
    "WireDebugger",
    "WrongClose",
    "WrongMessage",
    "WrongRule",
    "WrongURL",
    "WrongValue",
    "WslabError",
    "close_stream",
    "connect",
    "page_opened",
    "parse_url",
    "port_holder",
    "refuse_held",
    "register",
    "replay",
    "reset_stream",
    "run_on_loop",
    "running",
    "stop_all",
    "unregister",
    "visit",
    "watch_ports",
]
