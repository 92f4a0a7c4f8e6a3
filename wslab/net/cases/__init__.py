"""Cases: tables of what a peer can do wrong, or just barely right, and code that plays them."""

from wslab.net.cases.case import Case, Head
from wslab.net.cases.endings import ENDINGS, Ending, Result, name_of, play
from wslab.net.cases.frames import FAULTY_FRAMES, FURTHER_FRAMES
from wslab.net.cases.handshakes import FAULTY_CLIENTS, FAULTY_SERVERS
from wslab.net.cases.negotiations import EXTENSIONS, SUBPROTOCOLS
from wslab.net.cases.offenders import OFFENDERS, meet
from wslab.net.cases.runner import MISBEHAVIOURS, FaultyServer, visit
from wslab.net.cases.wire_line import WireLine, wire_lines

__all__ = [
    "ENDINGS",
    "EXTENSIONS",
    "FAULTY_CLIENTS",
    "FAULTY_FRAMES",
    "FAULTY_SERVERS",
    "FURTHER_FRAMES",
    "MISBEHAVIOURS",
    "OFFENDERS",
    "SUBPROTOCOLS",
    "Case",
    "Ending",
    "FaultyServer",
    "Head",
    "Result",
    "WireLine",
    "meet",
    "name_of",
    "play",
    "visit",
    "wire_lines",
]
