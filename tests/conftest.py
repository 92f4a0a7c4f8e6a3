"""For all tests: Ctrl-C is Ctrl-C, and what belongs together runs in one process."""

from __future__ import annotations

import signal

import pytest


def pytest_configure() -> None:
    # A shell that starts this in the background has SIGINT ignored, and Python leaves it so: tests
    # that interrupt a call would wait for ever.
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """A file's tests share what is costly to start (JupyterLab, a browser): they stay together."""
    for item in items:
        if item.get_closest_marker("xdist_group") is None:
            item.add_marker(pytest.mark.xdist_group(item.nodeid.partition("::")[0]))
