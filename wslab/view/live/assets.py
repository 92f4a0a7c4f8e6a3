"""Joins a view's scripts to one script, and its style sheets to one, for a widget to send.

A widget sends its script to the page as text, so the script cannot import other files there. Yet
the files in each room's `static/` are plain ES modules, which can be read and imported one by one:
this module replaces each line `import { ... } from "./x.js";` by that file, once, and does the same
with CSS `@import`. No bundler, and nothing from the net. `live/static/kinds.css` is not a file: it
is generated from the table in `wire/kinds.py`.
"""

from __future__ import annotations

import posixpath
import re
from functools import cache
from importlib.resources import files

from wslab.wire import KINDS, PALETTE

_IMPORT_JS = re.compile(r'^import \{[^}]*\} from "(\.[\w./]+\.js)";\n', re.MULTILINE)
_IMPORT_CSS = re.compile(r'^@import "(\.[\w./]+\.css)";\n', re.MULTILINE)
_EXPORT_JS = re.compile(r"^export (?=(?:async )?(?:function|class|const)\b)", re.MULTILINE)


def asset(name: str) -> str:
    """The text of one file, unchanged: "wire/rows.js" is `view/wire/static/rows.js`."""
    return _read(_path(name))


@cache
def script(name: str) -> str:
    """A module, such as "wire/wire_view.js", and the modules it imports, as one ES module."""
    return _joined(_path(name), _IMPORT_JS, set())


@cache
def style(name: str) -> str:
    """A style sheet, such as "wire/wire_view.css", and those that it imports, as one."""
    return _joined(_path(name), _IMPORT_CSS, set())


def _path(name: str) -> str:
    room, _, file = name.partition("/")
    return f"{room}/static/{file}"


def _read(path: str) -> str:
    if path == "live/static/kinds.css":
        return _kinds_css()
    return files("wslab.view").joinpath(path).read_text("utf-8")


def _kinds_css() -> str:
    """CSS with the palette for light and dark backgrounds, and `--ws-kind` for each kind."""
    light = "".join(f"  --ws-{colour.name}: {colour.on_light};\n" for colour in PALETTE.values())
    dark = "".join(f"  --ws-{colour.name}: {colour.on_dark};\n" for colour in PALETTE.values())
    themes = (
        'body[data-jp-theme-light="false"] .wslab, body.vscode-dark .wslab, '
        "body.vscode-high-contrast:not(.vscode-high-contrast-light) .wslab"
    )
    unsaid = "body:not([data-jp-theme-light], .vscode-light, .vscode-high-contrast-light) .wslab"
    rules = [
        f".wslab {{\n{light}}}",
        f"{themes} {{\n{dark}}}",
        f"@media (prefers-color-scheme: dark) {{\n{unsaid} {{\n{dark}}}\n}}",
    ]
    for kind, look in KINDS.items():
        shows = ", ".join(f'[data-{what}kind="{kind}"]' for what in ("", "filter-", "legend-"))
        rules.append(f".wslab :is({shows}) {{\n  --ws-kind: var(--ws-{look.colour.name});\n}}")
    return "\n".join(rules) + "\n"


def _joined(path: str, imports: re.Pattern[str], seen: set[str]) -> str:
    seen.add(path)
    text = _read(path)
    before = []
    for found in imports.findall(text):
        neighbour = posixpath.normpath(posixpath.join(posixpath.dirname(path), found))
        if neighbour not in seen:
            before.append(_joined(neighbour, imports, seen))
    text = imports.sub("", text)
    if imports is _IMPORT_JS:
        text = _EXPORT_JS.sub("", text)
    return "\n".join([*before, text])
