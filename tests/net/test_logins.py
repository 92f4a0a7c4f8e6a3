"""Logins outside of a recording: no error, log, list or view tells them."""

from __future__ import annotations

import pytest

from wslab.net import Client, ConnectFailed, EchoServer, WrongURL, registry
from wslab.net.problem_log import ProblemLog
from wslab.net.recorded import replay
from wslab.wire import Capture, load

from ..wire.test_handshake import REQUEST, RESPONSE

LOGIN = "S3cr3tT0ken"


def test_a_client_and_what_it_tells(refused_port):
    with EchoServer("logins", port=0) as server:
        client = Client(f"{server.url}?name=Ada&token={LOGIN}", name="logins").connect()
        events = [event.text for event in client.events]
        told = [repr(client), repr(registry.running()), registry.running()._repr_html_(), *events]
        client.close()
        told.append(repr(client))
    assert not any(LOGIN in text for text in told)
    assert f"?name=Ada&token={'*' * len(LOGIN)}" in told[0]
    with pytest.raises(ConnectFailed) as failed:
        Client(f"ws://127.0.0.1:{refused_port}/?access_token={LOGIN}").connect()
    assert LOGIN not in str(failed.value)
    with pytest.raises(WrongURL) as wrong:
        Client(f"ws://127.0.0.1/?token={LOGIN}#").connect()
    assert LOGIN not in str(wrong.value)


def test_a_log_of_problems():
    log = ProblemLog("logins")
    log.note(f"GET /?token={LOGIN}", ValueError(f"Cookie: a={LOGIN}\nws://ada:{LOGIN}@h/"))
    assert LOGIN not in repr(log)


def test_what_was_masked_is_not_sent_again():
    capture = Capture()
    connection = capture.open_connection()
    words = f"chat, access_token, {LOGIN}".encode()
    asked = REQUEST.replace(b"GET /chat", f"GET /chat?token={LOGIN}".encode())
    asked = asked.replace(b"chat, superchat", words)
    capture.record(connection, "client", asked)
    capture.record(connection, "server", RESPONSE)
    with EchoServer("logins", port=0) as server:
        result = replay(capture, server.url, patience=0.1)
        elsewhere = replay(capture, f"{server.url}?ticket={LOGIN}", patience=0.1)
    assert any("login in its path was masked" in note for note in result.notes)
    assert any("Sec-WebSocket-Protocol left out" in note for note in result.notes)
    assert LOGIN not in str(elsewhere)
    assert LOGIN not in str(elsewhere.to_json())


def test_the_notes_of_a_har(tmp_path):
    path = tmp_path / "a.har"
    path.write_text(f'{{"log": {{"entries": [], "comment": "of ws://h/?token={LOGIN}"}}}}')
    assert load(path).notes == [f"of ws://h/?token={'*' * len(LOGIN)}"]
