"""The layers of wslab, held by walking the imports: one direction, `wire` at the bottom.

labs → net → wire      labs → view → wire      exercises → wire
"""

from __future__ import annotations

import ast
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PACKAGE = ROOT / "wslab"

# layer -> the parts of wslab that it may import, besides itself
MAY_IMPORT = {
    "wire": set(),
    "net": {"wire"},
    "view": {"wire"},
    "exercises": {"wire"},
    "labs": {"net", "view", "wire", "exercises", "doctor"},
    # The shell: no widgets there. Labs are for notebooks.
    "commands": {"net", "wire", "course", "doctor"},
    "cli": {"commands"},
    "doctor": {"course"},
    "course": set(),
    "__main__": {"cli"},
    "__init__": {"view"},  # %load_ext wslab, and only then
}
# `wire` describes bytes; it must run in a page without threads and sockets some day.
NOT_IN_WIRE = {"asyncio", "socket", "socketserver", "ssl", "select", "selectors", "subprocess"}

MODULES = sorted(PACKAGE.rglob("*.py"))


def imports(source: str, module: tuple[str, ...], *, is_package: bool = False) -> Iterator[str]:
    """The dotted names that a module imports, wherever in it, relative ones made absolute.

    `from wslab import net` counts as `wslab.net`: what is imported may be a module.
    """
    here = module if is_package else module[:-1]
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            above = here[: len(here) - node.level + 1] if node.level else ()
            base = ".".join([*above, *([node.module] if node.module else [])])
            for alias in node.names:
                yield base if alias.name == "*" else f"{base}.{alias.name}"


def layer_of(name: tuple[str, ...]) -> str:
    """The layer of a module of wslab: what stands right below `wslab`."""
    return name[1] if len(name) > 1 else "__init__"


def breaches(source: str, module: tuple[str, ...], *, is_package: bool = False) -> list[str]:
    """The imports of a module that its layer does not allow."""
    layer = layer_of(module)
    found = []
    for name in imports(source, module, is_package=is_package):
        top, *rest = name.split(".")
        if top == "wslab":
            known = rest and rest[0] in MAY_IMPORT  # `from wslab import __version__` is no module
            if known and rest[0] != layer and rest[0] not in MAY_IMPORT[layer]:
                found.append(name)
        elif layer == "wire" and (top not in sys.stdlib_module_names or top in NOT_IN_WIRE):
            found.append(name)
    return found


def dotted(path: Path) -> tuple[str, ...]:
    parts = path.relative_to(ROOT).with_suffix("").parts
    return parts[:-1] if parts[-1] == "__init__" else parts


@pytest.mark.parametrize("path", MODULES, ids=lambda path: path.relative_to(ROOT).as_posix())
def test_a_module_imports_only_what_its_layer_may(path):
    source = path.read_text("utf-8")
    found = breaches(source, dotted(path), is_package=path.name == "__init__.py")
    assert not found, f"{path.relative_to(ROOT)} must not import {', '.join(found)}"


def test_every_part_of_wslab_has_its_place_in_the_layers():
    parts = {layer_of(dotted(path)) for path in MODULES}
    assert parts <= set(MAY_IMPORT), "say in MAY_IMPORT what the new part may import"


@pytest.mark.parametrize(
    ("source", "module", "found"),
    [
        ("import wslab.view", "wslab.net.tap.relay", ["wslab.view"]),
        ("from wslab import net", "wslab.view.panel", ["wslab.net"]),
        ("from ..net.loop import run", "wslab.view.panel", ["wslab.net.loop.run"]),
        ("from .. import labs", "wslab.net.tap.relay", ["wslab.labs"]),
        ("def f():\n    import websockets", "wslab.wire.protocol.frames", ["websockets"]),
        ("import socket", "wslab.wire.protocol.frames", ["socket"]),
        ("from wslab.labs import handshake", "wslab.commands.tap", ["wslab.labs.handshake"]),
        ("from ..wire import frames\nfrom . import loop", "wslab.net.tap.relay", []),
        ("import struct\nfrom .fields import Field", "wslab.wire.protocol.frames", []),
        ("from wslab import __version__", "wslab.cli", []),
    ],
)
def test_the_walk_sees_every_kind_of_import(source, module, found):
    assert breaches(source, tuple(module.split("."))) == found
