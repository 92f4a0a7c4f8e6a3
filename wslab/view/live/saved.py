"""Stores a picture or text of a widget in the notebook, for readers without widgets."""

from __future__ import annotations

from html import escape
from typing import Any


class Saved:
    """Adds what `static` returns to a widget's output. Goes before the widget's own base class."""

    def static(self) -> dict[str, str]:
        """What the widget shows, as text or HTML, by MIME type."""
        raise NotImplementedError

    def _repr_mimebundle_(self, **kwargs: Any) -> Any:
        bundle = super()._repr_mimebundle_(**kwargs)  # type: ignore[misc]
        if bundle is None:
            return None
        data, metadata = bundle
        return {**data, **self.static()}, metadata


def place_of(view: str, what: str, remark: str) -> dict[str, str]:
    """The `static` of a view that needs a kernel: it says what was here and how to get it back."""
    html = (
        f'<p data-wslab="{view}"><code>{escape(what)}</code><br><small>{escape(remark)}</small></p>'
    )
    return {"text/plain": what, "text/html": html}
