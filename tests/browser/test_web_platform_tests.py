"""The socket of a cell on a hub gets the browser's own verdicts in web-platform-tests.

They are not part of the project, and in no registry: `tools/wpt_files.py` says how to get them.
What a whole run found, through jupyter-server-proxy too, is in docs/web-platform-tests.md.
"""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from web_platform_tests import unexpected
from wpt_files import WptFiles
from wpt_places import run, running_browser

from wslab.installed import CHROMIUM, FIREFOX

from .conftest import path_of

FOLDER = os.environ.get("WSLAB_WPT")
PARTS = 6  # no test here may take more than four minutes
SLOW = "keeping-connection-open/001.html"  # is silent for 20 s, to see that nothing happens


@pytest.mark.skipif(not FOLDER, reason="WSLAB_WPT names no checkout of web-platform-tests")
@pytest.mark.parametrize("part", range(PARTS))
@pytest.mark.parametrize("wanted", [CHROMIUM, FIREFOX], ids=lambda one: one.name)
def test_a_bridged_socket_gets_the_browsers_own_verdicts(playwright, wanted, part):
    path_of(wanted)
    files = WptFiles(Path(str(FOLDER)))
    tests = files.tests()[part::PARTS]
    problems: list[str] = []
    passed = 0
    with running_browser(playwright, wanted) as browser:
        for test, found in run(
            files, browser, lambda test: test in tests and test != SLOW, "native", "bridged"
        ):
            problems += unexpected(test, found)
            passed += list(found["bridged"].values()).count("pass")
    assert problems == []
    assert passed > 20
