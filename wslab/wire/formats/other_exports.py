"""Names what other tools wrote, where wslab does not read it, and says what to take instead."""

from __future__ import annotations

import re

_HAR = "save a HAR from DevTools' Network panel instead, or record with wslab tap"
_CHARLES = "export it as a HAR in Charles"
_PACKETS = "give wslab the packet file of which it was made"
_EDITCAP = "convert it: editcap -F pcapng FILE capture.pcapng"

_KNOWN: tuple[tuple[bytes, str, str], ...] = (
    (rb'\s*\{\s*"constants"\s*:', "a net log of Chrome, which holds no payloads", _HAR),
    (
        rb'[\s\S]*"method\\*"\s*:\s*\\*"(Network|Fetch|Page|Runtime|Target)\.',
        "events of the Chrome DevTools Protocol",
        _HAR,
    ),
    (
        rb'[\s\S]*(schema\.getpostman\.com|"__export_format")',
        "a collection of requests, which holds no messages",
        "record what happens with wslab tap",
    ),
    (
        rb'\s*\{"(metric|type)":"[\s\S]*"(Metric|Point)"',
        "results of k6, which hold no messages",
        "record what happens with wslab tap",
    ),
    (rb'[\s\S]*"_index"\s*:\s*"packets', "the JSON of tshark", _PACKETS),
    (rb'[\s\S]*"protocolVersion"[\s\S]*"(scheme|webSocket)"', "a session of Charles", _CHARLES),
    (rb"[\s\S]{,200}\bD/nsWebSocket|[\s\S]{,80}\[Parent \d+", "a log of Firefox", _HAR),
    (rb'[\s\S]*"traceEvents"', "a performance trace of Chrome", _HAR),
    (rb'[\s\S]*"_source"\s*:\s*\{\s*"layers"', "the JSON of tshark", _PACKETS),
    (rb"[\s\S]*<(pdml|psml)\b", "the XML of Wireshark", _PACKETS),
    (
        rb"[\s\S]*<items\b[^>]*burpVersion",
        "items of Burp, which hold no WebSocket messages",
        _HAR,
    ),
    (
        rb"[\s\S]*<charles-session|PK[\s\S]*\d-meta\.json",
        "a session of Charles",
        _CHARLES,
    ),
    (rb"PK[\s\S]*raw[/\\]\d+_[cmsw]\.", "an archive of Fiddler", "export it as a HAR in Fiddler"),
    (
        rb"PK[\s\S]*trace\.(network|trace)",
        "a trace of Playwright",
        "record a HAR instead: record_har_path of new_context",
    ),
    (
        rb"\d{1,9}:\d+:[a-z_]+[;~]",
        "flows of mitmproxy",
        "convert them: mitmdump -nr FILE --set hardump=flows.har",
    ),
    (rb"GMBU|RTSS", "a capture of Microsoft Network Monitor", _EDITCAP),
    (rb"TRSNIFF data|XCP\0", "a capture of Sniffer", _EDITCAP),
    (rb"iptrace [12]", "a capture of AIX's iptrace", _EDITCAP),
    (rb"ObserverPktBuffe", "a capture of Observer", _EDITCAP),
    (rb"\x05VNF|\xaa\xaa\xaa\xaa|\x01\x10\x4c\0|btsnoop\0|\x1c\0\x01[\xab\xac]|[\xab\xac]\x01\0\x1c",
     "a capture in another format", _EDITCAP),
    (rb"TR\0d\0", "a capture of HP-UX's nettl", _EDITCAP),
    (rb"ElfFile\0", "a log of Windows, which holds no packets", _HAR),
    (rb"BZh\d", "compressed with bzip2", "unpack it: bunzip2 FILE"),
    (rb"\xfd7zXZ\0", "compressed with xz", "unpack it: unxz FILE"),
    (rb"\x28\xb5\x2f\xfd", "compressed with zstd", "unpack it: unzstd FILE"),
    (rb"\x04\x22\x4d\x18", "compressed with lz4", "unpack it: unlz4 FILE"),
    (rb"\x5d\0\0[\0-\x80]", "compressed with lzma", "unpack it: unlzma FILE"),
    (rb"\x1f\x9d", "compressed with compress", "unpack it: gunzip FILE"),
    (rb"7z\xbc\xaf|Rar!", "an archive", "unpack it: 7z x FILE"),
    (rb"[\s\S]{257}ustar", "an archive of tar", "unpack it: tar -xf FILE"),
    (
        rb"([\d-]{10} )?\d\d:\d\d:\d\d\.\d+ [^\n]*(IP6? |ethertype|ARP,)",
        "what tcpdump prints",
        "have it write packets: tcpdump -w FILE",
    ),
    (
        rb"\s*\d+\s+\d+\.\d+ [^\n]*(\xe2\x86\x92|->)|Frame \d+: \d+ bytes|%!\n%!PS|\+-{9}\+-{15}",
        "what tshark prints",
        _PACKETS,
    ),
    (
        rb"\s*=+\s+Follow: |peers:\s+- peer:",
        "what Follow of Wireshark shows",
        "have it write hex: tshark -r CAPTURE -q -z follow,tcp,raw,0",
    ),
    (
        rb"([A-Z]{3,7} \S+ )?HTTP/1\.",
        "the bytes of a connection",
        "say whose they are: wslab explain --client FILE, or --server FILE",
    ),
    (rb"\s*<(\?xml|!DOCTYPE|html)", "XML or HTML", _HAR),
)  # fmt: skip


def name_of(start: bytes) -> str:
    """What a file is that begins with `start`, and what to take instead; "" if it is unknown."""
    for pattern, what, instead in _KNOWN:
        if re.match(pattern, start):
            several = what.startswith(("events", "flows", "items", "the bytes"))
            return f"{'these are' if several else 'this is'} {what}: {instead}"
    return ""


def what_next(suffix: str, start: bytes) -> str:
    """What to try with a file of an unknown kind; "" for a text."""
    if suffix.lower() == ".etl":
        return "; have Windows convert it: pktmon etl2pcap FILE, or: etl2pcapng FILE capture.pcapng"
    if b"\0" in start:
        return "; if a program captured packets in it: editcap -F pcapng FILE capture.pcapng"
    return ""
