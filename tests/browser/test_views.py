"""The wire view and the client panel in a real page: what people see, by mouse and by keyboard."""

from __future__ import annotations

import json
import re

import pytest
from playwright.sync_api import expect

from . import reach

CAST = """\
import time
from wslab.net import Client, EchoServer, Tap
from wslab.view import ClientPanel, WireView
from wslab.wire.recording import Capture

server = EchoServer().start()
capture = Capture()
tap = Tap(server.url, capture).start()
client = Client(tap.url)
"""

PANEL = "panel = ClientPanel(client)\npanel"
WIRE = "view = WireView(capture, server_label='server · echo')\nview"

TALK = """\
client.connect()
client.send("Hello"); client.recv()
client.send(bytes(range(64))); client.recv()
client.ping(b"are you there")
client.close(1000, "bye")
"""

CLEAN = """\
from wslab.net import stop_all
from ipywidgets import Widget
stop_all()
Widget.close_all()
"""

# Frames no library would send, right into the recording: the view shows what crossed, whoever sent.
ODD = """\
odd = capture.open_connection(upgraded=True)
capture.record(odd, "client", bytes.fromhex("018337fa213d7f9f4d"))
capture.record(odd, "client", bytes.fromhex("808237fa213d5b95"))
capture.record(odd, "client", bytes.fromhex("810548656c6c6f"))
capture.record(odd, "server", bytes.fromhex("8300"))
capture.record(odd, "server", bytes.fromhex("811e") + b"<img src=x onerror=document.x=1")
"""


@pytest.fixture(scope="module")
def notebook(module_notebook):
    """One notebook for the whole module: opening one takes longer than most tests."""
    return module_notebook("")


@pytest.fixture
def play(notebook, request):
    """Puts other cells into the notebook, runs them, and cleans up after the test."""
    notebook.errors.clear()
    failed = request.session.testsfailed

    def play(*cells, theme="light", width=1440, height=900):
        notebook.page.set_viewport_size({"width": width, "height": height})
        notebook.change_theme(theme)
        notebook._in_page(
            f"""
            const shared = panel.content.model.sharedModel;
            shared.transact(() => {{
              shared.deleteCellRange(0, shared.cells.length);
              shared.insertCells(0, {json.dumps(cells)}.map(source => (
                {{cell_type: 'code', source, metadata: {{}}, outputs: []}})));
            }});
            """,
            30,
        )
        notebook.run_all()
        return notebook

    yield play
    if request.session.testsfailed > failed:
        name = re.sub(r"\W+", "-", request.node.name)
        print("what the page looked like:", notebook.screenshot(f"FAILED-{name}"))
        print("what its console said:", *notebook.errors, sep="\n  ")
    notebook.execute(CLEAN)


def scroll_home(wire):
    wire.get_by_role("listbox", name="what crossed").focus()
    wire.page.keyboard.press("Home")


def row(wire, number):
    return wire.locator(f'[data-wslab-row="{number}"]')


@pytest.fixture
def talked(play):
    """The notebook with a wire view of one short conversation, and the view."""
    notebook = play(CAST, WIRE, TALK)
    wire = notebook.view("wire-view")
    expect(wire.locator("[data-wslab=count]")).to_have_text("10 rows")
    return notebook, wire


# -- the arrows -----------------------------------------------------------------------------------


def test_each_request_response_and_frame_is_an_arrow_with_kind_and_direction(talked):
    _, wire = talked
    scroll_home(wire)
    rows = wire.locator("[data-wslab-row]").evaluate_all(
        "rows => rows.map(r => [+r.dataset.wslabRow, r.dataset.kind, r.dataset.direction])"
    )
    assert sorted(rows) == [
        [0, "request", "client"],
        [1, "response", "server"],
        [2, "text", "client"],
        [3, "text", "server"],
        [4, "binary", "client"],
        [5, "binary", "server"],
        [6, "ping", "client"],
        [7, "pong", "server"],
        [8, "close", "client"],
        [9, "close", "server"],
    ]
    expect(wire).to_have_attribute("data-state", "CLOSED")
    expect(row(wire, 0)).to_contain_text("GET / HTTP/1.1")
    expect(row(wire, 2)).to_have_attribute("aria-label", re.compile(r'text: "Hello", 11 bytes'))
    end = wire.locator("[data-wslab-remark]")  # no row, and no number in the count
    expect(end).to_have_text(re.compile("The server's side ended TCP: both APIs say 1000"))
    expect(end).to_have_attribute("data-remark", "quiet")


def test_the_state_follows_the_connection(play):
    notebook = play(CAST, WIRE)
    wire = notebook.view("wire-view")
    expect(wire.locator(".ws-state")).to_have_text("no connection yet")
    notebook.execute("client.connect()")
    expect(wire).to_have_attribute("data-state", "OPEN")
    notebook.execute("client.close()")
    expect(wire).to_have_attribute("data-state", "CLOSED")


def test_broken_and_unfinished_frames_are_marked_with_words_and_hostile_text_stays_text(play):
    notebook = play(CAST, WIRE, ODD)
    wire = notebook.view("wire-view")
    expect(row(wire, 0)).to_contain_text("text, more follows")
    expect(row(wire, 1)).to_have_attribute("data-kind", "continuation")
    expect(row(wire, 2)).to_contain_text("⚠ broken")
    expect(row(wire, 3)).to_have_attribute("data-kind", "reserved")
    row(wire, 2).click()
    rule = wire.locator(".ws-violations li")
    expect(rule).to_contain_text("answer: close code 1002")
    expect(rule.get_by_role("link")).to_have_attribute("href", re.compile("rfc6455.*section-5.1$"))
    expect(wire.locator("[data-wslab=explanation]")).to_have_attribute("data-field", "MASK")
    row(wire, 4).click()
    expect(row(wire, 4)).to_contain_text("<img src=x")
    assert notebook.page.evaluate("document.x") is None
    assert wire.locator("img").count() == 0


# -- bytes and fields -----------------------------------------------------------------------------


# A server's framework answers into the socket, as frames go on around it.
SPOILT = """\
spoilt = capture.open_connection(upgraded=True)
capture.record(spoilt, "server", bytes.fromhex("810548656c6c6f"))
page = b"HTTP/1.1 500 Oops\\r\\nContent-Length: 60\\r\\n\\r\\n" + 12 * b"sorry"
capture.record(spoilt, "server", page + 20 * b"\\x81\\x04next")
capture.record(spoilt, "client", bytes.fromhex("898037fa213d"))
"""
NEVER_ENDS = """\
waits = capture.open_connection()
capture.record(waits, "client", b"GET / HTTP/1.1\\r\\nHost: a\\r\\n")
"""


def test_a_remark_between_the_rows_names_what_broke_the_framing_while_it_is_true(play):
    notebook = play(CAST, WIRE, SPOILT)
    wire, keys = notebook.view("wire-view"), notebook.page.keyboard
    remark = wire.locator("[data-wslab-remark]")
    says = "These 101 bytes are an HTTP response, not a frame"
    expect(remark).to_contain_text(says)
    expect(wire.locator("[data-wslab=count]")).to_have_text("4 rows")  # it is none of them
    order = wire.get_by_role("listbox", name="what crossed").locator("[aria-posinset]")
    assert order.evaluate_all("all => all.map(one => one.dataset.wslabRow ?? 'remark')") == [
        *("0", "1", "remark", "2", "3"),
    ]
    expect(row(wire, 1)).to_contain_text("⚠ broken")
    expect(row(wire, 2)).to_contain_text("a consequence")
    expect(row(wire, 2)).to_have_attribute("aria-label", re.compile("a consequence of the remark"))

    wire.get_by_role("listbox", name="what crossed").focus()
    keys.press("Home")
    keys.press("ArrowDown")
    keys.press("ArrowDown")
    expect(remark).to_have_attribute("aria-selected", "true")
    keys.press("Enter")
    expect(wire.locator('[data-byte="0"]')).to_be_focused()
    told = wire.locator(".ws-violations")
    expect(told).to_contain_text("a framework, a middleware or a proxy behind it")
    expect(told.get_by_role("link")).to_have_attribute("href", re.compile("rfc6455.*section-5.2"))
    cells = wire.get_by_role("gridcell").all_inner_texts()
    assert bytes.fromhex("".join(cells)).startswith(b"HTTP/1.1 500 Oops")
    keys.press("Escape")
    keys.press("ArrowDown")
    expect(row(wire, 2)).to_have_attribute("aria-selected", "true")
    expect(told).not_to_contain_text("a framework")

    wire.locator("[data-action=filter]").click()
    wire.locator('[data-filter-kind="remark"]').click()
    expect(remark).to_be_visible()
    expect(wire.locator("[data-wslab-row]")).to_have_count(0)
    wire.locator("[data-action=show-all]").click()

    # Half a head gets its remark, and loses it when the rest comes.
    notebook.execute(NEVER_ENDS)
    expect(remark).to_have_count(2)
    expect(remark.last).to_contain_text("the empty line is missing")
    remark.last.click()
    expect(told).to_contain_text("the other side still waits")
    notebook.execute('capture.record(waits, "client", b"\\r\\n")')
    expect(remark).to_have_count(1)
    expect(told).to_be_hidden()
    reach.check(notebook)


def test_hovering_a_byte_lights_its_field_its_bits_and_its_link_and_back(talked):
    _, wire = talked
    scroll_home(wire)
    row(wire, 2).click()
    explanation = wire.locator("[data-wslab=explanation]")
    expect(explanation).to_have_attribute("data-field", "FIN")

    # Byte 0: its first digit are FIN and RSV1-3, its second is the opcode.
    wire.locator('[data-byte="0"] [data-nibble="1"]').hover()
    expect(explanation).to_have_attribute("data-field", "opcode")
    shared = explanation.locator(".ws-shared")
    expect(shared).to_have_text("byte 0: FIN 1 · RSV1 0 · RSV2 0 · RSV3 0 · opcode 1")
    expect(shared.locator("b")).to_have_text("opcode 1")
    assert explanation.locator(".ws-bit").all_inner_texts() == list("10000001")
    expect(explanation.locator(".ws-bit.ws-lit")).to_have_count(4)
    expect(explanation.get_by_role("link")).to_have_attribute("target", "_blank")
    expect(explanation.get_by_role("link")).to_have_attribute("rel", re.compile("noopener"))

    # A masked byte of the payload, with the sum: the key differs from run to run.
    at = wire.locator('[data-byte="6"]')
    at.hover()
    expect(explanation).to_have_attribute("data-field", "payload")
    key, masked = (wire.locator(f'[data-byte="{n}"]').inner_text() for n in (2, 6))
    assert int(key, 16) ^ int(masked, 16) == 0x48
    expect(explanation).to_contain_text(f'{masked} ⊕ {key} = 48 "H"')
    expect(wire.locator('[data-byte="2"]')).to_have_class(re.compile("ws-partner"))

    # Away from the bytes, the chosen byte is explained again.
    wire.locator(".ws-heading").hover()
    expect(explanation).to_have_attribute("data-field", "FIN")

    # And back from a field to its bytes.
    wire.locator('[role=option][data-field="masking key"]').hover()
    lit = wire.locator("[data-byte].ws-lit").evaluate_all("bs => bs.map(b => +b.dataset.byte)")
    assert lit == [2, 3, 4, 5]


@pytest.mark.parametrize("width", [900, 1280, 1366, 1440])
def test_the_fields_of_a_clients_frame_are_shown_whole(talked, width):
    notebook, wire = talked
    notebook.page.set_viewport_size({"width": width, "height": 900})
    scroll_home(wire)
    row(wire, 2).click()
    values = wire.locator("[role=option] .ws-field-value")
    key = wire.locator('[role=option][data-field="masking key"] .ws-field-value')
    expect(key).to_have_text(re.compile("^[0-9a-f]{8}$"))
    expect(values.last).to_have_text('"Hello"')
    line = values.first.bounding_box()["height"]
    for value in values.all():
        assert value.evaluate("it => it.scrollWidth <= it.clientWidth")
        assert value.bounding_box()["height"] == line  # in one line


def test_what_stands_in_a_view_follows_the_size_of_a_presentation(play):
    notebook = play(
        "from wslab.labs import connection_state as lesson\nlab = lesson.open()\n"
        "lab.connect().send('Hello')\nlab.wire()",
        *("lab.client()", "lab.browser()", "lab.states()", "lab.ask('open')"),
        "lab.keepalive_bench()",
        "from wslab.labs import frames, data_transfer, chat\nframes.open().workshop()",
        "data_transfer.open().round_trips()",
        "chat.open().seat('Ada')",
    )
    row(notebook.view("wire-view"), 2).click()
    expect(notebook.view("detail").locator("[role=gridcell]").first).to_be_visible()
    expect(notebook.view("round-trips").locator(".ws-axis-y")).to_have_text("ms")
    before = notebook.page.evaluate(SIZES)
    assert len(before) == 9
    notebook._in_page("await app.commands.execute('application:toggle-presentation-mode')", 20)
    expect(notebook.page.locator(".jp-mod-presentationMode")).to_be_attached()
    after = notebook.page.evaluate(SIZES)
    notebook._in_page("await app.commands.execute('application:toggle-presentation-mode')", 20)
    small = {
        f"{view}: {text}": (size, after[view].get(text))
        for view, sizes in before.items()
        for text, size in sizes.items()
        if after[view].get(text, size * 2) < 1.1 * size  # a title may have given up its place
    }
    assert small == {}


# By view and text: how high its letters are on the screen, in pixels.
SIZES = """\
() => Object.fromEntries([...document.querySelectorAll('.wslab')].map(view => {
  const sizes = {};
  for (const element of view.querySelectorAll('*')) {
    const said = [...element.childNodes].find(node => node.nodeType === 3 && node.data.trim());
    if (!said || !element.checkVisibility() || element.closest('.ws-unseen')) continue;
    const scale = element.ownerSVGElement ? element.getScreenCTM().a : 1;
    sizes[`${element.className.baseVal ?? element.className} ${said.data.slice(0, 30)}`] =
      scale * parseFloat(getComputedStyle(element).fontSize);
  }
  return [view.dataset.wslab, sizes];
}))
"""


def test_the_lines_of_a_request_are_fields_with_their_explanation(talked):
    _, wire = talked
    scroll_home(wire)
    row(wire, 0).click()
    field = wire.locator('[role=option][data-field="Sec-WebSocket-Key"]')
    field.hover()
    explanation = wire.locator("[data-wslab=explanation]")
    expect(explanation).to_have_attribute("data-field", "Sec-WebSocket-Key")
    expect(explanation).to_contain_text("16 random bytes")
    data = bytes.fromhex("".join(wire.locator("[data-byte]").all_inner_texts()))
    lit = wire.locator("[data-byte].ws-lit").evaluate_all("bs => bs.map(b => +b.dataset.byte)")
    assert data[lit[0] : lit[-1] + 1].startswith(b"Sec-WebSocket-Key: ")
    assert data[lit[-1] - 1 : lit[-1] + 1] == b"\r\n"
    expect(wire.locator(f'[data-byte="{lit[0]}"]')).to_be_in_viewport(ratio=1)


def test_everything_can_be_reached_by_keyboard(talked):
    notebook, wire = talked
    keys = notebook.page.keyboard
    rows = wire.get_by_role("listbox", name="what crossed")
    rows.focus()
    keys.press("Home")
    keys.press("ArrowDown")
    keys.press("ArrowDown")
    expect(row(wire, 2)).to_have_attribute("aria-selected", "true")
    active = rows.get_attribute("aria-activedescendant")
    assert wire.locator(f"#{active}").get_attribute("data-wslab-row") == "2"

    keys.press("Enter")  # into the bytes
    explanation = wire.locator("[data-wslab=explanation]")
    expect(wire.locator('[data-byte="0"]')).to_be_focused()
    # Through the fields of a byte first, then to the next byte; and the same way back.
    way = [("FIN", 0), ("RSV1", 0), ("RSV2", 0), ("RSV3", 0), ("opcode", 0), ("MASK", 1)]
    way += [("payload length", 1), ("masking key", 2), ("masking key", 3)]
    for step, places in (("ArrowRight", way[1:]), ("ArrowLeft", way[-2::-1])):
        for field, byte in places:
            keys.press(step)
            expect(wire.locator(f'[data-byte="{byte}"]')).to_be_focused()
            expect(explanation).to_have_attribute("data-field", field)
    keys.press("ArrowLeft")  # there is nothing before it
    expect(explanation).to_have_attribute("data-field", "FIN")
    keys.press("ArrowRight")
    assert "RSV1 0" in wire.locator('[data-byte="0"]').get_attribute("aria-label")
    for _ in range(4):
        keys.press("Shift+ArrowRight")  # from field to field
    expect(explanation).to_have_attribute("data-field", "MASK")
    for _ in range(2):
        keys.press("Shift+ArrowRight")
    expect(explanation).to_have_attribute("data-field", "masking key")
    expect(wire.locator('[data-byte="2"]')).to_be_focused()
    assert "fields of a byte" in wire.get_by_role("grid").get_attribute("aria-label")
    expect(wire.locator(".ws-keys").first).to_be_visible()
    assert "masking key" in wire.locator('[data-byte="2"]').get_attribute("aria-label")

    keys.press("Tab")  # to the list of fields
    expect(wire.locator('[role=option][data-field="masking key"]')).to_be_focused()
    keys.press("ArrowUp")
    expect(explanation).to_have_attribute("data-field", "payload length")
    keys.press("Tab")
    expect(explanation.get_by_role("link")).to_be_focused()

    keys.press("Escape")  # back to the rows, then to nothing chosen
    expect(rows).to_be_focused()
    keys.press("Escape")
    expect(wire.locator(".ws-filled-detail")).to_be_hidden()
    # JupyterLab took none of these keys: the notebook still has its three cells.
    assert notebook.page.locator(".jp-Notebook .jp-Cell").count() == 3


def test_a_large_frame_shows_its_beginning_and_more_on_demand(play):
    notebook = play(
        CAST,
        WIRE,
        "big = capture.open_connection(upgraded=True)\n"
        'capture.record(big, "server", bytes.fromhex("827f0000000000010000") + bytes(65536))',
    )
    wire = notebook.view("wire-view")
    row(wire, 0).click()
    expect(wire.locator("[data-byte]")).to_have_count(2048)
    wire.locator("[data-action=more]").click()
    expect(wire.locator("[data-byte]")).to_have_count(8192)
    expect(wire.locator(".ws-more").first).to_contain_text("8,192 of 65,546 bytes")


# -- filters, pause, newest -----------------------------------------------------------------------


def test_kinds_and_directions_can_be_filtered(talked):
    _, wire = talked
    wire.locator("[data-action=filter]").click()
    expect(wire.locator('[data-filter-kind="text"] .ws-chip-count')).to_have_text("2")
    wire.locator('[data-filter-kind="text"]').click()
    expect(wire.locator("[data-wslab=count]")).to_have_text("2 of 10 rows")
    expect(wire.locator("[data-wslab-row]")).to_have_count(2)
    wire.locator('[data-filter-direction="server"]').click()
    expect(wire.locator("[data-wslab-row]")).to_have_count(1)
    expect(row(wire, 3)).to_be_visible()
    expect(wire.locator("[data-action=filter]")).to_have_text("Show: text, from the server")
    wire.locator("[data-action=show-all]").click()
    expect(wire.locator("[data-wslab=count]")).to_have_text("10 rows")


def test_a_connection_can_be_chosen_when_there_are_several(talked):
    notebook, wire = talked
    expect(wire.locator("[data-action=connection]")).to_be_hidden()
    notebook.execute(ODD)
    chooser = wire.locator("[data-action=connection]")
    expect(chooser).to_be_visible()
    chooser.select_option("1")
    expect(wire.locator("[data-wslab=count]")).to_have_text("10 of 15 rows")
    expect(wire).to_have_attribute("data-state", "CLOSED")
    chooser.select_option("2")
    expect(wire.locator("[data-wslab=count]")).to_have_text("5 of 15 rows")


def test_pause_stops_the_picture_and_not_the_recording(talked):
    notebook, wire = talked
    pause = wire.locator("[data-action=pause]")
    pause.click()
    notebook.execute(ODD)
    expect(pause).to_have_text("Resume · 5 more")
    expect(wire.locator("[data-wslab=count]")).to_have_text("10 rows")
    expect(row(wire, 12)).to_have_count(0)
    pause.click()
    expect(wire.locator("[data-wslab=count]")).to_have_text("15 rows")
    expect(row(wire, 14)).to_be_visible()


NUMBERS = """\
chart => {
  const seen = [...chart.querySelectorAll('.tick text')].map(text => text.getBoundingClientRect())
    .filter(({width}) => width > 0);
  const apart = (a, b) =>
    a.right < b.left || b.right < a.left || a.bottom < b.top || b.bottom < a.top;
  const outer = chart.getBoundingClientRect();
  return {
    count: seen.length,
    overlap: seen.some((one, place) => seen.slice(place + 1).some(other => !apart(one, other))),
    outside: seen.some(({left, right}) => left < outer.left || right > outer.right),
  };
}
"""


def test_a_chart_has_room_for_its_numbers(play):
    notebook = play(
        "from wslab.view.experiments import Chart\n"
        "chart = Chart('members', x='members', y='messages a second')\n"
        "for n in range(0, 1201, 100): chart.add('sent', n, 123_456 - n)\n"
        "chart"
    )
    page, chart = notebook.page, notebook.view("chart")
    expect(chart.locator(".tick", has_text="150,000")).to_have_count(1)
    presentation = "await app.commands.execute('application:toggle-presentation-mode')"
    for present in (False, True):
        if present:
            notebook._in_page(presentation, 20)
        for width in (1280, 700, 375):
            page.set_viewport_size({"width": width, "height": 900})
            page.wait_for_function(
                "([chart, numbers]) => { const n = eval(numbers)(chart);"
                " return n.count > 6 && !n.overlap && !n.outside }",
                arg=[chart.element_handle(), NUMBERS],
            )
    notebook._in_page(presentation, 20)
    notebook.screenshot("chart-narrow", chart)


def test_the_bar_is_one_line_also_when_much_stands_in_it(play):
    notebook = play(
        "from wslab.labs import handshake\nlab = handshake.open()\n"
        "ada, grace = lab.connect(name='Ada'), lab.connect(name='Grace')\n"
        "lab.tap.hold('client')\nlab.wire()"
    )
    wire = notebook.view("wire-view")
    pause = wire.locator("[data-action=pause]")
    expect(row(wire, 3)).to_be_visible()  # both handshakes, which are no news then
    pause.click()
    notebook.execute("for _ in range(23): lab.tap.inject('x')\nfor _ in range(3): ada.send('y')")
    expect(wire.locator("[data-wslab=waiting]")).to_have_text("3 waiting")
    expect(pause).to_have_text(re.compile(r"Resume · 2[36]"))
    for width in (1440, 1366, 1280, 1100):
        notebook.page.set_viewport_size({"width": width, "height": 900})
        expect(wire.locator(".ws-bar")).to_have_css("height", "40px")


FLOOD = """\
flood = capture.open_connection(upgraded=True)
for number in range({count}):
    payload = b"frame %d" % number
    capture.record(flood, "server", bytes([0x81, len(payload)]) + payload)
"""


def test_the_newest_stays_in_sight_until_the_reader_scrolls_up(play):
    notebook = play(CAST, WIRE, FLOOD.format(count=200))
    wire = notebook.view("wire-view")
    newest = wire.locator("[data-action=newest]")
    expect(row(wire, 199)).to_be_visible()
    expect(newest).to_be_hidden()

    wire.get_by_role("listbox").hover()
    notebook.page.mouse.wheel(0, -1500)
    expect(newest).to_be_visible()
    notebook.execute(FLOOD.format(count=50))
    expect(newest).to_have_text("50 new")
    expect(row(wire, 249)).to_have_count(0)
    newest.click()
    expect(row(wire, 249)).to_be_visible()
    notebook.execute(FLOOD.format(count=50))
    expect(row(wire, 299)).to_be_visible()


def test_a_click_counts_for_the_row_it_was_aimed_at_though_the_list_moves_on(play):
    notebook = play(CAST, WIRE, FLOOD.format(count=100))
    wire = notebook.view("wire-view")
    aimed = row(wire, 98)
    aimed.scroll_into_view_if_needed()
    aimed.hover()
    notebook.page.mouse.down()
    notebook.execute(FLOOD.format(count=100))
    expect(row(wire, 199)).to_be_visible()
    notebook.page.mouse.up()
    expect(aimed).to_have_attribute("aria-selected", "true")


def test_100_000_rows_are_all_there_and_only_the_visible_ones_exist(play):
    notebook = play(CAST, WIRE, FLOOD.format(count=100_000))
    wire = notebook.view("wire-view")
    expect(wire.locator("[data-wslab=count]")).to_have_text("100,000 rows", timeout=30_000)
    expect(row(wire, 99_999)).to_be_visible()
    assert wire.locator("[data-wslab-row]").count() < 80
    scroll_home(wire)
    expect(row(wire, 0)).to_contain_text('"frame 0"')
    notebook.page.keyboard.press("End")
    expect(row(wire, 99_999)).to_contain_text('"frame 99999"')

    notebook.run_cell(1)  # a second view gets all of them too
    again = notebook.view("wire-view")
    expect(again.locator("[data-wslab=count]")).to_have_text("100,000 rows", timeout=30_000)
    expect(notebook.view("loss")).to_be_hidden()
    notebook.execute("capture.limit = 1_000_000; capture.record(flood, 'server', bytes(2))")
    expect(notebook.view("loss")).to_contain_text("frames (")
    expect(notebook.view("loss")).to_contain_text("capture.limit = 2_000_000 (bytes")
    scroll_home(again)
    row(again, 0).click()
    expect(notebook.view("detail")).to_contain_text("no longer kept")
    notebook.screenshot("loss")
    # Back to the middle of it, by the slider, and still only what is in sight exists.
    slider = wire.get_by_role("slider", name="replay")
    slider.fill("50000")
    expect(wire.locator("[data-wslab-row]").last).to_have_attribute("data-wslab-row", "49999")
    expect(slider).to_have_attribute("aria-valuetext", re.compile(r"^50,000 of 100,00\d rows, "))
    assert wire.locator("[data-wslab-row]").count() < 60


def test_the_recording_can_be_saved_from_the_page(talked, tmp_path):
    notebook, wire = talked
    for format in ("jsonl", "pcapng", "har"):
        wire.locator("[data-action=save]").click()
        with notebook.page.expect_download(timeout=20_000) as download:
            wire.locator(f"[data-action=save-{format}]").click()
        path = tmp_path / download.value.suggested_filename
        assert path.name == f"capture.{format}"
        download.value.save_as(path)
        notebook.execute(f"from wslab.wire import save; save(capture, 'here.{format}')")
        assert path.read_bytes() == (notebook.lab.root / f"here.{format}").read_bytes()


def test_a_unit_is_copied_and_its_message_saved_from_the_page(talked, tmp_path):
    notebook, wire = talked
    page, detail = notebook.page, notebook.view("detail")
    page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    row(wire, 2).click()
    said = detail.locator(".ws-detail-head").get_by_role("status")

    def copied(what: str) -> str:
        page.evaluate("navigator.clipboard.writeText('')")
        detail.locator("[data-action=take]").click()
        detail.locator(f"[data-action=copy-{what}]").click()
        expect(said).to_have_text("copied")
        return page.evaluate("navigator.clipboard.readText()")

    data = eval(notebook.execute("print(capture.index.unit(2).data)"))
    assert bytes.fromhex(copied("hex")) == data
    assert eval(copied("python")) == data
    assert copied("text") == notebook.execute("print(capture.index.message(2).text)").strip()
    # Over http from another machine there is no such thing.
    page.evaluate("""() => {
        Object.defineProperty(navigator, 'clipboard', { value: undefined, configurable: true });
    }""")
    detail.locator("[data-action=take]").click()
    detail.locator("[data-action=copy-hex]").click()
    expect(said).to_have_text("copied")
    expect(detail.locator("[data-action=take]")).to_be_focused()
    page.evaluate("delete navigator.clipboard")
    assert bytes.fromhex(page.evaluate("navigator.clipboard.readText()")) == data
    detail.locator("[data-action=take]").click()
    with page.expect_download(timeout=20_000) as download:
        detail.locator("[data-action=save-message]").click()
    assert download.value.suggested_filename == "message-2.txt"
    download.value.save_as(tmp_path / "it")
    assert (tmp_path / "it").read_text() == copied("text")


def test_while_a_cell_is_busy_rows_bytes_and_clicks_still_work(play):
    notebook = play(CAST, PANEL, WIRE, TALK, "import threading\nfree = threading.Event()")
    wire, panel = notebook.view("wire-view"), notebook.view("client-panel")
    notebook.page.evaluate(
        """() => { window.jupyterapp.shell.currentWidget.sessionContext.session.kernel
            .requestExecute({code: 'free.wait(60)'}).done.then(() => { document.free = true }) }"""
    )
    panel.locator("[data-action=connect]").click()
    expect(panel).to_have_attribute("data-state", "OPEN")
    expect(wire.locator("[data-wslab=count]")).to_have_text("12 rows")
    row(wire, 11).click()
    expect(wire.locator('[role=option][data-field="Sec-WebSocket-Accept"]')).to_be_visible()
    assert notebook.page.evaluate("document.free") is None
    notebook.page.evaluate(
        """() => window.jupyterapp.shell.currentWidget.sessionContext.session.kernel
            .interrupt()"""
    )
    panel.locator("[data-action=close]").click()
    expect(panel).to_have_attribute("data-state", "CLOSED")


# -- how it looks ---------------------------------------------------------------------------------

CONTRAST = """\
root => {
  const canvas = new OffscreenCanvas(1, 1).getContext('2d', {willReadFrequently: true});
  const rgba = color => {
    canvas.clearRect(0, 0, 1, 1); canvas.fillStyle = color; canvas.fillRect(0, 0, 1, 1);
    const [r, g, b, a] = canvas.getImageData(0, 0, 1, 1).data;
    return [r, g, b, a / 255];
  };
  const behind = element => {
    for (let e = element; e; e = e.parentElement) {
      const [r, g, b, a] = rgba(getComputedStyle(e).backgroundColor);
      if (a > 0.99) return [r, g, b];
    }
    return [255, 255, 255];
  };
  const light = ([r, g, b]) => [r, g, b].map(v => v / 255)
    .map(v => v <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4)
    .reduce((sum, v, i) => sum + v * [0.2126, 0.7152, 0.0722][i], 0);
  const poor = [];
  const walker = document.createTreeWalker(root, NodeFilter.SHOW_TEXT);
  while (walker.nextNode()) {
    const element = walker.currentNode.parentElement;
    if (!walker.currentNode.data.trim() || !element.checkVisibility()) continue;
    if (element.closest(':disabled, .ws-unseen, [aria-hidden=true].ws-texts')) continue;
    const back = behind(element);
    const [r, g, b, a] = rgba(getComputedStyle(element).color);
    const ink = [r, g, b].map((v, i) => v * a + back[i] * (1 - a));
    const [high, low] = [light(ink), light(back)].sort((x, y) => y - x);
    const ratio = (high + 0.05) / (low + 0.05);
    if (ratio < 4.5) poor.push(`${ratio.toFixed(2)} ${element.outerHTML.slice(0, 200)}`);
  }
  return poor;
}
"""


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("width", [700, 1600])
def test_both_views_read_well_in_both_themes_narrow_and_wide(play, theme, width):
    notebook = play(CAST, PANEL, WIRE, TALK, ODD, theme=theme, width=width)
    wire, panel = notebook.view("wire-view"), notebook.view("client-panel")
    expect(wire.locator("[data-wslab=count]")).to_have_text("15 rows")
    wire.locator("[data-action=filter]").click()
    expect(wire.locator('[data-filter-kind="remark"]')).to_contain_text(re.compile("[1-9]"))
    for number, steps in ((2, 2), (12, 13)):  # the end of the first connection is a step, too
        wire.get_by_role("listbox", name="what crossed").focus()
        notebook.page.keyboard.press("Home")
        for _ in range(steps):
            notebook.page.keyboard.press("ArrowDown")
        expect(wire.locator(".ws-facts")).to_contain_text(f"row {number} ")
        wire.scroll_into_view_if_needed()
        notebook.screenshot(f"wire-view-{theme}-{width}-row-{number}", wire)
        assert wire.evaluate(CONTRAST) == []
    notebook.screenshot(f"client-panel-{theme}-{width}", panel)
    assert panel.evaluate(CONTRAST) == []
    for view in (wire, panel):  # nothing sticks out sideways
        assert view.evaluate("v => v.scrollWidth <= v.clientWidth + 1")
    assert notebook.errors == []


def test_motion_is_left_out_for_those_who_ask_for_none(talked):
    notebook, wire = talked
    moving = "rows => rows.filter(r => r.getAnimations({subtree: true}).length).length"
    notebook.page.emulate_media(reduced_motion="reduce")
    notebook.execute(ODD)
    expect(row(wire, 14)).to_be_visible()
    assert wire.locator("[data-wslab-row]").evaluate_all(moving) == 0


# -- the panel ------------------------------------------------------------------------------------


@pytest.fixture
def panel(play):
    notebook = play(CAST, PANEL)
    return notebook.view("client-panel")


def connect(panel):
    panel.locator("[data-action=connect]").click()
    expect(panel).to_have_attribute("data-state", "OPEN")


def event(panel, name):
    return panel.locator(f'[data-event="{name}"]')


def test_a_conversation_by_clicks(panel):
    expect(panel).to_have_attribute("data-state", "CLOSED")
    expect(panel.locator("[data-action=send]")).to_be_disabled()
    assert "Connect first" in panel.locator("[data-action=send]").get_attribute("title")
    connect(panel)
    panel.locator("[data-input=message]").fill("Grüße 🌍")
    panel.locator("[data-action=send]").click()
    expect(event(panel, "message")).to_contain_text("Grüße 🌍")
    panel.locator("[data-action=ping]").click()
    expect(panel.get_by_role("log")).to_contain_text("round trip")
    panel.locator("[data-input=code]").fill("3001")
    panel.locator("[data-input=reason]").fill("lunch")
    panel.locator("[data-action=close]").click()
    expect(panel).to_have_attribute("data-state", "CLOSED")
    expect(event(panel, "close")).to_contain_text("3001")
    expect(event(panel, "close")).to_contain_text("lunch")
    expect(panel.locator("[data-wslab=problem]")).to_be_hidden()
    connect(panel)  # and again


def test_enter_sends_and_shift_enter_starts_a_line_and_jupyterlab_runs_no_cell(panel):
    connect(panel)
    message = panel.locator("[data-input=message]")
    message.fill("one")
    message.press("Shift+Enter")
    message.press_sequentially("two")
    message.press("Enter")
    expect(event(panel, "message")).to_be_visible()
    assert event(panel, "message").locator(".ws-said").text_content() == "one\ntwo"
    message.press("Control+Enter")  # kept in the box, so it goes again
    expect(event(panel, "sent")).to_have_count(2)
    assert panel.page.locator(".jp-Notebook .jp-Cell").count() == 2  # no cell was added


def test_html_in_a_message_stays_text(panel):
    connect(panel)
    evil = "<img src=x onerror=document.x=1><script>document.x=2</script>"
    panel.locator("[data-input=message]").fill(evil)
    panel.locator("[data-action=send]").click()
    expect(event(panel, "message")).to_contain_text(evil)
    assert panel.locator("img, script").count() == 0
    assert panel.page.evaluate("document.x") is None


@pytest.mark.parametrize(
    ("url", "says"),
    [
        ("ws://127.0.0.1:1/", "127.0.0.1"),
        ("http://127.0.0.1:8000/", "ws://"),
        ("ws://127.0.0.1:80 80/", "ws"),
        ("ws://nowhere.invalid/", "nowhere.invalid"),
        ("hello", "ws://"),
        ("", "ws://"),
        ("ws://" + "x" * 20_000, "8,000"),
    ],
)
def test_a_wrong_url_is_explained_in_one_line_and_kept(panel, url, says):
    box = panel.locator("[data-input=url]")
    box.fill(url)
    panel.locator("[data-action=connect]").click()
    problem = panel.locator("[data-wslab=problem]")
    expect(problem).to_be_visible()
    expect(problem).to_contain_text(says)
    assert "Traceback" not in problem.inner_text()
    expect(box).to_have_value(url)
    expect(panel).to_have_attribute("data-state", "CLOSED")
    expect(panel.locator("[data-action=connect]")).to_be_enabled()


def test_16_megabytes_in_the_message_box_are_refused_before_they_break_the_kernels_connection(
    panel,
):
    connect(panel)
    box = panel.locator("[data-input=message]")
    box.evaluate(
        "box => { box.value = 'x'.repeat(16 * 2**20); box.dispatchEvent(new Event('input')) }"
    )
    panel.locator("[data-action=send]").click()
    problem = panel.locator("[data-wslab=problem]")
    expect(problem).to_contain_text("16,777,216 bytes")
    expect(problem).to_contain_text("at most 1,048,576")
    assert box.evaluate("box => box.value.length") == 16 * 2**20
    box.fill("still here")
    panel.locator("[data-action=send]").click()
    expect(event(panel, "message")).to_contain_text("still here")
    expect(problem).to_be_hidden()


def test_a_paste_of_16_megabytes_is_refused_at_once_and_what_was_typed_stays(panel):
    box = panel.locator("[data-input=message]")
    box.fill("typed")
    box.evaluate(
        """box => {
          const clipboardData = new DataTransfer();
          clipboardData.setData('text/plain', 'some words '.repeat(2**20 * 16 / 11));
          const options = {clipboardData, bubbles: true, cancelable: true};
          document.wslabTaken = box.dispatchEvent(new ClipboardEvent('paste', options));
        }"""
    )
    assert panel.page.evaluate("document.wslabTaken") is False
    expect(panel.locator("[data-wslab=problem]")).to_contain_text("Not pasted: 16,777,")
    expect(box).to_have_value("typed")


def test_a_whole_mebibyte_goes_through(panel):
    connect(panel)
    box = panel.locator("[data-input=message]")
    box.evaluate("box => { box.value = 'é'.repeat(2**19) }")
    panel.locator("[data-action=send]").click()
    expect(event(panel, "message")).to_contain_text("é")
    box.evaluate("box => { box.value = 'é'.repeat(2**19) + 'x' }")
    panel.locator("[data-action=send]").click()
    expect(panel.locator("[data-wslab=problem]")).to_contain_text("1,048,577 bytes")


def test_half_a_surrogate_pair_is_refused_in_words(panel):
    connect(panel)
    panel.locator("[data-input=message]").evaluate(r"box => { box.value = 'a\ud83db' }")
    panel.locator("[data-action=send]").click()
    expect(panel.locator("[data-wslab=problem]")).to_contain_text("surrogate")
    expect(event(panel, "sent")).to_have_count(0)


@pytest.mark.parametrize(
    ("code", "reason", "says"),
    [
        ("abc", "", "whole number"),
        ("", "", "whole number"),
        ("1005", "", "1005"),
        ("1000", "ü" * 62, "at most 123"),
    ],
)
def test_a_close_that_cannot_be_sent_is_explained_and_the_connection_stays_open(
    panel, code, reason, says
):
    connect(panel)
    panel.locator("[data-input=code]").fill(code)
    panel.locator("[data-input=reason]").fill(reason)
    panel.locator("[data-action=close]").click()
    expect(panel.locator("[data-wslab=problem]")).to_contain_text(says)
    expect(panel).to_have_attribute("data-state", "OPEN")
    expect(panel.locator("[data-input=code]")).to_have_value(code)


def test_a_server_that_never_answers_can_be_given_up(play):
    silent = (
        "import socket\nlistener = socket.create_server(('127.0.0.1', 0))\n"
        "client = Client(f'ws://127.0.0.1:{listener.getsockname()[1]}/')"
    )
    notebook = play(CAST, silent, PANEL)
    panel = notebook.view("client-panel")
    panel.locator("[data-action=connect]").click()
    expect(panel).to_have_attribute("data-state", "CONNECTING")
    cancel = panel.locator("[data-action=close]")
    expect(cancel).to_have_text("Cancel")
    assert notebook.execute("1 + 1").strip() == "2"  # the kernel is free meanwhile
    cancel.click()
    expect(panel).to_have_attribute("data-state", "CLOSED")
    expect(panel.locator("[data-action=connect]")).to_be_enabled()


# -- with a notebook of its own --------------------------------------------------------------------


def test_the_page_can_be_reloaded(lab_page):
    notebook = lab_page.open_cells(CAST, WIRE, TALK, fresh=True)
    notebook.run_all()
    notebook._in_page("await app.commands.execute('docmanager:save')", 20)
    notebook.page.reload(wait_until="domcontentloaded")
    wire = notebook.view("wire-view")
    expect(wire.locator("[data-wslab=count]")).to_have_text("10 rows", timeout=60_000)
    notebook.wait_for_kernel()
    notebook.execute(ODD)
    expect(wire.locator("[data-wslab=count]")).to_have_text("15 rows")


def test_a_saved_notebook_names_the_rows_to_readers_that_run_no_widgets(lab_page):
    notebook = lab_page.open_cells(CAST, WIRE, TALK)
    notebook.run_all()
    wire = notebook.view("wire-view")
    expect(wire.locator("[data-wslab=count]")).to_have_text("10 rows")
    row(wire, 2).click()
    expect(wire.locator(".ws-heading")).to_contain_text("text frame")
    wire.evaluate("view => { view.dataset.same = 'yes' }")
    outputs = "window.jupyterapp.shell.currentWidget.content.model.cells.get(1).sharedModel.outputs"
    kept = f"() => {outputs}[0].data['text/html'].includes('10 rows')"
    notebook.page.wait_for_function(kept, timeout=20_000)
    notebook._in_page("await app.commands.execute('docmanager:save')", 20)
    (output,) = json.loads((notebook.lab.root / notebook.name).read_text())["cells"][1]["outputs"]
    html, text = ("".join(output["data"][f"text/{kind}"]) for kind in ("html", "plain"))
    assert html.count("data-wslab-row=") == 10
    assert "GET / HTTP/1.1" in html
    assert "&quot;Hello&quot;" in html
    assert "binary" in text
    assert "application/vnd.jupyter.widget-view+json" in output["data"]
    # The view is the one that was there, with the bytes that the reader had chosen.
    expect(notebook.view("wire-view")).to_have_attribute("data-same", "yes")
    expect(wire.locator(".ws-heading")).to_contain_text("text frame")

    # And again, when more has come.
    notebook.execute(ODD)
    notebook.page.wait_for_function(kept.replace("10 rows", "15 rows"), timeout=20_000)
    assert notebook.errors == []


WIDGET_VIEW = "application/vnd.jupyter.widget-view+json"


def test_a_saved_notebook_shows_the_rows_it_saw_and_says_that_they_are_a_picture(lab_page):
    script = "%%browser 'ws://127.0.0.1:9/'\nconsole.log('it runs');"
    frame = "from wslab.view.panels.page_frame import PageFrame\nPageFrame(9)"
    notebook = lab_page.open_cells(CAST, WIRE, TALK, "%load_ext wslab", script, frame)
    notebook.run_all()
    wire = notebook.view("wire-view")
    expect(wire.locator("[data-wslab=count]")).to_have_text("10 rows")
    expect(wire).to_have_attribute("data-kept", "10")  # once the wire has been quiet
    expect(notebook.view("browser-cell")).to_contain_text("it runs")
    # "Save Widget State Automatically" of the Settings menu is on, as `wslab lab` has it.
    notebook._in_page("await app.commands.execute('docmanager:save')", 20)
    notebook.close()  # and its kernel ends
    saved = json.loads((lab_page.lab.root / "throwaway.ipynb").read_text())
    models = saved["metadata"]["widgets"]["application/vnd.jupyter.widget-state+json"]["state"]
    data = [output.get("data", {}) for cell in saved["cells"] for output in cell["outputs"]]
    shown = [one[WIDGET_VIEW]["model_id"] for one in data if WIDGET_VIEW in one]
    assert len(shown) == 3
    assert set(shown) <= set(models)

    again = lab_page.open_notebook("throwaway.ipynb", fresh=True)
    wire = again.view("wire-view")
    # JupyterLab's widget manager restores the kernel's widgets and then the notebook's. If the
    # kernel's connection comes up again in between, it calls that restored, and gives up for good
    # on what it has not read yet. It is read when the page is loaded again, and the kernel runs.
    lost = again.page.get_by_text("model not found")
    expect(wire.or_(lost).first).to_be_visible(timeout=30_000)
    if lost.count():
        again.load()
        again.errors.clear()
    expect(wire.locator("[data-wslab=count]")).to_have_text("10 rows", timeout=30_000)
    expect(wire.locator(".ws-picture").first).to_contain_text("Run this cell again")
    row(wire, 2).click()
    expect(wire.get_by_text("The bytes were not kept")).to_be_visible()
    # Nothing that was typed into a cell runs, and no port is called, before somebody asks for it.
    expect(again.view("browser-cell")).to_contain_text("From a saved notebook: nothing runs")
    expect(again.view("page-frame")).to_contain_text("From a saved notebook")
    assert again.page.locator("iframe").count() == 0
    expect(again.page.get_by_text("model not found")).to_have_count(0)
    again.run_all()
    expect(again.view("browser-cell")).to_contain_text("it runs")
    expect(again.view("wire-view").locator(".ws-picture").first).to_be_hidden()


def test_axe_finds_nothing_that_bars_a_reader(play):
    notebook = play(
        "from wslab.labs import handshake\nfrom wslab.view import StateDiagram\n"
        "lab = handshake.open()\nlab.connect().send('Hello')\nlab.wire()",
        "lab.client()",
        "lab.browser()",
        "StateDiagram(lab.capture)",
        "%load_ext wslab",
        "%%browser\nconsole.log('said')",
        "from wslab.labs import chat\ntalk = chat.open()\ntalk.seat('ada')",
    )
    wire = notebook.view("wire-view")
    row(wire, 2).click()
    expect(wire.locator("[role=gridcell]").first).to_be_visible()
    for action in ("filter", "tools"):
        wire.locator(f"[data-action={action}]").click()
    expect(notebook.view("browser-cell")).to_contain_text("said")
    panel = notebook.view("client-panel")
    panel.locator("[data-action=connect]").click()
    expect(panel).to_have_attribute("data-state", "OPEN")
    reach.check(notebook)


def test_an_exported_notebook_shows_offline_what_its_views_saw(lab_page, browser, tmp_path):
    notebook = lab_page.open_cells(
        "%load_ext wslab\nfrom wslab.labs import handshake\nlab = handshake.open()\nlab.wire()",
        "lab.client()",
        "lab.bench()",
        "lab.ask('phrase')",
        "%%browser\nlet socket = new WebSocket(url);\n"
        "socket.onopen = () => console.log('open <b>it</b>');",
        "lab.browser()",
        name="exported.ipynb",
    )
    notebook.run_all()
    panel = notebook.view("client-panel")
    connect(panel)
    panel.locator("[data-action=send]").click()
    expect(event(panel, "message")).to_contain_text("Hello")
    page_socket = notebook.view("browser-socket")
    connect(page_socket)
    expect(notebook.view("browser-cell")).to_contain_text("open")
    # Coloured as what it is, here and in the export.
    cell = "window.jupyterapp.shell.currentWidget.content.widgets[4].model.mimeType"
    assert notebook.page.evaluate(cell) == "text/javascript"
    for view, button in (("bench", "Break it"), ("question", "That is my answer")):
        if view == "bench":
            notebook.view(view).locator(".ws-experiment").first.click()
        notebook.view(view).get_by_role("radio").first.check()
        notebook.view(view).get_by_role("button", name=button).click()
        expect(notebook.view(view).locator(".ws-verdict")).to_be_visible()
    kept = ["data-wslab-row", "message: Hello", "What came of it", "What came of it"]
    kept += ["open &#60;b&#62;it", "new WebSocket: "]
    for number, text in enumerate(kept):
        outputs = f"model.cells.get({number}).sharedModel.outputs"
        notebook.page.wait_for_function(
            f"text => window.jupyterapp.shell.currentWidget.content.{outputs}"
            ".some(({data}) => data?.['text/html']?.includes(text))",
            arg=text,
            timeout=20_000,
        )
    # With the state of its widgets, as `wslab lab` saves it.
    notebook._in_page("await app.commands.execute('docmanager:save')", 20)
    source = notebook.lab.root / notebook.name
    saved = json.loads(source.read_text())
    views = [
        output["data"]["application/vnd.jupyter.widget-view+json"]["model_id"]
        for cell in saved["cells"]
        for output in cell["outputs"]
    ]
    state = {model: {"model_name": "AnyModel", "state": {}} for model in views}
    kind = "application/vnd.jupyter.widget-state+json"
    saved["metadata"]["widgets"] = {kind: {"version_major": 2, "version_minor": 0, "state": state}}
    (tmp_path / "exported.ipynb").write_text(json.dumps(saved))
    reach.export(tmp_path / "exported.ipynb")

    page = browser.new_page(offline=True)
    page.goto((tmp_path / "exported-light.html").as_uri())
    outputs = [output.inner_text() for output in page.locator(".jp-OutputArea").all()]
    wanted = [
        ["GET / HTTP/1.1", "101 Switching Protocols", '"Hello"'],
        ["client: OPEN", "message: Hello"],
        ["What came of it", "sent by the client"],
        ["101 Bananas", "What came of it"],
        ["open <b>it</b>"],
        ["new WebSocket: "],
    ]
    for output, texts in zip(outputs, wanted, strict=True):
        for text in texts:
            assert text in output
    assert page.locator(".highlight .kd").all_inner_texts() == ["let"]
    assert reach.axe(page) == []
    page.close()
