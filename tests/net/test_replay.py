"""Replay: what the client sent goes out again, and what the server answers is compared."""

from __future__ import annotations

import json
import shutil
import ssl
import subprocess
import threading
from collections.abc import Iterator

import pytest
from websockets.sync.server import serve

from wslab import cli
from wslab.net import (
    ConnectFailed,
    EchoServer,
    RawClient,
    RawConnection,
    RawServer,
    Server,
    WrongValue,
    connect,
)
from wslab.net.recorded import replay
from wslab.wire import Capture, encode_frame, load, save

KEY = b"\x01\x02\x03\x04"


class Shouter(Server):
    """An echo that has become louder since."""

    kind = "shouter"

    def __init__(self) -> None:
        super().__init__("shouter")

    async def handle(self, connection):
        async for message in connection:
            await connection.send(message.upper() if isinstance(message, str) else message)


@pytest.fixture
def talk(lab) -> Capture:
    """A recorded conversation with an echo server."""
    client = connect(lab.tap.url)
    client.send("hello")
    assert client.recv() == "hello"
    client.ping(b"p")
    client.send(b"\x00\x01")
    client.recv()
    client.close(1000, "done")
    return lab.capture


def test_the_same_server_answers_the_same(talk, lab):
    result = replay(talk, lab.server.url)
    assert result.same, str(result)
    (played,) = result.connections
    assert (played.then, played.sent, played.answers_then, played.answers_now) == (1, 5, 5, 5)
    assert result.capture.stream(1, "client") != b""
    # The same key, so the same accept: it is among what is compared.
    then, now = talk.index.unit(1), result.capture.index.unit(1)
    assert now.field("Sec-WebSocket-Accept").value == then.field("Sec-WebSocket-Accept").value
    assert "the same" in str(result)


def test_another_answer_is_shown(talk):
    with Shouter() as server:
        result = replay(talk, server.url)
    (difference,) = result.differences
    assert difference.what == "changed"
    assert difference.text == "text 'hello', 5 bytes → now text 'HELLO', 5 bytes"
    assert (difference.then.payload, difference.now.payload) == (b"hello", b"HELLO")
    assert "≠ text 'hello'" in str(result)
    account = json.loads(json.dumps(result.to_json()))
    assert account["differences"][0]["now"]["fields"][-1]["value"] == b"HELLO".hex()


def test_a_server_that_refuses_now_gets_no_frames(talk):
    async def refuse(connection: RawConnection) -> None:
        await connection.respond("403 Forbidden", "Content-Length: 0")
        await connection.wait_end()

    with RawServer(refuse) as server:
        result = replay(talk, server.url, patience=0.05)
    assert [d.what for d in result.differences] == ["changed", *["missing"] * 4, "ended"]
    assert "403 Forbidden" in result.differences[0].text
    assert result.connections[0].sent == 1
    assert any("did not say 101" in note for note in result.notes)


def test_a_wrong_accept_is_named(talk):
    async def wrong(connection: RawConnection) -> None:
        await connection.respond(
            "101 Switching Protocols",
            "Upgrade: websocket",
            "Connection: Upgrade",
            "Sec-WebSocket-Accept: AAAAAAAAAAAAAAAAAAAAAAAAAAA=",
        )
        await connection.wait_end()

    with RawServer(wrong) as server:
        result = replay(talk, server.url, patience=0.05)
    assert "accept-wrong (RFC 6455 §4.1)" in result.differences[0].text


def test_illegal_bytes_go_out_as_they_were(lab):
    with RawClient(lab.tap.url) as client:
        client.send(
            b"GET / HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
            b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n"
            b"Cookie: login=hunter2\r\n\r\n"
        )
        client.read_head()
        client.send(encode_frame(1, b"not masked"))
        client.read_to_end()
    result = replay(lab.capture, lab.server.url, headers={"Cookie": "theme=dark"})
    assert result.same, str(result)
    sent = result.capture.stream(1, "client")
    assert sent.endswith(encode_frame(1, b"not masked"))
    assert b"Host: 127.0.0.1:" in sent
    assert b"Cookie: **********\r\n" in sent  # put in, and masked as it is recorded
    without = replay(lab.capture, lab.server.url)
    assert without.notes == [
        "connection #1 raw client: Cookie left out: its value was masked in the recording; "
        "headers={...} puts it in"
    ]
    assert without.capture.names == {1: "raw client"}


def test_each_connection_keeps_its_name(lab):
    for name in ("Ada", "Grace"):
        with connect(lab.tap.url, name=name) as client:
            client.send(name)
            client.recv()
    with Shouter() as server:
        result = replay(lab.capture, server.url)
    assert [line for line in str(result).splitlines() if line.startswith("connection")] == [
        "connection #1 Ada: 3 answers then, 3 now: 1 not as then",
        "connection #2 Grace: 3 answers then, 3 now: 1 not as then",
    ]
    assert [one["label"] for one in result.to_json()["connections"]] == ["#1 Ada", "#2 Grace"]
    assert result.capture.labels() == lab.capture.labels()


def test_what_cannot_be_replayed(talk, refused_port):
    with pytest.raises(WrongValue, match=r"out of \[1\], got 7"):
        replay(talk, refused_port, connections=[7])
    with pytest.raises(ConnectFailed, match="expected a server at"):
        replay(talk, refused_port)


def test_in_a_shell(talk, lab, tmp_path, capsys, refused_port):
    path = str(save(talk, tmp_path / "talk.jsonl"))
    assert cli.main(["replay", path, lab.server.url]) == 0
    assert "5 answers then, 5 now: the same" in capsys.readouterr().out
    with Shouter() as server:
        assert cli.main(["replay", path, server.url, "--json"]) == 1
    assert json.loads(capsys.readouterr().out)["same"] is False
    assert cli.main(["replay", path, f"ws://127.0.0.1:{refused_port}/"]) == 2
    assert cli.main(["replay", path, "http://x/"]) == 2
    assert cli.main(["replay", path, lab.server.url, "--header", "Cookie"]) == 2
    assert cli.main(["replay", str(tmp_path / "none"), lab.server.url]) == 2
    errors = capsys.readouterr().err.splitlines()
    assert len(errors) == 4
    assert all(line.startswith("wslab replay: ") for line in errors)


def test_the_client_takes_its_time_again_if_asked_to(lab):
    now = 0.0
    capture = Capture(clock=lambda: now)
    with connect(lab.tap.url) as client:
        client.send("a")
        client.recv()
    for chunk in lab.capture:
        if not capture.log.streams:
            capture.open_connection()
        capture.record(1, chunk.direction, chunk.data)
        now += 0.08  # between any two chunks
    result = replay(capture, lab.server.url, timing=True)
    assert result.same, str(result)
    then, played = (
        [row.time for row in c.index.rows() if row.direction == "client"]
        for c in (capture, result.capture)
    )
    assert len(played) == len(then) == 3
    for earlier, later in zip(played, then, strict=True):
        assert earlier - played[0] >= later - then[0] - 0.001
    quick = replay(capture, lab.server.url)
    assert quick.same


@pytest.fixture(scope="module")
def certificate(tmp_path_factory) -> tuple[str, str]:
    """For 127.0.0.1, signed by itself: the file of the certificate and that of its key."""
    openssl = shutil.which("openssl")
    if openssl is None:
        pytest.skip("openssl is not installed: apt-get install openssl")
    folder = tmp_path_factory.mktemp("certificate")
    files = str(folder / "certificate.pem"), str(folder / "key.pem")
    subprocess.run(
        [openssl, "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2",
         "-subj", "/CN=wslab's tests", "-addext", "subjectAltName=IP:127.0.0.1",
         "-out", files[0], "-keyout", files[1]],
        check=True, capture_output=True, timeout=60,
    )  # fmt: skip
    return files


@pytest.fixture
def secure_echo(certificate) -> Iterator[str]:
    """An echo server behind TLS; its URL."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(*certificate)

    def echo(connection):
        for message in connection:
            connection.send(message)

    with serve(echo, "127.0.0.1", 0, ssl=context, compression=None) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield f"wss://127.0.0.1:{server.socket.getsockname()[1]}/"
        server.shutdown()
        thread.join()


def test_a_server_behind_tls(talk, secure_echo, certificate, tmp_path, capsys, monkeypatch):
    result = replay(talk, secure_echo, tls=ssl.create_default_context(cafile=certificate[0]))
    assert result.same, str(result)
    assert result.connections[0].answers_now == 5
    # The same in a shell, whose trust is OpenSSL's.
    path = str(save(talk, tmp_path / "talk.jsonl"))
    monkeypatch.setenv("SSL_CERT_FILE", certificate[0])
    assert cli.main(["replay", path, secure_echo]) == 0
    assert "the same" in capsys.readouterr().out


def test_a_certificate_that_nobody_trusts(talk, secure_echo, tmp_path, capsys):
    with pytest.raises(ConnectFailed, match=r"self-signed certificate.*tls=.*SSL_CERT_FILE"):
        replay(talk, secure_echo)
    path = str(save(talk, tmp_path / "talk.jsonl"))
    assert cli.main(["replay", path, secure_echo]) == 2
    error = capsys.readouterr().err
    assert "SSL_CERT_FILE" in error
    assert error.count("\n") == 1


def test_a_recording_from_a_har_is_played_too(talk, lab, tmp_path):
    loaded = load(save(talk, tmp_path / "talk.har"))
    result = replay(loaded, EchoServer().start().url)
    assert result.connections[0].sent == 3  # pings and the close are not in a HAR
    assert [d.what for d in result.differences] == []


def test_nothing_to_send_again_is_an_error(tmp_path, capsys):
    """Without the beginning of what a client sent no server would listen."""
    empty = Capture()
    empty.open_connection()
    empty.notes.append("1 TCP connection without a WebSocket request left out")
    middle = Capture()
    middle.open_connection(upgraded=True)
    middle.gap(1, "client")
    middle.record(1, "client", b"lo" + encode_frame(1, b"hello", masking_key=KEY))
    for capture in (empty, middle):
        with pytest.raises(WrongValue, match=r"first request or frame on, got none; .*record it"):
            replay(capture, "ws://127.0.0.1:9/")
        path = str(save(capture, tmp_path / "none.jsonl"))
        assert cli.main(["replay", path, "ws://127.0.0.1:9/"]) == 2
        assert "wslab explain FILE" in capsys.readouterr().err


def test_a_gap_in_what_the_client_sent_is_left_out_and_told(lab):
    capture = Capture()
    capture.open_connection()
    request = b"GET / HTTP/1.1\r\nHost: a\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    request += b"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: bGFib3JhdG9yeS1rZXkhIQ==\r\n\r\n"
    capture.record(1, "client", request)
    capture.record(1, "server", b"HTTP/1.1 101 Switching Protocols\r\n\r\n")
    capture.record(1, "client", encode_frame(1, b"one", masking_key=KEY) + b"\x81\x85\1\2")
    capture.gap(1, "client", 7)
    capture.record(1, "client", encode_frame(1, b"three", masking_key=KEY))
    result = replay(capture, lab.server.url)
    sent = [m.text for m in result.capture.index.messages() if m.direction == "client"]
    assert sent == ["one", "three"]
    assert "1 unit not in the recording left out" in "".join(result.notes)
