"""The handshake lesson in a real JupyterLab: run, connect, send, ask, break, fetch, close."""

from __future__ import annotations

import re

from playwright.sync_api import Page, expect

from . import reach


def test_the_lesson_from_top_to_bottom(lab_page):
    notebook = lab_page.open_notebook("02_handshake.ipynb", width=1280, height=1000)
    last = notebook.page.locator(".jp-Notebook .jp-Cell").count() - 1
    for number in range(last - 1):  # the last two: closing the lab, and a word to teachers
        if notebook.is_code(number):
            notebook.run_cell(number)
    page = notebook.page

    panel, wire = notebook.view("client-panel").first, notebook.view("wire-view").first
    panel.locator('[data-action="connect"]').click()
    expect(panel).to_have_attribute("data-state", "OPEN")
    panel.locator('[data-input="message"]').fill("Grüße, <b>world</b>")
    panel.locator('[data-action="send"]').click()
    sent = rows(wire, "text", "client").filter(has_text="<b>world</b>")
    expect(sent).to_have_count(1)
    expect(rows(wire, "text", "server").filter(has_text="<b>world</b>")).to_have_count(1)

    # Byte by byte: the first byte of the frame, then the first of the payload.
    sent.click()
    explanation = wire.locator('[data-wslab="explanation"]')
    wire.locator('[data-byte="0"]').first.hover()
    expect(explanation).to_have_attribute("data-field", re.compile("FIN|opcode"))
    wire.locator('[data-byte="2"]').first.hover()
    expect(explanation).to_have_attribute("data-field", "masking key")
    wire.locator('[data-byte="6"]').first.hover()
    expect(explanation).to_have_attribute("data-field", "payload")
    expect(explanation).to_contain_text("⊕")
    expect(explanation.locator("a").first).to_have_attribute(
        "href", "https://www.rfc-editor.org/rfc/rfc6455.html#section-5.2"
    )
    notebook.screenshots("handshake-frame")

    # The request of the same connection, line by line.
    rows(wire, "request", "client").last.click()
    wire.locator('[data-field="Sec-WebSocket-Key"]').first.hover()
    expect(explanation).to_have_attribute("data-field", "Sec-WebSocket-Key")
    expect(explanation).to_contain_text("16 random bytes")
    notebook.screenshots("handshake-request")

    asks_and_answers(notebook)
    breaks_it(page, notebook)

    panel.locator('[data-input="reason"]').fill("enough")
    panel.locator('[data-action="close"]').click()
    expect(panel).to_have_attribute("data-state", "CLOSED")
    # In the view beside the bench, which follows the newest: the one above stays where it was read.
    newest = notebook.view("wire-view").last
    expect(rows(newest, "close", "client").last).to_contain_text("1000 enough")

    fetch_is_no_handshake(page, notebook)
    reach.check(notebook)
    notebook.execute("lab.close()")
    assert "nothing is running" in notebook.execute("__import__('wslab.net').net.running()")


def rows(wire, kind: str, direction: str):
    return wire.locator(f'[data-wslab-row][data-kind="{kind}"][data-direction="{direction}"]')


def asks_and_answers(notebook) -> None:
    question = notebook.view("question").filter(has_text="How many HTTP requests cross").last
    button = question.get_by_role("button", name="That is my answer")
    expect(button).to_be_disabled()
    question.get_by_label("101", exact=True).check()
    button.click()
    reply = question.locator('[data-wslab="reply"]')
    expect(reply).to_have_attribute("data-right", "false")
    question.get_by_label("1", exact=True).check()
    button.click()
    expect(reply).to_have_attribute("data-right", "true")
    expect(reply.locator("a")).to_have_attribute(
        "href", "https://www.rfc-editor.org/rfc/rfc6455.html#section-1.2"
    )


def breaks_it(page: Page, notebook) -> None:
    bench = page.locator(".wslab-bench")
    wire = notebook.view("wire-view").last
    for name, prediction, answered in [
        ("client: wrong-version", "426 Upgrade Required", "Sec-WebSocket-Version: 13"),
        ("server: wrong-accept", "refuses the answer", "101 Switching Protocols"),
    ]:
        bench.locator(f'button[data-experiment="{name}"]').click()
        bench.get_by_label(re.compile(prediction)).check()
        bench.get_by_role("button", name="Break it").click()
        outcome = bench.locator(f'[data-wslab="outcome"][data-experiment="{name}"]')
        expect(outcome).to_contain_text("As you said")
        expect(bench).to_contain_text(answered)
    expect(wire.locator("[data-wslab-row]").last).to_contain_text("broken")
    bench.scroll_into_view_if_needed()
    notebook.screenshots("handshake-bench")


def fetch_is_no_handshake(page: Page, notebook) -> None:
    """No script can send a handshake's headers: the claim of the lesson, seen on the wire."""
    attempt = notebook.view("fetch-attempt")
    attempt.get_by_role("button").click()
    expect(attempt).to_contain_text("the browser kept none")
    expect(attempt).to_contain_text("TypeError: Failed to fetch")
    sent = notebook.execute("print(lab.find('request').data.decode())")
    assert "Sec-Fetch-Mode: cors" in sent, "the last request is the page's"
    assert "Upgrade: websocket" not in sent
    assert "Sec-WebSocket" not in sent
    assert "school.example" not in sent
    assert notebook.execute("lab.find('response').field('status line').value").startswith(
        "'HTTP/1.1 426"
    )


def test_an_exercise_is_solved_in_the_page(lab_page):
    notebook = lab_page.open_cells(
        "from wslab.exercises.handshake import SOLUTIONS, check_accept\n"
        "exec(SOLUTIONS['accept'])\ncheck_accept(accept)",
        "check_accept(lambda key: accept(key).rstrip('='))",
    )
    notebook.run_all()
    verdicts = notebook.view("verdict")
    expect(verdicts.first).to_have_attribute("data-passed", "true")
    expect(verdicts.last).to_have_attribute("data-passed", "false")
    expect(verdicts.last).to_contain_text("here they part")
