"""The machinery of the browser tests works: a real page, a real kernel, a real click."""

from __future__ import annotations

import pytest
from playwright.sync_api import expect
from real_lab import NotebookError

BUTTON = """\
import ipywidgets as widgets
button = widgets.Button(description="Press")
said = widgets.Label("waiting")
button.on_click(lambda _: setattr(said, "value", "pressed"))
widgets.VBox([button, said])
"""

COUNTER = """\
import anywidget, traitlets

class Counter(anywidget.AnyWidget):
    count = traitlets.Int(0).tag(sync=True)
    _esm = '''
    export default { render({ model, el }) {
      el.dataset.wslab = "counter";
      const button = document.createElement("button");
      const paint = () => { button.textContent = `count ${model.get("count")}` };
      button.onclick = () => { model.set("count", model.get("count") + 1); model.save_changes() };
      model.on("change:count", paint);
      paint();
      el.append(button);
    } }
    '''

counter = Counter()
counter
"""


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_a_click_in_the_page_reaches_the_kernel_and_comes_back(lab_page, theme):
    notebook = lab_page.open_cells(BUTTON, COUNTER, theme=theme)
    notebook.run_all()
    notebook.page.get_by_role("button", name="Press").click()
    expect(notebook.page.get_by_text("pressed", exact=True)).to_be_visible()
    notebook.view("counter").get_by_role("button").click()
    expect(notebook.view("counter")).to_have_text("count 1")
    assert notebook.execute("counter.count").strip() == "1"
    assert notebook.page.locator("body").get_attribute("data-jp-theme-light") == (
        "true" if theme == "light" else "false"
    )
    notebook.screenshot(f"house-{theme}")


def test_a_failing_cell_is_reported_with_its_error(lab_page):
    notebook = lab_page.open_cells("1 / 0")
    with pytest.raises(NotebookError, match="cell 0: ZeroDivisionError"):
        notebook.run_all()


def test_a_restart_ends_what_the_kernel_held(lab_page):
    notebook = lab_page.open_cells("held = 1")
    notebook.run_all()
    notebook.restart()
    assert notebook.execute("'held' in globals()").strip() == "False"
