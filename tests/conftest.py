"""For all tests: Ctrl-C is Ctrl-C, what belongs together runs in one process, what waits first."""

from __future__ import annotations

import signal

import pytest


def pytest_configure() -> None:
    # A shell that starts this in the background has SIGINT ignored, and Python leaves it so: tests
    # that interrupt a call would wait for ever.
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)


FIRST = ("browser", "notebooks")
"""The folders whose tests wait for pages and kernels. They come first: what the others compute
fills the pauses, and no long test is left for one process at the end."""


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """A file's tests share what is costly to start (JupyterLab, a browser): they stay together."""
    groups: dict[str, list[pytest.Item]] = {}
    for item in items:
        if item.get_closest_marker("xdist_group") is None:
            item.add_marker(pytest.mark.xdist_group(item.nodeid.partition("::")[0]))
        (name,) = item.get_closest_marker("xdist_group").args
        groups.setdefault(name, []).append(item)

    def turn(group: list[pytest.Item]) -> tuple[int, int]:
        folder = group[0].path.parent.name
        return FIRST.index(folder) if folder in FIRST else len(FIRST), -len(group)

    items[:] = [item for group in sorted(groups.values(), key=turn) for item in group]


def pytest_collection_finish(session: pytest.Session) -> None:
    """Stop where the groups are not kept: pytest-xdist 3.8 writes them behind the tests' names,
    and does so in vain from pytest 9.2 on. Each test would start a JupyterLab anew."""
    if getattr(session.config.option, "loadgroup", False):  # in a process of pytest-xdist
        lost = [item.nodeid for item in session.items if "@" not in item.nodeid]
        if lost:
            raise pytest.UsageError(f"pytest-xdist does not know the group of {lost[0]}")
