"""The lesson on secure WebSockets in a real JupyterLab: what an eavesdropper sees on the wire."""

from __future__ import annotations

from playwright.sync_api import expect

from . import reach
from .test_first_connection import Lesson

LINES = ".ws-figure svg .curve path.line"


def test_the_lesson_from_top_to_bottom(lab_page):
    notebook = lab_page.open_notebook("13_secure_websockets.ipynb", width=1280, height=1000)
    lesson = Lesson(notebook)
    wire = lesson.run("open").locator('[data-wslab="wire-view"]')
    an_answer_is_counted(lesson)
    expect(lesson.run("twice")).to_contain_text("hidden")
    the_first_record_names_the_server(notebook, wire)
    expect(lesson.run("exercise-hello")).to_contain_text("Not yet")
    lesson.run("hello", "ask-length", "guess", "exercise-records")
    somebody_talks_over_wss(notebook, lesson, wire)
    chart = lesson.run("lengths").locator('[data-wslab="chart"]')
    lesson.run("type")
    expect(chart.locator(LINES).first).to_be_visible()
    lesson.run("lengths-filled", "type-filled", "guess-filled", "key-log", "ask-keys")
    expect(lesson.run("with-keys")).to_contain_text("Meet me at eight")
    expect(lesson.run("predictions")).to_contain_text("1 of 1 right")
    what_stands_on_the_way(notebook, lesson, wire)
    notebook.screenshots("secure-websockets")
    reach.check(notebook)
    notebook.execute("lab.close()")
    assert "nothing is running" in notebook.execute("__import__('wslab.net').net.running()")
    assert notebook.errors == []


def an_answer_is_counted(lesson) -> None:
    question = lesson.run("ask-eavesdropper")
    question.get_by_label("The server's name, and how much crosses when").check()
    question.get_by_role("button", name="That is my answer").click()
    expect(question).to_contain_text("every record says how long it is")


def what_stands_on_the_way(notebook, lesson, wire) -> None:
    """A bad certificate and an old proxy: predicted, tried, compared, and found on the wire."""
    for cell, choose, said, press in (
        ("trust", "expired", "An error, and close code 1006", "Connect"),
        ("old-proxy", "ws, stripped", "Refused with 426", "Send a message"),
    ):
        gallery = lesson.run(cell)
        gallery.get_by_role("button", name=choose, exact=True).click()
        gallery.get_by_label(said, exact=True).check()
        gallery.get_by_role("button", name=press, exact=True).click()
        expect(gallery).to_contain_text("As you said", timeout=20_000)
    notebook.page.get_by_role("link", name="the alert that refuses it").click()
    expect(wire.locator('[data-wslab="detail"]')).to_contain_text("encrypted")
    notebook.page.get_by_role("link", name="the one behind it").click()
    expect(wire.locator('[data-wslab="detail"]')).to_contain_text("old-proxy")
    expect(lesson.run("exercise-context")).to_contain_text("may pose as your server")


def the_first_record_names_the_server(notebook, wire) -> None:
    """The link in the prose leads to the ClientHello, whose fields are told byte by byte."""
    notebook.page.get_by_role("link", name="The first one").click()
    detail = wire.locator('[data-wslab="detail"]')
    expect(detail.locator(".ws-heading")).to_contain_text("tls")
    name = detail.locator(".ws-fields").get_by_text("server name", exact=True)
    name.scroll_into_view_if_needed()
    name.click()
    expect(detail).to_contain_text("Whom the client wants to talk to")
    expect(detail).to_contain_text("localhost")
    expect(wire.locator('[data-kind="tls"] .ws-start').first).to_contain_text("ClientHello")


def somebody_talks_over_wss(notebook, lesson, wire) -> None:
    panel = lesson.run("secure-client").locator('[data-wslab="client-panel"]')
    panel.locator('[data-action="connect"]').click()
    expect(panel).to_have_attribute("data-state", "OPEN")
    panel.locator('[data-input="message"]').fill("Grüße")
    panel.locator('[data-action="send"]').click()
    expect(panel.locator('[data-event="message"]').last).to_contain_text("Grüße")
    expect(wire).to_contain_text("ENCRYPTED")
    # Seven bytes, in a frame of 13 and in one of 9.
    lengths = "[row.length for row in lab.capture.index.rows()][-2:]"
    assert notebook.execute(lengths).strip() == "[35, 31]"
