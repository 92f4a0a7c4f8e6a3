"""Finds the IP packet in a captured one: link types, tags and tunnels.

Sources: tcpdump.org's list of link types, the IANA's of EtherTypes and IP protocols, and for the
tunnels RFC 2003 (IP in IP), 2784 (GRE), 2637 (PPTP), 3032 (MPLS), 2516 (PPPoE), 7348 (VXLAN), 8926
(Geneve) and 3GPP TS 29.281 (GTP-U).

Each function returns where an IP header begins in the packet, or the name of what is there instead:
empty where that can hold no TCP, as ARP cannot.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal

Place = int | str

ENCRYPTED = ", which is encrypted"
"""The end of the name of what only a capture at another place can show."""
WITHOUT_TCP = ", which holds no TCP"
"""The end of the name of what can hold none."""
NAMES = {
    **dict.fromkeys((186, 189, 220, 249), "USB"),
    **dict.fromkeys((187, 201, 251, 254, 256, 272), "Bluetooth"),
    **dict.fromkeys((195, 215, 230, 283), "IEEE 802.15.4"),
    227: "CAN",
    253: "netlink",
}
"""By link type: what holds no TCP."""


def _u16(data: bytes, at: int) -> int:
    return int.from_bytes(data[at : at + 2], "big")


# --- By EtherType ---------------------------------------------------------------------------------

_TAGS = (0x8100, 0x88A8, 0x9100)
_WITHOUT_TCP = (0x0806, 0x8035, 0x8863, 0x888E, 0x88CC, 0x9000)  # ARP, RARP, PPPoE's setup, …


def _ethernet(data: bytes, at: int = 0) -> Place:
    return _of_type(data, at + 14, _u16(data, at + 12))


def _of_type(data: bytes, at: int, kind: int) -> Place:
    """What stands at `at`, behind the EtherType `kind`."""
    while kind in _TAGS:
        kind, at = _u16(data, at + 2), at + 4
    if kind in (0x0800, 0x86DD):
        return at
    if kind in (0x8847, 0x8848):
        return _mpls(data, at)
    if kind == 0x8864:
        return _ppp(data, at + 6)
    if kind in (0x6558, 0x22EB, 0x88BE):
        return _ethernet(data, at + {0x6558: 0, 0x22EB: 12, 0x88BE: 8}[kind])  # the last: ERSPAN
    if kind == 0x880B:
        return _ppp(data, at)
    if kind < 0x0600:  # a length: LLC follows
        return _llc(data, at)
    if kind == 0x88E5:
        return f"MACsec{ENCRYPTED}"
    return "" if kind in _WITHOUT_TCP else f"EtherType 0x{kind:04x}"


def _mpls(data: bytes, at: int) -> Place:
    while at + 4 <= len(data) and not data[at + 2] & 1:  # until the bottom of the stack
        at += 4
    at += 4
    if data[at : at + 1] and data[at] >> 4 in (4, 6):
        return at
    return _ethernet(data, at + 4 * (data[at : at + 1] == b"\0"))  # behind its control word


def _llc(data: bytes, at: int) -> Place:
    if data[at : at + 3] == b"\xaa\xaa\x03":
        return _of_type(data, at + 8, _u16(data, at + 6))
    return ""  # the spanning tree, and other talk among switches


def _ppp(data: bytes, at: int = 0) -> Place:
    if data[at + 1 : at + 2] == b"\x03":  # an address and a control byte
        at += 2
    kind = data[at] if at < len(data) and data[at] & 1 else _u16(data, at)
    at += 1 if kind < 0x100 and data[at : at + 1] == bytes((kind,)) else 2
    if kind in (0x21, 0x57):
        return at
    if kind in (0x281, 0x283):
        return _mpls(data, at)
    if kind in (0x53, 0x55):
        return f"PPP's encryption{ENCRYPTED}"
    return "PPP with compression" if kind in (0x2D, 0x2F, 0xFB, 0xFD) else ""


# --- Tunnels in IP --------------------------------------------------------------------------------


def inside_ip(data: bytes, at: int, protocol: int) -> Place:
    """What an IP packet carries that is no TCP; its payload begins at `at`."""
    if protocol in (4, 41):
        return at
    if protocol == 17:
        return _udp(data, at)
    if protocol == 47:
        return _gre(data, at)
    if protocol == 137:
        return _mpls(data, at)
    if protocol == 51:  # authenticated only
        size = (data[at + 1] + 2) * 4 if at + 1 < len(data) else 0
        return inside_ip(data, at + size, data[at]) if size and data[at] != 51 else ""
    if protocol == 50:
        return f"ESP (IPsec){ENCRYPTED}"
    return {115: "L2TP", 108: "compressed IP", 94: "KA9Q"}.get(protocol, "")


def _gre(data: bytes, at: int) -> Place:
    flags, kind = _u16(data, at), _u16(data, at + 2)
    size = 4 + 4 * sum(bool(flags & bit) for bit in (0x8000, 0x2000, 0x1000))
    if flags & 7 == 1:  # PPTP
        size += 4 * bool(flags & 0x80)
    if kind == 0x88BE and not flags & 0x1000:  # the oldest ERSPAN has no header of its own
        kind = 0x6558
    return _of_type(data, at + size, kind)


def _udp(data: bytes, at: int) -> Place:
    ports, at = {_u16(data, at), _u16(data, at + 2)}, at + 8
    if not data[at:]:
        return ""
    if ports & {4789, 8472} and data[at] & 0x08:
        return _ethernet(data, at + 8)
    if 4790 in ports:
        kind = data[at + 3 : at + 4]
        return at + 8 if kind in (b"\1", b"\2") else _ethernet(data, at + 8)
    if 6081 in ports:
        return _of_type(data, at + 8 + (data[at] & 0x3F) * 4, _u16(data, at + 2))
    if 2152 in ports and data[at + 1 : at + 2] == b"\xff":
        return _gtp(data, at)
    if 6635 in ports:
        return _mpls(data, at)
    if 4754 in ports:
        return _gre(data, at)
    if 4500 in ports and data[at : at + 4] != bytes(4) and len(data) > at + 8:
        return f"ESP (IPsec) in UDP{ENCRYPTED}"
    for port, name in ((51820, "WireGuard"), (1194, "OpenVPN"), (443, "QUIC (HTTP/3)")):
        if port in ports:
            return f"{name}{ENCRYPTED}"
    return "L2TP" if 1701 in ports else ""


def _gtp(data: bytes, at: int) -> Place:
    following = data[at + 11 : at + 12] if data[at] & 4 else b""
    at += 12 if data[at] & 7 else 8
    while following not in (b"", b"\0"):
        size = data[at] * 4 if at < len(data) else 0
        if not size:
            return ""
        following, at = data[at + size - 1 : at + size], at + size
    return at


# --- Link types -----------------------------------------------------------------------------------


def _ieee80211(data: bytes, at: int = 0) -> Place:
    first, second = data[at : at + 1] or b"\0", data[at + 1 : at + 2] or b"\0"
    if first[0] & 0x0C != 0x08 or first[0] & 0x40:
        return ""  # no data
    if second[0] & 0x40:
        return f"Wi-Fi's data{ENCRYPTED}"
    size = 30 if second[0] & 3 == 3 else 24
    if first[0] & 0x80:  # quality of service
        if data[at + size : at + size + 1] and data[at + size] & 0x80:
            return "several Wi-Fi packets in one (A-MSDU)"
        size += 6 if second[0] & 0x80 else 2
    if data[at + size : at + size + 3] != b"\xaa\xaa\x03":
        size += -size % 4  # some drivers align what follows
    return _llc(data, at + size)


def _radiotap(data: bytes) -> Place:
    return _ieee80211(data, int.from_bytes(data[2:4], "little"))


def _nflog(data: bytes) -> Place:
    # In the byte order of the machine: types are small numbers.
    order: Literal["little", "big"] = "little" if data[7:8] == b"\0" else "big"
    at = 4
    while at + 4 <= len(data):
        size = int.from_bytes(data[at : at + 2], order)
        if int.from_bytes(data[at + 2 : at + 4], order) == 9:  # the packet
            return at + 4
        at += max(4, size + -size % 4)
    return ""


def _pktap(data: bytes) -> Place:
    size, link = (int.from_bytes(data[at : at + 4], "little") for at in (0, 8))
    return _wrapped(data, size, link)


def _wrapped(data: bytes, size: int, link: int) -> Place:
    """What another link type's header of `size` bytes stands in front of."""
    find = LINKS.get(link)
    if find is None or find in (_pktap, _ppi) or not 8 <= size <= len(data):
        return f"link type {link}"
    place = find(data[size:])
    return place if isinstance(place, str) else place + size


def _ppi(data: bytes) -> Place:
    return _wrapped(data, int.from_bytes(data[2:4], "little"), int.from_bytes(data[4:8], "little"))


LINKS: dict[int, Callable[[bytes], Place]] = {
    0: lambda data: 4,  # BSD loopback: a family of 4 bytes in the byte order of the machine
    1: _ethernet,
    9: _ppp,
    12: lambda data: 0,  # raw IP, as some systems number it
    14: lambda data: 0,
    50: _ppp,
    51: lambda data: _ppp(data, 6),  # PPPoE
    101: lambda data: 0,  # raw IP
    104: lambda data: _of_type(data, 4, _u16(data, 2)),  # Cisco's HDLC
    105: _ieee80211,
    108: lambda data: 4,  # OpenBSD loopback
    109: lambda data: 12,  # OpenBSD's IPsec interface
    113: lambda data: _of_type(data, 16, _u16(data, 14)),  # Linux "cooked", from `tcpdump -i any`
    117: lambda data: (data[0] + 3) & ~3 if data else "",  # OpenBSD's firewall log
    119: lambda data: _ieee80211(data, 144),  # Prism
    127: _radiotap,
    138: lambda data: _of_type(data, 18, _u16(data, 16)),  # Apple's IP over FireWire
    149: _pktap,  # as macOS numbers it
    163: lambda data: _ieee80211(data, int.from_bytes(data[4:8], "big")),  # AVS
    166: _ppp,
    192: _ppi,
    204: lambda data: _ppp(data, 1),
    228: lambda data: 0,  # raw IPv4
    229: lambda data: 0,  # raw IPv6
    239: _nflog,
    240: lambda data: _ethernet(data, 4),  # netANALYZER
    258: _pktap,
    276: lambda data: _of_type(data, 20, _u16(data, 0)),  # Linux "cooked", its second version
}
"""By link type: a function for the place of a packet's IP header."""
