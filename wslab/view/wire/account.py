"""Shows one unit as a table that stays in the notebook, next to the prose about it."""

from __future__ import annotations

from wslab.wire import Unit

from ..live.static_html import render_unit


class Account:
    """The table of one request, response or frame."""

    def __init__(self, unit: Unit) -> None:
        self.unit = unit

    def _repr_html_(self) -> str:
        return render_unit(self.unit)

    def __repr__(self) -> str:
        return str(self.unit)
