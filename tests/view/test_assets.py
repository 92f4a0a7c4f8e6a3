"""Scripts and styles are joined whole, load nothing, and put no data into markup."""

from __future__ import annotations

import re
import subprocess
from importlib.resources import files
from pathlib import Path

import pytest

from wslab.net.node import find_node
from wslab.view.live.assets import asset, script, style
from wslab.wire import KINDS

NODE = find_node().node
VIEW = files("wslab.view")
ENTRIES = sorted(
    {
        name
        for module in Path(str(VIEW)).rglob("*.py")
        for name in re.findall(r'\b(?:script|style)\("([^"]+)"\)', module.read_text("utf-8"))
    }
)
SCRIPTS = [name for name in ENTRIES if name.endswith(".js")]
STYLES = [name for name in ENTRIES if name.endswith(".css")]


def test_all_entries_are_found():
    assert "wire/wire_view.js" in SCRIPTS
    assert "panels/socket_worker.js" in SCRIPTS
    assert "wire/wire_view.css" in STYLES


@pytest.mark.parametrize("name", SCRIPTS)
def test_a_joined_script_is_one_module_without_imports(name):
    text = script(name)
    assert not re.search(r"^import\b", text, re.MULTILINE)
    exports = re.findall(r"^export\b.*", text, re.MULTILINE)
    special = {
        "panels/socket_worker.js": [],
        "panels/browser_frame.js": [],
        "panels/browser_socket.js": ["export default () => {"],
    }
    assert exports == special.get(name, ["export default { render };"])
    names = re.findall(r"^(?:async )?(?:function|class|const|let) (\w+)", text, re.MULTILINE)
    assert len(names) == len(set(names))  # joined files share one scope


@pytest.mark.parametrize("name", SCRIPTS)
def test_a_joined_script_is_javascript(name, tmp_path):
    path = tmp_path / "joined.mjs"
    path.write_text(script(name), "utf-8")
    checked = subprocess.run([NODE, "--check", path], capture_output=True, text=True, timeout=60)
    assert checked.returncode == 0, checked.stderr


@pytest.mark.parametrize("name", STYLES)
def test_a_joined_style_has_the_shared_tokens_once(name):
    text = style(name)
    assert "@import" not in text
    assert text.count("--ws-paper:") == 1
    assert text.count("{") == text.count("}")


@pytest.mark.parametrize("name", ENTRIES)
def test_nothing_comes_from_the_net_and_data_never_becomes_markup(name):
    text = script(name) if name.endswith(".js") else style(name)
    assert not re.search(r"innerHTML|outerHTML *=|insertAdjacentHTML|document\.write|eval\(", text)
    addresses = set(re.findall(r"https?://[\w./-]*", text))
    # `http://` is that of a page on this machine: its host stands in a variable.
    assert addresses <= {"http://www.w3.org/2000/svg", "https://", "http://", "http://127.0.0.1"}
    assert not re.search(r"(?<!get )url\(", text)


def test_the_pages_draw_the_shapes_of_the_one_table():
    drawn = re.findall(
        r'^  (\w+): \["[^"]+", (true|false)\],$', asset("live/shapes.js"), re.MULTILINE
    )
    filled = {kind: str(look.shape in "◆●■▲").lower() for kind, look in KINDS.items()}
    assert dict(drawn) == filled | {"remark": "false"}  # which is no unit
    assert "shapes.js" in asset("experiments/columns.js")  # and has no table of its own


def test_a_kind_has_the_same_colour_in_every_style():
    text = style("wire/wire_view.css")
    for kind, look in KINDS.items():
        assert f'[data-kind="{kind}"]' in text
        assert text.count(f"--ws-{look.colour.name}: {look.colour.on_light};") >= 1
