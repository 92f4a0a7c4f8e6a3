"""The in production lesson in a real JupyterLab."""

from __future__ import annotations

from playwright.sync_api import expect


def test_the_lesson_from_top_to_bottom(lab_page):
    notebook = lab_page.open_notebook("14_in_production.ipynb")
    last = notebook.page.locator(".jp-Notebook .jp-Cell").count() - 1
    for number in range(last):
        if notebook.is_code(number):
            notebook.run_cell(number)
    expect(notebook.page.locator('[data-wslab="result"]').first).to_contain_text("Grüße")
    expect(notebook.page.locator('[data-wslab="verdict"]').first).to_contain_text("Not yet")
    your_browser_opens_a_webtransport_session(notebook)
    the_million_is_planned(notebook)
    notebook.screenshot("in_production")
    notebook.execute("lab.close()")
    assert notebook.errors == []


def your_browser_opens_a_webtransport_session(notebook) -> None:
    page = notebook.page.frame_locator('iframe[title="the WebTransport page"]')
    page.get_by_role("button", name="Open a session").click()
    expect(page.locator("#state")).to_contain_text("Done", timeout=20_000)
    expect(page.locator("#said li").first).to_contain_text("“Hello” came back")


def the_million_is_planned(notebook) -> None:
    plan = notebook.view("plan")
    plan.get_by_role("button", name="TLS").click()
    plan.get_by_role("radio", name="memory").check()
    plan.get_by_role("button", name="Plan it").click()
    expect(plan).to_contain_text("As you said: memory")
    expect(plan).to_contain_text("upstream addresses of a proxy")
