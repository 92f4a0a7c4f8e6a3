"""What `wslab explain` has to say to each input of real traffic, and what it must not say.

The answers do not come from the program that they judge: the bytes were read by hand, with tshark
and with the Sans-I/O layer of `websockets`, and the rules in the RFC that stands in the answer.

An input is a file of `inputs/`, or a pair of files, `NAME.client` and `NAME.server`.
"""

from __future__ import annotations

from typing import NamedTuple


class Answer(NamedTuple):
    """What an account must hold: literal pieces of its text, with one space for any white space."""

    says: tuple[str, ...] = ()
    never: tuple[str, ...] = ()
    units: str | None = None
    """Kinds in order: `request>` comes from the client, `<response` from the server."""
    client: tuple[str, ...] | None = None
    """The client's messages; those of a binary message in hex. None: not asked."""
    server: tuple[str, ...] | None = None
    refused: bool = False
    """Whether the input is refused, and the text is that of the error."""
    todo: str = ""
    """What is not built yet, for a test that has to fail."""


REFUSES = {"refused": True}
HELLO = "request> <response"
ECHO = "request> <response text> <text"
PAGE = ("from the page", "010203")

LOST = ("no whole unit: a consequence",)
ALONE = ("✗",)
"""No rule is broken: what does not fit is named, and blamed for nothing else."""

# --- A: bytes that are no whole unit --------------------------------------------------------------

_STILL_ANSWERS = "HTTP was over with the 101. The server's side still answers as if it were not"
_NEVER_ENDS = "The head of this response never ends: "
_OTHER_WAITS = "Only the bytes 0d 0a 0d 0a end a head, so the other side still waits."

NO_WHOLE_UNIT = {
    "live_ws2193.jsonl": Answer(
        (
            "byte 141 from the server: These 51 bytes are an HTTP response, not a frame: "
            '"HTTP/1.1 408 Request Timeout". (RFC 6455 §5.2)',
            _STILL_ANSWERS,
            "48 54 54 50 2f 31 2e 31 20 34 30 38",
        ),
        ALONE, "request> <response text> <text close>", ("hello",), ("echo hello",),
    ),
    "d2_http_in_stream": Answer(
        (
            'are an HTTP response, not a frame: "HTTP/1.1 500 INTERNAL SERVER ERROR". '
            "(RFC 6455 §5.2)",
            _STILL_ANSWERS,
        ),
        ALONE, ECHO, ("yo",), ("one",),
    ),
    "d3_second_101": Answer(
        (
            "These 129 bytes are an HTTP response, not a frame: "
            '"HTTP/1.1 101 Switching Protocols".',
            "At byte 258 frames go on: a text frame.",
            *LOST,
        ),
        client=("yo",),
    ),
    "d4_php_warning": Answer(
        (
            'These 52 bytes are text, not a frame: "<br />\\n<b>Warning</b>: Undefined index in '
            'server.php". (RFC 6455 §5.2)',
            "The program of the server printed them into the socket",
            "At byte 181 frames go on: a text frame.",
        ),
        ALONE, HELLO,
    ),
    "c_no_empty_line": Answer(
        (_NEVER_ENDS + "the empty line is missing. (RFC 9112 §2.1)", _OTHER_WAITS),
        ALONE, "request>",
    ),
    "c2_no_empty_line_then_frame": Answer(
        (
            _NEVER_ENDS + "the empty line is missing, and a frame begins in its place.",
            "At byte 127 stands 81 07, a text frame. " + _OTHER_WAITS,
        ),
        ALONE, "request>",
    ),
    "c3_lf_only": Answer(
        ("response-bare-line-feed", "ends with CR LF", "(RFC 9112 §2.2)"),
        ("no whole unit",), ECHO, ("hi",), ("hi",),
    ),
    "c4_literal_crlf": Answer(
        (
            _NEVER_ENDS + r"its line ends are the four characters \r\n, not the bytes 0d 0a.",
            r"\r\n stands in it 5 times, as 5c 72 5c 6e: it was not unescaped.",
        ),
        ALONE, "request>",
    ),
    "i3_len_little_endian": Answer(
        (
            "byte 129 from the server: The length of this text frame is wrong: it is written in "
            "the other byte order, its last byte first. (RFC 6455 §5.2)",
            "Its header announces 11,265 bytes, and 306 are here. Read in the other byte order the "
            "length is 300, and then a text frame follows exactly, at byte 433.",
        ),
        ALONE, HELLO,
    ),
    "i6_len_php_127": Answer(
        (
            "127 stands for 8 bytes of extended length, and they are missing. (RFC 6455 §5.2)",
            "Those 8 bytes are text themselves: 'hello fr'.",
        ),
        ALONE, HELLO,
    ),
    "u_crlf_after_101": Answer(
        (
            r'These 2 bytes are text, not a frame: "\r\n".',
            "At byte 131 frames go on: a text frame.",
        ),
        ALONE, HELLO,
    ),
    "follow_saved_raw.bin": Answer(
        ("one stream",), units=ECHO, client=('{"op":"hello"}',), server=('{"ok":1}',),
    ),
    "x_mask_bit_no_key": Answer(
        ("MASK", "key", "Hello", "RFC 6455 §5.2"), ("rsv2",),
    ),
    "x2_masked_bit0": Answer(
        ("MASK", "key", "Hello", "RFC 6455 §5.2"), ("rsv3", "reserved-opcode"),
    ),
}  # fmt: skip

# --- B: one fault, many marks ---------------------------------------------------------------------

_EXTENDED = "more than 125 needs the extended length, which is missing. (RFC 6455 §5.2)"

ONE_FAULT = {
    "i4_len_chars": Answer(
        (
            "it counts characters, and must count bytes of UTF-8. (RFC 6455 §5.2)",
            "Its header announces 14. The first 14 characters are 17 bytes, and then a text frame "
            "follows exactly, at byte 148.",
            *LOST,
        ),
        ("rsv2", "rsv3", "reserved-opcode"),
    ),
    "i_len200_one_byte": Answer(
        (_EXTENDED, "The second byte is c8, the lowest 8 bits of 200: 200 bytes", *LOST),
        ("close-code-not-allowed", "control-frame"),
    ),
    "i2_len_masked_7f": Answer(
        (_EXTENDED, "The second byte is 48, the lowest 7 bits of 200: 200 bytes", *LOST),
        ("frame-masked", "close-code-not-allowed", "control-frame"),
    ),
    "i7_two_threads": Answer(
        (
            "A text frame of 204 bytes was written into the middle of this text frame, at byte "
            "279. (RFC 6455 §5.4)",
            "two threads or tasks wrote without a lock.",
            *LOST,
        ),
        ("rsv", "reserved-opcode", "frame-masked"),
    ),
}

# --- C: endings -----------------------------------------------------------------------------------

ENDINGS = {
    "pc_idle60_fin.pcap": Answer(
        ("60", "of silence", "the server", "FIN", "without a close frame", "1006", "§7.1.5"),
        ALONE, ECHO, ("subscribe",), ("ok",),
    ),
    "pc_idle350_rst.pcap": Answer(
        ("350", "of silence", "the server", "RST", "without a close frame", "1006", "§7.1.5"),
        ALONE, ECHO, ("subscribe",), ("ok",),
    ),
}  # fmt: skip

# --- D: halves and holes --------------------------------------------------------------------------

_ASKED = '{"op":"subscribe","ch":"prices"}'
_TOLD = ('{"ok":true}', '{"px":1.5}', '{"px":1.6}')
_SOUND = ("left out", "no whole unit", "✗")

HALVES = {
    "pc_mid_connection.pcap": Answer(
        ("note: ",), _SOUND, "text> <text <text <ping pong> <text", (_ASKED,), _TOLD,
    ),
    "mid": Answer(
        ("note: ",), ("0 units",), client=('{"op":"a"}',), server=('{"ok":2}', '{"ok":3}'),
    ),
    "pc_server_side_only.pcap": Answer(
        ("client",), _SOUND, "<response <text <text <ping <text", (), _TOLD,
    ),
    "pc_client_side_only.pcap": Answer(
        ("server",), _SOUND, "request> text> pong>", (_ASKED,), (),
    ),
    "pc_hole.pcap": Answer(
        ("20 bytes",), ("no whole unit", "✗"),
        client=(),
        server=tuple(f'{{"seq":{n},"px":{100 + n}}}' for n in range(30) if n != 3),
    ),
    "pc_snaplen96.pcap": Answer(
        ("packets cut short",), ("0 units", "no whole unit"), client=(_ASKED,), server=_TOLD,

    ),
}  # fmt: skip

# --- E: HAR ---------------------------------------------------------------------------------------

_TALK = {"client": ('{"a":1}',), "server": ('{"b":2}',)}
_XY = {"client": ("x",), "server": ("y",)}
_READ = ("left out", "no whole unit", "✗")
_OVER_HTTP_2 = (
    "a WebSocket over HTTP/2: a CONNECT to {}, with no key, answered by 200 (RFC 8441 §5)"
)

HAR = {
    "h_h2_embed.har": Answer(
        (_OVER_HTTP_2.format("/chat"),),
        ("but the status",), "text> binary> <text <text <binary", PAGE, ("hello", *PAGE),
    ),
    "hv_h2_pseudo.har": Answer(
        (_OVER_HTTP_2.format("/live"),),
        _READ, "text> <text", **_TALK,
    ),
    **{
        name: Answer(
            (), ("begins with", "no whole unit", "has no messages"),
            "request> <response text> binary> <text <text <binary", PAGE, ("hello", *PAGE),
        )
        for name in ("h_attach/h_attach.har", "h_zip.zip", "h_playwright.zip", "h_embed.har")
    },
    "hv_control.har": Answer(
        ('ping 6 "ping" ', "close 4 1000"), (*_READ, "no code", "are missing"),
        "request> <response text> <text <ping <close", **_TALK,
    ),
    "hv_close_reason.har": Answer(
        (
            "the close's reason 'going away' came without its code, and a close frame cannot carry "
            "it alone (RFC 6455 §5.5.1)",
        ),
        ("26479", *_READ), "request> <response text> <text <close", **_TALK,
    ),
    "hv_opcode_names.har": Answer((), _READ, ECHO, **_XY),
    "hv_sent_received.har": Answer((), _READ, ECHO, **_XY),
    "hv_request_response.har": Answer((), _READ, ECHO, **_XY),
    "hv_array.har": Answer(("expected a HAR", "nothing has a request or data"), **REFUSES),
    "hv_null_time.har": Answer(
        ("messages without a time are put beside the one before: 1",), _READ,
        "request> <response text>", ("x",), (),
    ),
    "hv_status0.har": Answer(("the status 0 of an unknown answer",), _READ, "text> <text", **_TALK),
    "hv_type_error.har": Answer(
        ("the browser reported an error, and no frame: 'Invalid frame header'",), _READ, ECHO,
        **_TALK,
    ),
    "hv_sanitized.har": Answer(
        ("was sanitized before it was saved: a made-up Sec-WebSocket-Key",), _READ, ECHO, **_TALK,
    ),
    "hv_firefox_no_messages.har": Answer(
        ("Firefox did not save them in this HAR", "`wslab tap` records every frame"), _READ, HELLO,
    ),
    "hv_sse.har": Answer(("of Server-Sent Events, which are HTTP and no WebSocket",), ("✗",), ""),
    "hv_https_101_no_type.har": Answer(
        ("101 Switching Protocols", "Charles Proxy did not save them in this HAR"),
        ("without a WebSocket",), HELLO,
    ),
}  # fmt: skip

# --- F: pasted bytes ------------------------------------------------------------------------------

_LAB = {"units": "text>", "client": ('{"id":7,"m":"lab"}',), "server": ()}
_TRUE = {"units": "<text", "client": (), "server": ('{"id":7,"r":true}',)}
_WHOLE = ("no whole unit", "✗")

PASTED = {
    **{
        f"hex_{name}.txt": Answer(("read as a dump with offsets",), _WHOLE, **_LAB)
        for name in ("hexdump_C", "tcpdump_x", "wireshark_dump", "xxd")
    },
    "hex_follow_raw.txt": Answer(
        ("tshark's follow prints",), _WHOLE, ECHO, *(_LAB["client"], _TRUE["server"]),
    ),
    "hex_decimal_commas.txt": Answer(("read as bytes in decimal",), _WHOLE, **_LAB),
    "hex_decimal_json.txt": Answer(("a Buffer of Node as JSON",), _WHOLE, **_LAB),
    "hex_decimal_list.txt": Answer(
        ("read as bytes in decimal",), _WHOLE, "text>", ("abcdef",), (),
    ),
    "hex_go_decimal.txt": Answer(("read as a list of numbers",), _WHOLE, **_TRUE),
    # The header announces 17 bytes, and 4 were copied.
    "hex_binary.txt": Answer(
        ("read as bytes in binary digits", "the last 6 bytes from the server are no whole unit"),
        ("✗",), "",
    ),
    "hex_single_digits.txt": Answer((r'"a\nb\tc"',), _WHOLE, "<text", (), ("a\nb\tc",)),
    "hex_node_buffer.txt": Answer(("a Buffer as Node prints it",), _WHOLE, **_LAB),
    "hex_node_buffer_cut.txt": Answer(
        ("32 more bytes are missing: the program left them out", "the last 50 bytes"), ("✗",), "",
    ),
    "hex_python_repr.txt": Answer(("bytes as Python prints them",), _WHOLE, **_LAB),
    "hex_python_bytearray.txt": Answer(("bytes as Python prints them",), _WHOLE, **_TRUE),
    **{
        f"hex_{name}.txt": Answer(("read as a list of numbers",), _WHOLE, **_TRUE)
        for name in ("c_array", "go", "rust", "uint8array")
    },
    "hex_csharp.txt": Answer((), _WHOLE, **_TRUE),
    "hex_base64.txt": Answer(("read as Base64",), _WHOLE, **_TRUE),
    "hex_faye_split.txt": Answer((), ("note: ", *_WHOLE), **_LAB),
    # Half a frame, and a payload without its header: nothing is a frame here.
    "hex_faye_second_packet_only.txt": Answer(
        (
            "These 23 bytes are a text frame without its first byte. (RFC 6455 §5.2)",
            'With 81 in front they are one exactly: "{"id":7,"m":"lab"}", masked, and so from a '
            "client.",
        ),
        ALONE, "",
    ),
    "hex_deflated_payload_only.txt": Answer(
        (
            "These 18 bytes are a compressed payload without the header of its frame. "
            "(RFC 7692 §7.2.2)",
            'Inflated as permessage-deflate does it they are "{"cmd":"status"}".',
        ),
        ALONE, "",
    ),
    "hex_hexstream_with_headers.txt": Answer(
        ("it begins with 54 bytes of link, IP and TCP headers: left out",), ("✗",),
    ),
    "hex_http_and_frames.txt": Answer(
        ("nothing tells that the upgrade was accepted",), _WHOLE, "request> text>",
        _LAB["client"], (),
    ),
    "tshark_follow_raw.txt": Answer(
        ("tshark's follow prints",), _WHOLE, ECHO, ('{"op":"hello"}',), ('{"ok":1}',),
    ),
}  # fmt: skip

# --- G: the handshake -----------------------------------------------------------------------------

_HI = {"client": ("hi",), "server": ("hi",)}
_BROWSER_FAILS = (
    "legal for RFC 6455 (§4.1), but a browser then fails the connection. Let the server choose one "
    "of them, or the page offer none."
)
_SLIPS = {
    "g_accept_of_hexdigest": "the digest was written in hex first",
    "g2_accept_hexdigest_plain": "the digest is in hex, and must be in base64",
    "g3_accept_key_decoded": "the key was decoded first, and must stay as it stands",
    "g4_accept_key_with_cr": "the key still had the CR of its line's end",
    "g5_accept_key_with_space": "the key still had the space in front of it",
    "g6_accept_guid_lower": "the GUID was in lower case",
    "g7_accept_is_rfc_sample": "the answer to the example's key in §1.3 was sent",
    "g8_accept_is_key": "the key itself was sent back",
    "g9_accept_sha256": "it was made with SHA-256, and must be made with SHA-1",
    "g11_guid_typo": "the GUID was 258EAFA5-E914-47DA-95CA-5AB5DC11B735, a wrong copy of it",
}

HANDSHAKES = {
    "a_101_content_length": Answer(
        ("must not carry Content-Length. (RFC 9110 §8.6)",), ("of body follow", "no whole unit"),
        ECHO, **_HI,
    ),
    "b_101_chunked": Answer(
        ("must not carry Transfer-Encoding. (RFC 9112 §6.1)",), ("no whole unit",), ECHO, **_HI,
    ),
    "b2_101_length_20": Answer(
        ("must not carry Content-Length. (RFC 9110 §8.6)",), ("of body follow", "no whole unit"),
        ECHO, **_HI,
    ),
    "p_connect": Answer(
        ("CONNECT lab.example:80",), _WHOLE,
        "request> <response request> <response text> <text", **_HI,
    ),
    "pc_connect.pcap": Answer(
        ("CONNECT lab.example:80",), _WHOLE,
        "request> <response request> <response text> <text", **_HI,
    ),
    "pc_connect_tls.pcap": Answer(
        ("CONNECT lab.example:443", "TLS"), ("without a WebSocket request",),
    ),
    "pc_socks5.pcap": Answer(
        ("SOCKS", "lab.example"), _WHOLE, client=("hi",),
    ),
    "e_no_subprotocol_back": Answer((_BROWSER_FAILS,), _WHOLE, HELLO),
    "e2_protocol_null": Answer(
        (_BROWSER_FAILS, "A script passed null where it meant no subprotocol"), _WHOLE, HELLO,
    ),
    "e3_all_back": Answer(
        ("Here 2 stand in a list: it must choose one of them, and send that alone.",), units=HELLO,
    ),
    "e4_bearer_space": Answer(
        ("a space stands in one, and a browser's constructor throws a SyntaxError for it.",),
        units=HELLO,
    ),
    "e5_base64_token": Answer(
        ("Base64 can be written with - and _ and without =.", "(RFC 6455 §4.1"), units=HELLO,
    ),
    **{
        name: Answer(
            ("accept-wrong", f"Here {slip}.", "(RFC 6455 §4.1)"), ("no whole unit",), HELLO,
        )
        for name, slip in _SLIPS.items()
    },
    "g10_accept_newline": Answer(
        (
            "Each line of a head ends with CR LF",
            "byte 128 from the server: These 2 bytes were meant to end the head, which had ended "
            "already. (RFC 9112 §2.2)",
            "ends with a line feed of its own (3d 0a 0d 0a)",
        ),
        ("reserved-opcode", "control-frame-fragmented"), HELLO,
    ),
    "o_proxy_v1": Answer(
        ("PROXY TCP4 192.0.2.7 198.51.100.9 56324 443", "It is not HTTP"), _WHOLE, ECHO, **_HI,
    ),
    "o2_proxy_v2": Answer(
        ("PROXY protocol 192.0.2.7 port 56324 to 198.51.100.9 port 443",), _WHOLE, ECHO, **_HI,
    ),
    "pc_proxy_v1.pcap": Answer(("PROXY protocol PROXY TCP4",), _WHOLE, ECHO, **_HI),
    "h_hixie76": Answer(
        (
            "This is the handshake of hixie-76, a draft of 2010, which RFC 6455 replaced.",
            "the first 16 bytes here are the MD5 of the three",
        ),
        ("key-missing",), HELLO,
    ),
    "u2_bom": Answer(
        ("status-line-malformed", "a byte order mark (ef bb bf) stands in front"),
        ("no whole unit",), HELLO,
    ),
    "v_502": Answer(("502 Bad Gateway",), _WHOLE, HELLO),
}  # fmt: skip

# --- H: secrets -----------------------------------------------------------------------------------

SECRETS = {
    "q_token_query": Answer(
        ("GET /api/kernels/0/channels?session_id=***&token=******************",), _WHOLE, ECHO,
        server=("ok",),
    ),
    "live_tokens.har": Answer(
        ("token=******************", "base64url.bearer.authorization.k8s.io.**********"), _WHOLE,
        "request> <response <text", (), ("hello",),
    ),
}  # fmt: skip
"""Beside these, `e4_bearer_space` and `e5_base64_token` hold tokens. See `IN_CLEAR`."""

IN_CLEAR = {
    "q_token_query": b"token=([^ &]+) HTTP",
    "e4_bearer_space": rb"Bearer ([^\r\n]+)",
    "e5_base64_token": rb"lab\.v1, ([^\r\n=]+)",
    "live_tokens.har": rb"token=([\w-]+)",
}
"""A secret as the input holds it, which no account may hold."""

# --- I: silence about what was left out -----------------------------------------------------------

_TUNNELLED = Answer(
    (), ("note: ", "no whole unit", "✗"), "request> <response text> <text <text <ping pong> <text",
    (_ASKED,), _TOLD,
)  # fmt: skip

LEFT_OUT = {
    **{
        f"pc_{name}": _TUNNELLED
        for name in (
            "vxlan.pcap", "gre.pcap", "ipip.pcap", "mpls.pcap", "ppp.pcap", "pppoe.pcap",
            "qinq.pcap", "pktap.pcap", "pktap149.pcap", "nflog.pcap", "radiotap.pcap",
            "ieee80211.pcap", "old_packet_block.pcapng", "gz.pcap.gz", "modified_magic.pcap",
            "nano_be.pcap",
        )
    },
    "pc_exported_pdu.pcapng": Answer((), ("no whole unit", "✗"), ECHO, **_HI),
    "pc_solaris.snoop": Answer(("the file holds no packets",), (), ""),
    "pc_tls_dsb.pcapng": Answer(
        ("holds the TLS keys of 1 connection", 'tshark -r FILE -U "OSI layer 7" -w plain.pcapng'),
    ),
    "pc_h2c.pcap": Answer(("HTTP/2", "extended CONNECT (RFC 8441)", "tshark -r FILE"), (), ""),
    "pc_h2c_real.pcapng": Answer(
        ("HTTP/2", "extended CONNECT (RFC 8441)", "tshark -r FILE"), (), "",
    ),
    "pc_tls_to_plain.pcap": Answer(
        ("a ClientHello answered by plain HTTP, which is wss:// to a ws:// port",), ("encrypted",),
    ),
    "s_tls_to_plain": Answer(
        ("a ClientHello answered by plain HTTP, which is wss:// to a ws:// port",), ("✗",),
    ),
    "s2_plain_to_tls": Answer(
        ("plain HTTP answered by TLS, which is ws:// to a wss:// port",), ("✗",),
        "request> <tls",
    ),
    "netlog.json": Answer(("a net log of Chrome", "save a HAR"), **REFUSES),
    "cdp_event.json": Answer(("the Chrome DevTools Protocol", "save a HAR"), **REFUSES),
    "burp.xml": Answer(("items of Burp", "save a HAR"), **REFUSES),
    "n_eio": Answer(
        ("Socket.IO's server refuses EIO=3", "allowEIO3"), ("✗",), HELLO,
    ),
}  # fmt: skip

# --- right from the beginning ---------------------------------------------------------------------

KEPT = (
    "f_no_key", "m_nginx_10", "k_rsv1_on_continuation", "k2_threshold", "k3_rsv1_not_negotiated",
    "k4_zlib_wrapped", "k5_gzip", "k6_tail_kept", "k7_rsv1_forgotten", "k8_webkit",
    "k9_cmwb_unasked", "j_fragments_opcode_again", "l_gzip_payload", "r_close_1006", "r2_close_0",
    "r3_close_ascii", "r4_close_little_endian", "r5_close_reason_only", "t_latin1", "t2_utf16",
    "t3_split_emoji", "t4_cesu8", "t5_modified_nul", "y_firefox_keepalive", "y2_cmwb15",
    "y3_no_reason_phrase", "y4_tomcat_space", "y5_duplicate_connection", "y6_expose_both",
    "y7_keepalive_only", "hex_faye_split.txt", "pc_sio_real.pcapng",
)  # fmt: skip
"""Inputs whose whole account stands in `accounts/`, word for word."""

ANSWERS = {
    **NO_WHOLE_UNIT, **ONE_FAULT, **ENDINGS, **HALVES, **HAR, **PASTED, **HANDSHAKES, **SECRETS,
    **LEFT_OUT,
}  # fmt: skip
