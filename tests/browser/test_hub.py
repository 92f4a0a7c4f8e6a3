"""A JupyterLab under a base_url, seen as from its own machine and as from a hub's page.

The hub's page has another host name than the kernel's machine: 127.0.0.1 would be the learner's, so
everything has to go through jupyter-server-proxy.
"""

from __future__ import annotations

import importlib.util
import json
import re
import shutil
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, expect
from real_lab import BROWSER_ARGS, REPOSITORY, START_TIMEOUT, RunningLab, running_lab

from wslab.exercises.first_connection import SOLUTIONS
from wslab.installed import CHROMIUM, find

from .test_first_connection import Lesson, lines, over, page_of

HUB = "hub.test"
NAMES = f"MAP {HUB} 127.0.0.1, MAP * ~NOTFOUND, EXCLUDE 127.0.0.1, EXCLUDE localhost"

CELLS = [
    "from wslab.labs import first_connection\nlab = first_connection.open()\n"
    "socket = lab.browser()\nsocket",
    "%%browser\nlet socket = new WebSocket(url);\n"
    "console.log('at first', socket.readyState, socket instanceof WebSocket);\n"
    "try { socket.send('early') } catch (e) { console.log(e.name) }\n"
    "try { socket.close(1001) } catch (e) { console.log(e.name) }\n"
    "socket.onopen = () => { socket.send('Grüße'); socket.send(new Uint8Array([1, 2, 3])); };\n"
    "socket.onmessage = (event) => console.log('message', event.data);\n"
    "socket.addEventListener('close', (event) => console.log('close', event.code));\n"
    "try { new WebSocket('nonsense:') } catch (e) { console.log(e.name) }",
    "%%browser\nlet other = new WebSocket('ws://127.0.0.1:9/');\n"
    "other.onclose = (event) => console.log('close', event.code);",
    "lab.wire()",
    """%%browser
const tried = (what) => { try { return what() } catch (error) { return error.name } };
console.log('new:', tried(() => new WebSocket()), tried(() => new WebSocket(url + '#part')),
  tried(() => new WebSocket('ftp://x/')), tried(() => new WebSocket(url, 'a b')),
  tried(() => new WebSocket(url, ['a', 'a'])),
  new WebSocket(url.replace('ws', 'http')).url === url);
const socket = new WebSocket(new URL(url));
console.log('members:', Object.keys(socket).length, String(socket),
  WebSocket.name, WebSocket.length, socket.constructor === WebSocket, socket.url === url,
  Object.getOwnPropertyDescriptor(WebSocket.prototype, 'url').enumerable,
  WebSocket.OPEN, delete WebSocket.prototype.OPEN);
socket.binaryType = 'text';
socket.onopen = 5;
const object = { handleEvent: () => console.log('never') };
socket.onerror = object;
console.log('attributes:', socket.binaryType, socket.onopen, socket.onerror === object);
console.log('CONNECTING:', tried(() => socket.send('early')), tried(() => socket.send()));
const order = [];
socket.onopen = () => order.push('never');
socket.addEventListener('open', () => order.push('second'));
socket.onopen = () => order.push('first');
socket.addEventListener('open', () => {
  const sizes = ['\\u00e4\\ud800', new Uint16Array([1, 2, 3]).subarray(1), new Blob(['abc']), {}]
    .map((data) => { socket.send(data); return socket.bufferedAmount });
  console.log('OPEN:', order, sizes);
  const codes = [0, null, 1001, NaN, 66536].map((code) => tried(() => socket.close(code)));
  console.log('close:', ...codes, tried(() => socket.close(1000, 'x'.repeat(124))));
});
socket.addEventListener('message', ({ data, origin }) => {
  const rest = socket.bufferedAmount;
  console.log('echo', data, origin === new URL(url).origin);
  if (data !== '[object Object]') return;
  socket.close(1000.5, '\\ud800');
  socket.send('late');
  console.log('CLOSING:', socket.readyState, rest, socket.bufferedAmount);
});
socket.onclose = () => {
  socket.send('too late');
  console.log('CLOSED:', socket.readyState, socket.bufferedAmount);
  const hasty = new WebSocket(url);
  hasty.onerror = () => console.log('hasty: error', hasty.readyState);
  hasty.onclose = ({ code, wasClean }) => console.log('hasty: close', code, wasClean, 'at last');
  hasty.close();
  console.log('hasty:', hasty.readyState);
};""",
]

# What it says, whether the socket is the browser's own or the page around makes it.
ANSWERS = [
    "new: TypeError SyntaxError SyntaxError SyntaxError SyntaxError true",
    "members: 0 [object WebSocket] WebSocket 1 true true true 1 false",
    "attributes: blob null true",
    "CONNECTING: InvalidStateError TypeError",
    'OPEN: ["first", "second"] [5, 9, 12, 27]',
    "close: InvalidAccessError InvalidAccessError InvalidAccessError InvalidAccessError "
    "InvalidAccessError SyntaxError",
    "echo ä\ufffd true",
    "echo Blob(4 bytes) true",
    "echo Blob(3 bytes) true",
    "echo [object Object] true",
    "CLOSING: 2 0 4",
    "CLOSED: 3 12",
    "hasty: 2",
    "hasty: error 3",
    "hasty: close 1006 false at last",
]


def answers_as_the_standard_has_it(notebook) -> None:
    notebook.run_cell(4)
    cell = notebook.view("browser-cell").last
    expect(cell).to_contain_text("at last")
    assert cell.locator('[data-line="log"] .ws-words').all_inner_texts() == ANSWERS


@pytest.fixture(scope="module")
def hub(browser: Browser, tmp_path_factory) -> Iterator[RunningLab]:
    if importlib.util.find_spec("jupyter_server_proxy") is None:
        pytest.skip("jupyter-server-proxy is not installed: pip install 'wslab[proxy]'")
    options = ["--ServerApp.base_url=/user/ada/", "--ServerApp.allow_remote_access=True"]
    with running_lab(tmp_path_factory.mktemp("hub"), *options) as hub:
        yield hub


@pytest.fixture
def hub_browser(browser: Browser) -> Iterator[Browser]:
    args = [arg for arg in BROWSER_ARGS if not arg.startswith("--host-resolver-rules")]
    hub_browser = browser.browser_type.launch(
        executable_path=find(CHROMIUM),
        args=[*args, f"--host-resolver-rules={NAMES}"],
        timeout=START_TIMEOUT * 1000,
    )
    yield hub_browser
    hub_browser.close()


def test_from_its_own_machine_a_page_goes_straight(hub, browser):
    hub.write_notebook("local.ipynb", *CELLS)
    notebook = hub.open(browser, "local.ipynb")
    try:
        notebook.run_cell(0)
        notebook.run_cell(1)
        panel, cell = notebook.view("browser-socket"), notebook.view("browser-cell")
        panel.locator('[data-action="connect"]').click()
        expect(panel).to_have_attribute("data-state", "OPEN")
        expect(panel.locator('[data-wslab="proxied"]')).to_be_hidden()
        assert "direct" in notebook.execute("socket.wait('open'); print(socket.route)")
        expect(cell).to_contain_text("message Blob(3 bytes)")
        expect(cell.locator('[data-wslab="proxied"]')).to_have_count(0)
        answers_as_the_standard_has_it(notebook)
    finally:
        notebook.close()


def test_from_a_hubs_page_everything_goes_through_the_proxy_and_says_what_that_changes(
    hub, hub_browser
):
    notebook = open_cells(hub, hub_browser, "far.ipynb", *CELLS)
    try:
        notebook.run_cell(0)
        goes_through_the_proxy(notebook)
        notebook.run_cell(1)
        cell = notebook.view("browser-cell").first
        for text in ["at first 0 true", "InvalidStateError", "InvalidAccessError", "SyntaxError",
                     "message Grüße", "message Blob(3 bytes)"]:  # fmt: skip
            expect(cell).to_contain_text(text)
        expect(cell.locator('[data-wslab="proxied"]')).to_contain_text("a second connection")
        expect(cell).to_have_attribute("data-state", "OPEN")
        notebook.screenshot("hub")
        # Moved within the page, the frame is loaded anew: its first socket ends as the next begins.
        cell.locator("iframe").evaluate("(frame) => { frame.parentElement.append(frame) }")
        expect(cell).to_contain_text("message Blob(3 bytes)")
        cell.get_by_role("button", name="Stop").click()
        expect(cell).to_contain_text("Its sockets are closed")
        notebook.run_cell(3)
        wire = notebook.view("wire-view")
        expect(wire.locator('[data-kind="close"][data-direction="client"]').last).to_be_visible()
        expect(wire).to_have_attribute("data-state", "CLOSED")

        # A cell goes to its lab, and nowhere else in the kernel's machine.
        notebook.run_cell(2)
        other = notebook.view("browser-cell").last
        expect(other).to_contain_text("Not allowed: ws://127.0.0.1:9/")
        expect(other).to_contain_text("close 1006")
        answers_as_the_standard_has_it(notebook)
        # No way leads from there to a server for a stream: as in browsers that have none.
        frame = page_of(notebook.view("browser-cell").last).locator("body")
        assert frame.evaluate("() => 'WebSocketStream' in window") is False
        without_a_route(notebook)
    finally:
        notebook.close()


PATHS = [
    "/../../terminals/websocket/1", "/%2e%2e/%2e%2e/terminals/websocket/1",
    "/..%2f..%2fterminals/websocket/1", "/%252e%252e/%252e%252e/terminals/websocket/1",
    r"\..\..\terminals\websocket\1", "/..%5c..%5cterminals/websocket/1",
    "/..;/..;/terminals/websocket/1", "/.\t./.\t./terminals/websocket/1",
    "/../../api/kernels/KERNEL/channels", "/..%2f..%2fapi/kernels/KERNEL/channels",
    "/../STRANGE/", "/..%2fSTRANGE/", "/%2e%2e/STRANGE/",
]  # fmt: skip
ADDRESSES = [
    "ws://HOST/user/ada/terminals/websocket/1", "ws://HOST/user/ada/api/kernels/KERNEL/channels",
    "ws://HOST/user/ada/proxy/PORT/", "ws://127.0.0.1:STRANGE/", "ws://x:y@127.0.0.1:PORT/",
    "ws://127.0.0.1:PORT@HOST/", "http://127.0.0.1:PORT/", "/user/ada/terminals/websocket/1",
]  # fmt: skip
# What the page is asked for is asked here without the WebSocket of the frame, which reads URLs too.
ASKS = """%%browser
const { postMessage } = MessagePort.prototype;
MessagePort.prototype.postMessage = function (...args) {
  window.port = this;
  return postMessage.apply(this, args);
};
console.log("begins");
const own = new WebSocket(url);
own.onmessage = ({ data }) => console.log("own port:", data);
own.onopen = () => {
  own.send("works");
  port.addEventListener("message", ({ data }) => {
    if (data.socket >= 1000) console.log("asked", data.socket, data.name);
  });
  WANTED.forEach((wanted, number) =>
    port.postMessage({ socket: 1000 + number, do: "open", url: wanted, protocols: [] }));
  new WebSocket(WANTED[0]);
};
parent.postMessage({ wslabSocket: 1, do: "open", url: WANTED[0], protocols: [] }, "*");
top.postMessage({ wslabSocket: 1, do: "open", url: WANTED[0], protocols: [] }, "*");"""


def test_from_a_cell_no_way_leads_to_jupyter_or_another_port(hub, hub_browser):
    hub.api("POST", "terminals")
    notebook = open_cells(hub, hub_browser, "ways.ipynb", CELLS[0], "", "")
    try:
        notebook.run_cell(0)
        old = notebook.execute("print(lab.port)").strip()
        asks(hub, notebook, 1)
        notebook.run_cell(0)  # the lab is opened again, on a new port
        notebook.execute(f"assert lab.port != {old}")
        asks(hub, notebook, 2, f"ws://127.0.0.1:{old}/")
        # The first cell still knows the way that it had; there is nothing left at its end.
        cell = notebook.view("browser-cell").first
        page_of(cell).locator("body").evaluate("() => { new WebSocket(url) }")
        expect(cell).to_contain_text(f"Not allowed: ws://127.0.0.1:{old}/.")
    finally:
        notebook.close()


def asks(hub, notebook, number: int, *more: str) -> None:
    """Run a cell that asks for all that is forbidden, and for its own port: what was opened?"""
    port = notebook.execute("print(lab.port)").strip()
    jupyter = hub.url.split("/")[2]
    kernel = hub.api("GET", "kernels")[0]["id"]
    parts = {"PORT": port, "KERNEL": kernel, "HOST": f"{HUB}:{jupyter.split(':')[1]}"}
    parts["STRANGE"] = jupyter.split(":")[1]
    wanted = [f"ws://127.0.0.1:{port}{path}" for path in PATHS] + ADDRESSES
    for name, value in parts.items():
        wanted = [url.replace(name, value) for url in wanted]
    wanted += more
    opened: list[str] = []
    notebook.page.on("websocket", lambda socket: opened.append(socket.url))
    source = ASKS.replace("WANTED", json.dumps(wanted))
    notebook.page.evaluate(
        "([number, source]) => { window.jupyterapp.shell.currentWidget.content"
        ".widgets[number].model.sharedModel.setSource(source) }",
        [number, source],
    )
    notebook.run_cell(number)
    cell = notebook.view("browser-cell").nth(number - 1)
    expect(cell).to_contain_text("own port: works")
    for asked in range(len(wanted)):
        # Some are, read as a browser reads them, nothing but paths of the lab's own server.
        expect(cell).to_contain_text(re.compile(rf"asked {1000 + asked} (close|open)"))
    assert opened
    server = f"ws://{parts['HOST']}/user/ada/proxy/{port}/"
    assert [url for url in opened if not url.startswith(server) or "%" in url or ".." in url] == []
    expect(cell.locator("[data-line]").filter(has_text="Not allowed")).to_have_count(
        len([url for url in wanted if not leads_to(url, port)])
    )


def leads_to(url: str, port: str) -> bool:
    """Whether a browser reads `url` as one of the server at that port, without any disguise."""
    plain = [PATHS[0], PATHS[1], PATHS[4], PATHS[8], PATHS[10], PATHS[12]]
    return any(
        url.startswith(f"ws://127.0.0.1:{port}{path.split('KERNEL')[0].split('STRANGE')[0]}")
        for path in plain
    )


def goes_through_the_proxy(notebook) -> None:
    panel = notebook.view("browser-socket")
    panel.locator('[data-action="connect"]').click()
    expect(panel).to_have_attribute("data-state", "OPEN")
    expect(panel.locator('[data-wslab="proxied"]')).to_contain_text("a second connection")
    expect(panel.locator('[data-property="url"]')).to_contain_text(f"{HUB}:")
    expect(panel.locator('[data-property="url"]')).to_contain_text("/user/ada/proxy/")
    panel.locator('[data-action="send"]').click()
    expect(panel.locator('[data-event="message"]')).to_contain_text('"Hello"')
    # What the panel says of the proxy, held by experiment: the server's 4001, and a cut wire.
    closes = panel.locator('[data-event="close"]')
    notebook.execute(r"lab.tap.inject(b'\x0f\xa1bye', opcode=8)")
    expect(closes).to_contain_text('code 1005, reason "", wasClean true')
    panel.locator('[data-action="connect"]').click()
    expect(panel).to_have_attribute("data-state", "OPEN")
    # OPEN towards the proxy, that is: an echo tells that it is so towards the server.
    panel.locator('[data-action="send"]').click()
    expect(panel.locator('[data-event="message"]')).to_have_count(2)
    notebook.execute("lab.tap.cut()")
    expect(closes).to_have_count(2)
    expect(closes.last).to_contain_text('code 1005, reason "", wasClean true')


def without_a_route(notebook) -> None:
    """A clear sentence, and no hang: with the proxy but no server, and without a proxy."""
    panel = notebook.view("browser-socket")
    problem = panel.locator('[data-wslab="problem"]')
    notebook.execute("socket.connect(lab.url)")
    expect(panel).to_have_attribute("data-state", "OPEN")
    notebook.execute("lab.server.stop(); lab.tap.stop()")
    expect(panel).to_have_attribute("data-state", "CLOSED")
    panel.locator('[data-action="connect"]').click()
    expect(problem).to_contain_text("could not reach the server")
    # A server without the proxy: 404 there, and no WebSocket at all.
    notebook.page.evaluate(
        "() => { const config = document.getElementById('jupyter-config-data');"
        " const said = JSON.parse(config.textContent); said.baseUrl += 'no-proxy/';"
        " config.textContent = JSON.stringify(said) }"
    )
    panel.locator('[data-action="connect"]').click()
    expect(problem).to_contain_text("has no jupyter-server-proxy")
    expect(problem).to_contain_text("lab.client()")
    expect(panel).to_have_attribute("data-state", "CLOSED")


def stays_in_its_room(notebook, unsafe) -> None:
    """What Mallory's script is lent is a voice in the chat: no way to Jupyter, nor elsewhere."""
    told = unsafe.locator("body").evaluate(
        """async () => {
          const opened = (url) => new Promise((resolve) => {
            const socket = new WebSocket(url);
            socket.onopen = () => resolve("open");
            socket.onclose = () => resolve("closed");
          });
          const base = location.href.replace(/proxy.*/, "");
          return [
            await fetch(base + "api/contents").then(() => "read", (error) => error.name),
            await opened(base.replace("http", "ws") + "api/events/subscribe"),
            await opened(location.href.replace("http", "ws").replace("unsafe", "chat")),
          ];
        }"""
    )
    assert told == ["TypeError", "closed", "closed"]
    # A strange page's origin stays outside, though the notebook's own was let in.
    refused = notebook.execute(
        "from wslab.net import HandshakeFailed\n"
        "for origin in ['null', 'https://evil.example']:\n"
        "    try: lab.connect(origin=origin)\n"
        "    except HandshakeFailed as error: print(error.status)"
    )
    assert refused.split() == ["403", "403"]


def asks_elsewhere(hub, notebook, unsafe) -> None:
    """Neither the page in its sandbox nor the page around it opens a socket elsewhere for it."""
    port = notebook.execute("print(lab.port)").strip()
    kernel = hub.api("GET", "kernels")[0]["id"]
    opened: list[str] = []
    notebook.page.on("websocket", lambda socket: opened.append(socket.url))
    wanted = [path.replace("KERNEL", kernel).replace("STRANGE", "9") for path in PATHS]
    ended = unsafe.locator("body").evaluate(
        """(body, paths) => Promise.all(paths.map((path) => new Promise((resolve) => {
          const here = location.href.replace("http", "ws").replace(/[/]unsafe.*/, path);
          parent.postMessage({ wslabSocket: 1, do: "open", url: here, protocols: [] }, "*");
          parent.postMessage("wslab-chat-socket", "*", [new MessageChannel().port2]);
          try {
            const socket = new WebSocket(here);
            socket.onopen = () => resolve("open");
            socket.onerror = () => resolve("closed");
          } catch (error) {
            resolve("closed");
          }
        })))""",
        wanted,
    )
    assert ended == ["closed"] * len(wanted)
    # Those are the frame's own attempts, which Jupyter turns away; the page around made none.
    assert [url for url in opened if f"/proxy/{port}/chat?" in url] == []


def test_the_chats_page_goes_through_the_proxy_too(hub, hub_browser):
    notebook = open_lesson(hub, hub_browser, "09_chat.ipynb")
    try:
        lesson = Lesson(notebook)
        lesson.run("open")
        frame = lesson.run("page").locator("iframe")
        expect(frame).to_have_attribute("src", re.compile(rf"^http://{HUB}.*/user/ada/proxy/\d+/"))
        page = frame.content_frame
        expect(page.locator("#state")).to_have_text("you are Katherine", timeout=20_000)
        page.locator("#message").fill("from a hub")
        page.locator("#message").press("Enter")
        expect(page.locator("#messages li").first).to_have_text("Katherine from a hub")
        expect(notebook.view("chat").first).to_contain_text("from a hub")
        expect(lesson.run("plain-http")).to_contain_text("426 Upgrade Required")
        expect(lesson.run("origin")).to_contain_text("403: stays outside")

        # Jupyter itself lets no page without an origin through its proxy: the notebook's page makes
        # the socket for it. The attack works there as it does at home, and in no other page.
        unsafe = page_of(lesson.run("unsafe-page"))
        expect(unsafe.locator("#state")).to_have_text("you are Victim", timeout=20_000)
        assert unsafe.locator("body").evaluate("() => self.origin") == "null"
        lesson.run("attack")
        expect(unsafe.locator("#messages li b").first).to_have_text("Look!")
        expect(page.locator("#messages li").first).to_have_text(
            "Victim Please give Mallory all my money. Yours, Victim"
        )
        assert page.locator("#messages b, #messages img").count() == 0
        notebook.screenshot("hub-attack")
        stays_in_its_room(notebook, unsafe)
        asks_elsewhere(hub, notebook, unsafe)
        # Opened again, on a new port, it works again; and whoever leads it elsewhere ends it.
        lesson.run("open")
        unsafe = page_of(lesson.run("unsafe-page"))
        expect(unsafe.locator("#state")).to_have_text("you are Victim", timeout=20_000)
        asks_elsewhere(hub, notebook, unsafe)
        unsafe.locator("body").evaluate(
            "() => { location = location.href.replace(/proxy.*/, 'tree') }"
        )
        left = notebook.view("page-frame").filter(has_text="Taken away")
        expect(left).to_contain_text("a script in it tried to leave")
        expect(left.locator("iframe")).to_have_count(0)
        notebook.execute("lab.close()")
        expect(notebook.view("page-frame")).to_have_count(0)
    finally:
        notebook.close()


def test_the_first_lesson_from_top_to_bottom_on_a_hub(hub, hub_browser):
    notebook = open_lesson(hub, hub_browser, "01_first_connection.ipynb")
    try:
        lesson = Lesson(notebook)
        wire = lesson.run("open").locator('[data-wslab="wire-view"]')
        said = lines(lesson.run("browser"))
        expect(said).to_contain_text(["open", "message: Hello", "close: 1000  true"])
        expect(wire.locator("[data-wslab-row]")).to_have_count(6)
        lesson.run("python", "library", "compare", "ask-early")
        expect(lines(lesson.run("early"))).to_contain_text(["readyState is 0", "InvalidStateError"])
        lesson.run("panel", "panel-python")
        assert lesson.kernel("socket.wait('message')[:5]")[1:] == [
            "message", '"from Python, through the page"', 29, "string",
        ]  # fmt: skip
        assert lesson.kernel("socket.route") == "proxy"
        lesson.run("panel-events", "types-python", "types-wire", "ask-buffer-type")
        expect(lines(lesson.run("types-browser"))).to_contain_text(
            ["string Hello", "Blob(3 bytes)"]
        )
        lesson.run("good-end", "good-end-explain", "ask-died")
        page = lines(lesson.run("bad-browser"))
        expect(page).to_contain_text(["open"])  # towards the proxy, that is
        opened = "lab.capture.index.state(lab.capture.index.connections[-1]) == 'OPEN'"
        assert lesson.kernel(f"lab.capture.wait_until(lambda: {opened}, 10)")
        expect(lesson.run("bad-python")).to_contain_text("close_code: 1006")
        expect(page).to_contain_text(["open", "close: code 1005 wasClean true"])
        expect(lesson.run("bad-wire")).to_contain_text("no close frame crossed")
        tried = lines(lesson.run("ask-error", "error-browser"))
        expect(tried.filter(has_text="code 1006")).to_be_visible()
        lesson.run("error-python")
        expect(lines(lesson.run("order-run"))).to_contain_text(["A 0", "G", "B", "C", "D", "E 2"])
        for name in ("goodbye", "bytes"):
            for source in (None, SOLUTIONS[name]):
                if source is not None:
                    lesson.rewrite(f"exercise-{name}", source)
                cell = lesson.run(f"exercise-{name}").locator('[data-wslab="browser-cell"]')
                if source is None:
                    expect(cell).to_have_attribute("data-state", "OPEN")
                else:
                    over(cell)
                verdict = lesson.run(f"check-{name}").locator('[data-wslab="verdict"]')
                expect(verdict).to_have_attribute("data-passed", str(bool(source)).lower())
            expect(verdict).to_contain_text("on this hub a proxy stands between")
        notebook.screenshot("hub-first-connection")
    finally:
        notebook.close()


def open_lesson(hub, hub_browser, name: str):
    """One of the course's notebooks, in a page of the hub."""
    shutil.copy(REPOSITORY / "notebooks" / name, hub.root)
    return open_page(hub, hub_browser, name)


def open_cells(hub, hub_browser, name: str, *cells: str):
    """A notebook of these cells, in a page of the hub."""
    hub.write_notebook(name, *cells)
    return open_page(hub, hub_browser, name)


def open_page(hub, hub_browser, name: str):
    hub.page_url = hub.url.replace("127.0.0.1", HUB)
    try:
        return hub.open(hub_browser, name)
    finally:
        hub.page_url = hub.url
