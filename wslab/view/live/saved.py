"""Stores a picture or text of a widget in the notebook, for readers without widgets."""

from __future__ import annotations

from collections.abc import Sequence
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


KEPT = 50
"""Lines of a view that stand in a notebook at most: the last ones."""


def account(view: str, what: str, remark: str, lines: Sequence[str] = ()) -> dict[str, str]:
    """The `static` of a view that needs a kernel: it says what was here, the lines that it showed,
    and how to get it back."""
    shown = [*(["…"] if len(lines) > KEPT else []), *lines[-KEPT:]]
    items = "".join(f"<li><code>{escape(line)}</code></li>" for line in shown)
    html = (
        f'<div data-wslab="{view}"><p><code>{escape(what)}</code></p>'
        f"{f'<ul>{items}</ul>' if items else ''}<p><small>{escape(remark)}</small></p></div>"
    )
    return {"text/plain": "\n".join([what, *(f"- {line}" for line in shown)]), "text/html": html}
