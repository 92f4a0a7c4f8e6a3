"""Parts 4 to 7 of the lesson on secure WebSockets: real certificates, browser, proxy and nginx."""

from __future__ import annotations

import os
import sys

import pytest

from wslab.labs import secure_websockets
from wslab.net import loop, running


@pytest.fixture
def lab():
    """One of its own, for a test that takes something away."""
    with secure_websockets.open() as lab:
        yield lab
    assert list(running()) == []
    assert loop.tasks() == []


@pytest.fixture(scope="module")
def shared():
    """One lab, with one browser, for the tests that change nothing."""
    with secure_websockets.open() as lab:
        yield lab


@pytest.fixture
def compared(shared):
    """What the lab finds in a part, by the name of each try; skipped where a program is missing."""

    def compare(part):
        table = shared.compare(part)
        if table.note and not os.environ.get("CI"):
            pytest.skip(table.note)
        assert table.note == ""
        return {row[0]: row[1:] for row in table.rows}

    return compare


def test_only_the_console_knows_what_is_wrong_with_a_certificate(compared):
    rows = compared("whom_to_trust")
    assert rows.pop("good") == ["It opens", "", "", ""]
    assert {row[0] for row in rows.values()} == {"An error, and close code 1006"}
    assert {name: row[1] for name, row in rows.items()} == {
        "unknown authority": "net::ERR_CERT_AUTHORITY_INVALID",
        "wrong host": "net::ERR_CERT_COMMON_NAME_INVALID",
        "expired": "net::ERR_CERT_DATE_INVALID",
        "old TLS": "net::ERR_SSL_VERSION_OR_CIPHER_MISMATCH",
    }
    assert "certificate has expired" in rows["expired"][2]
    assert rows["expired"][3] == "the browser says: certificate unknown"
    assert rows["old TLS"][3] == "the server says: protocol version"


def test_an_old_proxy_mangles_ws_and_not_wss(compared):
    rows = compared("old_proxy")
    assert [row[0] for row in rows.values()] == [
        "Refused with 426",
        "It opens, and no echo comes",
        "The echo comes back",
        "The echo comes back",
    ]
    assert rows["ws, stripped"][3] == "GET / HTTP/1.1 · Via: 1.1 old-proxy"
    assert rows["wss"][2:] == ["TLS", "TLS"]


def test_a_secure_page_may_open_a_plain_socket_to_this_machine_only(compared):
    rows = compared("mixed_content")
    assert rows["https to ws"][0] == "new WebSocket() throws"
    assert rows["https to ws"][1].startswith("Mixed Content: The page at 'https://shop.example:")
    assert rows["https to ws"][2] == "nothing"
    assert {rows[name][0] for name in rows if name != "https to ws"} == {"It opens"}
    assert rows["https to ws on this machine"][2].startswith("GET / HTTP/1.1")
    assert rows["https to ws, upgraded"][2] == "TLS"


def test_nginx_is_told_three_lines(compared):
    rows = compared("nginx")
    assert [row[0] for row in rows.values()] == [
        "The echo comes back", "Refused with 505", "Refused with 426", "Refused with 426",
    ]  # fmt: skip
    assert rows["no version"][2].startswith("GET / HTTP/1.0 ·")


def test_an_impostor_reads_what_a_careless_client_says(shared):
    checks, does_not = shared.careless().rows
    assert "from an authority that this client does not know" in checks[1]
    assert does_not == ["does not", "the impostor's echo: my password is 1234"]


def test_a_prediction_is_compared(shared):
    gallery = shared.old_proxy()
    assert gallery.run("wss")[0] == "The echo comes back"
    assert gallery.experiments["wss"].predictions[0] == "The echo comes back"


@pytest.mark.parametrize("part", ["whom_to_trust", "old_proxy", "mixed_content", "nginx"])
def test_without_trustme_a_recorded_run_is_shown_and_says_so(lab, part, monkeypatch):
    monkeypatch.setitem(sys.modules, "trustme", None)
    table = lab.compare(part)
    assert table.note.startswith("RECORDED, not live (on 20")
    assert "pip install 'wslab[production]'" in table.note
    gallery = getattr(lab, part)()
    name = table.rows[-1][0]
    assert gallery.run(name) == table.rows[-1][1:]


@pytest.mark.parametrize(
    ("part", "program"),
    [("whom_to_trust", "certutil"), ("mixed_content", "chromium"), ("nginx", "nginx")],
)
def test_without_a_program_a_recorded_run_is_shown_and_names_it(lab, part, program, monkeypatch):
    monkeypatch.setattr("shutil.which", lambda *_, **__: None)
    monkeypatch.setattr("wslab.net.browsers.chromium.find", lambda _: None)
    if program == "certutil":
        monkeypatch.setattr("wslab.net.browsers.chromium.find", lambda _: "/usr/bin/chromium")
    note = lab.compare(part).note
    assert note.startswith("RECORDED")
    assert {"certutil": "libnss3-tools", "chromium": "Chromium", "nginx": "nginx-light"}[
        program
    ] in note


def test_no_key_and_no_certificate_outlives_the_lab():
    with secure_websockets.open() as lab:
        folder = lab.authority.folder
        assert lab.careless().note == ""
    assert not folder.exists()
