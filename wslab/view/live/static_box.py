"""A box of controls that a notebook shows as words where no widgets run."""

from __future__ import annotations

from html import escape
from typing import Any

import ipywidgets as widgets


class StaticBox(widgets.VBox):
    """Base of the views that are made of ipywidgets' controls: a subclass says what it is."""

    def words(self) -> list[str]:
        """A heading and the lines below it, in plain text."""
        raise NotImplementedError

    def static(self) -> dict[str, str]:
        """The same by MIME type, for readers that run no widgets."""
        heading, *lines = self.words()
        items = "".join(f"<li>{escape(line)}</li>" for line in lines)
        return {
            "text/plain": "\n".join([heading, *(f"- {line}" for line in lines)]),
            "text/html": f"<div data-wslab='static'><p><b>{escape(heading)}</b></p>"
            f"<ul>{items}</ul><p><small>To answer and try, run this cell in JupyterLab.</small></p>"
            "</div>",
        }

    def _repr_mimebundle_(self, **kwargs: Any) -> Any:
        data = super()._repr_mimebundle_(**kwargs)
        return None if data is None else {**data, **self.static()}
