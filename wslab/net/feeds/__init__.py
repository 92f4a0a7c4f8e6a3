"""HTTP against WebSocket: one feed of messages got in five ways, and words of an answer in two."""

from wslab.net.feeds.clients import COOKIE, WAYS, Received, Way
from wslab.net.feeds.page_trial import page_traffic
from wslab.net.feeds.server import LONG_POLL, FeedServer, Message
from wslab.net.feeds.trial import Run, Traffic, ask_once, run_way, run_ways
from wslab.net.feeds.words import WordServer
from wslab.net.feeds.words_trial import CLIENTS, ask_for_words

__all__ = [
    "CLIENTS",
    "COOKIE",
    "LONG_POLL",
    "WAYS",
    "FeedServer",
    "Message",
    "Received",
    "Run",
    "Traffic",
    "Way",
    "WordServer",
    "ask_for_words",
    "ask_once",
    "page_traffic",
    "run_way",
    "run_ways",
]
