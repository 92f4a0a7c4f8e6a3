"""A recording told: as text, as JSON, and by how it differs from another."""

from .difference import Difference, compare

__all__ = ["Difference", "compare"]
