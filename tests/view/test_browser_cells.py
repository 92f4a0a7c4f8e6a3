"""The `%%browser` magic in a real IPython shell, without a page."""

from __future__ import annotations

from types import SimpleNamespace

import pytest
from IPython.core.error import UsageError
from IPython.core.interactiveshell import InteractiveShell
from traitlets.config import Config

import wslab
from wslab.net import EchoServer
from wslab.view.panels import browser_cells

URL = "ws://127.0.0.1:9/"


@pytest.fixture
def shell(tmp_path, monkeypatch):
    monkeypatch.setenv("IPYTHONDIR", str(tmp_path))
    config = Config()
    config.HistoryManager.enabled = False
    shell = InteractiveShell(config=config)
    wslab.load_ipython_extension(shell)
    shell.push({"lab": SimpleNamespace(url=URL)})
    return shell


def test_the_code_and_the_address_of_the_lab_go_to_the_page(shell):
    cell = shell.run_cell_magic("browser", "", "new WebSocket(url)\n")
    assert (cell._code, cell._url) == ("new WebSocket(url)\n", URL)
    assert "securitypolicyviolation" in cell._frame
    data, _ = cell._repr_mimebundle_()
    assert "run this cell again" in data["text/html"]
    cell.close()


def test_another_server_can_be_named(shell):
    shell.push({"other": SimpleNamespace(url="ws://127.0.0.1:8/")})
    for name, url in [("other", "ws://127.0.0.1:8/"), ("other.url", "ws://127.0.0.1:8/")]:
        cell = shell.run_cell_magic("browser", name, "1")
        assert cell._url == url
        cell.close()


@pytest.mark.parametrize(
    ("line", "told"),
    [
        ("nothing_here", "Open a lab first"),
        ("1 +", "SyntaxError"),
        ("5", "no attribute 'url'"),
        ("'http://127.0.0.1/'", "starts with ws://"),
    ],
)
def test_a_server_that_is_none_is_refused_with_a_way_out(shell, line, told):
    with pytest.raises(UsageError, match=told):
        shell.run_cell_magic("browser", line, "1")


def test_a_cell_that_runs_again_replaces_what_it_showed(shell, monkeypatch):
    magic = shell.magics_manager.magics["cell"]["browser"]
    monkeypatch.setattr(magic, "_cell_id", lambda: "the-same")
    first = shell.run_cell_magic("browser", "", "1")
    second = shell.run_cell_magic("browser", "", "2")
    assert first.comm is None
    assert second.comm is not None
    second.close()


def test_registering_twice_changes_nothing(shell):
    before = shell.magics_manager.magics["cell"]["browser"]
    browser_cells.register_browser_cells(shell, lambda watcher: None, lambda *told: None)
    assert shell.magics_manager.magics["cell"]["browser"] is before


def test_a_cell_is_told_which_ports_are_open_as_long_as_it_is_shown(shell):
    closed = shell.run_cell_magic("browser", "'ws://127.0.0.1:9/'", "1")
    assert closed._ports == []  # naming a port does not open it to the page
    with EchoServer() as server:
        cell = shell.run_cell_magic("browser", f"'{server.url}'", "1")
        assert cell._ports == closed._ports == [server.port]
        with EchoServer("another") as another:
            assert cell._ports == sorted([server.port, another.port])
        assert cell._ports == [server.port]
    assert cell._ports == []
    cell.close()
    closed.close()
