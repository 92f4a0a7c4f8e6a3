"""A kernel that is busy, interrupted or restarted: the lab goes on, or goes away, as it should."""

from __future__ import annotations

import socket

import pytest
from playwright.sync_api import expect
from real_lab import write_setting

from wslab.net import RawClient, connect, stop_all

BLOCK = "import threading; threading.Event().wait(120)"


@pytest.fixture(autouse=True)
def nothing_of_ours_left():
    yield
    stop_all()


@pytest.fixture
def notebook(lab_page, request):
    # "disabled": widget callbacks run on the kernel's main thread, as before JupyterLab 4.4.
    mode = getattr(request, "param", "perCommTarget")
    settings = lab_page.lab.settings
    write_setting(settings, "notebook-extension/tracker", {"windowingMode": "none"})
    write_setting(settings, "apputils-extension/kernels-settings", {"commsOverSubshells": mode})
    try:
        notebook = lab_page.open_cells(
            "from wslab.labs import handshake\nlab = handshake.open()\nlab.client()",
            "lab.wire()",
            BLOCK,
            fresh=True,  # settings are read when a page is loaded
        )
        for number in (0, 1):
            notebook.run_cell(number)
        yield notebook
    finally:
        write_setting(settings, "apputils-extension/kernels-settings", {})


def url_of(notebook) -> str:
    return notebook.view("client-panel").locator('[data-input="url"]').input_value()


def start_blocking(notebook) -> None:
    notebook.page.evaluate(
        """() => {
          const app = window.jupyterapp;
          app.shell.currentWidget.content.activeCellIndex = 2;
          app.commands.execute('notebook:run-cell');
        }"""
    )
    expect(notebook.cell(2).locator(".jp-InputPrompt").first).to_have_text("[*]:")


@pytest.mark.parametrize("notebook", ["perCommTarget", "disabled"], indirect=True)
def test_a_busy_cell_stops_neither_the_server_nor_the_view(notebook):
    url, wire = url_of(notebook), notebook.view("wire-view")
    start_blocking(notebook)
    with connect(url) as client:  # from this process: the kernel must serve it while it is busy
        client.send("while you were busy")
        assert client.recv() == "while you were busy"
    echo = wire.locator('[data-wslab-row][data-kind="text"][data-direction="server"]')
    expect(echo).to_contain_text("while you were busy")
    expect(wire).to_have_attribute("data-state", "CLOSED")

    notebook.interrupt()
    expect(notebook.cell(2)).to_contain_text("KeyboardInterrupt")
    panel = notebook.view("client-panel")
    panel.locator('[data-action="connect"]').click()
    expect(panel).to_have_attribute("data-state", "OPEN")
    panel.locator('[data-action="send"]').click()
    expect(echo).to_have_count(2)


@pytest.mark.parametrize("notebook", ["perCommTarget", "disabled"], indirect=True)
def test_where_widget_callbacks_run_is_as_the_setting_says(notebook, request):
    """Or the test above would prove the same thing twice."""
    notebook.execute(
        "import threading; said = []\n"
        "(panel,) = [out for out in Out.values() if type(out).__name__ == 'ClientPanel']\n"
        "says = panel._page_says\n"
        "def spy(*what): said.append(threading.current_thread().name); says(*what)\n"
        "panel._page_says = spy"
    )
    panel = notebook.view("client-panel")
    panel.locator('[data-action="connect"]').click()
    expect(panel).to_have_attribute("data-state", "OPEN")
    where = notebook.execute("said[0]")
    main = request.node.callspec.params["notebook"] == "disabled"
    assert (where == "'MainThread'") == main


def test_a_click_works_while_a_cell_is_busy(notebook):
    """With callbacks on a subshell's thread, which is JupyterLab's way since 4.4."""
    notebook.page.evaluate(
        "() => { window.jupyterapp.shell.currentWidget.content.widgets[1].model.sharedModel"
        ".setSource(`from IPython.display import display\\n"
        "display(lab.wire(), lab.ask('requests'), lab.bench())`) }"
    )
    notebook.run_cell(1)
    panel, wire = notebook.view("client-panel"), notebook.view("wire-view")
    start_blocking(notebook)
    question, bench = (
        notebook.view("question"),
        notebook.page.locator(".wslab-bench"),
    )
    question.get_by_role("radio").first.click()
    notebook.page.get_by_role("button", name="That is my answer").click()
    expect(notebook.view("reply")).to_be_visible()
    bench.locator("button[data-experiment]").first.click()
    for number in range(2):  # again: what a thread of ours has written since changes nothing
        bench.get_by_role("radio").nth(number).click()
        bench.get_by_role("button", name="Break it").click()
        expect(notebook.view("outcome")).to_be_visible()
    panel.locator('[data-action="connect"]').click()
    expect(panel).to_have_attribute("data-state", "OPEN")
    panel.locator('[data-action="send"]').click()
    sent = wire.locator('[data-wslab-row][data-kind="text"][data-direction="client"]')
    sent.click()
    expect(wire.locator('[data-wslab="explanation"]')).to_be_visible()
    notebook.interrupt()


def test_a_call_that_waits_can_be_interrupted_and_the_lab_goes_on(notebook):
    notebook.execute("client = lab.connect()")
    notebook.page.evaluate(
        """() => {
          const app = window.jupyterapp, panel = app.shell.currentWidget;
          panel.content.widgets[2].model.sharedModel.setSource(
            'print("it waits")\\nclient.recv(timeout=120)');
          panel.content.activeCellIndex = 2;
          app.commands.execute('notebook:run-cell');
        }"""
    )
    # JupyterLab's [*] comes too early: the kernel may not have begun, and nothing is interrupted.
    expect(notebook.cell(2).locator(".jp-OutputArea")).to_contain_text("it waits")
    notebook.interrupt()
    expect(notebook.cell(2)).to_contain_text("KeyboardInterrupt")
    assert notebook.execute("client.send('still here'); client.recv()") == "'still here'"


def test_a_restart_frees_the_ports(notebook):
    ports = [int(port) for port in notebook.execute("lab.port, lab.server.port")[1:-1].split(",")]
    with RawClient(ports[0]):
        pass
    notebook.restart()
    for port in ports:
        with socket.create_server(("127.0.0.1", port)):
            pass  # free, or this raises
