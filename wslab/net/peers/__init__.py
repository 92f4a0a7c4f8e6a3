"""Peers for experiments: servers and clients on Python's `websockets` or Node's `ws`, controlled
from outside, and raw peers that send any frame."""

from wslab.net.peers.frame_peer import MASKING_KEY, code_in
from wslab.net.peers.handshake_report import library_report
from wslab.net.peers.library import LibraryPeers, LibraryProcesses
from wslab.net.peers.node import NodeOwnPeers, NodePeers
from wslab.net.peers.page import NoPage, PagePeers
from wslab.net.peers.peers import PeerReport, Peers
from wslab.net.peers.raw_peers import RawToClient, RawToServer, Reaction, TellingEchoServer
from wslab.net.peers.state_watch import watch

__all__ = [
    "MASKING_KEY",
    "LibraryPeers",
    "LibraryProcesses",
    "NoPage",
    "NodeOwnPeers",
    "NodePeers",
    "PagePeers",
    "PeerReport",
    "Peers",
    "RawToClient",
    "RawToServer",
    "Reaction",
    "TellingEchoServer",
    "code_in",
    "library_report",
    "watch",
]
