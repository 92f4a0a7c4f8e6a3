"""The lab of the lesson on extensions and subprotocols, on real sockets."""

from __future__ import annotations

from wslab.net.cases import EXTENSIONS, SUBPROTOCOLS
from wslab.wire.protocol import Agreement


def test_the_server_picks_its_favourite_and_agrees_to_compress(lab):
    with lab.connect(subprotocols=["chat", "superchat"], compression=Agreement()) as client:
        assert client.subprotocol == "superchat"
        response = lab.find("response", of=client)
    assert response.field("Sec-WebSocket-Extensions").value == "permessage-deflate"


def test_pythons_verdict_on_every_answer(lab):
    verdicts = [row[3] for row in lab.answers().rows]
    expected = [case.expected == 101 for case in (SUBPROTOCOLS | EXTENSIONS).values()]
    assert verdicts == ["✓ opens" if opens else "✗ refuses" for opens in expected]


def test_from_code_no_page_tries(lab):
    came = lab.negotiations().run("none in common")
    assert (came.offered, came.answered, came.python, came.browser) == ("chat", "", True, None)
