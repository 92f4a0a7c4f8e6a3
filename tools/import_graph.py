"""The imports of wslab as a graph, read from the source: what the layer test and the picture use.

A node is a module: `wslab.net.loop`, or `wslab/view/wire/static/rows.js` for a module of the page.
An edge leads from a module to one that it imports, wherever in its text it does so: an import
inside a function, or one for type checkers only, ties two modules as much as one at the top.
"""

from __future__ import annotations

import ast
import posixpath
import re
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).resolve().parent.parent

Graph = Mapping[str, set[str]]

_IMPORT_JS = re.compile(r'^(?:import|export)\b[^"\';]*\bfrom "(\.[\w./]+\.js)"', re.MULTILINE)
_IMPORT_CSS = re.compile(r'^@import "(\.[\w./]+\.css)"', re.MULTILINE)


class Import(NamedTuple):
    """One name that an import statement asks for."""

    module: str
    """What stands behind `from`, made absolute: `wslab.net.tap`."""
    name: str | None
    """What stands behind `import`: a name in that module, or a module in that package."""


def imports(source: str, module: str, *, is_package: bool = False) -> Iterator[Import]:
    """What a module imports, wherever in it, relative names made absolute."""
    here = module.split(".") if is_package else module.split(".")[:-1]
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            yield from (Import(alias.name, None) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            above = here[: len(here) - node.level + 1] if node.level else []
            base = ".".join([*above, *([node.module] if node.module else [])])
            for alias in node.names:
                yield Import(base, None if alias.name == "*" else alias.name)


def dotted(path: Path, root: Path = ROOT) -> str:
    """The name of the module in a file; of a package for its `__init__.py`."""
    parts = path.relative_to(root).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def python_modules(root: Path = ROOT) -> dict[str, Path]:
    """Every Python module of the package, by its name."""
    return {dotted(path, root): path for path in sorted((root / "wslab").rglob("*.py"))}


def python_graph(root: Path = ROOT) -> dict[str, set[str]]:
    """Which Python module of the package imports which."""
    modules = python_modules(root)
    graph: dict[str, set[str]] = {}
    for name, path in modules.items():
        found = imports(path.read_text("utf-8"), name, is_package=path.name == "__init__.py")
        graph[name] = {target for one in found if (target := _target(one, modules)) is not None}
        graph[name].discard(name)
    return graph


def _target(one: Import, modules: Iterable[str]) -> str | None:
    """The module that an import means: `from wslab.net import loop` means `wslab.net.loop`."""
    inner = f"{one.module}.{one.name}"
    if one.name is not None and inner in modules:
        return inner
    return one.module if one.module in modules else None


def static_graph(root: Path = ROOT) -> dict[str, set[str]]:
    """Which script or style sheet of the page imports which."""
    graph: dict[str, set[str]] = {}
    for path in sorted((root / "wslab").rglob("static/*")):
        pattern = {".js": _IMPORT_JS, ".css": _IMPORT_CSS}.get(path.suffix)
        if pattern is not None:
            name = path.relative_to(root).as_posix()
            graph[name] = {
                posixpath.normpath(posixpath.join(posixpath.dirname(name), found))
                for found in pattern.findall(path.read_text("utf-8"))
            }
    return graph


def circles(graph: Graph) -> list[list[str]]:
    """The groups of modules that import each other, directly or not; empty where there are none.

    These are the strongly connected components of two nodes and more (Tarjan, 1972).
    """
    index: dict[str, int] = {}
    low: dict[str, int] = {}
    stack: list[str] = []
    found: list[list[str]] = []

    def visit(node: str) -> None:
        index[node] = low[node] = len(index)
        stack.append(node)
        for neighbour in sorted(graph.get(node, ())):
            if neighbour not in index:
                visit(neighbour)
                low[node] = min(low[node], low[neighbour])
            elif neighbour in stack:
                low[node] = min(low[node], index[neighbour])
        if low[node] == index[node]:
            place = stack.index(node)
            group = stack[place:]
            del stack[place:]
            if len(group) > 1 or node in graph.get(node, ()):
                found.append(sorted(group))

    for node in sorted(graph):
        if node not in index:
            visit(node)
    return found
