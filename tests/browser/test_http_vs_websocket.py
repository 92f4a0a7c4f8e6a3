"""The lesson on HTTP against WebSocket in a real JupyterLab: the charts, the gallery, the page."""

from __future__ import annotations

from playwright.sync_api import expect

from wslab.net.feeds import WAYS

from . import page_cookies, reach
from .test_first_connection import Lesson

LINES = ".ws-figure svg .curve path.line"


def test_the_lesson_from_top_to_bottom(lab_page):
    notebook = lab_page.open_notebook("12_http_vs_websocket.ipynb", width=1280, height=1000)
    lesson = Lesson(notebook)
    wire = lesson.run("open").locator('[data-wslab="wire-view"]')
    lesson.run("polling", "ask-heads", "ask-wait")
    expect(wire).to_contain_text("polling")
    waits = lesson.run("waits").locator('[data-wslab="chart"]')
    lesson.run("waits-run")
    expect(waits.locator(LINES).first).to_be_visible()
    total = lesson.run("bytes").locator('[data-wslab="chart"]')
    says_how_many_requests(lesson)
    lesson.run("compare", "quiet-bytes", "quiet", "idle", "chunk", "stream")
    for way in WAYS:
        expect(total).to_contain_text(way)
    the_page_gets_the_feed(notebook, lesson)
    lesson.run("page-code", "ask-cancel", "words", "words-stops", "once", "ask-choose")
    lesson.run("exercise-arrivals", "exercise-poller", "exercise-trace", "exercise-events")
    expect(lesson.run("predictions")).to_contain_text("1 of 1 right")
    page_cookies.are_nowhere(notebook)
    notebook.screenshots("http-vs-websocket")
    reach.check(notebook)
    notebook.execute("lab.close()")
    assert "nothing is running" in notebook.execute("__import__('wslab.net').net.running()")
    assert notebook.errors == []


def says_how_many_requests(lesson) -> None:
    gallery = lesson.run("ways").locator('[data-wslab="ways"]')
    gallery.get_by_role("button", name="long polling").click()
    expect(gallery.locator("pre")).to_contain_text('_ask(http, "/long-poll", after)')
    gallery.get_by_label("About one for each message").check()
    gallery.get_by_role("button", name="Get the feed").click()
    expect(gallery).to_contain_text("As you said")
    expect(gallery).to_contain_text("bytes a message")


def the_page_gets_the_feed(notebook, lesson) -> None:
    """By the browser's own fetch, EventSource and WebSocket, one after the other."""
    page = lesson.run("page").frame_locator("iframe")
    page.get_by_role("button", name="Get the feed").click()
    expect(page.locator("#state")).to_contain_text("Done", timeout=30_000)
    expect(page.locator("#ways li")).to_contain_text([f"{way}: 20 of 20 messages" for way in WAYS])
    table = lesson.run("in-page").locator('[data-wslab="page-table"]')
    requests = [int(text) for text in table.locator("tbody td:nth-child(3)").all_inner_texts()]
    assert requests[2:] == [1, 1, 1]
    assert requests[0] < requests[1]
    each = [int(t.replace(",", "")) for t in table.locator("td:nth-child(4)").all_inner_texts()]
    assert each[4] < each[0]
    assert each[4] < each[1]
    # A browser's heads are larger than our Python clients' by far.
    ours = "lab.get('long polling', rate=20)[0].bytes_each"
    assert each[1] > 1.5 * lesson.kernel(ours)
