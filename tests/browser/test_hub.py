"""A JupyterLab under a base_url, seen as from its own machine and as from a hub's page.

The hub's page has another host name than the kernel's machine: 127.0.0.1 would be the learner's, so
everything has to go through jupyter-server-proxy.
"""

from __future__ import annotations

import importlib.util
import re
from collections.abc import Iterator

import find_browser
import pytest
from playwright.sync_api import Browser, expect
from real_lab import BROWSER_ARGS, START_TIMEOUT, RunningLab, running_lab

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
]


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
        executable_path=find_browser.find(),
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
    finally:
        notebook.close()


def test_from_a_hubs_page_everything_goes_through_the_proxy_and_says_what_that_changes(
    hub, hub_browser
):
    hub.write_notebook("far.ipynb", *CELLS)
    hub.page_url = hub.url.replace("127.0.0.1", HUB)
    try:
        notebook = hub.open(hub_browser, "far.ipynb")
    finally:
        hub.page_url = hub.url
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
        without_a_route(notebook)
    finally:
        notebook.close()


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
    # As a server without the proxy answers: 404 there, and no WebSocket at all.
    notebook.page.route("**/proxy/1/", lambda route: route.fulfill(status=404, body="no"))
    notebook.page.evaluate(
        "() => { const Real = WebSocket;"
        " window.WebSocket = class extends Real { constructor(url, ...more) {"
        " super(url.replace('/proxy/', '/no-proxy/'), ...more) } } }"
    )
    panel.locator('[data-action="connect"]').click()
    expect(problem).to_contain_text("has no jupyter-server-proxy")
    expect(problem).to_contain_text("lab.client()")
    expect(panel).to_have_attribute("data-state", "CLOSED")


ATTACK = "<b>Look!</b> <img src=x onerror=\"socket.send('I pay, says ' + me)\">"


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


def test_the_chats_page_goes_through_the_proxy_too(hub, hub_browser):
    cells = [
        "from wslab.labs import chat\nlab = chat.open()\nlab.page('Ada')",
        "lab.unsafe_page('Victim')",
    ]
    hub.write_notebook("chat.ipynb", *cells)
    hub.page_url = hub.url.replace("127.0.0.1", HUB)
    try:
        notebook = hub.open(hub_browser, "chat.ipynb")
    finally:
        hub.page_url = hub.url
    try:
        notebook.run_cell(0)
        frame = notebook.view("chat-frame").locator("iframe").first
        expect(frame).to_have_attribute("src", re.compile(rf"^http://{HUB}.*/user/ada/proxy/\d+/"))
        page = frame.content_frame
        expect(page.locator("#state")).to_have_text("you are Ada", timeout=20_000)
        page.locator("#message").fill("from a hub")
        page.locator("#message").press("Enter")
        expect(page.locator("#messages li").first).to_have_text("Ada from a hub")
        notebook.run_cell(1)
        unsafe = notebook.view("chat-frame").locator("iframe").last.content_frame
        # Jupyter itself lets no page without an origin through its proxy: the notebook's page makes
        # the socket for it. The attack works there as it does at home, and in no other page.
        expect(unsafe.locator("#state")).to_have_text("you are Victim", timeout=20_000)
        assert unsafe.locator("body").evaluate("() => self.origin") == "null"
        notebook.execute(f"lab.join('Mallory').send({ATTACK!r})")
        expect(unsafe.locator("#messages li b").first).to_have_text("Look!")
        expect(page.locator("#messages li").first).to_have_text("Victim I pay, says Victim")
        assert page.locator("#messages b, #messages img").count() == 0
        stays_in_its_room(notebook, unsafe)
        notebook.execute("lab.close()")
        expect(notebook.view("chat-frame")).to_have_count(0)
    finally:
        notebook.close()
