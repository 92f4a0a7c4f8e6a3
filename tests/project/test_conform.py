"""`wslab conform`: verdicts in words, as JSON and for CI, and one line for what cannot be tried."""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
from xml.etree import ElementTree as xml

import pytest
from websockets.asyncio.client import connect
from websockets.exceptions import InvalidStatus, WebSocketException

from wslab.cli import main
from wslab.net import EchoServer, RawServer


@pytest.fixture
def echo():
    with EchoServer("under test") as server:
        yield server.url


async def says_nothing_more(connection):
    await connection.upgrade()
    await connection.wait_end()


def test_a_server_that_passes_ends_with_0(echo, capsys):
    assert main(["conform", echo, "--only", "control-ping-*"]) == 0
    out = capsys.readouterr().out
    assert out.count("\n") == 1
    assert "0 fail, 0 unusual, 0 skipped" in out


def test_a_server_that_breaks_a_must_ends_with_1_and_says_how(tmp_path, capsys):
    file = tmp_path / "report.xml"
    with RawServer(says_nothing_more, name="under test") as server:
        options = ["--only", "framing-text", "--patience", "0.2", "--junit", str(file)]
        assert main(["conform", server.url, *options]) == 1
    out = capsys.readouterr().out
    assert "✗ fail    framing-text: the client sends a text message" in out
    assert "why: RFC 6455 §5.6: text comes back from an echo" in out
    assert "masking key     37fa213d" in out
    assert f"again: wslab conform {server.url} --only framing-text" in out
    assert xml.parse(file).getroot().get("failures") == "1"


def test_json_has_every_verdict(echo, capsys):
    assert main(["conform", echo, "--only", "closing-reason*", "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert {one["verdict"] for one in told["cases"]} == {"pass"}
    assert told["counts"]["pass"] == len(told["cases"])


def test_the_list_has_name_words_and_rule(capsys):
    assert main(["conform", "--list", "--only", "control-ping-empty"]) == 0
    assert capsys.readouterr().out.split("\n")[0].split() == (
        ["control-ping-empty", "sends", "a", "ping", "without", "a", "payload"]
    )


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        ([], "expected either the URL of a server, or --client"),
        (["ws://127.0.0.1:1", "--client"], "expected either the URL of a server, or --client"),
        (["ws://example.com/"], "example.com is not this machine"),
        (["ws://127.0.0.1:1", "--only", "nothing-*"], "expected the name of a case for a server"),
        (["http://127.0.0.1:1"], "expected ws://"),
        (["ws://127.0.0.1:1"], "expected a server at 127.0.0.1:1"),
    ],
)
def test_what_cannot_be_tried_gets_one_line(arguments, says, capsys):
    assert main(["conform", *arguments]) == 2
    out = capsys.readouterr()
    assert out.out == ""
    assert out.err.count("\n") == 1
    assert says in out.err


def test_a_client_is_told_a_url_and_gets_its_verdicts():
    command = [sys.executable, "-m", "wslab", "conform", "--client", "--only", "control-ping-*"]
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        url = process.stdout.readline().strip()
        asyncio.run(echo_until_refused(url))
        out, _ = process.communicate(timeout=30)
    assert process.returncode == 0
    assert "0 fail, 0 unusual, 0 skipped" in out


async def echo_until_refused(url: str) -> None:
    while True:
        try:
            async with connect(url, ping_interval=None, proxy=None) as websocket:
                async for message in websocket:
                    await websocket.send(message)
        except (InvalidStatus, OSError):
            return  # all done, or the command has ended
        except WebSocketException:
            pass
