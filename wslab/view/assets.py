"""The scripts and styles of the views, each joined to the one text that a widget carries.

A widget sends its script to the page as text, so a script cannot import its neighbours there. The
files in `static/` are plain ES modules all the same, readable and importable one by one; here a
line `import { ... } from "./x.js";` is replaced by that file, once, and CSS `@import` alike. No
bundler, nothing from the net.
"""

from __future__ import annotations

import re
from functools import cache
from importlib.resources import files

_IMPORT_JS = re.compile(r'^import \{[^}]*\} from "\./([a-z_]+\.js)";\n', re.MULTILINE)
_IMPORT_CSS = re.compile(r'^@import "\./([a-z_]+\.css)";\n', re.MULTILINE)
_EXPORT_JS = re.compile(r"^export (?=(?:async )?(?:function|class|const)\b)", re.MULTILINE)


@cache
def script(name: str) -> str:
    """The module `static/<name>` with the modules that it imports, as one ES module."""
    return _joined(name, _IMPORT_JS, set())


@cache
def style(name: str) -> str:
    """The style sheet `static/<name>` with those that it imports."""
    return _joined(name, _IMPORT_CSS, set())


def _joined(name: str, imports: re.Pattern[str], seen: set[str]) -> str:
    seen.add(name)
    text = (files(__package__) / "static" / name).read_text("utf-8")
    before = [_joined(found, imports, seen) for found in imports.findall(text) if found not in seen]
    text = imports.sub("", text)
    if imports is _IMPORT_JS:
        text = _EXPORT_JS.sub("", text)
    return "\n".join([*before, text])
