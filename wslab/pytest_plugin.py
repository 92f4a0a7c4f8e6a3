"""A fixture with which a library's own tests run the suite.

::

    def test_my_server(conformance):
        with my_echo_server() as url:
            conformance(url)

It fails where a MUST was not kept, and shows the wire.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest


@pytest.fixture
def conformance() -> Callable[..., Any]:
    """Runs the cases against an echo server at a URL; `only` is a pattern such as `text-*`.

    Returns the report, so that a test can ask for more than that no MUST was broken.
    """

    def check(url: str, only: str = "") -> Any:
        # Imported late: pytest loads this with every run where wslab is installed.
        from wslab.conformance import cases_for, check_server

        report = check_server(url, cases_for("server", only))
        if report.failed:
            pytest.fail(str(report), pytrace=False)
        return report

    return check
