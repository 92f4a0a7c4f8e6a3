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
    a_strangers_page_pays_until_the_bank_looks_at_origin(notebook)
    your_browser_opens_a_webtransport_session(notebook)
    the_million_is_planned(notebook)
    notebook.screenshot("in_production")
    notebook.execute("lab.close()")
    assert notebook.errors == []


def a_strangers_page_pays_until_the_bank_looks_at_origin(notebook) -> None:
    """Two pages of this browser, in two frames: the bank's own one, and one of another origin."""
    titles = ("the bank's page", "a stranger's page")
    bank, stranger = (notebook.page.frame_locator(f'iframe[title="{one}"]') for one in titles)
    prize = stranger.get_by_role("button", name="Claim your prize")

    def cookies() -> list[dict]:
        found = notebook.page.context.cookies()
        return [one for one in found if one["name"].startswith("wslab_bank_")]

    bank.get_by_role("button", name="Log in as Ada").click()
    expect(bank.get_by_role("status")).to_have_text("Logged in")
    assert [(one["httpOnly"], one["sameSite"]) for one in cookies()] == [(True, "None")]
    prize.click()
    paid = "100 paid to Eve, your balance is 900"
    expect(stranger.locator("li").last).to_have_text(f"read: {paid}")
    expect(bank.locator("li").first).to_have_text(paid)
    for defence in ("SameSite=Strict", "Origin", "ticket"):
        bank.get_by_label("The bank's defence:").select_option(defence)
        expect(bank.locator("li").first).to_have_text("Ada, your balance is 1000")
        prize.click()
        said = f"read: {paid}" if "=" in defence else "tried to open the account: close 1006"
        expect(stranger.locator("li").last).to_have_text(said)
    bank.get_by_role("button", name="Log out").click()
    expect(bank.get_by_role("status")).to_have_text("Nobody has logged in")
    assert cookies() == []
    expected = ("blocked by CORS policy", "net::ERR_FAILED", "code: 403", "HTTP Authentication")
    notebook.errors[:] = [
        text for text in notebook.errors if not any(one in text for one in expected)
    ]


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
