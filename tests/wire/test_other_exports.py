"""What other tools wrote is named, with what to take instead."""

from __future__ import annotations

import lzma
import re

import pytest

from wslab.wire import CaptureError, load

FILES = {
    "GMBU\0\0": "Microsoft Network Monitor: convert it: editcap -F pcapng",
    "12:00:00.5 IP 10.0.0.1.1 > 10.0.0.2.2: Flags [S], length 0\n": "tcpdump -w FILE",
    "2026-11-29 12:00:00.5 IP6 ::1.1 > ::1.2: Flags [S], length 0\n": "tcpdump -w FILE",
    "12:00:00.5 lo    In  IP (tos 0x0, ttl 64, id 1, flags [DF], length 60)\n": "tcpdump -w FILE",
    "    1   0.000000   10.0.0.1 → 10.0.0.2   TCP 54 51000 → 8080 [SYN]\n": "what tshark prints",
    "Frame 1: 54 bytes on wire\n": "what tshark prints",
    '[{"_index": "packets-1", "_source": {"layers": {}}}]': "the JSON of tshark",
    "peers:\n  - peer: 0\n": "what Follow",
    "=====\nFollow: tcp,ascii\n": "have it write hex",
    '{"info": {"schema": "https://schema.getpostman.com/json/collection/v2.1.0/"}}': "requests",
    '{"type":"Metric","data":{"name":"ws_sessions"}}\n{"type":"Point","data":{}}': "of k6",
    "2026-11-29 12:00:00.5 UTC - [Parent 1: Main Thread]: D/nsWebSocket x\n": "a log of Firefox",
    "ElfFile\0": "a log of Windows",
    "5": "expected a line of a wslab capture",
    "null": "expected a line of a wslab capture",
    "\0\1\2\3": "editcap -F pcapng FILE capture.pcapng",
    "0000  81 02 68 69 81 02 68 69  ..hi..hi\n0008  81 02\n\nFrame (2 bytes):\n0000  81 02\n":
        "text2pcap FILE capture.pcap",
}  # fmt: skip


@pytest.mark.parametrize("content", FILES)
def test_a_file_that_is_not_read_is_named(tmp_path, content):
    path = tmp_path / "file"
    path.write_text(content)
    with pytest.raises(CaptureError, match=re.escape(FILES[content])):
        load(path)


def test_a_compressed_file_is_named(tmp_path):
    path = tmp_path / "file.lzma"
    path.write_bytes(lzma.compress(bytes(100), format=lzma.FORMAT_ALONE))
    with pytest.raises(CaptureError, match="compressed with lzma: unpack it: unlzma FILE"):
        load(path)


def test_the_trace_of_windows_is_known_by_its_name(tmp_path):
    path = tmp_path / "net.ETL"
    path.write_bytes(bytes(100))
    with pytest.raises(CaptureError, match="pktmon etl2pcap FILE"):
        load(path)
