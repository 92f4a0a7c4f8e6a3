"""The wire, explained: bytes in, fields out. Pure Python, standard library only.

    capture = Capture()                       # a recording: times, directions, bytes
    capture.index.rows()                      # its requests, responses and frames, one line each
    capture.index.unit(3)                     # one of them, bit by bit
    accept_key_steps(key)                     # how the accept key is computed, step by step
    capture.index.messages()                  # the messages: joined, unmasked, inflated
    encode_frame(Opcode.TEXT, b"Hello")       # a frame's bytes, legal or not

    save(capture, "lesson.pcapng")            # or .jsonl, .har
    load("from_devtools.har")                 # reads each of these, whichever program wrote it

Read `fields` first, then the rooms: `protocol`, `recording`, `formats`, `accounts`.
"""

from .fields import Direction, Field, Kind, Unit, Violation, rfc_url
from .formats import FORMATS, Format, SavedInstead, as_file, load, load_pasted, load_streams, save
from .kinds import KINDS, PALETTE, Colour
from .protocol.close_codes import CLOSE_CODES, CloseCode, close_code
from .protocol.connection_state import TRANSITIONS, State, StateEvent
from .protocol.deflate import Agreement, Deflater, Inflater
from .protocol.frames import Opcode, encode_frame, mask, new_masking_key
from .protocol.handshake import GUID, KeyStep, accept_key, accept_key_steps
from .protocol.headers import HEADERS
from .recording import (
    Capture,
    CaptureError,
    Chunk,
    Index,
    Message,
    Row,
    Step,
    printable,
    states_of,
    steps,
)
from .rules import RULES

__all__ = [
    "CLOSE_CODES",
    "FORMATS",
    "GUID",
    "HEADERS",
    "KINDS",
    "PALETTE",
    "RULES",
    "TRANSITIONS",
    "Agreement",
    "Capture",
    "CaptureError",
    "Chunk",
    "CloseCode",
    "Colour",
    "Deflater",
    "Direction",
    "Field",
    "Format",
    "Index",
    "Inflater",
    "KeyStep",
    "Kind",
    "Message",
    "Opcode",
    "Row",
    "SavedInstead",
    "State",
    "StateEvent",
    "Step",
    "Unit",
    "Violation",
    "accept_key",
    "accept_key_steps",
    "as_file",
    "close_code",
    "encode_frame",
    "load",
    "load_pasted",
    "load_streams",
    "mask",
    "new_masking_key",
    "printable",
    "rfc_url",
    "save",
    "states_of",
    "steps",
]
