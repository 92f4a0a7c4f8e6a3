"""What a peer's API says about the end of a connection."""

from __future__ import annotations

from typing import NamedTuple


class PeerReport(NamedTuple):
    """One peer's view, as its program gets it."""

    code: int | None
    """The close code that the API reports; None where there was no connection to report about."""
    reason: str = ""
    clean: bool | None = None
    """WHATWG's `wasClean`: both close frames crossed before TCP ended. None for a raw peer, which
    keeps no such account."""
    said: tuple[str, ...] = ()
    """Exceptions, events and refusals, in order, in the API's own words."""

    @property
    def raw(self) -> bool:
        """Whether it is a raw peer's, which has no API: `code` and `said` tell what it heard."""
        return self.clean is None
