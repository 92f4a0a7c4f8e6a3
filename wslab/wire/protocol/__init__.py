"""The protocol: what bytes mean, and which rules they break. Nothing here depends on recordings.

Read the files in this order; each needs only those before it:

    close_codes       why a connection ends: one table
    utf8              checks whether text is UTF-8, piece by piece
    frames            a frame bit by bit: read it, make it, explain it
    frame_draft       a frame before it is encoded, legal or not
    deflate           permessage-deflate: the compression of messages
    messages          frames joined to messages
    headers           what each header of a handshake is for: one table
    secrets           which bytes of a head are a login: one table
    http              heads, bodies, which response answers which request
    handshake         the accept key; requests and responses explained
    connection_state  CONNECTING, OPEN, CLOSING, CLOSED: one table
    tls_messages      what can be read of a TLS handshake: above all the ClientHello
    tls_records       what can be read of TLS: its records, and what they hold at first
    socks             what a client asks of a proxy before all that, and its login

Rules are named in `wslab.wire.rules`, and what an explained unit is made of in `wslab.wire.fields`.
"""

from .close_codes import close_code
from .connection_state import TCP, TRANSITIONS, Peer, State, edges_of
from .deflate import Agreement, Deflater
from .frame_draft import FrameDraft, flip_bit
from .frames import (
    KIND_OF_OPCODE,
    Opcode,
    encode_frame,
    frame_payload,
    mask,
    read_header,
)
from .handshake import GUID, extensions_fit
from .headers import HEADERS
from .http import Head, parse_head
from .secrets import is_masked, masked_text
from .tls_records import RANDOM

__all__ = [
    "GUID",
    "HEADERS",
    "KIND_OF_OPCODE",
    "RANDOM",
    "TCP",
    "TRANSITIONS",
    "Agreement",
    "Deflater",
    "FrameDraft",
    "Head",
    "Opcode",
    "Peer",
    "State",
    "close_code",
    "edges_of",
    "encode_frame",
    "extensions_fit",
    "flip_bit",
    "frame_payload",
    "is_masked",
    "mask",
    "masked_text",
    "parse_head",
    "read_header",
]
