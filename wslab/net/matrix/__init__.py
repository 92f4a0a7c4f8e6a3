"""The matrix: every client with every server in every situation, and what is to be seen."""

from wslab.net.matrix.cell import CELLS, CLIENTS, SERVERS, Cell, Matrix, Played
from wslab.net.matrix.differences import DIFFERENCES
from wslab.net.matrix.recording import recorded
from wslab.net.matrix.situation import Seen, Situation
from wslab.net.matrix.situations import SITUATIONS

__all__ = [
    "CELLS",
    "CLIENTS",
    "DIFFERENCES",
    "SERVERS",
    "SITUATIONS",
    "Cell",
    "Matrix",
    "Played",
    "Seen",
    "Situation",
    "recorded",
]
