"""Clients: the lab's own, and a raw one."""

from wslab.net.clients.client import Client, ClientEvent, connect
from wslab.net.clients.raw import KEY, REQUEST_LINE, RawClient, dial, encode_head, opening_request

__all__ = [
    "KEY",
    "REQUEST_LINE",
    "Client",
    "ClientEvent",
    "RawClient",
    "connect",
    "dial",
    "encode_head",
    "opening_request",
]
