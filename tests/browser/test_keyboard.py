"""Each widget of the exercises, by keyboard alone: the pointer is not used here."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import expect

CELLS = (
    "from wslab.labs import handshake, frames, connection_state, data_transfer, chat\n"
    "lab = handshake.open()\nlab.ask('phrase')",
    "lab.bench()",
    "lab.client()",
    "lab.browser()",
    "frames.open().workshop()",
    "states = connection_state.open()\nstates.keepalive_bench()",
    "states.connect().close()\nstates.states()",
    "data_transfer.open().round_trips()",
    "chat.open().seat('Ada')",
)


@pytest.fixture(scope="module")
def notebook(module_notebook):
    notebook = module_notebook(*CELLS)
    notebook.run_all()
    return notebook


@pytest.fixture
def keys(notebook):
    """The keyboard. After the test no key has reached JupyterLab: cells are what they were."""
    yield notebook.page.keyboard
    widgets = "window.jupyterapp.shell.currentWidget.content.widgets"
    cells = notebook.page.evaluate(f"() => {widgets}.map(cell => cell.model.sharedModel.source)")
    assert tuple(cells) == CELLS


def test_a_question(notebook, keys):
    question = notebook.view("question")
    question.get_by_role("radio").first.focus()
    keys.press("ArrowDown")
    keys.press("ArrowDown")
    expect(question.get_by_role("radio").nth(2)).to_be_focused()
    expect(question.get_by_role("radio").nth(2)).to_be_checked()
    keys.press("ArrowUp")
    expect(question.get_by_role("radio").nth(1)).to_be_checked()
    keys.press("Tab")
    go = question.get_by_role("button", name="That is my answer")
    expect(go).to_be_focused()
    keys.press("Enter")
    reply = question.locator('[data-wslab="reply"]')
    expect(reply).to_be_visible()
    expect(question.locator('[aria-live="polite"] [data-wslab="reply"]')).to_be_visible()
    expect(go).to_be_focused()  # where another try begins
    keys.press("Shift+Tab")
    keys.press("ArrowDown")
    keys.press("Tab")
    keys.press("Space")
    expect(reply).to_be_visible()


def test_a_gallery(notebook, keys):
    bench = notebook.view("bench")
    names = bench.locator(".ws-experiment")
    names.first.focus()
    keys.press("End")
    expect(names.last).to_be_focused()
    keys.press("Home")
    keys.press("ArrowRight")
    expect(names.nth(1)).to_be_focused()
    keys.press("Enter")
    expect(names.nth(1)).to_have_attribute("aria-pressed", "true")
    # Past the rest of the list in one step, and on to the prediction.
    keys.press("Tab")
    expect(bench.get_by_role("radio").first).to_be_focused()
    keys.press("Space")
    keys.press("Tab")
    keys.press("Enter")
    expect(bench.locator('[data-wslab="outcome"]')).to_be_visible()
    expect(bench.locator('[data-action="run"]')).to_be_focused()


def test_the_keepalive_bench(notebook, keys):
    bench = notebook.view("keepalive-bench")
    sliders = bench.get_by_role("slider")
    for slider, text in ((0, "0.2"), (1, "0.2"), (2, "0.3")):
        (sliders.first.focus if slider == 0 else lambda: keys.press("Tab"))()
        expect(sliders.nth(slider)).to_be_focused()
        keys.press("Home")
        for _ in range(20):
            if sliders.nth(slider).input_value() == text:
                break
            keys.press("ArrowRight")
    keys.press("Tab")
    expect(bench.locator('[data-action="run"]')).to_be_focused()
    keys.press("Enter")
    expect(bench).to_contain_text("measured: it left OPEN", timeout=15_000)


def test_a_client(notebook, keys):
    panel = notebook.view("client-panel")
    panel.locator("[data-input=url]").focus()
    keys.press("Enter")
    expect(panel).to_have_attribute("data-state", "OPEN")
    keys.press("Tab")  # past Connect, which is off
    message = panel.locator("[data-input=message]")
    expect(message).to_be_focused()
    keys.press("Enter")
    expect(panel.locator('[data-event="message"]')).to_contain_text("Hello")
    keys.press("Tab")
    keys.press("Tab")
    ping = panel.locator("[data-action=ping]")
    expect(ping).to_be_focused()
    keys.press("Enter")
    expect(panel.get_by_role("log")).to_contain_text("round trip")
    expect(ping).to_be_focused()  # and so it can be pressed again
    keys.press("Tab")
    expect(panel.locator("[data-input=code]")).to_be_focused()
    keys.press("Enter")
    expect(panel).to_have_attribute("data-state", "CLOSED")


def test_the_browsers_own_client(notebook, keys):
    panel = notebook.view("browser-socket")
    panel.locator("[data-input=url]").focus()
    keys.press("Enter")
    expect(panel).to_have_attribute("data-state", "OPEN")
    panel.locator("[data-input=message]").focus()
    keys.press("Enter")
    expect(panel.locator('[data-event="message"]').first).to_contain_text("Hello")
    for _ in range(2):
        keys.press("Tab")
    expect(panel.locator("[data-input=code]")).to_be_focused()
    keys.press("Enter")
    expect(panel).to_have_attribute("data-state", "CLOSED")


def test_the_workshop(notebook, keys):
    workshop = notebook.view("frame-workshop")

    def bit(number):
        return workshop.locator(f'[data-bit="{number}"]')

    bit(0).focus()
    keys.press("ArrowDown")
    expect(bit(8)).to_be_focused()
    keys.press("End")
    expect(bit(15)).to_be_focused()
    keys.press("Home")
    expect(bit(8)).to_be_focused()
    keys.press("Control+Home")
    expect(bit(0)).to_be_focused()
    keys.press("ArrowRight")
    keys.press("Space")
    expect(bit(1)).to_have_text("1")
    expect(bit(1)).to_be_focused()
    expect(workshop.locator("[data-violation]")).to_be_visible()
    keys.press("Space")
    expect(workshop.locator("[data-violation]")).to_have_count(0)
    keys.press("Tab")
    keys.press("Tab")
    send = workshop.locator("[data-action=send]")
    expect(send).to_be_focused()
    keys.press("Enter")
    expect(workshop.locator("[data-reaction]")).to_be_visible()
    expect(send).to_be_focused()


def test_the_state_diagram(notebook, keys):
    diagram = notebook.view("state-diagram")
    notebook.execute("states.connect().close()")  # the newest is the one on show
    diagram.locator("button[data-row]").first.focus()
    keys.press("Enter")
    expect(diagram.locator('[data-wslab="cause"]')).to_be_visible()


def test_a_chart_that_measures(notebook, keys):
    trips = notebook.view("round-trips")
    trips.get_by_role("button").focus()
    keys.press("Enter")
    expect(trips).to_contain_text(re.compile(r"\d round trips"))
    keys.press("Enter")
    expect(trips.get_by_role("button", name="Start pinging")).to_be_focused()


def test_a_seat_in_the_chat(notebook, keys):
    seat = notebook.view("chat")
    seat.locator("[data-input=message]").focus()
    keys.type("Hello")
    keys.press("Enter")
    expect(seat.locator('[data-kind="message"]')).to_contain_text("Hello")
    expect(seat.locator("[data-input=message]")).to_be_focused()
