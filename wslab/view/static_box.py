"""A box of controls that a notebook shows as words where no widgets run."""

from __future__ import annotations

from html import escape
from typing import Any

import ipywidgets as widgets


class StaticBox(widgets.VBox):
    """Base of the views that are made of ipywidgets' controls: a subclass says what it is."""

    def static(self) -> list[str]:
        """A heading and the lines below it, in plain text."""
        raise NotImplementedError

    def _repr_mimebundle_(self, **kwargs: Any) -> Any:
        data = super()._repr_mimebundle_(**kwargs)
        if data is None:
            return None
        heading, *lines = self.static()
        items = "".join(f"<li>{escape(line)}</li>" for line in lines)
        return {
            **data,
            "text/plain": "\n".join([heading, *(f"- {line}" for line in lines)]),
            "text/html": f"<div data-wslab='static'><p><b>{escape(heading)}</b></p>"
            f"<ul>{items}</ul><p><small>To answer and try, run this cell in JupyterLab.</small></p>"
            "</div>",
        }
