"""A recording explained: as text for people, as JSON for programs, or compared with another."""

from .difference import Difference, compare
from .json import json_pieces
from .text import WIDTH, text_pieces

__all__ = ["WIDTH", "Difference", "compare", "json_pieces", "text_pieces"]
