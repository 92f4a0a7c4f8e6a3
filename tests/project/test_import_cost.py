"""Importing wslab costs next to nothing: what is heavy comes when it is used.

Not timed: each test asks a fresh interpreter what it had to load.
"""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PACKAGE = ROOT / "wslab"
WIDGETS = {"IPython", "ipywidgets", "anywidget", "traitlets", "ipykernel", "jupyterlab", "comm"}


def loaded_by(statement: str, *flags: str) -> set[str]:
    """The top-level modules in a fresh interpreter after `statement`."""
    code = (
        f"import sys; sys.path.insert(0, {str(ROOT)!r})\n{statement}\n"
        "import json; print(json.dumps(sorted({name.partition('.')[0] for name in sys.modules})))"
    )
    answer = subprocess.run(
        [sys.executable, *flags, "-c", code], capture_output=True, text=True, timeout=60
    )
    assert answer.returncode == 0, answer.stderr
    return set(json.loads(answer.stdout))


def test_importing_wslab_loads_nothing_but_wslab():
    assert loaded_by("import wslab", "-I", "-S") - loaded_by("pass", "-I", "-S") == {"wslab"}


@pytest.mark.parametrize(
    "module", ["wslab.cli", "wslab.net", "wslab.view", "wslab.labs", "wslab.exercises"]
)
def test_no_widgets_are_loaded_before_a_view_is_made(module):
    assert not loaded_by(f"import {module}") & WIDGETS


def test_wire_works_with_nothing_but_python_installed():
    names = [
        ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__")
        for path in sorted((PACKAGE / "wire").rglob("*.py"))
    ]
    # -S: no site-packages; -I: nothing from the environment or the working directory.
    loaded = loaded_by("import importlib\n" + "\n".join(f"import {name}" for name in names), "-IS")
    foreign = {name for name in loaded - sys.stdlib_module_names if not name.startswith("__")}
    assert foreign == {"wslab"}


def test_the_help_loads_no_library():
    show_help = "from wslab.cli import parser; parser().format_help()"
    assert not loaded_by(show_help) & (WIDGETS | {"websockets", "asyncio"})
