"""What rides on top: the protocols inside WebSocket messages, one small file for each.

payload     what a protocol is made of, and the reader that covers bytes with fields
json        values, each under its path; other protocols use it for their parts
mqtt        MQTT 3.1.1 and 5.0, whose packets need not be aligned with messages
inside      which protocol is inside a message, and what it says; a learner's own decoder
"""

from .inside import (
    GUESSED,
    PAYLOADS,
    YOURS,
    Decoder,
    Inside,
    Insides,
    chosen,
    inside_of,
    own_inside,
)
from .payload import Context, Payload

__all__ = [
    "GUESSED",
    "PAYLOADS",
    "YOURS",
    "Context",
    "Decoder",
    "Inside",
    "Insides",
    "Payload",
    "chosen",
    "inside_of",
    "own_inside",
]
