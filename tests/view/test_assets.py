"""Scripts and styles are joined whole, load nothing, and put no data into markup."""

from __future__ import annotations

import re

import pytest

from wslab.view.live.assets import asset, script, style
from wslab.wire import KINDS

VIEWS = ["wire/wire_view", "panels/client_panel"]


@pytest.mark.parametrize("view", VIEWS)
def test_a_joined_script_is_one_module_without_imports(view):
    text = script(f"{view}.js")
    assert not re.search(r"^import\b", text, re.MULTILINE)
    assert re.findall(r"^export\b.*", text, re.MULTILINE) == ["export default { render };"]
    names = re.findall(r"^(?:async )?(?:function|class|const) (\w+)", text, re.MULTILINE)
    assert len(names) == len(set(names))  # joined files share one scope


@pytest.mark.parametrize("view", VIEWS)
def test_a_joined_style_has_the_shared_tokens_once(view):
    text = style(f"{view}.css")
    assert "@import" not in text
    assert text.count("--ws-paper:") == 1


@pytest.mark.parametrize("view", VIEWS)
def test_nothing_comes_from_the_net_and_data_never_becomes_markup(view):
    text = script(f"{view}.js") + style(f"{view}.css")
    assert not re.search(r"innerHTML|outerHTML|insertAdjacentHTML|document\.write|eval\(", text)
    addresses = set(re.findall(r"https?://[\w./-]*", text))
    assert addresses <= {"http://www.w3.org/2000/svg", "https://"}
    assert "url(" not in text


def test_the_pages_draw_the_shapes_of_the_one_table():
    drawn = re.findall(
        r'^  (\w+): \["[^"]+", (true|false)\],$', asset("live/shapes.js"), re.MULTILINE
    )
    filled = {kind: str(look.shape in "◆●■▲").lower() for kind, look in KINDS.items()}
    assert dict(drawn) == filled
    assert "shapes.js" in asset("experiments/gallery.js")  # and has no table of its own


def test_a_kind_has_the_same_colour_in_every_style():
    text = style("wire/wire_view.css")
    for kind, look in KINDS.items():
        assert f'[data-kind="{kind}"]' in text
        assert text.count(f"--ws-{look.colour.name}: {look.colour.on_light};") >= 1
