"""TLS under WebSocket: an authority made for the run, who trusts it, and what stands on the way."""

from wslab.net.tls.authority import FAULTS, Authority, Fault
from wslab.net.tls.in_front import LINES, configuration, tls_ends
from wslab.net.tls.old_proxy import Habit, OldProxy, echo_through
from wslab.net.tls.page import CHAT, SHOP, PageServer, Told, browser, open_socket
from wslab.net.tls.trust import Verdict, careless, judge, server_with

__all__ = [
    "CHAT",
    "FAULTS",
    "LINES",
    "SHOP",
    "Authority",
    "Fault",
    "Habit",
    "OldProxy",
    "PageServer",
    "Told",
    "Verdict",
    "browser",
    "careless",
    "configuration",
    "echo_through",
    "judge",
    "open_socket",
    "server_with",
    "tls_ends",
]
