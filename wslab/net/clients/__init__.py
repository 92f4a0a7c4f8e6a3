"""Clients: the lab's own, and raw ones."""

from wslab.net.clients.raw import KEY, RawClient, opening_request

__all__ = ["KEY", "RawClient", "opening_request"]
