"""A picture in a cell's output, which follows the notebook's theme and works without a network."""

from __future__ import annotations

import base64
from html import escape

STYLE = """\
<style>
  [data-wslab=picture] img { display: block; width: 100%; height: auto; }
  [data-wslab=picture] img.ws-dark { display: none; }
  body[data-jp-theme-light=false] [data-wslab=picture] img.ws-dark { display: block; }
  body[data-jp-theme-light=false] [data-wslab=picture] img.ws-light { display: none; }
</style>"""


class Picture:
    """A picture in WebP, for a light and a dark theme. It is in the output itself, as data.

    `alt` says what is to be seen, `width` is in CSS pixels. In a narrow cell it gets smaller, but
    not so small that nobody can read it: then the cell's output scrolls.
    """

    def __init__(
        self, light: bytes, dark: bytes, *, alt: str, caption: str, width: int = 900
    ) -> None:
        self.alt, self.caption = alt, caption
        self._images, self._width = {"light": light, "dark": dark}, width

    def _repr_html_(self) -> str:
        images = "".join(
            f'<img class="ws-{theme}" alt="{escape(self.alt)}" '
            f'src="data:image/webp;base64,{base64.b64encode(image).decode()}">'
            for theme, image in self._images.items()
        )
        return (
            f'{STYLE}<figure data-wslab="picture" style="margin:.5em 0;'
            f'min-width:{min(600, self._width)}px;max-width:{self._width}px">'
            f"{images}<figcaption>{escape(self.caption)}</figcaption></figure>"
        )

    def __repr__(self) -> str:
        return f"{self.alt}\n({self.caption})"
