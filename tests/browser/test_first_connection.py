"""The first lesson in a real JupyterLab: JavaScript in cells, the panel, both ends of a wire."""

from __future__ import annotations

import json
import re

import pytest
from playwright.sync_api import FrameLocator, Locator, expect

from wslab.exercises.first_connection import SOLUTIONS

from . import page_cookies, reach


class Lesson:
    """The open notebook, its cells by the ids that they have in the file."""

    def __init__(self, notebook) -> None:
        self.notebook = notebook
        widgets = "window.jupyterapp.shell.currentWidget.content.widgets"
        ids = notebook.page.evaluate(f"() => {widgets}.map(widget => widget.model.id)")
        self.numbers = {name: number for number, name in enumerate(ids)}

    def run(self, *names: str) -> Locator:
        """Run cells by their ids; the output of the last one."""
        for name in names:
            self.notebook.run_cell(self.numbers[name])
        return self.notebook.cell(self.numbers[names[-1]]).locator(".jp-OutputArea")

    def rewrite(self, name: str, source: str) -> None:
        """Type something else into a cell."""
        self.notebook.page.evaluate(
            "([number, source]) => { window.jupyterapp.shell.currentWidget.content"
            ".widgets[number].model.sharedModel.setSource(source) }",
            [self.numbers[name], source],
        )

    def kernel(self, expression: str):
        """The value of an expression in the kernel."""
        return json.loads(self.notebook.execute(f"import json; print(json.dumps({expression}))"))


@pytest.fixture
def lesson(lab_page):
    def open_lesson(**options):
        return Lesson(lab_page.open_notebook("01_first_connection.ipynb", **options))

    return open_lesson


def lines(output: Locator) -> Locator:
    return output.locator('[data-wslab="browser-cell"] [data-line]')


def page_of(cell: Locator) -> FrameLocator:
    """The page that a cell's code makes: it is in a frame within the frame that keeps it there."""
    return cell.frame_locator("iframe").frame_locator("iframe")


def over(cell: Locator) -> None:
    """Wait until the one socket of a cell is closed. CLOSED it says before it has any, too."""
    expect(cell).to_have_attribute("data-sockets", "1")
    expect(cell).to_have_attribute("data-state", "CLOSED")


def test_the_lesson_from_top_to_bottom(lesson):
    lesson = lesson(width=1100, height=1000)
    notebook = lesson.notebook
    wire = lesson.run("open").locator('[data-wslab="wire-view"]')
    rows = wire.locator("[data-wslab-row]")

    said = lines(lesson.run("browser"))
    expect(said).to_contain_text(["open", "message: Hello", "close: 1000 done true"])
    expect(rows).to_have_count(6)
    expect(rows.last).to_contain_text("1000 done")
    notebook.screenshots("first-connection")

    lesson.run("python", "library")
    told = lesson.run("compare")
    expect(told).to_contain_text("Origin: null")
    expect(told).to_contain_text("User-Agent: Python")

    early = lines(lesson.run("early"))
    expect(early).to_contain_text(["readyState is 0", "InvalidStateError"])
    expect(early.last).to_contain_text("(line 4 of the cell)")

    uses_the_panel(lesson)
    missing = lines(lesson.run("no-ping"))
    expect(missing).to_contain_text(["function", "ping is undefined", "ports: true true"])

    lesson.run("types-python", "types-wire")
    types = lines(lesson.run("types-browser"))
    expect(types).to_contain_text(["string Hello", "object Blob(3 bytes)"])
    two_ends(lesson)
    solves_the_exercises(lesson)
    notebook.screenshots("first-connection-exercises")
    does_without_a_worker(lesson)
    reach.check(notebook)
    notebook.execute("lab.close()")
    assert "nothing is running" in notebook.execute("__import__('wslab.net').net.running()")


def uses_the_panel(lesson: Lesson) -> None:
    notebook = lesson.notebook
    panel = lesson.run("panel").locator('[data-wslab="browser-socket"]')
    field = lambda name: panel.locator(f'[data-input="{name}"]')  # noqa: E731
    press = lambda name: panel.locator(f'[data-action="{name}"]').click()  # noqa: E731
    property = lambda name: panel.locator(f'[data-property="{name}"] dd')  # noqa: E731
    happened = lambda name: panel.locator(f'[data-event="{name}"]')  # noqa: E731
    problem = panel.locator('[data-wslab="problem"]')

    press("send")
    expect(problem).to_contain_text("There is no socket")
    field("protocols").fill("other.example, echo.example")
    press("connect")
    expect(panel).to_have_attribute("data-state", "OPEN")
    expect(property("readyState")).to_have_text("1 (OPEN)")
    expect(property("protocol")).to_have_text('"echo.example"')
    field("message").fill("<b>Grüße</b>")
    press("send")
    expect(happened("message")).to_contain_text('"<b>Grüße</b>"')

    field("binaryType").select_option("arraybuffer")
    field("kind").select_option("binary")
    field("message").fill("00 ff 0")
    press("send")
    expect(problem).to_contain_text("two digits each")
    field("message").fill("00 ff")
    press("send")
    expect(happened("message").last).to_contain_text("ArrayBuffer of 2 bytes: 00 ff")
    field("binaryType").select_option("blob")
    field("kind").select_option("blob")
    press("send")
    expect(happened("message").last).to_contain_text("Blob of 5 bytes")
    field("kind").select_option("size")
    field("message").fill("1000000")
    press("send")
    expect(happened("message").last).to_contain_text("Blob of 1,000,000 bytes")
    expect(property("bufferedAmount")).to_have_text("0 (highest 1,000,000)")

    # What the browser throws, in its own words.
    for code, reason, name in [
        ("1001", "", "InvalidAccessError"),
        ("999", "", "InvalidAccessError"),
        ("5000", "", "InvalidAccessError"),
        ("3000", "é" * 62, "SyntaxError"),
    ]:
        field("code").fill(code)
        field("reason").fill(reason)
        press("close")
        expect(problem).to_have_attribute("data-exception", name)
    expect(panel).to_have_attribute("data-state", "OPEN")
    panel.scroll_into_view_if_needed()
    notebook.screenshots("first-connection-panel", panel)
    field("code").fill("4001")
    field("reason").fill("enough")
    press("close")
    expect(panel).to_have_attribute("data-state", "CLOSED")
    expect(happened("close")).to_contain_text('code 4001, reason "enough", wasClean true')
    press("send")  # into nothing, and no exception
    expect(happened("send").last).to_contain_text("dropped")
    field("protocols").fill("not a token")
    press("connect")
    expect(problem).to_have_attribute("data-exception", "SyntaxError")

    # From Python, and what Python sees.
    lesson.run("panel-python")
    event = lesson.kernel("socket.wait('message', after=len(socket.events) - 2)[:6]")
    assert event[1:] == ["message", '"from Python, through the page"', 29, "string", None]
    assert lesson.kernel("[socket.state, socket.route, socket.waiting]") == ["OPEN", "direct", 0]
    expect(lesson.run("panel-events")).to_contain_text("from Python, through the page")
    closes = lesson.kernel("[e[5:] for e in socket.events if e.name == 'close']")
    assert closes == [[4001, "enough", True]]


def does_without_a_worker(lesson: Lesson) -> None:
    """Where a page's security policy allows no worker, its socket is in the page itself."""
    lesson.notebook.page.evaluate("() => { window.Worker = undefined }")
    panel = lesson.run("panel").locator('[data-wslab="browser-socket"]')
    panel.locator('[data-action="connect"]').click()
    expect(panel).to_have_attribute("data-state", "OPEN")
    panel.locator('[data-action="send"]').click()
    expect(panel.locator('[data-event="message"]')).to_contain_text("Hello")


def two_ends(lesson: Lesson) -> None:
    """A clean end and a died connection, in the page, in Python and on the wire."""
    lesson.run("good-end", "good-end-explain")
    page = lines(lesson.run("bad-browser"))
    expect(page).to_contain_text(["open"])
    expect(lesson.run("bad-python")).to_contain_text("close_code: 1006")
    expect(page).to_contain_text(["open", "close: code 1006 wasClean false"])
    # The panel's connection was cut off with it, and nobody said goodbye on the wire.
    assert lesson.kernel("socket.wait('close', after=len(socket.events) - 1).code") == 1006
    witness = lesson.run("bad-wire")
    expect(witness).to_contain_text("no close frame crossed")
    expect(witness).not_to_contain_text("1006")
    tried = lines(lesson.run("error-browser"))
    expect(tried).to_contain_text(["message is undefined", "code 1006 wasClean false"])
    expect(lesson.run("error-python")).to_contain_text("nobody listens there")


def solves_the_exercises(lesson: Lesson) -> None:
    """The very stubs fail and the very solutions pass, as JavaScript in the page."""
    for name in ("goodbye", "bytes"):
        cell = f"exercise-{name}"
        connected = "len([r for r in lab.capture.index.rows() if r.kind == 'response'])"
        before = lesson.kernel(connected)
        output = lesson.run(cell)
        expect(output.locator('[data-wslab="browser-cell"]')).to_have_attribute(
            "data-state", "OPEN"
        )
        assert lesson.kernel(connected) == before + 1
        verdict = lesson.run(f"check-{name}").locator('[data-wslab="verdict"]')
        expect(verdict).to_have_attribute("data-passed", "false")
        expect(verdict).to_contain_text("Hint:")

        lesson.rewrite(cell, SOLUTIONS[name])
        over(lesson.run(cell).locator('[data-wslab="browser-cell"]'))
        verdict = lesson.run(f"check-{name}").locator('[data-wslab="verdict"]')
        expect(verdict).to_have_attribute("data-passed", "true")
    trace = lines(lesson.run("order-run"))
    expect(trace).to_contain_text(["A 0", "G", "B", "C", "D", "E 2", "F 1005"])


LAB = "from wslab.labs import first_connection\nlab = first_connection.open()\nlab.wire()"


def test_a_cell_that_runs_again_stops_or_goes_takes_its_sockets_along(lab_page):
    two = "%%browser\nfor (let i = 0; i < 2; i++) new WebSocket(url);"
    notebook = lab_page.open_cells(LAB, two, two, "%%browser\nwhile (true) {}")
    notebook.run_cell(0)
    notebook.run_cell(1)
    notebook.run_cell(2)
    wire = notebook.view("wire-view")
    closes = wire.locator('[data-kind="close"][data-direction="client"]')
    count = wire.locator("[data-wslab=count]")  # of all: those out of sight are not in the page
    cells = notebook.view("browser-cell")
    expect(cells.first).to_contain_text("2 of 2 sockets open")
    expect(count).to_have_text("8 rows")

    notebook.run_cell(1)
    expect(count).to_have_text("16 rows")  # a close and its answer of each, and two more sockets
    expect(closes).to_have_count(2)
    expect(cells.first).to_contain_text("2 of 2 sockets open")
    cells.first.get_by_role("button", name="Stop").click()
    expect(count).to_have_text("20 rows")
    expect(cells.first).to_contain_text("Stopped. Its sockets are closed")
    assert "open" in notebook.execute("lab.server.connections and 'open'")
    notebook._in_page(
        "panel.content.activeCellIndex = 2; await app.commands.execute('notebook:delete-cell')", 20
    )
    expect(count).to_have_text("24 rows")
    expect(closes.last).to_contain_text("1001")
    goodbyes = (
        "[row.connection for row in lab.capture.index.rows()"
        " if (row.kind, row.direction) == ('close', 'client') and '1001' in row.preview]"
    )
    assert notebook.execute(f"sorted({goodbyes})") == "[1, 2, 3, 4, 5, 6]"
    never_ends(notebook, 2)


def never_ends(notebook, number: int) -> None:
    """A loop without an end has its frame to itself: the notebook goes on, and offers to stop."""
    notebook.run_cell(number)
    notebook.run_cell(number)  # takes the place of one that runs for ever
    cell = notebook.view("browser-cell").last
    expect(cell).to_contain_text("The code has been busy for seconds")
    assert notebook.execute("6 * 7") == "42"
    cell.get_by_role("button", name="Stop").click()
    expect(cell).to_contain_text("Stopped.")


def test_code_in_a_cell_is_kept_in_its_frame_and_told_what_it_may_not(lab_page):
    notebook = lab_page.open_cells(
        LAB,
        "%%browser\n<p id='p'>visible</p>\n<form><button>go</button></form>\n<script>\n"
        "console.log(origin, typeof url, { a: [1, new Uint8Array(2)] }, new Error('wrong'));\n"
        "console.warn('careful');\nalert('<b>look</b>');\n"
        "try { parent.document.title } catch (e) { console.log(e.name) }\n"
        "try { document.cookie } catch (e) { console.log(e.name) }\n"
        "document.querySelector('form').requestSubmit();\n"
        "Promise.reject(new Error('late'));\nnew WebSocket('ws://example.org/');\n"
        "nonsense();\n</script><img src='http://127.0.0.1:1/x.png'>",
        "%%browser\nlet url = 'mine';\nconsole.log(url);",
        "%%browser\nlet = ;",
        "%%browser\nfor (let i = 0; i < 1200; i++) console.log('line', i);",
    )
    notebook.run_all()
    cells = notebook.view("browser-cell")
    said = cells.nth(0).locator("[data-line] .ws-words")
    for text in [
        "null string {a: [1, Uint8Array(2 bytes: 00 00)]} Error: wrong",
        "careful",
        "<b>look</b>",
        "SecurityError",
        "a browser would leave the page now",
        "Uncaught ReferenceError: nonsense is not defined (line 13 of the cell)",
        "Uncaught (in promise) Error: late",
        "Not allowed: ws://example.org",
        "Not allowed: http://127.0.0.1:1/x.png",
    ]:
        expect(said.filter(has_text=text).first).to_be_visible()
    expect(said.filter(has_text="SecurityError")).to_have_count(2)
    expect(page_of(cells.nth(0)).locator("#p")).to_be_visible()
    expect(cells.nth(1)).to_contain_text("mine")
    expect(cells.nth(2)).to_contain_text("SyntaxError")
    expect(cells.nth(2)).to_contain_text("(line 2 of the cell)")
    expect(cells.nth(3)).to_contain_text("lines before these")
    expect(cells.nth(3).locator("[data-line]").last).to_contain_text("line 1199")
    assert cells.nth(3).locator("[data-line]").count() < 1000


def test_a_cell_stays_where_it_is_and_reaches_open_labs_only(lab_page):
    foreign = "let c = new MessageChannel();\nparent.postMessage('wslab: hello', '*', [c.port2]);"
    notebook = lab_page.open_cells(
        LAB,
        "%%browser\nfunction connect() {\n"
        "new WebSocket(url).onclose = ({ code }) => console.log('close', code); }\nconnect();",
        "%%browser\nlocation.href = 'http://127.0.0.1:1/';",
        "%%browser\nsetTimeout(() => location.reload(), 300); new WebSocket(url);",
        "%%browser\nconsole.log(typeof RTCPeerConnection);\n"
        "let f = document.createElement('iframe'); f.srcdoc = 'x'; document.body.append(f);",
        f"%%browser\n{foreign}\nconsole.log('never heard of');",
        "%%browser\nsetTimeout(() => { document.write('<p>late</p>'); document.close();\n"
        "console.log('still here'); }, 300)",
    )
    for number in range(7):
        notebook.run_cell(number)
    cells = notebook.view("browser-cell")
    for number in (1, 2):
        expect(cells.nth(number)).to_contain_text("the code tried to leave its page")
        expect(cells.nth(number).locator("iframe")).to_have_count(0)
    expect(cells.nth(3)).to_contain_text("undefined")
    expect(cells.nth(3)).to_contain_text("Not allowed: a frame in a frame (<iframe>)")
    expect(cells.nth(4)).to_contain_text("the code tried to leave its page")
    expect(cells.nth(5)).to_contain_text("still here")
    expect(page_of(cells.nth(5)).locator("p")).to_have_text("late")

    # The lab is opened again: the port of the one before is no longer the cell's to reach.
    expect(cells.nth(0)).to_have_attribute("data-state", "OPEN")
    notebook.run_cell(0)
    said = cells.nth(0).locator("[data-line] .ws-words")
    expect(said).to_have_text(["close 1006"])
    page_of(cells.nth(0)).locator("body").evaluate("() => connect()")
    expect(said).to_contain_text(["close", "Not allowed: ws://127.0.0.1:", "close 1006"])
    notebook.run_cell(1)
    expect(cells.nth(0)).to_have_attribute("data-state", "OPEN")
    # A frame that is moved about in the page begins anew.
    cells.nth(0).locator("iframe").evaluate("frame => frame.parentElement.append(frame)")
    closes = notebook.view("wire-view").locator('[data-kind="close"][data-direction="client"]')
    expect(closes).to_have_count(1)
    expect(cells.nth(0)).to_have_attribute("data-state", "OPEN")
    expect(page_of(cells.nth(5)).locator("p")).to_have_text("late")
    expect(cells.nth(5)).not_to_contain_text("leave its page")


def test_python_waits_for_the_page_in_the_cell_behind_it(lab_page):
    """Run All leaves the page no pause between the two, and the kernel is busy from then on."""
    notebook = lab_page.open_cells(
        LAB + "\nsocket = lab.browser()",
        "socket.connect()\nsocket",
        "print(socket.wait('open').name)",
        "%%browser\nnew WebSocket(url)",
        fresh=True,  # for it sets a cookie
    )
    # JupyterLab's way around a busy kernel is made with the first widget, and may take its time.
    notebook.page.evaluate(
        """() => {
          const kernel = window.jupyterapp.shell.currentWidget.sessionContext.session.kernel;
          const create = kernel.requestCreateSubshell.bind(kernel);
          kernel.requestCreateSubshell = (...args) => {
            const { done } = create(...args);
            return { done: new Promise((later) => setTimeout(later, 500)).then(() => done) };
          };
          document.cookie = 'login=very-secret-too; path=/';
        }"""
    )
    notebook.run_all()
    expect(notebook.cell(2)).to_contain_text("open")
    expect(notebook.view("browser-cell")).to_have_attribute("data-state", "OPEN")
    page_cookies.are_nowhere(notebook)
    assert "very-secret" not in notebook.execute("print(socket.events)")


def test_the_recording_of_a_cell_that_is_run_again_goes_with_its_output(lab_page):
    start = "from wslab.labs import first_connection\nlab = first_connection.open()\nlab.wire()"
    notebook = lab_page.open_cells(start)
    notebook.run_cell(0)
    notebook.execute("import gc, weakref; lives = []")
    for _ in range(4):
        notebook.execute("lab.connect().close(); lives.append(weakref.ref(lab.capture))")
        count = notebook.view("wire-view").locator("[data-wslab=count]")
        expect(count).to_have_text("4 rows")
        notebook.run_cell(0)
        expect(notebook.view("wire-view")).to_have_count(1)
    # IPython's `Out` and `_` still have the four views.
    counted = notebook.execute("gc.collect(); print(sum(live() is not None for live in lives))")
    assert counted.strip() == "0"


def test_the_wire_says_whose_each_connection_is(lab_page):
    notebook = lab_page.open_cells(
        LAB,
        "%%browser\nnew WebSocket(url)",
        "client = lab.connect()",
        "socket = lab.browser()\nsocket.connect()\nsocket",
        "lab.wait_for_page(still_open=True)",
    )
    notebook.run_all()
    wire = notebook.view("wire-view")
    options = wire.locator('[data-action="connection"] option')
    for name in ("cell 2, page", "cell 3", "browser panel"):
        expect(options.filter(has_text=re.compile(rf"#\d {name} · OPEN"))).to_have_count(1)
    notebook.screenshots("named-connections")
    notebook.execute("lab.capture.set_name(1, '<b>Ada</b>')")
    first = wire.locator('[data-wslab-row="0"]')
    expect(first.locator(".ws-connection")).to_have_text("#1 <b>Ada</b>")
    expect(first).to_have_attribute("aria-label", re.compile("connection #1 <b>Ada</b>, client"))
    notebook.execute("lab.close()")
