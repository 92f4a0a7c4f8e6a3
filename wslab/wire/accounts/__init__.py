"""A recording explained: as text for people, as JSON for programs, or compared with another."""

from .difference import Difference, What, compare, place, short
from .json import json_pieces
from .text import WIDTH, text_pieces

__all__ = ["WIDTH", "Difference", "What", "compare", "json_pieces", "place", "short", "text_pieces"]
