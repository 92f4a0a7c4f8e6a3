"""One list of dependencies: pyproject.toml's. environment.yml and the lock follow it."""

from __future__ import annotations

import json
import re
import tomllib
from pathlib import Path

import pytest
import yaml
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).resolve().parents[2]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
ENVIRONMENT = yaml.safe_load((ROOT / "environment.yml").read_text("utf-8"))
LOCK = (ROOT / "requirements.lock").read_text("utf-8")


def bounds(specifications: list[str]) -> dict[str, str]:
    """Name to bounds. A conda specification like `name>=1.2` reads the same as pip's."""
    parsed = [Requirement(specification) for specification in specifications]
    return {canonicalize_name(one.name): str(one.specifier) for one in parsed}


def locked() -> dict[str, list[Requirement]]:
    """Name to the lock's lines for it: more than one where platforms or Pythons differ."""
    lines = [re.sub(r"\s+#.*|^#.*", "", line).strip() for line in LOCK.splitlines()]
    found: dict[str, list[Requirement]] = {}
    for line in filter(None, lines):
        requirement = Requirement(line)
        found.setdefault(canonicalize_name(requirement.name), []).append(requirement)
    return found


def test_the_conda_environment_and_the_package_with_its_way_through_a_hub_ask_for_the_same():
    conda = bounds([entry for entry in ENVIRONMENT["dependencies"] if isinstance(entry, str)])
    assert conda.pop("python") == PROJECT["requires-python"]
    assert conda.pop("pip") == ""
    assert conda == bounds(PROJECT["dependencies"] + PROJECT["optional-dependencies"]["proxy"])


def test_the_conda_environment_installs_this_checkout_and_nothing_else_by_pip():
    by_pip = [entry["pip"] for entry in ENVIRONMENT["dependencies"] if isinstance(entry, dict)]
    assert by_pip == [["--editable ."]]
    assert ENVIRONMENT["name"] == "wslab"
    assert ENVIRONMENT["channels"] == ["conda-forge"]


def test_every_dependency_asked_for_by_name_is_there():
    asked = {
        "jupyterlab",
        "ipywidgets",
        "websockets",
        "nest-asyncio",
        "anywidget",
        "bqplot",
        "regex",
        "httpx",
        "tornado",
    }
    assert asked == set(bounds(PROJECT["dependencies"]))


@pytest.mark.parametrize(
    "requirement",
    [
        *PROJECT["dependencies"],
        *(one for extra in PROJECT["optional-dependencies"].values() for one in extra),
    ],
)
def test_the_lock_satisfies_what_the_package_asks_for(requirement):
    needed = Requirement(requirement)
    pins = locked().get(canonicalize_name(needed.name), [])
    assert pins, f"{requirement} is not in requirements.lock: run `make lock`"
    for pin in pins:
        (exact,) = pin.specifier
        assert exact.operator == "=="
        assert needed.specifier.contains(exact.version), f"{pin} is not {requirement}: `make lock`"


def test_npms_lock_pins_what_package_json_asks_for_and_names_no_registry():
    asked = json.loads((ROOT / "package.json").read_text("utf-8"))["devDependencies"]
    text = (ROOT / "package-lock.json").read_text("utf-8")
    packages = json.loads(text)["packages"]
    assert set(asked) == {"typescript", "@anywidget/types", "axe-core", "ws"}
    assert asked == {name: packages[f"node_modules/{name}"]["version"] for name in asked}
    assert asked == packages[""]["devDependencies"]
    assert "://" not in text
    assert all("integrity" in one and "resolved" not in one for at, one in packages.items() if at)


def test_the_lock_names_no_machine_and_no_registry():
    code = "\n".join(re.sub(r"\s+#.*|^#.*", "", line) for line in LOCK.splitlines())
    assert "://" not in LOCK
    assert "/" not in code
    assert not re.search(r"^\s*-", code, re.MULTILINE), "options do not belong into the lock"
