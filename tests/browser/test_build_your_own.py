"""The build your own lesson in a real JupyterLab: the ladder lights, people talk through the server
on it, and the suite's board says how it did."""

from __future__ import annotations

from playwright.sync_api import expect

from . import reach

CLIMB = "from wslab.exercises import reference_server as ours, build_your_own as checks"


def test_the_ladder_the_chat_and_the_suite(lab_page):
    notebook = lab_page.open_notebook("15_build_your_own.ipynb")
    page = notebook.page
    notebook.run_all()
    ladder = notebook.view("ladder")
    rungs = ladder.locator(".ws-cell")
    expect(rungs).to_have_count(8)
    for rung in rungs.all():  # the stubs have been tried by Run All
        expect(rung).to_have_attribute("data-verdict", "open")
    rungs.nth(1).click()
    expect(ladder.locator('[data-wslab="cell"]')).to_contain_text("the dots are still there")

    notebook.execute(
        f"{CLIMB}\nfor name in checks.CHECKS: checks.CHECKS[name](getattr(ours, name))"
    )
    for rung in rungs.all():
        expect(rung).to_have_attribute("data-verdict", "climbed")

    frames = notebook.view("page-frame")
    ada, grace = (frames.nth(number).frame_locator("iframe") for number in (0, 1))
    expect(ada.locator("#people")).to_contain_text("Grace")
    ada.locator("#message").fill("Is this your own server?")
    ada.get_by_role("button", name="Send").click()
    expect(grace.locator("#messages")).to_contain_text("Is this your own server?")
    expect(
        notebook.view("wire-view").locator(".ws-row", has_text="your own server")
    ).not_to_have_count(0)

    suite = notebook.view("conformance")
    suite.get_by_role("rowheader", name="all of closing: run").click()
    first = suite.locator('[data-row="closing-code-1000"].ws-cell')
    last = suite.locator('[data-row="closing-then-garbage"].ws-cell')
    expect(last).to_have_attribute("data-verdict", "pass", timeout=30_000)
    notebook.execute("checks.ladder.yours['close'] = lambda payload, send: send(8, b'')")
    first.click()
    detail = suite.locator('[data-wslab="cell"]')
    detail.get_by_role("button", name="Run this cell").click()
    expect(first).to_have_attribute("data-verdict", "unusual", timeout=10_000)
    expect(detail).to_contain_text("Expected close code 1000, got 1005")
    expect(detail.locator(".ws-columns")).to_contain_text("close")
    expect(detail.get_by_role("link")).not_to_have_count(0)
    reach.check(notebook)
    notebook.screenshots("build_your_own")
    notebook.execute("lab.close()")
    assert notebook.errors == []
    assert page.locator('[data-wslab="verdict"]').count() == 9
