"""Print what each lesson costs: the lines that only this lesson uses.

    python tools/lesson_cost.py            # of this checkout
    python tools/lesson_cost.py FOLDER     # of another one

A module is a lesson's own if, of all that starts something (labs, notebooks, exercises, commands),
only this lesson reaches it by its imports. A name from a door (`from wslab.net import ChatServer`)
leads to the module that defines it. Scripts and style sheets follow the module that names them; a
test is a lesson's own if it is named after it, or imports nothing but its own modules.
"""

from __future__ import annotations

import ast
import json
import re
import sys
from collections import defaultdict
from collections.abc import Iterator
from functools import cached_property
from pathlib import Path

from import_graph import ROOT, imports, python_modules, static_graph

# Made for any lesson, and so no lesson's own though only one may use it yet.
KITS = {
    "wslab.exercises.exercise",
    "wslab.exercises.learner_server",
    "wslab.labs.lesson",
    "wslab.net.cases.case",
    "wslab.net.cases.runner",
    "wslab.view.experiments.chart",
    "wslab.view.experiments.gallery",
}
COLUMNS = ("lab", "exercise", "view", "net", "wire", "js+css", "tests")
COLUMN_OF_LAYER = {"labs": "lab", "exercises": "exercise"}


class Checkout:
    """A checkout of the project, and who reaches what in it."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.modules = python_modules(root)
        self.doors = {name for name, path in self.modules.items() if path.stem == "__init__"}
        self.topics = sorted(path.stem[3:] for path in root.glob("notebooks/[0-9][0-9]_*.ipynb"))
        self._imports = {
            name: list(imports(path.read_text("utf-8"), name, is_package=name in self.doors))
            for name, path in self.modules.items()
        }
        self._statics = static_graph(root)
        self._assets = {name: self._named_assets(name) for name in self.modules}

    # --- Imports

    def defined_in(self, module: str, name: str | None) -> str:
        """The module that a name comes from, however many doors it came through; "" if none."""
        if f"{module}.{name}" in self.modules:
            return f"{module}.{name}"
        if module not in self.modules:
            return ""
        for one in self._imports[module] if module in self.doors else ():
            if one.name == name and one.module != module:
                return self.defined_in(one.module, name)
        return module

    def used_by(self, source: str) -> set[str]:
        """The modules that a notebook's cell or a test uses itself, without the doors."""
        found = {self.defined_in(one.module, one.name) for one in imports(source, "")}
        return found - {""} - self.doors

    def reached_from(self, *starts: str) -> set[str]:
        """The modules that these reach. A door is passed through and reaches nothing by itself."""
        reached: set[str] = set()
        waiting = list(starts)
        while waiting:
            module = waiting.pop()
            if module in self.modules and module not in reached:
                reached.add(module)
                # `wslab` itself is no door: `%load_ext wslab` gives `%%browser` to any notebook.
                if module not in self.doors or module == "wslab":
                    found = self._imports[module]
                    waiting += [self.defined_in(one.module, one.name) for one in found]
        return reached

    # --- Who starts what

    def starts(self) -> Iterator[tuple[str, set[str]]]:
        """(a lesson's topic or "", the modules that it, or a command, starts from)."""
        for topic in self.topics:
            modules = {f"wslab.labs.{topic}", f"wslab.exercises.{topic}"}
            for source in self._cells(topic):
                try:
                    modules |= self.used_by(source)
                except SyntaxError:
                    continue  # JavaScript, below a magic
            yield topic, modules
        rooms = ("wslab.labs.", "wslab.exercises.", "wslab.net.", "wslab.view.", "wslab.wire.")
        yield "", KITS | {name for name in self.modules if not name.startswith(rooms)}

    def _cells(self, topic: str) -> Iterator[str]:
        (path,) = self.root.glob(f"notebooks/[0-9][0-9]_{topic}.ipynb")
        for cell in json.loads(path.read_text("utf-8"))["cells"]:
            if cell["cell_type"] == "code":
                yield re.sub(r"^[%!].*", "", "".join(cell["source"]), flags=re.MULTILINE)

    @cached_property
    def own(self) -> dict[str, set[str]]:
        """The modules that one lesson reaches and nothing else, by its topic."""
        reached_by: dict[str, set[str]] = defaultdict(set)
        for topic, modules in self.starts():
            for module in self.reached_from(*modules):
                reached_by[module].add(topic)
        return {
            topic: {module for module, topics in reached_by.items() if topics == {topic}}
            for topic in self.topics
        }

    # --- Scripts, style sheets, tests

    def _named_assets(self, module: str) -> set[Path]:
        """The scripts, style sheets and pages that a module names, and those that they import."""
        path = self.modules[module]
        names = {
            node.value
            for node in ast.walk(ast.parse(path.read_text("utf-8")))
            if isinstance(node, ast.Constant) and isinstance(node.value, str)
        }
        waiting = [asset for asset in self._files if self._is_named(asset, names, path.parent)]
        found: set[Path] = set()
        while waiting:
            asset = waiting.pop()
            if asset not in found and asset.is_file():
                found.add(asset)
                imported = self._statics.get(asset.relative_to(self.root).as_posix(), ())
                waiting += [self.root / name for name in imported]
        return found

    @cached_property
    def _files(self) -> list[Path]:
        suffixes = {".js", ".css", ".html"}
        return [path for path in (self.root / "wslab").rglob("*") if path.suffix in suffixes]

    def _is_named(self, asset: Path, names: set[str], folder: Path) -> bool:
        """Whether it is named as "room/name.js" or, from its own room, by name or by folder."""
        if f"{asset.parent.parent.name}/{asset.name}" in names:
            return True
        return asset.is_relative_to(folder) and bool(
            names & ({asset.name, asset.parent.name} - {"static"})
        )

    def own_assets(self, topic: str) -> set[Path]:
        """The assets of a lesson's own modules that no other module has."""
        own: set[Path] = set()
        others: set[Path] = set()
        for module, assets in self._assets.items():
            (own if module in self.own[topic] else others).update(assets)
        return own - others

    def own_tests(self, topic: str) -> set[Path]:
        """The tests that are named after a lesson, or import nothing but its own modules."""
        named = {
            self.root / "tests" / room / f"test_{topic}.py"
            for room in ("labs", "exercises", "browser")
        }
        return {
            path
            for path, used in self._used_by_tests.items()
            if path in named or (used and used <= self.own[topic])
        }

    @cached_property
    def _used_by_tests(self) -> dict[Path, set[str]]:
        tests = self.root.glob("tests/*/test_*.py")
        return {path: self.used_by(path.read_text("utf-8")) for path in tests}

    def cost(self, topic: str) -> dict[str, int]:
        """The lines that only this lesson uses, by column, and in how many files they are."""
        lines = dict.fromkeys(COLUMNS, 0)
        for module in self.own[topic]:
            layer = module.split(".")[1]
            lines[COLUMN_OF_LAYER.get(layer, layer)] += count(self.modules[module])
        assets = self.own_assets(topic)
        lines["js+css"] = sum(map(count, assets))
        lines["sum"] = sum(lines.values())
        lines["tests"] = sum(map(count, self.own_tests(topic)))
        lines["files"] = len(self.own[topic]) + len(assets)
        return lines


def count(path: Path) -> int:
    """The lines of a file."""
    return len(path.read_text("utf-8").splitlines())


def main() -> int:
    root = Path(sys.argv[1]).resolve() if len(sys.argv) > 1 else ROOT
    checkout = Checkout(root)
    costs = {topic: checkout.cost(topic) for topic in checkout.topics}
    shown = [*COLUMNS[:-1], "sum", "tests", "files"]
    costs["mean"] = {name: sum(one[name] for one in costs.values()) // len(costs) for name in shown}
    print(f"{'':18}", *(f"{name:>8}" for name in shown))
    for topic, lines in costs.items():
        print(f"{topic:18}", *(f"{lines[name]:8,}" for name in shown))
    return 0


if __name__ == "__main__":
    sys.exit(main())
