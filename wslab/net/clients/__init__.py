"""Clients: the lab's own, a raw one, and one that reads nothing."""

from wslab.net.clients.client import Client, ClientEvent, connect
from wslab.net.clients.raw import KEY, REQUEST_LINE, RawClient, dial, encode_head, opening_request
from wslab.net.clients.silent import SilentClient

__all__ = [
    "KEY",
    "REQUEST_LINE",
    "Client",
    "ClientEvent",
    "RawClient",
    "SilentClient",
    "connect",
    "dial",
    "encode_head",
    "opening_request",
]
