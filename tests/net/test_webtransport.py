"""WebTransport: aioquic at both ends, a relay that loses packets, and a real Chromium."""

from __future__ import annotations

import datetime
import json
import sys
import urllib.request

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec

from wslab.net import PackageMissing, running
from wslab.net.webtransport import WAYS, Packet, Stage


@pytest.fixture
def stage():
    with Stage("test") as stage:
        yield stage


def test_a_stream_and_a_datagram_come_back_over_udp(stage):
    said, packets = stage.talk()
    assert said == ["stream: “Hello” came back", "datagrams: 1 of 1 came back"]
    assert [packets[0].form, packets[-1].form] == ["Initial", "1-RTT"]
    assert len(packets[0].data) >= 1200  # RFC 9000 §14.1
    assert not any(b"Hello" in packet.data for packet in packets)


def test_a_packet_tells_its_form_by_its_first_bits():
    forms = [Packet("client", bytes([first]), False).form for first in (0xC3, 0xD0, 0xE1, 0xF0, 65)]
    assert forms == ["Initial", "0-RTT", "Handshake", "Retry", "1-RTT"]


@pytest.mark.parametrize("way", WAYS)
def test_with_nothing_lost_everything_arrives(stage, way):
    sent = stage.send(way, 20, loss=0)
    assert (sent.lost_packets, sorted(sent.came)) == (0, list(range(20)))


def test_streams_send_again_and_datagrams_do_not(stage):
    one, each, datagrams = (stage.send(way, 40, loss=0.25) for way in WAYS)
    assert min(sent.lost_packets for sent in (one, each, datagrams)) > 0
    assert one.came == list(range(40))
    assert sorted(each.came) == list(range(40))
    assert each.held_up == datagrams.held_up == 0
    assert len(datagrams.came) < 40
    assert len(set(datagrams.came)) == len(datagrams.came)


def test_the_certificate_is_one_that_a_browser_takes_by_its_hash(stage):
    """Valid for two weeks at most, ECDSA on P-256: the W3C's rules for such a certificate."""
    made = x509.load_pem_x509_certificate(stage.server._issued.chain)
    valid = made.not_valid_after_utc - made.not_valid_before_utc
    assert valid <= datetime.timedelta(days=14)
    assert isinstance(made.public_key().curve, ec.SECP256R1)
    page = f"http://127.0.0.1:{stage.page.port}/"
    with urllib.request.urlopen(page) as answer:
        assert "connect-src 'self' https://127.0.0.1:*" in answer.headers["Content-Security-Policy"]
    with urllib.request.urlopen(f"{page}session.json") as answer:
        told = json.load(answer)
    assert (told["url"], bytes(told["hash"])) == (stage.relay.url, stage.server.certificate_hash)


@pytest.mark.parametrize("name", ["aioquic", "trustme"])
def test_a_missing_package_is_named_and_nothing_stays(monkeypatch, name):
    for module in [one for one in sys.modules if one.partition(".")[0] == name]:
        monkeypatch.delitem(sys.modules, module)
    monkeypatch.delitem(sys.modules, "wslab.net.webtransport.session", raising=False)
    monkeypatch.setitem(sys.modules, name, None)
    with pytest.raises(PackageMissing, match=rf"{name}.*pip install 'wslab\[production\]'"):
        Stage("absent")
    assert list(running()) == []
