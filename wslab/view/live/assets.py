"""The scripts and styles of the views, each joined to the one text that a widget carries.

A widget sends its script to the page as text, so a script cannot import its neighbours there. The
files in each room's `static/` are plain ES modules all the same, readable and importable one by
one; here a line `import { ... } from "./x.js";` is replaced by that file, once, and CSS `@import`
alike. No bundler, nothing from the net.
"""

from __future__ import annotations

import posixpath
import re
from functools import cache
from importlib.resources import files

_IMPORT_JS = re.compile(r'^import \{[^}]*\} from "(\.[\w./]+\.js)";\n', re.MULTILINE)
_IMPORT_CSS = re.compile(r'^@import "(\.[\w./]+\.css)";\n', re.MULTILINE)
_EXPORT_JS = re.compile(r"^export (?=(?:async )?(?:function|class|const)\b)", re.MULTILINE)


def asset(name: str) -> str:
    """The text of one file as it is: "wire/rows.js" is `view/wire/static/rows.js`."""
    return _read(_path(name))


@cache
def script(name: str) -> str:
    """A room's module, such as "wire/wire_view.js", with those it imports, as one ES module."""
    return _joined(_path(name), _IMPORT_JS, set())


@cache
def style(name: str) -> str:
    """A room's style sheet, such as "wire/wire_view.css", with those that it imports."""
    return _joined(_path(name), _IMPORT_CSS, set())


def _path(name: str) -> str:
    room, _, file = name.partition("/")
    return f"{room}/static/{file}"


def _read(path: str) -> str:
    return files("wslab.view").joinpath(path).read_text("utf-8")


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
