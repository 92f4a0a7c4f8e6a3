"""The structure of wslab, held by walking the imports: layers, doors, no circles.

labs → net → wire      labs → view → wire      exercises → wire      conformance → net
"""

from __future__ import annotations

import sys
from collections.abc import Iterator

import pytest
from import_graph import (
    Import,
    circles,
    imports,
    python_graph,
    python_modules,
    static_graph,
)

# layer -> the parts of wslab that it may import, besides itself
MAY_IMPORT: dict[str, set[str]] = {
    "wire": set(),
    "net": {"wire", "installed"},
    "conformance": {"net", "wire"},
    "view": {"wire"},
    "exercises": {"wire"},
    "labs": {"net", "view", "wire", "exercises", "conformance", "course", "doctor"},
    # The shell: no widgets there. Labs are for notebooks.
    "commands": {"net", "wire", "conformance", "course", "doctor"},
    "cli": {"commands"},
    "pytest_plugin": {"conformance"},
    "doctor": {"course", "net", "installed"},
    "course": set(),
    "installed": set(),
    "__main__": {"cli"},
    "__init__": {"net", "view"},  # %load_ext wslab, and only then
}
IN_WIRE = {*sys.stdlib_module_names, "regex"}
# `wire` describes bytes; it must run in a page without threads and sockets some day.
NOT_IN_WIRE = {"asyncio", "socket", "socketserver", "ssl", "select", "selectors", "subprocess"}

MODULES = python_modules()
PACKAGES = {name for name, path in MODULES.items() if path.name == "__init__.py"}


def layer_of(module: str) -> str:
    """The layer of a module of wslab: what stands right below `wslab`."""
    parts = module.split(".")
    return parts[1] if len(parts) > 1 else "__init__"


def named(one: Import) -> str:
    return one.module if one.name is None else f"{one.module}.{one.name}"


def from_other_layers(found: Iterator[Import], layer: str) -> Iterator[tuple[Import, str]]:
    """What a module of `layer` imports from other layers of wslab, each with that layer."""
    for one in found:
        top, *rest = named(one).split(".")
        # `from wslab import __version__` is no module
        if top == "wslab" and rest and rest[0] in MAY_IMPORT and rest[0] != layer:
            yield one, rest[0]


def breaches(source: str, module: str, *, is_package: bool = False) -> list[str]:
    """The imports of a module that its layer does not allow."""
    layer = layer_of(module)
    found = list(imports(source, module, is_package=is_package))
    wrong = [
        named(one)
        for one, other in from_other_layers(iter(found), layer)
        if other not in MAY_IMPORT[layer]
    ]
    if layer == "wire":
        tops = {one.module.partition(".")[0]: one for one in found}
        wrong += [
            named(one)
            for top, one in tops.items()
            if top != "wslab" and (top not in IN_WIRE or top in NOT_IN_WIRE)
        ]
    return wrong


def past_the_door(source: str, module: str, *, is_package: bool = False) -> list[str]:
    """The modules inside a room of another layer that a module reaches for.

    A door is a package: `from wslab.net import Tap` and `from wslab.net.cases import Case` go
    through one, `from wslab.net.loop import run` and `from wslab.net import loop` do not.
    """
    layer = layer_of(module)
    found = imports(source, module, is_package=is_package)
    wrong = []
    for one, other in from_other_layers(found, layer):
        if f"wslab.{other}" not in PACKAGES:
            continue  # a layer of one module, such as `wslab.doctor`, is its own door
        inside = named(one) if named(one) in MODULES else one.module
        if inside not in PACKAGES:
            wrong.append(inside)
    return list(dict.fromkeys(wrong))


def walked(check, name: str) -> list[str]:
    path = MODULES[name]
    return check(path.read_text("utf-8"), name, is_package=name in PACKAGES)


@pytest.mark.parametrize("name", MODULES)
def test_a_module_imports_only_what_its_layer_may(name):
    found = walked(breaches, name)
    assert not found, f"{name} must not import {', '.join(found)}"


# Labs are a lesson's cast, and exercises its checks: one file a notebook, and no rooms. A notebook
# imports these files by name, and so may a lab its exercises.
@pytest.mark.parametrize("name", MODULES)
def test_a_module_comes_to_another_layer_through_a_door(name):
    found = [one for one in walked(past_the_door, name) if layer_of(one) != "exercises"]
    assert not found, f"{name} must ask the door of the room, not {', '.join(found)}"


@pytest.mark.parametrize("graph", [python_graph, static_graph])
def test_no_modules_import_each_other_in_a_circle(graph):
    assert not circles(graph())


def test_every_part_of_wslab_has_its_place_in_the_layers():
    parts = {layer_of(name) for name in MODULES}
    assert parts <= set(MAY_IMPORT), "say in MAY_IMPORT what the new part may import"


@pytest.mark.parametrize(
    ("source", "module", "found"),
    [
        ("import wslab.view", "wslab.net.tap.relay", ["wslab.view"]),
        ("from wslab import net", "wslab.view.panel", ["wslab.net"]),
        ("from ..net.loop import run", "wslab.view.panel", ["wslab.net.loop.run"]),
        ("from .. import labs", "wslab.net.tap", ["wslab.labs"]),
        ("def f():\n    import websockets", "wslab.wire.protocol.frames", ["websockets"]),
        ("import socket", "wslab.wire.protocol.frames", ["socket"]),
        ("from wslab.labs import handshake", "wslab.commands.tap", ["wslab.labs.handshake"]),
        ("from ..wire import frames\nfrom . import loop", "wslab.net.tap", []),
        ("import struct\nfrom .fields import Field", "wslab.wire.protocol.frames", []),
        ("from wslab import __version__", "wslab.cli", []),
    ],
)
def test_the_walk_sees_every_kind_of_import(source, module, found):
    assert breaches(source, module) == found


@pytest.mark.parametrize(
    ("source", "module", "found"),
    [
        ("from wslab.net.loop import run", "wslab.labs.chat", ["wslab.net.loop"]),
        ("from wslab.net import loop", "wslab.labs.chat", ["wslab.net.loop"]),
        ("import wslab.net.loop", "wslab.labs.chat", ["wslab.net.loop"]),
        ("from wslab.net.tap.relay import Tap", "wslab.commands.tap", ["wslab.net.tap.relay"]),
        ("from wslab.net import Tap", "wslab.labs.chat", []),
        ("from wslab.net.tap import Tap", "wslab.labs.chat", []),
        ("from wslab.net.loop import run", "wslab.net.tap.relay", []),
        ("from wslab import doctor", "wslab.labs.start_here", []),
    ],
)
def test_the_walk_tells_a_door_from_a_module_behind_it(source, module, found):
    assert past_the_door(source, module) == found


def test_a_circle_is_found_however_long_it_is():
    assert circles({"a": {"b"}, "b": {"c"}, "c": {"a", "d"}, "d": set()}) == [["a", "b", "c"]]
    assert circles({"a": {"b"}, "b": set()}) == []
    assert circles({"a": {"a"}}) == [["a"]]
