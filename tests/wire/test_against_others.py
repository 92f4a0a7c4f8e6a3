"""Two other parsers as oracles: what they accept we find legal and equal, what they refuse we name
with the same close code. Where they and we disagree stands in one list, with the RFC's word on it.
"""

from __future__ import annotations

from typing import NamedTuple

import pytest
from hypothesis import given
from hypothesis import strategies as st
from websockets.extensions.permessage_deflate import PerMessageDeflate
from websockets.protocol import OPEN, SERVER, Protocol
from wsproto.connection import Connection, ConnectionType
from wsproto.events import BytesMessage, CloseConnection, Ping, Pong, TextMessage
from wsproto.extensions import PerMessageDeflate as WsprotoDeflate

from wslab.wire import Capture, encode_frame
from wslab.wire.protocol.deflate import Deflater

from .test_handshake import REQUEST, RESPONSE

KEY = b"\x0f\xf1\xce\x00"
PMD = b"Sec-WebSocket-Extensions: permessage-deflate\r\n\r\n"


class Account(NamedTuple):
    """What a server makes of what a client sent."""

    events: list[tuple]
    """Whole messages, pings, pongs and the close frame, until something is refused."""
    code: int | None
    """The close code with which it refuses, or None."""
    rules: frozenset[str] = frozenset()
    """In ours: the rules broken at that place."""
    codes: frozenset[int] = frozenset()
    """In ours: their codes. Which of several is named first is up to each."""

    def agrees(self, other: Account) -> bool:
        """Whether another makes the same of it as we do."""
        return self.events == other.events and (other.code == self.code or other.code in self.codes)


class Joined:
    """Fragments to messages, for all three alike."""

    def __init__(self) -> None:
        self.events: list[tuple] = []
        self.kind, self.content = 0, b""

    def take(self, opcode: int, fin: bool, content: bytes) -> None:
        if opcode >= 8:
            self.events.append((opcode, content))
            return
        if opcode:
            self.kind, self.content = opcode, b""
        self.content += content
        if fin:
            self.events.append((self.kind, self.content))


def ours(data: bytes, compression: bool, ignore: str = "") -> Account:
    capture = Capture()
    connection = capture.open_connection()
    extended = PMD if compression else b"\r\n"
    capture.record(connection, "client", REQUEST[:-2] + extended)
    capture.record(connection, "server", RESPONSE[:-2] + extended)
    capture.record(connection, "client", data)
    index, joined = capture.index, Joined()
    for number in range(2, len(index)):
        unit = index.unit(number)
        rules = {v.rule: v.close_code for v in unit.violations if v.rule != ignore}
        codes = {code for code in rules.values() if code}
        if codes:
            return Account(joined.events, min(codes), frozenset(rules), frozenset(codes))
        content = unit.payload if unit.inflated is None else unit.inflated
        joined.take(unit.opcode or 0, unit.fin, content)
        if unit.kind == "close":
            return Account(joined.events, None)
    rules = {v.rule: v.close_code for v in index.incomplete_violations(1, "client")}
    return Account(joined.events, min(rules.values(), default=None), frozenset(rules))


def by_websockets(data: bytes, compression: bool) -> Account:
    extension = PerMessageDeflate(False, False, 15, 15)
    protocol = Protocol(SERVER, state=OPEN, max_size=None)
    protocol.extensions = [extension] if compression else []
    protocol.receive_data(data)
    joined = Joined()
    for frame in protocol.events_received():
        joined.take(frame.opcode, frame.fin, bytes(frame.data))
    if protocol.parser_exc is None:
        return Account(joined.events, None)
    assert protocol.close_sent is not None
    return Account(joined.events, protocol.close_sent.code)


def by_wsproto(data: bytes, compression: bool) -> Account:
    extension = WsprotoDeflate()
    extension.finalize("permessage-deflate")
    peer = Connection(ConnectionType.SERVER, [extension] if compression else [])
    peer.receive_data(data)
    joined = Joined()
    begun = False
    for event in peer.events():
        if isinstance(event, TextMessage | BytesMessage):
            text = isinstance(event, TextMessage)
            content = event.data.encode() if text else bytes(event.data)
            fin = event.frame_finished and event.message_finished
            joined.take(0 if begun else 1 if text else 2, fin, content)
            begun = not fin
        elif isinstance(event, Ping | Pong):
            joined.take(9 if isinstance(event, Ping) else 10, True, bytes(event.payload))
        elif isinstance(event, CloseConnection):
            if peer.state.name == "OPEN":  # this is its refusal, not a frame
                return Account(joined.events, int(event.code))
            reason = (event.reason or "").encode()
            empty = event.code == 1005  # an empty close frame, as it reports it
            joined.take(8, True, b"" if empty else int(event.code).to_bytes(2, "big") + reason)
            return Account(joined.events, None)
    return Account(joined.events, None)


LIBRARIES = {"websockets": by_websockets, "wsproto": by_wsproto}


def frame(opcode: int, payload: bytes = b"", **how) -> bytes:
    return encode_frame(opcode, payload, masking_key=KEY, **how)


FINAL = b"\xf3\x48\xcd\xc9\xc9\x07\x00\x00"  # "Hello" in a block that calls itself the last


class Disagreement(NamedTuple):
    """Bytes that one of the others takes in another way, and what the RFC says."""

    library: str
    data: bytes
    compression: bool
    ours: int | None
    theirs: int | None
    rule: str
    """Of ours that is broken, or where there is none a name for what they do not take."""
    rfc: str
    """The section, and in short what it says."""


def deflated(*messages: bytes) -> list[bytes]:
    deflater = Deflater()
    return [deflater.deflate(message) for message in messages]


HELLO = deflated(b"Hello")[0]

DISAGREEMENTS = [
    Disagreement(
        "websockets",
        frame(2, b"a", length_form=16),
        False,
        1002,
        None,
        "length-not-minimal",
        "RFC 6455 §5.2: the shortest form that holds the length must be used",
    ),
    Disagreement(
        "websockets",
        frame(2, announced_length=2**63),
        False,
        1002,
        None,
        "length-too-big",
        "RFC 6455 §5.2: the first bit of a 64-bit length must be 0 (it waits for 2**63 bytes)",
    ),
    Disagreement(
        "websockets",
        frame(1, b"\xff"),
        False,
        1007,
        None,
        "text-not-utf8",
        "RFC 6455 §8.1: text that is not UTF-8 fails the connection (its next layer does that)",
    ),
    Disagreement(
        "websockets",
        frame(1, fin=False) + frame(8),
        False,
        None,
        1002,
        "close-between-fragments",
        "RFC 6455 §5.4: control frames may stand between the fragments of a message",
    ),
    Disagreement(
        "wsproto",
        frame(2, b"\xff\xff", rsv1=True),
        True,
        1002,
        1007,
        "deflate-malformed",
        "RFC 7692 §7.2.2 names no code; RFC 6455 §7.4.1 gives 1007 to content of the wrong kind, "
        "1002 to errors of the protocol; websockets closes with 1002 as well",
    ),
    *(
        Disagreement(
            library,
            frame(2, HELLO[:-1], rsv1=True),
            True,
            1002,
            None,
            "deflate-malformed",
            "RFC 7692 §7.2.2: the payload and 00 00 ff ff must inflate (cut short, it does not; "
            "they give what there is)",
        )
        for library in LIBRARIES
    ),
    *(
        Disagreement(
            library,
            frame(2, FINAL, rsv1=True) + frame(2, HELLO, rsv1=True),
            True,
            None,
            theirs,
            "final-block",
            "RFC 7692 §7.2.3.4: a block may call itself the last, and messages follow it (one "
            "gives nothing for what follows, the other refuses it)",
        )
        for library, theirs in [("websockets", None), ("wsproto", 1007)]
    ),
    Disagreement(
        "wsproto",
        frame(8, (1014).to_bytes(2, "big")),
        False,
        None,
        1002,
        "close-code-registered-later",
        "RFC 6455 §7.4.2: codes up to 2999 are the protocol's and its registry's, and IANA's "
        "registry holds 1012, 1013 and 1014",
    ),
    Disagreement(
        "wsproto",
        frame(2, HELLO[:3], rsv1=True, fin=False) + frame(9) + frame(0, HELLO[3:]),
        True,
        None,
        None,
        "control-frame-in-compressed-message",
        "RFC 7692 §6.2: compression goes over the data frames of a message (after a control frame "
        "between them it takes the rest for not compressed)",
    ),
]


@pytest.mark.parametrize("case", DISAGREEMENTS, ids=lambda case: f"{case.library}-{case.rule}")
def test_the_list_of_disagreements_is_true(case):
    mine = ours(case.data, case.compression)
    theirs = LIBRARIES[case.library](case.data, case.compression)
    assert (mine.code, theirs.code) == (case.ours, case.theirs)
    assert case.ours is None or case.rule in mine.rules
    assert not mine.agrees(theirs)


def test_there_is_a_section_for_each():
    assert all(case.rfc.startswith("RFC ") and "§" in case.rfc for case in DISAGREEMENTS)


texts = st.text("aß€𝄞\0", max_size=30).map(str.encode)
contents = texts | st.binary(max_size=300)


@st.composite
def conversations(draw):
    """Messages in fragments with control frames between, and frames that break rules."""
    compression = draw(st.booleans())
    deflater = Deflater()
    data = []
    for _ in range(draw(st.integers(1, 6))):
        if draw(st.integers(0, 5)) == 0:
            data.append(
                encode_frame(
                    draw(st.integers(0, 15)),
                    draw(st.binary(max_size=130)),
                    masking_key=draw(st.sampled_from([KEY, KEY, None])),
                    fin=draw(st.booleans()),
                    rsv1=draw(st.booleans()),
                    rsv2=draw(st.integers(0, 5)) == 0,
                    rsv3=draw(st.integers(0, 5)) == 0,
                    length_form=draw(st.sampled_from([None, None, 16, 64])),
                )
            )
            continue
        opcode = draw(st.sampled_from([1, 2, 8, 9, 10]))
        if opcode >= 8:
            payload = draw(st.binary(max_size=125))
            if opcode == 8:
                code = draw(st.sampled_from([1000, 1001, 1003, 1005, 1014, 2999, 3000, 4999]))
                payload = draw(st.sampled_from([b"", code.to_bytes(2, "big") + draw(texts)[:100]]))
            data.append(frame(opcode, payload))
            continue
        payload = draw(texts if opcode == 1 else contents)
        compress = compression and draw(st.booleans())
        payload = deflater.deflate(payload) if compress else payload
        cuts = sorted(draw(st.lists(st.integers(0, len(payload)), max_size=3)))
        for i, (start, stop) in enumerate(zip([0, *cuts], [*cuts, len(payload)], strict=True)):
            if i and draw(st.integers(0, 3)) == 0:
                data.append(frame(9, b"between"))
            data.append(
                frame(
                    0 if i else opcode,
                    payload[start:stop],
                    fin=i == len(cuts),
                    rsv1=compress and not i,
                )
            )
    return b"".join(data), compression


@given(conversations())
def test_websockets_and_we_agree(conversation):
    data, compression = conversation
    mine = ours(data, compression, ignore="text-not-utf8")
    theirs = by_websockets(data, compression)
    listed = {case.rule for case in DISAGREEMENTS if case.library == "websockets"}
    if mine.rules & listed or _close_between_fragments(mine, theirs):
        return
    assert mine.agrees(theirs)


@given(conversations())
def test_wsproto_and_we_agree(conversation):
    data, compression = conversation
    mine = ours(data, compression)
    theirs = by_wsproto(data, compression)
    listed = {case.rule for case in DISAGREEMENTS if case.library == "wsproto"}
    between = compression and b"between" in _payloads(data)
    if mine.rules & listed or between or _registered_later(mine):
        return
    assert mine.agrees(theirs)


def _close_between_fragments(mine: Account, theirs: Account) -> bool:
    closed = mine.code is None and mine.events and mine.events[-1][0] == 8
    return bool(closed) and theirs.code == 1002


def _registered_later(mine: Account) -> bool:
    opcode, payload = mine.events[-1] if mine.events else (0, b"")
    return opcode == 8 and payload[:2] in [n.to_bytes(2, "big") for n in (1012, 1013, 1014)]


def _payloads(data: bytes) -> bytes:
    capture = Capture()
    capture.record(capture.open_connection(upgraded=True), "client", data)
    return b"|".join(capture.index.unit(n).payload for n in range(len(capture.index)))
