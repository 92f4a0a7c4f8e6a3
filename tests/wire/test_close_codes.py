"""The table of close codes is the registry's, and says for each what to do."""

from __future__ import annotations

import pytest
from websockets.frames import EXTERNAL_CLOSE_CODES, CloseCode

from wslab.wire import CLOSE_CODES, close_code, rfc_url
from wslab.wire.protocol.close_codes import IANA

# As IANA's registry has them, in the words of its second column (case aside).
REGISTRY = {
    1000: "Normal Closure",
    1001: "Going Away",
    1002: "Protocol Error",
    1003: "Unsupported Data",
    1004: "Reserved",
    1006: "Abnormal Closure",
    1008: "Policy Violation",
    1009: "Message Too Big",
    1011: "Internal Error",
    1012: "Service Restart",
    1013: "Try Again Later",
    3000: "Unauthorized",
    3003: "Forbidden",
    3008: "Timeout",
}


def test_the_names_are_those_of_the_registry():
    for code, name in REGISTRY.items():
        assert CLOSE_CODES[code].name == name
    assert set(range(1000, 1016)) <= set(CLOSE_CODES)
    assert IANA.startswith("https://www.iana.org/assignments/websocket/")


def test_what_may_stand_in_a_frame_is_what_the_library_accepts():
    for code in range(1000, 3000):
        assert close_code(code).sendable == (code in EXTERNAL_CLOSE_CODES), code
    for code in (0, 999, 5000, 65535):
        assert not close_code(code).sendable
    for code in (3000, 3999, 4000, 4999):
        assert close_code(code).sendable


def test_every_code_of_the_library_is_in_the_table():
    assert {int(code) for code in CloseCode} <= set(CLOSE_CODES)


@pytest.mark.parametrize("code", [*CLOSE_CODES, 0, 1016, 2999, 3001, 4000, 4999, 5000])
def test_each_says_who_sends_it_and_what_to_do_next(code):
    entry = close_code(code)
    assert entry.code == code
    assert entry.name
    assert entry.meaning
    assert entry.then
    assert rfc_url(entry.rfc)
    assert (entry.who == "nobody") == (not entry.sendable)


def test_only_1010_is_a_code_for_clients_alone():
    assert [code for code, entry in CLOSE_CODES.items() if entry.who == "client"] == [1010]
