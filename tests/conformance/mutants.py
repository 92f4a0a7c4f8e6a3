"""A fault planted into the source of a correct peer."""

from __future__ import annotations

import types
from typing import NamedTuple


class Mutant(NamedTuple):
    """A change of the source, and a case that must find it."""

    what: str
    old: str
    new: str
    case: str

    def __str__(self) -> str:
        return self.what

    def of(self, source: str) -> types.ModuleType:
        """The changed peer, as a module."""
        assert source.count(self.old) == 1, "expected to find what is changed, once"
        return made(source.replace(self.old, self.new))


def made(source: str) -> types.ModuleType:
    """A module of this source."""
    module = types.ModuleType("peer")
    exec(compile(source, "peer.py", "exec"), vars(module))
    return module
