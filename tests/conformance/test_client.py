"""The suite against clients."""

from __future__ import annotations

import pytest
from websockets.asyncio.client import connect
from websockets.exceptions import InvalidStatus, WebSocketException

from wslab.conformance import CASES, CaseServer, cases_for
from wslab.net import Missing, RawClient, run_on_loop
from wslab.net.node import NodeProgram

KNOWN: set[str] = set()


async def echo_until_refused(url: str) -> None:
    """An echo client on websockets, as simple as can be."""
    while True:
        try:
            async with connect(url, max_size=2**24, ping_interval=None, proxy=None) as websocket:
                async for message in websocket:
                    await websocket.send(message)
        except InvalidStatus as refused:
            if refused.response.status_code == 410:
                return
        except (WebSocketException, OSError, EOFError, TimeoutError):
            pass


def test_websockets_keeps_every_must():
    with CaseServer() as server:
        run_on_loop(echo_until_refused(server.url), 60)
        report = server.report()
    assert [report.line(one) for one in report.failed] == []
    assert {one.case.name for one in report.verdicts if one.word == "unusual"} == KNOWN
    assert [one.case.name for one in report.verdicts if one.word == "skipped"] == [
        "response-answers-with-a-list"  # this client offers no subprotocols
    ]


def test_a_path_names_the_case():
    with CaseServer([CASES["framing-text"], CASES["control-ping-empty"]]) as server:
        run_on_loop(echo_until_refused(f"{server.url}control-ping-empty"), 20)
        assert list(server.verdicts) == ["control-ping-empty", "framing-text"]
        assert server.last.is_set()
        assert server.report().counts["pass"] == 2


def test_cases_for_which_no_client_came_are_skipped():
    with CaseServer(cases_for("client", "control-*")) as server:
        report = server.report()
    assert {(one.word, one.why) for one in report.verdicts} == {
        ("skipped", "no client connected for it")
    }


ECHO_IN_NODE = """
const { WebSocket } = require("ws");
function next() {
  const socket = new WebSocket(url, { maxPayload: 1 << 24 });
  socket.on("message", (data, isBinary) => socket.send(data, { binary: isBinary }));
  socket.on("unexpected-response", (request, response) => {
    request.destroy();
    if (response.statusCode !== 410) next();
  });
  socket.on("error", () => {});
  socket.on("close", next);
}
next();
"""


def test_ws_in_node_keeps_every_must():
    with CaseServer() as server:
        try:
            program = NodeProgram(ECHO_IN_NODE, "under test", url=server.url).start()
        except Missing as why:
            pytest.skip(str(why))
        try:
            assert server.last.wait(60)
        finally:
            program.stop()
        report = server.report()
    assert [report.line(one) for one in report.failed] == []


def test_a_connection_without_a_request_takes_no_case():
    with CaseServer([CASES["control-ping-empty"]]) as server:
        RawClient(server.port).connect().close()
        run_on_loop(echo_until_refused(server.url), 20)
        assert server.report().counts["pass"] == 1
