"""A real JupyterLab with a real kernel in a real browser, for tests and benchmarks.

    with running_lab(folder) as lab, running_browser(path) as browser:
        notebook = lab.open(browser, "02_handshake.ipynb", theme="dark")
        notebook.run_all()
        notebook.page.get_by_text("Connect").click()

Everything stays on loopback: the browser is told that no other host exists, which also proves that
a lesson needs no internet.
"""

from __future__ import annotations

import contextlib
import json
import os
import secrets
import subprocess
import sys
import time
import urllib.parse
import urllib.request
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Literal

import nbformat
from playwright.sync_api import (
    Browser,
    ConsoleMessage,
    Error,
    Locator,
    Page,
    Playwright,
    ViewportSize,
    sync_playwright,
)

REPOSITORY = Path(__file__).resolve().parent.parent
SCREENSHOTS = REPOSITORY / "test-artifacts" / "screenshots"
START_TIMEOUT = 90.0  # seconds; a cold disk on a small machine
CALL_TIMEOUT = 20.0  # seconds, for each Playwright call that names no other

Theme = Literal["light", "dark"]
Program = Literal["jupyterlab", "notebook"]
THEMES = {"light": "JupyterLab Light", "dark": "JupyterLab Dark"}

BROWSER_ARGS = [
    "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1, EXCLUDE localhost",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
    # Screenshots and key presses must not depend on the machine's language.
    "--lang=en-US",
]
FIREFOX_SETTINGS = {"network.dns.disabled": True}
"""The same for Firefox: no name is looked up, and 127.0.0.1 needs no looking up."""


class NotebookError(AssertionError):
    """A cell failed, or the notebook did not get where it was sent."""


class RunningLab:
    """A JupyterLab server of our own on loopback, its token on. `running_lab` makes one.

    `program` is the Python module that runs: JupyterLab, or Notebook 7, which is made of it. `root`
    is the folder it serves; `url` ends with a slash; `token` goes into the page's query.
    """

    def __init__(
        self, program: Program, root: Path, settings: Path, url: str, token: str, pid: int
    ) -> None:
        self.program = program
        self.root = root
        self.settings = settings
        self.url = url
        self.page_url = url
        """What pages are opened at: another name of the same server, where a test sets one."""
        self.token = token
        self.pid = pid

    def api(self, method: str, path: str) -> Any:
        """Call Jupyter's REST API; the decoded JSON answer, None if it is empty."""
        request = urllib.request.Request(
            f"{self.url}api/{path}",
            method=method,
            headers={"Authorization": f"token {self.token}"},
        )
        with urllib.request.urlopen(request, timeout=CALL_TIMEOUT) as response:
            body = response.read()
        return json.loads(body) if body else None

    def write_notebook(self, name: str, *cells: str) -> Path:
        """Write a throwaway notebook of code cells into the served folder."""
        notebook = nbformat.v4.new_notebook(
            cells=[nbformat.v4.new_code_cell(source) for source in cells],
            metadata={
                "kernelspec": {"name": "python3", "display_name": "Python 3", "language": "python"}
            },
        )
        path = self.root / name
        nbformat.write(notebook, path)
        return path

    def set_theme(self, theme: Theme) -> None:
        """Choose the theme of pages opened from now on."""
        write_setting(self.settings, "apputils-extension/themes", {"theme": THEMES[theme]})

    def open(
        self,
        browser: Browser,
        name: str,
        *,
        theme: Theme = "light",
        width: int = 1440,
        height: int = 900,
        page: Page | None = None,
    ) -> OpenNotebook:
        """Open a notebook of the served folder; its kernel is ready on return.

        In a fresh page, which takes some 5 s of a core, or in `page`, which another notebook left.
        """
        self.set_theme(theme)
        viewport = ViewportSize(width=width, height=height)
        fresh = page is None
        if page is None:
            context = browser.new_context(viewport=viewport, locale="en-US")
            context.set_default_timeout(CALL_TIMEOUT * 1000)
            context.set_default_navigation_timeout(START_TIMEOUT * 1000)
            page = context.new_page()
        notebook = OpenNotebook(self, page, name)
        try:
            if fresh:
                notebook.load()
            else:
                page.set_viewport_size(viewport)
                notebook.enter(theme)
        except BaseException:
            notebook.close()
            raise
        return notebook

    def end_kernels(self) -> None:
        """Shut down every kernel, and with them the servers that lessons started."""
        for session in self.api("GET", "sessions"):
            self.api("DELETE", f"sessions/{session['id']}")


class OpenNotebook:
    """A notebook open in the browser: `page` is Playwright's, `errors` what its console said."""

    def __init__(self, lab: RunningLab, page: Page, name: str) -> None:
        self.lab = lab
        self.page = page
        self.name = name
        self.errors: list[str] = []
        page.on("pageerror", self._note_error)
        page.on("console", self._note_console)

    def _note_error(self, error: Error) -> None:
        self.errors.append(error.stack or str(error))

    def _note_console(self, message: ConsoleMessage) -> None:
        if message.type == "error":
            self.errors.append(message.text)

    # ------------------------------------------------------------------ opening and closing

    def load(self) -> None:
        """Load the page, in a workspace of its own so that no earlier layout comes back."""
        pages = {
            "jupyterlab": f"lab/workspaces/{secrets.token_hex(4)}/tree",
            "notebook": "notebooks",
        }
        path = f"{pages[self.lab.program]}/{urllib.parse.quote(self.name)}"
        query = urllib.parse.urlencode({"token": self.lab.token})
        self.page.goto(f"{self.lab.page_url}{path}?{query}", wait_until="domcontentloaded")
        self._wait_until_shown()
        self.page.locator("#jupyterlab-splash").wait_for(state="detached")
        # The file browser is of no use in a test and takes a quarter of a screenshot.
        self._in_page("await app.shell.collapseLeft()", CALL_TIMEOUT)
        self.wait_for_kernel()

    def change_to(self, name: str) -> None:
        """Close this notebook, end its kernel, and open another one in the same page."""
        self.page.evaluate("() => window.jupyterapp.shell.currentWidget.dispose()")
        self._end_kernel()
        self.name = name
        self._open_here()
        # JupyterLab may stumble over a document that goes while its page still arrives.
        self.errors.clear()

    def enter(self, theme: Theme) -> None:
        """Open the notebook in a page that another one has left."""
        self.change_theme(theme)
        self._open_here()

    def leave(self) -> None:
        """Close the notebook, unsaved, and end its kernel; the page stays, for another one."""
        for page in self.page.context.pages:
            if page is not self.page:
                page.close()
        self._in_page(
            """
            for (const widget of [...app.shell.widgets('main')]) widget.dispose();
            for (const dialog of document.querySelectorAll('.jp-Dialog')) dialog.remove();
            """,
            CALL_TIMEOUT,
        )
        self._end_kernel()
        # What the page hears of the kernel's end belongs to this notebook's errors.
        self._in_page("await app.serviceManager.sessions.refreshRunning()", CALL_TIMEOUT)
        self.page.remove_listener("pageerror", self._note_error)
        self.page.remove_listener("console", self._note_console)

    def close(self) -> None:
        """Close the page and end its kernel. May be called twice."""
        if not self.page.is_closed():
            self.page.context.close()
        self._end_kernel()

    def _open_here(self) -> None:
        self._in_page(
            f"await app.commands.execute('docmanager:open', {{path: {json.dumps(self.name)}}})",
            CALL_TIMEOUT,
        )
        self._wait_until_shown()
        self.wait_for_kernel()

    def _wait_until_shown(self) -> None:
        self.page.wait_for_function(
            """name => {
              const panel = window.jupyterapp?.shell?.currentWidget;
              return panel?.context?.isReady && panel.context.path === name;
            }""",
            arg=self.name,
            timeout=START_TIMEOUT * 1000,
        )

    def _end_kernel(self) -> None:
        for session in self.lab.api("GET", "sessions"):
            if session["path"] == self.name:
                self.lab.api("DELETE", f"sessions/{session['id']}")

    # ------------------------------------------------------------------ the kernel

    def wait_for_kernel(self, timeout: float = START_TIMEOUT) -> None:
        """Wait until the kernel has answered; JupyterLab's idle dot comes too early."""
        self._in_page(
            "await panel.sessionContext.ready; await panel.sessionContext.session.kernel.info",
            timeout,
        )

    def run_all(self, timeout: float = 120.0, *, allow_errors: bool = False) -> None:
        """Run every cell and wait until all have finished.

        Raises NotebookError with the first cell's error unless `allow_errors`.
        """
        # "Run All Cells" stops at the first error, which is then what we report.
        self._in_page("await app.commands.execute('notebook:run-all-cells')", timeout)
        if not allow_errors:
            self.check_outputs()

    def run_cell(self, number: int, timeout: float = 60.0, *, allow_errors: bool = False) -> None:
        """Run one cell, counted from 0 among all cells, and wait until it has finished."""
        self._in_page(
            f"panel.content.activeCellIndex = {number}; panel.content.deselectAll();"
            "await app.commands.execute('notebook:run-cell')",
            timeout,
        )
        if not allow_errors:
            self.check_outputs()

    def start_run_all(self) -> None:
        """Run every cell without waiting, for what must be seen while a cell is busy."""
        self.page.evaluate("() => { window.jupyterapp.commands.execute('notebook:run-all-cells') }")

    def check_outputs(self) -> None:
        """Raise NotebookError if a cell shows an error."""
        failed = self.page.evaluate(
            """() => {
              const cells = [...window.jupyterapp.shell.currentWidget.content.model.cells];
              for (const [index, cell] of cells.entries()) {
                for (const output of cell.toJSON().outputs ?? []) {
                  if (output.output_type === 'error')
                    return `cell ${index}: ${output.ename}: ${output.evalue}\\n` +
                      output.traceback.join('\\n').replace(/\\x1b\\[[0-9;]*m/g, '');
                }
              }
              return null;
            }"""
        )
        if failed:
            raise NotebookError(f"{self.name}, {failed}")

    def execute(self, code: str, timeout: float = 60.0) -> str:
        """Run code in the notebook's kernel without a cell; what it printed and its last value.

        Raises NotebookError if the code raised.
        """
        answer = self._in_page(
            f"""
            let reply, text = '';
            do {{
              const future = panel.sessionContext.session.kernel.requestExecute(
                {{code: {json.dumps(code)}, store_history: false}});
              future.onIOPub = message => {{
                const {{header, content}} = message;
                if (header.msg_type === 'stream') text += content.text;
                if (header.msg_type === 'execute_result') text += content.data['text/plain'];
              }};
              reply = await future.done;
              // When a cell fails the kernel throws away what waits behind it.
            }} while (reply.content.status === 'aborted');
            return [reply.content.status, text, reply.content.evalue ?? ''];
            """,
            timeout,
        )
        status, text, error = answer
        if status != "ok":
            raise NotebookError(f"{self.name}: {code!r} ended with {status}: {error}\n{text}")
        return str(text)

    def interrupt(self) -> None:
        """The Stop button."""
        self._in_page("await panel.sessionContext.session.kernel.interrupt()", CALL_TIMEOUT)

    def restart(self, timeout: float = START_TIMEOUT) -> None:
        """Restart the kernel without the dialog, and wait until it answers."""
        self._in_page("await panel.sessionContext.session.kernel.restart()", timeout)
        self.wait_for_kernel(timeout)

    # ------------------------------------------------------------------ looking

    def cell(self, number: int) -> Locator:
        """A cell, counted from 0 among all cells."""
        return self.page.locator(".jp-Notebook .jp-Cell").nth(number)

    def is_code(self, number: int) -> bool:
        """Whether the cell of that number is one to run."""
        widgets = "window.jupyterapp.shell.currentWidget.content.widgets"
        return bool(self.page.evaluate(f"() => {widgets}[{number}].model.type === 'code'"))

    def view(self, name: str) -> Locator:
        """The views of a kind, by their `data-wslab` attribute: `view("wire-view").first`."""
        return self.page.locator(f'[data-wslab="{name}"]')

    def screenshot(self, name: str, of: Locator | None = None) -> Path:
        """Save what the page, or one element of it, looks like under test-artifacts/screenshots."""
        SCREENSHOTS.mkdir(parents=True, exist_ok=True)
        path = SCREENSHOTS / f"{name}.png"
        (of or self.page).screenshot(path=path, timeout=CALL_TIMEOUT * 1000)
        return path

    def screenshots(self, name: str, of: Locator | None = None) -> None:
        """`screenshot` in both themes; the page stays in the other one."""
        for theme in self.both_themes():
            self.screenshot(f"{name}-{theme}", of)

    def both_themes(self) -> Iterator[Theme]:
        """Show the page in its own theme, and then in the other one, where it stays.

        A change costs a second of a core, so none leads back.
        """
        own = self._theme()
        for theme in THEMES if own == "light" else reversed(THEMES):
            self.change_theme(theme)
            yield theme

    def change_theme(self, theme: Theme) -> None:
        """Show the page in this theme, as JupyterLab's menu does."""
        if theme == self._theme():
            return
        self._in_page(
            "await app.commands.execute('apputils:change-theme',"
            f" {{theme: {json.dumps(THEMES[theme])}}})",
            CALL_TIMEOUT,
        )
        self.page.locator(f'body[data-jp-theme-light="{str(theme == "light").lower()}"]').wait_for(
            state="attached"
        )
        # JupyterLab takes the splash of a change away after 0.2 s, and raises when a second change
        # came before that.
        self.page.locator("#jupyterlab-splash").wait_for(state="detached")

    def _theme(self) -> Theme:
        light = self.page.locator("body").get_attribute("data-jp-theme-light")
        return "light" if light == "true" else "dark"

    # ------------------------------------------------------------------ inside

    def _in_page(self, script: str, timeout: float) -> Any:
        """Run an async JavaScript body with `app` and `panel`, and wait for what it returns.

        The page itself watches the clock, as Playwright has no time limit for this; its
        `wait_for_function` has one, and keeps the page drawing frames all the while.
        """
        settled = self.page.evaluate(
            f"""timeout => {{
              const app = window.jupyterapp, panel = app.shell.currentWidget;
              let timer;
              const late = new Promise(done => {{
                timer = setTimeout(done, timeout, {{error: `not done after ${{timeout}} ms`}});
              }});
              const done = (async () => {{ {script} }})().then(
                value => ({{value: value ?? null}}), error => ({{error: String(error)}}));
              return Promise.race([done, late]).finally(() => clearTimeout(timer));
            }}""",
            timeout * 1000,
        )
        if "error" in settled:
            raise NotebookError(f"{self.name}: {settled['error']}")
        return settled["value"]


@contextlib.contextmanager
def running_lab(work: Path, *options: str, program: Program = "jupyterlab") -> Iterator[RunningLab]:
    """Run JupyterLab in `work/notebooks`, settings and runtime files beside it; end it after.

    `options` are more of its own, such as "--ServerApp.base_url=/user/ada/". With the program
    "notebook" it is Notebook 7.
    """
    folders = {
        name: work / name for name in ("notebooks", "config", "data", "runtime", "settings", "home")
    }
    for folder in folders.values():
        folder.mkdir(parents=True, exist_ok=True)
    settings = folders["settings"]
    # Cells out of view must be in the page too, or tests cannot see them.
    write_setting(settings, "notebook-extension/tracker", {"windowingMode": "none"})
    write_setting(settings, "apputils-extension/notification", {"fetchNews": "false"})

    token = secrets.token_hex(16)
    environment = {
        **{name: value for name, value in os.environ.items() if not name.startswith("JUPYTER")},
        "HOME": str(folders["home"]),
        "IPYTHONDIR": str(folders["home"] / "ipython"),
        "JUPYTER_CONFIG_DIR": str(folders["config"]),
        # As `wslab lab` has them.
        "JUPYTER_CONFIG_PATH": str(REPOSITORY / "wslab" / "jupyter"),
        "JUPYTER_PATH": str(REPOSITORY / "wslab" / "jupyter"),
        "JUPYTER_DATA_DIR": str(folders["data"]),
        "JUPYTER_RUNTIME_DIR": str(folders["runtime"]),
        "JUPYTERLAB_SETTINGS_DIR": str(settings),
        "JUPYTERLAB_WORKSPACES_DIR": str(work / "workspaces"),
        "JUPYTER_TOKEN": token,
        # This checkout, whichever wslab is installed.
        "PYTHONPATH": os.pathsep.join(
            filter(None, [str(REPOSITORY), os.environ.get("PYTHONPATH", "")])
        ),
    }
    log = work / f"{program}.log"
    command = [
        *(sys.executable, "-m", program, "--no-browser", "--allow-root"),
        "--ServerApp.ip=127.0.0.1",
        "--ServerApp.port=0",
        f"--ServerApp.root_dir={folders['notebooks']}",
        "--LabApp.expose_app_in_browser=True",
        "--JupyterNotebookApp.expose_app_in_browser=True",
        "--LabApp.extension_manager=readonly",
        "--LabApp.news_url=None",
        "--LabApp.check_for_updates_class=jupyterlab.handlers.announcements.NeverCheckForUpdate",
        *options,
    ]
    with log.open("wb") as output:
        server = subprocess.Popen(
            command, cwd=work, env=environment, stdout=output, stderr=subprocess.STDOUT
        )
    try:
        info = wait_for_server(server, folders["runtime"], log)
        url = f"http://127.0.0.1:{info['port']}{info['base_url']}"
        lab = RunningLab(program, folders["notebooks"], settings, url, token, server.pid)
        yield lab
        lab.end_kernels()
    finally:
        server.terminate()
        try:
            server.wait(timeout=20)
        except subprocess.TimeoutExpired:
            server.kill()
            server.wait(timeout=20)


def wait_for_server(server: subprocess.Popen[bytes], runtime: Path, log: Path) -> dict[str, Any]:
    """Wait for the file in which Jupyter says which port it got, and for the port to answer."""
    deadline = time.monotonic() + START_TIMEOUT
    while time.monotonic() < deadline:
        if server.poll() is not None:
            break
        with contextlib.suppress(OSError, ValueError):
            info = json.loads((runtime / f"jpserver-{server.pid}.json").read_text())
            api = f"http://127.0.0.1:{info['port']}{info['base_url']}api"
            with urllib.request.urlopen(api, timeout=5):
                return dict(info)
        # A file's coming cannot be waited for; the process and the clock are looked at in between.
        time.sleep(0.05)
    raise RuntimeError(f"Jupyter did not start. Its log:\n{log.read_text(errors='replace')}")


def write_setting(settings: Path, plugin: str, values: dict[str, Any]) -> None:
    """Write a user's setting of one of JupyterLab's own plugins."""
    path = settings / "@jupyterlab" / f"{plugin}.jupyterlab-settings"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(values))


@contextlib.contextmanager
def running_browser(path: str) -> Iterator[Browser]:
    """Run the Chromium at `path` without a window, and end it after.

    While it runs, Playwright keeps an event loop running on this thread: `asyncio.run` is refused.
    """
    with sync_playwright() as playwright:
        browser = launch_chromium(playwright, path)
        try:
            yield browser
        finally:
            browser.close()


def launch_chromium(playwright: Playwright, path: str) -> Browser:
    """Start the Chromium at `path` without a window; the caller closes it."""
    return playwright.chromium.launch(
        executable_path=path, args=BROWSER_ARGS, timeout=START_TIMEOUT * 1000
    )


def launch_firefox(
    playwright: Playwright, path: str, settings: Mapping[str, bool] | None = None
) -> Browser:
    """Start the Firefox at `path`, as Mozilla builds it, without a window; the caller closes it.

    `settings` are more of `about:config`.
    """
    return playwright.firefox.launch(
        # Playwright's name for a Firefox that is spoken to in WebDriver BiDi, a W3C standard (over
        # WebSocket), and not in the protocol that its own build has.
        channel="moz-firefox",
        executable_path=path,
        firefox_user_prefs={**FIREFOX_SETTINGS, **(settings or {})},
        timeout=START_TIMEOUT * 1000,
    )
