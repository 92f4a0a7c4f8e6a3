"""The suite against servers: a correct one, and such as hang, crash, or send without an end."""

from __future__ import annotations

import asyncio
import json
from xml.etree import ElementTree as xml

import pytest

from wslab.conformance import CASES, cases_for, check_server
from wslab.net import ConnectFailed, EchoServer, RawServer
from wslab.net.clients import encode_head
from wslab.wire import Opcode, encode_frame

KNOWN: dict[str, str] = {}
"""By case: what websockets does that is unusual."""
SOME = [CASES[name] for name in ("framing-text", "framing-opcode-3", "request-missing-key")]
HASTE = 0.3


def test_websockets_keeps_every_must():
    with EchoServer("under test", compression="deflate") as server:
        report = check_server(server.url)
    assert [report.line(one) for one in report.failed] == []
    assert {one.case.name for one in report.verdicts if one.word == "unusual"} == set(KNOWN)
    assert report.counts["skipped"] == 0
    assert report.counts["pass"] == len(cases_for("server")) - len(KNOWN)


def test_without_compression_its_cases_are_skipped_and_say_why():
    with EchoServer("under test") as server:
        report = check_server(server.url, cases_for("server", "deflate-*"))
    assert report.counts == {"pass": 0, "fail": 0, "unusual": 0, "skipped": len(report.verdicts)}
    assert {one.why for one in report.verdicts} == {
        "the server does not agree on permessage-deflate"
    }


# --- Servers that misbehave altogether


async def hangs(connection):
    await connection.wait_end()


async def goes(connection):
    connection.reset()


async def never_ends(connection):
    await connection.upgrade()
    while True:
        await connection.send(encode_frame(Opcode.TEXT, bytes(65536)))


async def talks_nonsense(connection):
    await connection.upgrade()
    await connection.send(bytes(range(256)) * 16)
    await connection.wait_end()


async def answers_byte_by_byte(connection):
    fields = {
        "Upgrade": "websocket", "Connection": "Upgrade", "Sec-WebSocket-Accept": connection.accept,
    }  # fmt: skip
    for byte in encode_head("HTTP/1.1 101 Yes", fields):
        await connection.send(bytes([byte]))
        await asyncio.sleep(0)


@pytest.mark.parametrize(
    ("script", "why"),
    [
        (hangs, "nothing"),
        (goes, "a reset"),
        (never_ends, "the "),
        (talks_nonsense, "the peer's"),
        (answers_byte_by_byte, "the echo"),
    ],
)
def test_a_server_that_misbehaves_altogether_gets_a_verdict(script, why):
    patience = HASTE if script is hangs else 5.0
    with RawServer(script, name="under test") as server:
        report = check_server(server.url, SOME[:1], patience=patience)
    assert report.verdicts[0].word == "fail"
    assert why in report.verdicts[0].why


def test_where_nobody_listens_one_line_says_so():
    with EchoServer("gone") as server:
        url = server.url
    with pytest.raises(ConnectFailed, match="expected a server at"):
        check_server(url, SOME)


# --- What is wrong in one point is told by the case for it


async def forgets_to_unmask(connection):
    """Echoes a message as it came, still masked: here, that is no UTF-8."""
    await connection.upgrade()
    _, second = await connection.reader.readexactly(2)
    await connection.reader.readexactly(4)
    data = await connection.reader.readexactly(second & 0x7F)
    await connection.send(bytes([0x81, len(data)]) + data)
    await connection.wait_end()


def test_a_failed_case_shows_the_wire_and_the_command_that_repeats_it():
    with RawServer(forgets_to_unmask, name="under test") as server:
        report = check_server(server.url, [CASES["framing-text"]], patience=HASTE)
        url = server.url
    (verdict,) = report.verdicts
    assert verdict.word == "fail"
    text = str(report)
    assert "RFC 6455 §8.1: the peer's text: A text message must be UTF-8." in text
    assert "server ◀── text" in text
    assert f"again: wslab conform {url} --only framing-text" in text
    told = json.loads(json.dumps(report.to_json()))
    assert told["counts"] == {"pass": 0, "fail": 1, "unusual": 0, "skipped": 0}
    assert told["cases"][0]["section"] == "RFC 6455 §8.1"
    suite = xml.fromstring(report.to_junit())
    assert suite.get("failures") == "1"
    assert "wslab conform" in suite.find("testcase/failure").text


async def refuses_in_several_lines(connection):
    await connection.respond("400 Bad Request", "Content-Length: 9", body=b"no\nno\nno\n")


def test_line_feeds_in_a_body_are_no_fault_of_the_head():
    with RawServer(refuses_in_several_lines, name="under test") as server:
        report = check_server(server.url, [CASES["request-missing-key"]], patience=HASTE)
    assert report.counts["pass"] == 1


async def refuses_without_a_length(connection):
    await connection.respond("400 Bad Request", "Connection: close", body=b"no")


def test_a_refusal_that_ends_with_tcp_is_an_answer():
    with RawServer(refuses_without_a_length, name="under test") as server:
        report = check_server(server.url, [CASES["request-missing-key"]], patience=HASTE)
    assert report.counts["pass"] == 1
