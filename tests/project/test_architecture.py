"""docs/architecture.md tells the truth: its picture is drawn from the code, its names are there."""

from __future__ import annotations

import re

import architecture_picture
import pytest
from import_graph import ROOT

PAGE = (ROOT / "docs" / "architecture.md").read_text("utf-8")
QUOTED = sorted(set(re.findall(r"`([^`\n]+)`", PAGE)))
FILES = [name for name in QUOTED if re.fullmatch(r"[\w/]+\.(py|js|css|md)", name)]
FOLDERS = [name for name in QUOTED if re.fullmatch(r"[\w/]+/", name)]
NAMES = [name for name in QUOTED if re.fullmatch(r"[A-Za-z]\w+(\.[a-z]\w+)?", name)]
SOURCES = "\n".join(
    path.read_text("utf-8")
    for folder in ("wslab", "tests")
    for path in (ROOT / folder).rglob("*")
    if path.suffix in (".py", ".js")
)
# Words of the page that stand between backticks and are no names of Python or JavaScript.
NO_NAMES = {"net", "view", "wire", "labs", "static", "wslab", *FILES}


def test_the_picture_shows_the_code():
    drawn = architecture_picture.Picture().draw()
    assert architecture_picture.PICTURE.read_text("utf-8") == drawn, "run `make picture`"


@pytest.mark.parametrize("name", FILES)
def test_each_file_that_it_names_is_there(name):
    found = {ROOT / name, *(ROOT / "wslab").rglob(name)}
    assert any(place.is_file() for place in found)


@pytest.mark.parametrize("name", FOLDERS)
def test_each_folder_that_it_names_is_there(name):
    assert (ROOT / "wslab" / name).is_dir() or any((ROOT / "wslab").rglob(name.rstrip("/")))


@pytest.mark.parametrize("name", [name for name in NAMES if name not in NO_NAMES])
def test_each_name_that_it_names_is_defined(name):
    for part in name.split("."):
        assert re.search(
            rf"\b(?:class|def|function|const) {part}\b|^\s*(?:self\.)?{part}\b.*[=:{{]",
            SOURCES,
            re.MULTILINE,
        ), f"{part} is defined nowhere"


def test_the_page_names_enough_to_be_tested():
    assert len(FILES) > 20
    assert len(NAMES) > 20
