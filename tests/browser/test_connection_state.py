"""The lesson of the states in a real JupyterLab: what the diagram shows, held and moved."""

from __future__ import annotations

from playwright.sync_api import expect

from . import reach


def test_the_lesson_from_top_to_bottom(lab_page):
    notebook = lab_page.open_notebook(
        "08_connection_state.ipynb", theme="dark", width=1280, height=1100
    )
    last = notebook.page.locator(".jp-Notebook .jp-Cell").count() - 1
    for number in range(last - 1):  # the last two: closing the lab, and a word to teachers
        if notebook.is_code(number):
            notebook.run_cell(number)
    diagram = notebook.view("state-diagram").last
    client, server = (diagram.locator(f'[data-peer="{peer}"].ws-peer-states') for peer in PEERS)

    # Both are OPEN, each by the edge that is lit, and by what its library says in italics.
    notebook.execute("client = lab.connect(); client.send('Hello'); client.recv(); None")
    for peer, edge in ((client, "receives a valid 101"), (server, "answers 101")):
        expect(peer).to_have_attribute("data-state", "OPEN")
        expect(peer).to_have_attribute("data-says", "OPEN")
        expect(peer.locator(".ws-edge.ws-taken")).to_have_count(1)
        expect(peer.locator(".ws-edge-label.ws-taken tspan")).to_have_text(edge)
    said = diagram.locator("tbody .ws-word", has_text="websockets says OPEN")
    expect(said).to_have_count(2)

    # Held on the way: the two peers are in different states.
    notebook.execute(
        "lab.tap.hold()\n"
        'threading.Thread(target=client.close, kwargs={"timeout": None}, daemon=True).start()'
    )
    expect(client).to_have_attribute("data-state", "CLOSING")
    expect(client).to_have_attribute("data-edge", "OPEN:SENDS_CLOSE")
    expect(client).to_have_attribute("data-says", "CLOSING")
    expect(server).to_have_attribute("data-state", "OPEN")
    expect(server).to_have_attribute("data-says", "OPEN")
    expect(client.locator(".ws-edge.ws-taken")).to_have_count(1)
    expect(client.locator(".ws-edge-label.ws-taken")).to_contain_text("sends a close frame")

    # The bytes that caused it, one click away, here and in the wire view.
    client.locator("button[data-row]").click()
    cause = diagram.locator('[data-wslab="cause"]')
    expect(cause).to_contain_text("close from the client, 8 bytes")
    expect(cause.locator("pre")).to_contain_text("88 82")
    notebook.screenshots("states-held", diagram)
    number = client.locator("button[data-row]").get_attribute("data-row")
    cause.locator('[data-action="in-wire"]').click()
    row = notebook.view("wire-view").first.locator(f'[data-wslab-row="{number}"]')
    expect(row).to_have_attribute("aria-selected", "true")
    cause.locator('[data-action="close-bytes"]').click()
    expect(cause).to_be_hidden()

    notebook.execute("lab.tap.step()")
    expect(server).to_have_attribute("data-state", "CLOSING")
    # The answer is waiting at the tap.
    expect(client).to_have_attribute("data-state", "CLOSING")
    assert notebook.execute("lab.find('close', 'server', of=client).data[:1].hex()") == "'88'"
    notebook.execute("lab.tap.disarm()")
    for peer in (client, server):
        expect(peer).to_have_attribute("data-state", "CLOSED")
        expect(peer).to_have_attribute("data-says", "CLOSED")
        expect(peer).to_have_attribute("data-tcp", "CLOSED")
    timeline = diagram.locator("tbody tr")
    expect(timeline.filter(has_text="answers 101")).to_have_count(1)
    assert timeline.count() == 20  # twelve steps, and four words from each library

    the_replay(notebook, diagram, client, server)
    the_browsers_own(notebook, client)
    the_browsers_options(notebook)
    a_browser_drops_what_comes_in_closing(notebook)
    a_browser_answers_pings_unasked(notebook)
    keepalive_by_sliders(notebook)
    reach.check(notebook)
    notebook.execute("lab.close()")
    assert "nothing is running" in notebook.execute("__import__('wslab.net').net.running()")


PEERS = ("client", "server")


def the_replay(notebook, diagram, client, server):
    """The wire and the diagram go back together, moved from either of them, and are live again."""
    wire, keyboard = notebook.view("wire-view").first, notebook.page.keyboard
    slider = wire.get_by_role("slider", name="replay")
    row = wire.locator("[data-wslab-row]").last
    total = int(notebook.execute("print(len(lab.capture.index))"))
    slider.focus()
    expect(slider).to_have_attribute("aria-valuetext", f"live, {total} rows")
    keyboard.press("ArrowLeft")  # before the server's close frame: the client's was still held
    expect(row).to_have_attribute("data-wslab-row", f"{total - 2}")
    expect(client).to_have_attribute("data-state", "CLOSING")
    expect(server).to_have_attribute("data-state", "OPEN")
    expect(wire.locator('[data-wslab="count"]')).to_have_text(f"{total - 1} rows")
    expect(wire.get_by_role("status").first).to_have_text("replay")
    keyboard.press("ArrowLeft")
    expect(client).to_have_attribute("data-state", "OPEN")
    notebook.screenshots("states-replay-wire", wire)
    notebook.screenshots("states-replay", diagram)
    keyboard.press("End")
    for peer in (client, server):
        expect(peer).to_have_attribute("data-state", "CLOSED")
    expect(row).to_have_attribute("data-wslab-row", f"{total - 1}")

    diagram.get_by_role("slider", name="replay").focus()
    keyboard.press("Home")
    expect(client).to_have_attribute("data-state", "")
    expect(wire.locator('[data-wslab="count"]')).to_have_text("0 rows")
    keyboard.press("ArrowRight")
    expect(client).to_have_attribute("data-state", "CONNECTING")
    expect(wire.locator("[data-wslab-row]")).to_have_count(1)
    expect(slider).to_have_value("1")
    wire.get_by_role("button", name="live", exact=True).click()
    expect(client).to_have_attribute("data-state", "CLOSED")
    expect(row).to_have_attribute("data-wslab-row", f"{total - 1}")


def the_browsers_own(notebook, client):
    """Its readyState stands on the time line, and beside the diagram."""
    notebook.execute(
        "socket, pinged = [o for o in Out.values() if type(o).__name__ == 'BrowserSocket']\n"
        "socket.connect(); socket.wait('open')\n"
        "socket.close(4000); socket.wait('close'); None"
    )
    expect(client).to_have_attribute("data-says", "CLOSED")
    lines = notebook.view("state-diagram").last.locator('tr[data-source="browser"]')
    expect(lines).to_have_count(4)
    assert [lines.nth(n).get_attribute("data-state") for n in range(4)] == [
        "CONNECTING",
        "OPEN",
        "CLOSING",
        "CLOSED",
    ]


def the_browsers_options(notebook):
    """Chromium 156 as it comes knows none (WHATWG: the second argument is texts)."""
    asked = notebook.view("constructor-options")
    asked.locator('[data-action="run"]').click()
    expect(asked.locator('[data-wslab="outcome"]')).to_contain_text("It read no option")


def a_browser_drops_what_comes_in_closing(notebook):
    """What question "closing" says of it: its script gets no message event any more."""
    told = notebook.execute(
        "crossed = lambda side: lab.find('text', side).payload == b'too late'\n"
        "seen = len(socket.events)\n"
        "socket.connect(); socket.wait('open', after=seen); lab.tap.hold()\n"
        "socket.send('too late'); socket.close(4000); socket.wait('close()', after=seen)\n"
        "assert lab.capture.wait_until(lambda: crossed('client'), 20)\n"
        "lab.tap.step()  # to the server, which sends it back\n"
        "assert lab.capture.wait_until(lambda: crossed('server'), 20)\n"
        "lab.tap.disarm(); socket.wait('close', after=seen)\n"
        "print([event.name for event in socket.events[seen:]])\n"
        "print(lab.capture.delivered(lab.capture.index.connections[-1], 'server')[-12:])"
    )
    assert "['new WebSocket', 'open', 'send', 'close()', 'close']" in told
    assert "too late" in told  # and yet it was delivered


def a_browser_answers_pings_unasked(notebook):
    told = notebook.execute(
        "pinged.connect(); pinged.wait('open')\n"
        "here = lambda: [row for row in lab.capture.index.rows()\n"
        "    if row.kind == 'pong' and row.connection == lab.capture.index.connections[-1]]\n"
        "assert lab.capture.wait_until(here, 20)\n"
        "pinged.close(); pinged.wait('close')\n"
        "print([event.name for event in pinged.events])\n"
        "print(lab.find('pong', 'client').payload == lab.find('ping', 'server').payload)"
    )
    assert told.splitlines()[-2:] == ["['new WebSocket', 'open', 'close()', 'close']", "True"]


def keepalive_by_sliders(notebook):
    bench = notebook.page.locator(".wslab-keepalive").last
    button = bench.get_by_role("button", name="Pull the cable")
    expect(button).to_be_disabled()
    bench.get_by_label("ping interval (s)").fill("0.4")
    bench.get_by_label("ping timeout (s)").fill("0.3")
    expect(button).to_be_disabled()
    bench.get_by_label("your prediction (s)").fill("0.7")
    button.click()
    told = bench.locator('[data-wslab="keepalive"]')
    expect(told).to_have_attribute("data-code", "1006")
    assert 0.3 <= float(told.get_attribute("data-found")) < 5
