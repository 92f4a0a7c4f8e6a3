"""What a client does that comes back: it waits, connects, and goes on where it was."""

from wslab.net.resume.client import (
    ForgetfulClient,
    RepeatingClient,
    ResumingClient,
    Wait,
    back_off,
    full_jitter,
)
from wslab.net.resume.herd import BIN, ComeBack, lose_server
from wslab.net.resume.store import Said, Store
from wslab.net.resume.trial import Survived, lose_confirmation, survive

__all__ = [
    "BIN",
    "ComeBack",
    "ForgetfulClient",
    "RepeatingClient",
    "ResumingClient",
    "Said",
    "Store",
    "Survived",
    "Wait",
    "back_off",
    "full_jitter",
    "lose_confirmation",
    "lose_server",
    "survive",
]
