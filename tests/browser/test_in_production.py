"""The lesson on production in a real JupyterLab: what its pages and charts show."""

from __future__ import annotations

import re

from playwright.sync_api import expect

from . import reach
from .test_first_connection import Lesson, lines

ONLY_A_TABLE = (
    "survive", "secrets", "hijack", "limits", "too-many", "posts-postgres", "killed", "restart",
)  # fmt: skip
"""Cells that take seconds and show a table such as others do: `tests/notebooks` reads these."""

LINES = ".ws-figure svg .curve path.line"


def test_the_lesson_from_top_to_bottom(lab_page):
    notebook = lab_page.open_notebook("14_in_production.ipynb", width=1280, height=1000)
    lesson = Lesson(notebook)
    a_page_comes_back(lesson)
    code = [name for name, number in lesson.numbers.items() if notebook.is_code(number)]
    rest = code[code.index("cut") + 1 : code.index("predictions")]
    lesson.run(*(name for name in rest if name not in ONLY_A_TABLE))
    expect(notebook.view("chart").first.locator(LINES)).to_have_count(2)
    expect(notebook.view("herds")).to_contain_text("full_jitter")
    expect(notebook.page.locator('[data-wslab="verdict"]').first).to_contain_text("Not yet")
    a_strangers_page_pays_until_the_bank_looks_at_origin(notebook)
    your_browser_opens_a_webtransport_session(notebook)
    the_million_is_planned(notebook)
    expect(lesson.run("predictions")).to_contain_text("1 of 1 right")
    notebook.screenshots("in-production")
    reach.check(notebook)
    notebook.view("browser-cell").get_by_role("button", name="Stop").click()  # or it tries again
    notebook.execute("lab.close()")
    assert notebook.errors == []


def a_page_comes_back(lesson) -> None:
    """The page's own program opens a new connection when its old one is cut."""
    lesson.run("open", "ask-again")
    said = lines(lesson.run("page-comes-back"))
    expect(said).to_contain_text(["open"])
    lesson.run("cut")
    again = re.compile(r"close 1006: again in 0\.\d\d s$")
    expect(said).to_contain_text(["open", again, "open"])


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
