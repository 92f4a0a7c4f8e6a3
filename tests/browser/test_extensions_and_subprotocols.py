"""The lesson on extensions and subprotocols in a real JupyterLab: what two clients do."""

from __future__ import annotations

from playwright.sync_api import expect

from wslab.net.cases import EXTENSIONS, SUBPROTOCOLS

from . import reach

IN_CHROMIUM = {"none-in-common": False}
"""Where Chromium and Python disagree: whether Chromium opens the connection."""


def test_the_lesson_from_top_to_bottom(lab_page):
    notebook = lab_page.open_notebook(
        "06_extensions_and_subprotocols.ipynb", width=1280, height=1100
    )
    last = notebook.page.locator(".jp-Notebook .jp-Cell").count() - 1
    for number in range(last - 1):  # the last two: closing the lab, and a word to teachers
        if notebook.is_code(number):
            notebook.run_cell(number)
    gallery = notebook.view("negotiations")
    for name, case in (SUBPROTOCOLS | EXTENSIONS).items():
        opens = case.expected == 101
        here = IN_CHROMIUM.get(name, opens)
        happened = {
            (True, True): "Both open the connection",
            (True, False): "Only the Python client opens it",
            (False, False): "Both refuse it",
        }[opens, here]
        outcome = tries(gallery, name.replace("-", " "), happened)
        expect(outcome.locator(".ws-verdict")).to_have_attribute("data-right", "true")
        for column, came in (("python", opens), ("browser", here)):
            head = "opens" if came else "refuses"
            expect(outcome.locator(f'[data-column="{column}"]')).to_contain_text(head)
    notebook.screenshots("negotiations", gallery)
    expect(notebook.view("browser-cell")).to_contain_text("chat | permessage-deflate")
    the_message_stands_beside_its_compressed_bytes(notebook)
    reach.check(notebook)
    notebook.execute("lab.close()")
    assert "nothing is running" in notebook.execute("__import__('wslab.net').net.running()")


def the_message_stands_beside_its_compressed_bytes(notebook):
    """A link in the prose leads to the frame; its detail shows both."""
    notebook.page.get_by_role("link", name="the first of the two frames").click()
    detail = notebook.view("wire-view").first.locator('[data-wslab="detail"]')
    fields = detail.locator(".ws-fields").first  # the frame's own; below are those of its inside
    expect(fields).to_contain_text("RSV11")
    expect(fields).to_contain_text("payload length7")
    expect(fields).to_contain_text('payload"Hello"')
    notebook.screenshot("compressed-frame", notebook.view("wire-view").first)


def tries(gallery, name, prediction):
    gallery.locator(f'button[data-experiment="{name}"]').click()
    gallery.get_by_label(prediction).check()
    gallery.locator('[data-action="run"]').click()
    outcome = gallery.locator(f'[data-wslab="outcome"][data-experiment="{name}"]')
    expect(outcome).to_be_visible(timeout=20_000)  # a page has 8 s for its part
    return outcome
