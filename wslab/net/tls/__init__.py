"""TLS under WebSocket: an authority made for the run, its certificates, and who trusts it."""

from wslab.net.tls.authority import FAULTS, Authority, Fault

__all__ = ["FAULTS", "Authority", "Fault"]
