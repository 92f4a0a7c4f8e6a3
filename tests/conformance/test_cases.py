"""The cases themselves, held against an implementation that is not ours: websockets and wsproto."""

from __future__ import annotations

import pytest
from websockets.client import ClientProtocol
from websockets.extensions.permessage_deflate import PerMessageDeflate
from websockets.protocol import OPEN
from websockets.server import ServerProtocol
from websockets.uri import parse_uri
from wsproto.frame_protocol import FrameProtocol, ParseFailed

from wslab.conformance import CASES, GROUPS, cases_for
from wslab.net import WrongValue
from wslab.net.cases import Head
from wslab.net.peers import code_in
from wslab.wire import Opcode

OF_FRAMES = [
    (case, side)
    for case in CASES.values()
    if not isinstance(case.sends, Head) and case.duty != "may"
    for side in case.by
]
"""Where the RFC does not leave the answer open."""


def test_there_are_at_least_250_each_with_a_name_of_its_own():
    assert len(CASES) == sum(map(len, GROUPS.values()))
    assert len(CASES) >= 250
    assert len(cases_for("server")) >= 250
    assert len(cases_for("client")) >= 250


@pytest.mark.parametrize("case", CASES.values(), ids=lambda case: case.name)
def test_a_case_says_what_why_and_where(case):
    assert case.section.startswith("RFC ")
    assert case.why
    assert case.why[-1] not in ".,;"
    assert case.what[0].islower() or not case.what[0].isalpha()
    assert not case.what.endswith(".")
    if not isinstance(case.sends, Head):
        assert case.expected is not None
        assert case.frames("client")


@pytest.mark.parametrize(("case", "side"), OF_FRAMES, ids=lambda one: getattr(one, "name", one))
def test_a_library_answers_with_the_same_close_code(case, side):
    """In one piece, and without sockets: so this also proves that a case is what it says."""
    frames = case.frames(side)
    data = b"".join(frame.to_bytes() for frame in frames)
    # The Sans-I/O layer of websockets leaves the check of text to those above it.
    of_text = case.expected == 1007 and frames[-1].opcode != Opcode.CLOSE and not case.agreed
    code, is_fine = (wsproto_says if of_text else websockets_says)(data, side, bool(case.agreed))
    if case.name == "deflate-not-utf8":
        assert (code, is_fine) == (None, True)  # as said, that layer does not look at text
        return
    assert code in (case.expected, *case.others)
    last = frames[-1]
    is_legal = last.opcode == Opcode.CLOSE and code_in(last.payload) == case.expected
    assert is_legal == is_fine or case.name in BEHIND_THE_END or code != case.expected


BEHIND_THE_END = ("closing-twice", "closing-then-ping", "closing-then-text", "closing-then-garbage",
                  "fragments-close-between-then-more")  # fmt: skip
"""What stands behind a close frame is not even read."""


def websockets_says(data: bytes, side: str, compressed: bool) -> tuple[int | None, bool]:
    """The code of the close frame that websockets sends, and whether all was legal to it."""
    if side == "client":
        peer = ServerProtocol(state=OPEN, max_size=2**24)
    else:
        peer = ClientProtocol(parse_uri("ws://127.0.0.1/"), state=OPEN, max_size=2**24)
    peer.extensions = [PerMessageDeflate(False, False, 15, 15)] if compressed else []
    peer.receive_data(data)
    sent = peer.close_sent
    return None if sent is None else sent.code, peer.parser_exc is None


def wsproto_says(data: bytes, side: str, compressed: bool) -> tuple[int | None, bool]:
    peer = FrameProtocol(client=side == "server", extensions=[])
    peer.receive_bytes(data)
    try:
        list(peer.received_frames())
    except ParseFailed as failed:
        return int(failed.code), False
    return None, True


def test_a_pattern_that_picks_nothing_says_what_was_expected():
    with pytest.raises(WrongValue, match="a pattern such as 'text-"):
        cases_for("server", "no-such-*")
