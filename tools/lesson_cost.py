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

ASSETS = {".js", ".css", ".html"}
COLUMNS = ("lab", "exercise", "view", "net", "wire", "js+css", "tests")
JS_IMPORT = re.compile(r"""^(?:import .*from|@import) ["'](\.[\w./]+)["'];""", re.MULTILINE)


class Checkout:
    """A checkout of the project, and who reaches what in it."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.package = root / "wslab"
        self.trees = {
            self._dotted(path): ast.parse(path.read_text("utf-8"))
            for path in self.package.rglob("*.py")
        }
        self.assets = [path for path in self.package.rglob("*") if path.suffix in ASSETS]
        self.topics = sorted(path.stem[3:] for path in root.glob("notebooks/[0-9][0-9]_*.ipynb"))
        self._assets_of = {module: self.named_assets(module) for module in self.trees}

    def _dotted(self, path: Path) -> str:
        parts = path.relative_to(self.root).with_suffix("").parts
        return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)

    def path(self, module: str) -> Path:
        """The file of a module."""
        path = self.root.joinpath(*module.split("."))
        return path / "__init__.py" if path.is_dir() else path.with_suffix(".py")

    # --- Imports

    def imports(self, tree: ast.AST, module: str = "") -> Iterator[tuple[str, str]]:
        """(module, name) of what is imported from wslab, wherever in it; name may be ""."""
        is_package = bool(module) and self.path(module).name == "__init__.py"
        here = module.split(".") if is_package else module.split(".")[:-1]
        for node in ast.walk(tree):
            if isinstance(node, ast.Import):
                yield from ((alias.name, "") for alias in node.names)
            elif isinstance(node, ast.ImportFrom):
                above = here[: len(here) - node.level + 1] if node.level else []
                base = ".".join([*above, *([node.module] if node.module else [])])
                yield from ((base, alias.name) for alias in node.names)

    def defined_in(self, module: str, name: str) -> str:
        """The module that a name comes from, however many doors it came through; "" if none."""
        if f"{module}.{name}" in self.trees:
            return f"{module}.{name}"
        if module not in self.trees:
            return ""
        if self.path(module).name == "__init__.py":
            for base, imported in self.imports(ast.Module(self.trees[module].body, []), module):
                if imported == name and (base, imported) != (module, name):
                    return self.defined_in(base, imported)
        return module

    def used_by(self, tree: ast.AST, module: str = "") -> set[str]:
        """The modules that this one uses itself."""
        found = {self.defined_in(base, name) for base, name in self.imports(tree, module)}
        return found - {""}

    def reached_from(self, *starts: str) -> set[str]:
        """The modules that these reach. A door is passed through and reaches nothing by itself."""
        reached: set[str] = set()
        waiting = list(starts)
        while waiting:
            module = waiting.pop()
            if module in reached or module not in self.trees:
                continue
            reached.add(module)
            if self.path(module).name != "__init__.py":
                waiting += self.used_by(self.trees[module], module)
        return reached

    # --- Who starts what

    def starts(self) -> Iterator[tuple[str, set[str]]]:
        """(a lesson's topic or "", the modules that it, or a command, starts from)."""
        for topic in self.topics:
            modules = {f"wslab.labs.{topic}", f"wslab.exercises.{topic}"}
            for path in self.root.glob(f"notebooks/[0-9][0-9]_{topic}.ipynb"):
                for cell in json.loads(path.read_text("utf-8"))["cells"]:
                    if cell["cell_type"] == "code":
                        source = re.sub(r"^[%!].*", "", "".join(cell["source"]), flags=re.MULTILINE)
                        try:
                            modules |= self.used_by(ast.parse(source))
                        except SyntaxError:
                            continue  # JavaScript, below a magic
            yield topic, modules
        rooms = ("wslab.labs.", "wslab.exercises.", "wslab.net.", "wslab.view.", "wslab.wire.")
        yield "", {name for name in self.trees if not name.startswith(rooms)}

    @cached_property
    def own(self) -> dict[str, set[str]]:
        """The modules that one lesson reaches and nothing else, by its topic."""
        reached_by: dict[str, set[str]] = defaultdict(set)
        for topic, modules in self.starts():
            for module in self.reached_from(*modules):
                reached_by[module].add(topic)
        own: dict[str, set[str]] = {topic: set() for topic in self.topics}
        for module, topics in reached_by.items():
            if len(topics) == 1 and (topic := next(iter(topics))):
                own[topic].add(module)
        return own

    # --- Scripts, style sheets, tests

    def named_assets(self, module: str) -> set[Path]:
        """The scripts, style sheets and pages that a module names, and those that they import."""
        names = {
            node.value
            for node in ast.walk(self.trees[module])
            if isinstance(node, ast.Constant) and isinstance(node.value, str)
        }
        found: set[Path] = set()
        waiting = []
        for path in self.assets:
            near = path.is_relative_to(self.path(module).parent)
            room = f"{path.parent.parent.name}/{path.name}"
            if room in names or (near and names & ({path.name, path.parent.name} - {"static"})):
                waiting.append(path)
        while waiting:
            path = waiting.pop()
            if path in found or not path.is_file():
                continue
            found.add(path)
            text = path.read_text("utf-8")
            waiting += [(path.parent / name).resolve() for name in JS_IMPORT.findall(text)]
        return found

    def own_assets(self, topic: str) -> set[Path]:
        """The assets of a lesson's own modules that no other module has."""
        own: set[Path] = set()
        others: set[Path] = set()
        for module, assets in self._assets_of.items():
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
        return {
            path: {
                module
                for module in self.used_by(ast.parse(path.read_text("utf-8")))
                if self.path(module).name != "__init__.py"
            }
            for path in self.root.glob("tests/*/test_*.py")
        }

    def cost(self, topic: str) -> dict[str, int]:
        """The lines that only this lesson uses, by column, and in how many files they are."""
        lines = dict.fromkeys(COLUMNS, 0)
        lines["files"] = len(self.own[topic]) + len(self.own_assets(topic))
        for module in self.own[topic]:
            layer = module.split(".")[1]
            column = {"labs": "lab", "exercises": "exercise"}.get(layer, layer)
            lines[column] += count(self.path(module))
        lines["js+css"] = sum(map(count, self.own_assets(topic)))
        lines["tests"] = sum(map(count, self.own_tests(topic)))
        return lines


def count(path: Path) -> int:
    """The lines of a file."""
    return len(path.read_text("utf-8").splitlines())


def main() -> int:
    root = Path(sys.argv[1]) if len(sys.argv) > 1 else Path(__file__).resolve().parents[1]
    checkout = Checkout(root.resolve())
    costs = {topic: checkout.cost(topic) for topic in checkout.topics}
    for one in costs.values():
        one["sum"] = sum(one[name] for name in COLUMNS if name != "tests")
    shown = [*COLUMNS[:-1], "sum", "tests", "files"]
    costs["mean"] = {name: sum(one[name] for one in costs.values()) // len(costs) for name in shown}
    print(f"{'':18}", *(f"{name:>8}" for name in shown))
    for topic, lines in costs.items():
        print(f"{topic:18}", *(f"{lines[name]:8,}" for name in shown))
    return 0


if __name__ == "__main__":
    sys.exit(main())
