"""TLS records as rows, against what OpenSSL and tshark say of the same bytes."""

from __future__ import annotations

import json
import re
import ssl
from pathlib import Path

import pytest
import trustme
from hypothesis import given
from hypothesis import strategies as st

from wslab.wire import Capture, encode_frame, load, save
from wslab.wire.accounts import json_pieces, text_pieces
from wslab.wire.protocol.tls_records import begins_record, record_fields, record_text

from .test_handshake import REQUEST, RESPONSE
from .test_pcapng import needs_tshark, tshark

ALERT = bytes.fromhex("15 0303 0002 02 30")  # fatal, unknown CA
DATA = bytes.fromhex("17 0303 0003 a1b2c3")
HELLO = bytes.fromhex(
    "16 0301 0048"  # a handshake record of TLS 1.0, 72 bytes
    "01 000044 0303" + 32 * "11" + "00"  # ClientHello, random, no session id
    "0002 1301 01 00 0019"  # one cipher suite, one compression method, 25 bytes of extensions
    "0000 000d 000b 00 0008 6c6f63616c2e6161"  # server_name: local.aa
    "002b 0004 02 0304 99"  # supported_versions: TLS 1.3, and a byte too many
)


class Conversation:
    """A TLS conversation of OpenSSL with itself, in memory: no socket, and every byte known."""

    def __init__(
        self, newest: ssl.TLSVersion = ssl.TLSVersion.TLSv1_3, key_log: Path | None = None
    ) -> None:
        self.named: list[str | None] = []
        authority, server = trustme.CA(), ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        authority.issue_cert("chat.example").configure_cert(server)
        server.maximum_version = newest
        server.sni_callback = lambda _, name, __: self.named.append(name)
        client = ssl.create_default_context()
        authority.configure_trust(client)
        if key_log is not None:
            client.keylog_filename = str(key_log)
        for context in (server, client):
            context.set_alpn_protocols(["http/1.1"])
        self.crossed: list[tuple[str, bytes]] = []
        bios = {side: (ssl.MemoryBIO(), ssl.MemoryBIO()) for side in ("client", "server")}
        self.bios = bios
        self.client = client.wrap_bio(*bios["client"], server_hostname="chat.example")
        self.server = server.wrap_bio(*bios["server"], server_side=True)
        self._shake_hands()

    def _shake_hands(self) -> None:
        done = set()
        while len(done) < 2:
            for side in ("client", "server"):
                try:
                    getattr(self, side).do_handshake()
                    done.add(side)
                except ssl.SSLWantReadError:
                    pass
                self.carry(side)

    def carry(self, side: str) -> None:
        """Carry what a side has to send to the other one."""
        data = self.bios[side][1].read()
        if data:
            self.crossed.append((side, data))
            self.bios["server" if side == "client" else "client"][0].write(data)

    def say(self, side: str, data: bytes) -> None:
        getattr(self, side).write(data)
        self.carry(side)

    def capture(self, size: int | None = None) -> Capture:
        """A recording of it, in chunks of `size` bytes or as it crossed."""
        capture = Capture(clock=lambda: 0.0)
        capture.open_connection()
        for side, data in self.crossed:
            for start in range(0, len(data), size or len(data)):
                capture.record(1, side, data[start : start + (size or len(data))])
        return capture


@pytest.fixture(scope="module")
def conversation():
    one = Conversation()
    one.say("client", REQUEST)
    one.say("server", RESPONSE)
    one.say("client", encode_frame(1, b"yes", masking_key=b"\1\2\3\4"))
    return one


def seen(capture: Capture) -> list[tuple[str, str, str]]:
    return [(row.direction, row.kind, row.preview) for row in capture.index.rows()]


def value(unit, name: str):
    return unit.field(name).value


def covers(unit) -> None:
    at = 0
    for field in unit.fields:
        assert field.bit == at
        at += field.bits
    assert at == 8 * len(unit.data)


def test_a_record_is_read_byte_by_byte():
    fields = [(f.name, f.bit // 8, f.bits // 8, f.value) for f in record_fields(HELLO)]
    assert fields[:5] == [
        ("content type", 0, 1, "handshake"), ("legacy version", 1, 2, "TLS 1.0"),
        ("length", 3, 2, 72), ("message type", 5, 1, "ClientHello"), ("message length", 6, 3, 68),
    ]  # fmt: skip
    assert ("server name", 61, 8, "local.aa") in fields
    assert ("versions", 74, 2, "TLS 1.3") in fields
    assert fields[-1] == ("extension data", 76, 1, None)
    assert record_text(HELLO) == "ClientHello to local.aa"


def test_an_alert_that_can_be_read_is_named_and_one_that_cannot_is_not():
    assert record_text(ALERT) == "alert: unknown CA"
    assert [f.value for f in record_fields(ALERT)][3:] == ["fatal", "unknown CA"]
    assert record_text(bytes.fromhex("15 0303 0002 01 ff")) == "alert: number 255"
    assert record_text(b"\x15\x03\x03\x00\x1a" + bytes(26)) == "encrypted alert"


def test_the_hellos_say_what_openssl_says(conversation):
    capture = conversation.capture()
    rows = capture.index.rows()
    assert {row.kind for row in rows} == {"tls"}
    hello, answer = capture.index.unit(0), capture.index.unit(1)
    assert value(hello, "server name") == conversation.named[0] == "chat.example"
    assert value(hello, "protocol") == conversation.client.selected_alpn_protocol()
    assert value(hello, "versions").startswith("TLS 1.3, TLS 1.2")  # some Pythons offer more
    assert value(answer, "selected version") == "TLS 1.3"
    assert conversation.client.version() == "TLSv1.3"
    assert value(answer, "cipher suite") == conversation.client.cipher()[0]
    assert rows[0].preview == "ClientHello to chat.example"
    assert rows[1].preview == "ServerHello: TLS 1.3"
    for row in rows:
        covers(capture.index.unit(row.number))


def test_a_frame_costs_its_bytes_and_seventeen(conversation):
    *_, last = conversation.capture().index.rows()
    assert last.length == len(encode_frame(1, b"yes", masking_key=bytes(4))) + 5 + 1 + 16


def test_tls_1_2_shows_the_certificate_and_hides_what_follows_the_change():
    one = Conversation(ssl.TLSVersion.TLSv1_2)
    one.say("client", b"GET")
    texts = [text for _, _, text in seen(one.capture())]
    assert texts[0] == "ClientHello to chat.example"
    assert "Certificate" in ", ".join(texts[1:4])
    assert texts.count("change cipher spec") == texts.count("encrypted handshake") == 2
    assert texts[-1] == "encrypted"


@pytest.mark.parametrize("size", [1, 2, 3, 5, 7, 1000])
def test_records_are_the_same_however_they_were_cut(conversation, size):
    whole, cut = conversation.capture(), conversation.capture(size)
    assert seen(cut) == seen(whole)
    for side in ("client", "server"):
        assert cut.stream(1, side) == b"".join(d for who, d in conversation.crossed if who == side)
        assert cut.index.incomplete(1, side) == 0


@given(cuts=st.sets(st.integers(0, 200)), rest=st.binary(max_size=40))
def test_each_unit_ends_where_it_ends_in_one_piece(cuts, rest):
    stream = HELLO[:5] + HELLO[5:77] + DATA + ALERT + DATA + rest
    whole, cut = Capture(clock=lambda: 0.0), Capture(clock=lambda: 0.0)
    whole.open_connection(), cut.open_connection()
    whole.record(1, "client", stream)
    ends = sorted({len(stream), *(one for one in cuts if 0 < one < len(stream))})
    for start, end in zip([0, *ends], ends, strict=False):
        cut.record(1, "client", stream[start:end])
        cut.index.rows()
    assert seen(cut) == seen(whole)
    for row in whole.index.rows():
        assert whole.index.unit(row.number) == cut.index.unit(row.number)


@given(data=st.binary(min_size=1, max_size=120))
def test_whatever_a_hello_holds_each_bit_has_one_field(data):
    body = b"\x01" + len(data).to_bytes(3, "big") + data
    record = b"\x16\x03\x01" + len(body).to_bytes(2, "big") + body
    at = 0
    for field in record_fields(record):
        assert field.bit == at
        at += field.bits
    assert at == 8 * len(record)


def test_tls_follows_a_tunnel_and_a_plain_answer_follows_tls():
    capture = Capture(clock=lambda: 0.0)
    capture.open_connection()
    capture.record(1, "client", b"CONNECT chat.example:443 HTTP/1.1\r\n\r\n")
    capture.record(1, "server", b"HTTP/1.1 200 OK\r\n\r\n")
    capture.record(1, "client", HELLO)
    capture.record(1, "server", ALERT + b"HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n")
    assert [kind for _, kind, _ in seen(capture)] == ["request", "response", "tls", "tls",
                                                      "response"]  # fmt: skip


def test_a_head_behind_a_strange_byte_is_no_record_and_its_login_is_masked():
    for first in (b"\x16\x03\x01", b"\x16", b"\x15\x03\x03"):
        for size in (1, 2, 4, 1000):
            capture = Capture(clock=lambda: 0.0)
            capture.open_connection()
            head = first + REQUEST[:-2] + b"Cookie: login=secret\r\n\r\n"
            for start in range(0, len(head), size):
                capture.record(1, "client", head[start : start + size])
            assert b"secret" not in capture.stream(1, "client")
    assert not begins_record(b"\x16\x03\x01GET / HTTP", first=True)


def test_what_tls_hides_of_a_connection_is_not_guessed(conversation):
    capture = conversation.capture()
    assert capture.index.state(1) == "ENCRYPTED"
    assert not capture.index.is_upgraded(1)
    capture.end(1, "client")
    capture.end(1, "server")
    assert capture.index.state(1) == "CLOSED"


def test_accounts_and_files_tell_the_records(conversation, tmp_path):
    capture = conversation.capture()
    text = "".join(text_pieces(capture))
    assert re.search(r"0 +0\.000000 client ──▶ tls +517  ClientHello to chat\.example", text)
    assert re.search(r"server name +chat\.example", text)
    account = json.loads("".join(json_pieces(capture)))
    assert {unit["kind"] for unit in account["units"]} == {"tls"}
    assert account["incomplete"] == {"client": 0, "server": 0}
    for name in ("a.jsonl", "a.pcapng"):
        assert seen(load(save(capture, tmp_path / name))) == seen(capture)


def test_frames_are_never_taken_for_records():
    capture = Capture(clock=lambda: 0.0)
    capture.open_connection(upgraded=True)
    capture.record(1, "server", HELLO)
    assert {kind for _, kind, _ in seen(capture)} != {"tls"}


def test_a_long_conversation_keeps_to_the_limit():
    capture = Capture(clock=lambda: 0.0, limit=1 << 20)
    capture.open_connection()
    capture.record(1, "client", HELLO)
    record = b"\x17\x03\x03\x03\xe8" + bytes(1000)
    for _ in range(3000):
        capture.record(1, "client", record)
    assert capture.dropped > 1 << 20
    assert len(capture.index) == 3001
    *_, last = capture.index.rows()
    assert (last.kind, last.length) == ("tls", 1005)
    assert capture.index.rows(5, 6)[0].preview == "no longer kept"


@needs_tshark
def test_tshark_finds_the_same_records(conversation, tmp_path):
    capture = conversation.capture()
    path = save(capture, tmp_path / "wss.pcapng")
    rows = tshark(path, "tls.record.length", "tls.handshake.extensions_server_name")
    lengths = [int(number) for row in rows for number in row[0].split(",") if number]
    assert lengths == [row.length - 5 for row in capture.index.rows()]
    assert [row[1] for row in rows if row[1]] == ["chat.example"]


# --- With its keys --------------------------------------------------------------------------------


@pytest.fixture(params=[ssl.TLSVersion.TLSv1_3, ssl.TLSVersion.TLSv1_2], ids=["1.3", "1.2"])
def keyed(request, tmp_path):
    """A WebSocket conversation over TLS, and the file of its keys, with those of another one."""
    keys = tmp_path / "keys.log"
    Conversation(key_log=keys)
    one = Conversation(request.param, key_log=keys)
    one.say("client", REQUEST)
    one.say("server", RESPONSE)
    one.say("client", encode_frame(1, "Grüße".encode(), masking_key=b"\1\2\3\4"))
    one.say("server", encode_frame(1, b"no, thank you"))
    one.say("server", encode_frame(8, b"\x03\xe8done"))
    return one.capture(), keys


@needs_tshark
def test_tshark_reads_the_frames_with_the_secrets_in_the_file(keyed, tmp_path):
    capture, keys = keyed
    sealed = save(capture, tmp_path / "sealed.pcapng")
    assert tshark(sealed, "websocket.opcode") == [[""]] * len(tshark(sealed, "frame.number"))
    opened = save(capture, tmp_path / "opened.pcapng", secrets=keys)
    rows = tshark(opened, "websocket.opcode", "websocket.payload.text", "websocket.mask")
    assert [row for row in rows if row[0]] == [
        ["1", "Grüße", "1"], ["1", "no, thank you", "0"], ["8", "", "0"],
    ]  # fmt: skip


def test_a_file_has_the_keys_of_its_own_connections_and_loading_names_them(keyed, tmp_path):
    capture, keys = keyed
    opened = save(capture, tmp_path / "opened.pcapng", secrets=keys)
    random = capture.index.unit(0).data[11:43].hex()
    lines = [line for line in keys.read_text().splitlines() if line[0] != "#"]
    others = [line for line in lines if random not in line]
    content = opened.read_bytes()
    assert 0 < len(others) < len(lines)
    assert all((line.encode() in content) == (line not in others) for line in lines)
    loaded = load(opened)
    assert seen(loaded) == seen(capture)
    assert loaded.notes == [
        "the file holds the TLS keys of 1 connection, with which Wireshark decrypts: "
        'tshark -r FILE -U "OSI layer 7" -w plain.pcapng; then wslab explain plain.pcapng'
    ]
    assert load(save(capture, tmp_path / "sealed.pcapng")).notes == []


def test_other_formats_have_no_place_for_secrets(keyed, tmp_path):
    capture, keys = keyed
    with pytest.raises(ValueError, match=r"expected a \.pcapng.*got 'a.jsonl'"):
        save(capture, tmp_path / "a.jsonl", secrets=keys)
    assert not (tmp_path / "a.jsonl").exists()
