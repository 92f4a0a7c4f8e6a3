"""A recording's peers again: its clients for a live server, or its server for live clients."""

from wslab.net.recorded.conversation import Conversation
from wslab.net.recorded.replay import Replay, replay
from wslab.net.recorded.server import RecordedServer

__all__ = ["Conversation", "RecordedServer", "Replay", "replay"]
