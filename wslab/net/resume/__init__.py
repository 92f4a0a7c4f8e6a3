"""Connecting again without losing or doubling a message: numbers, confirmations, a file."""

from wslab.net.resume.client import ResumingClient, back_off, full_jitter
from wslab.net.resume.store import Said, Store
from wslab.net.resume.trial import Survived, survive

__all__ = ["ResumingClient", "Said", "Store", "Survived", "back_off", "full_jitter", "survive"]
