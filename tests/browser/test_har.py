"""A HAR that a real browser's traffic was saved in opens in `wslab explain`."""

from __future__ import annotations

import json

import pytest

from wslab import cli
from wslab.net import EchoServer
from wslab.wire import load

TALK = """\
(url) => new Promise((done) => {
  const socket = new WebSocket(url);
  let count = 0;
  socket.binaryType = "arraybuffer";
  socket.onopen = () => {
    socket.send("Grüße \\u2028 😀");
    socket.send(new Uint8Array([0, 1, 255]));
  };
  socket.onmessage = () => { if (++count === 2) socket.close(1000, "bye"); };
  socket.onclose = (event) => done(event.code);
})
"""


@pytest.mark.parametrize("mode", ["full", "minimal"])
def test_it_opens_with_every_message_and_the_handshake(browser, tmp_path, capsys, mode):
    path = tmp_path / "saved.har"
    with EchoServer(compression="deflate") as server:
        context = browser.new_context(record_har_path=path, record_har_mode=mode)
        try:
            page = context.new_page()
            page.goto(server.url.replace("ws:", "http:"))  # a page of the same origin, status 426
            assert page.evaluate(TALK, server.url) == 1000
        finally:
            context.close()  # this writes the file
    rows = load(path).index.rows()
    assert [(row.direction, row.kind, row.preview) for row in rows] == [
        ("client", "request", "GET / HTTP/1.1"),
        ("server", "response", "101 Switching Protocols"),
        ("client", "text", '"Grüße \\u2028 😀"'),
        ("client", "binary", "00 01 ff"),
        ("server", "text", '"Grüße \\u2028 😀"'),
        ("server", "binary", "00 01 ff"),
    ]
    assert not any(row.broken for row in rows)
    assert all(0 <= row.time < 60 for row in rows)

    assert cli.main(["explain", "--json", str(path)]) == 0
    account = json.loads(capsys.readouterr().out)
    assert [message.get("text") for message in account["messages"]] == [
        "Grüße \u2028 😀", None, "Grüße \u2028 😀", None,
    ]  # fmt: skip
    assert account["incomplete"] == {"client": 0, "server": 0}
    assert "Sec-WebSocket-Key" in [field["name"] for field in account["units"][0]["fields"]]
