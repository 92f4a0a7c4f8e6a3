"""Files of web-platform-tests become documents that load nothing; here they are made up."""

from __future__ import annotations

import pytest
from wpt_files import WptFiles

NAMES = {"host": "127.0.0.1", "ports[ws][0]": "4321"}
CHECKOUT = {
    "resources/testharness.js": "const harness = '</script>';",
    "interfaces/dom.idl": "",
    "websockets/constants.sub.js": "const URL = 'ws://{{host}}:{{ports[ws][0]}}/';",
    "websockets/Close.any.js": "// META: timeout=long\n// META: script=constants.sub.js\nclose();",
    "websockets/sub/url.html": "<!doctype html>\n<script src=/resources/testharness.js></script>\n"
    "<script src=../constants.sub.js></script>\n<script>\nvar a = location.host;\n</script>",
    "websockets/cookies/001.html": "<!doctype html>",
    "websockets/cookies/support/x.js": "",
    "websockets/handlers/echo_wsh.py": "",
}


@pytest.fixture
def files(tmp_path) -> WptFiles:
    for name, text in CHECKOUT.items():
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, "utf-8")
    return WptFiles(tmp_path)


def test_files_apply_or_are_left_out_with_a_reason(files):
    assert files.tests() == ["Close.any.js", "sub/url.html"]
    assert files.left_out() == {
        "a cell's frame has no origin, hence no cookies": ["cookies/001.html"]
    }


def test_a_folder_that_is_no_checkout_is_named(tmp_path):
    with pytest.raises(FileNotFoundError, match=r"a checkout of web-platform-tests in .*constants"):
        WptFiles(tmp_path)


@pytest.mark.parametrize("test", ["Close.any.js", "sub/url.html"])
def test_a_document_has_everything_in_it(files, test):
    document = files.document(test, NAMES)
    assert " src=" not in document
    assert "const URL = 'ws://127.0.0.1:4321/';" in document
    assert f'dataset.file = "{test}"' in document
    assert document.count("</script>") == document.count("<script>") == 3


def test_a_script_is_a_page_of_its_own(files):
    document = files.document("Close.any.js", NAMES)
    assert document.startswith('<!doctype html><meta charset="utf-8"><title>Close.any.js</title>')
    assert '<meta name="timeout" content="long">' in document
    assert document.endswith("\nclose();</script>")


def test_a_page_without_an_address_gives_its_base_as_location(files):
    document = files.document("sub/url.html", NAMES)
    assert (
        "{ const location = new URL(document.baseURI);\n\nvar a = location.host;\n\n}" in document
    )
