"""Servers that are several processes: over one database, over one channel, behind one nginx."""

from wslab.net.cluster.channel import Broker, redis_or_broker
from wslab.net.cluster.chat import Chat
from wslab.net.cluster.cluster import Cluster
from wslab.net.cluster.draining import drain
from wslab.net.cluster.http_beside import Posted, beside, post_and_hear
from wslab.net.cluster.trial import TRAVELLERS, Heard, Killed, Rolled, kill_one, roll, who_hears

__all__ = [
    "TRAVELLERS",
    "Broker",
    "Chat",
    "Cluster",
    "Heard",
    "Killed",
    "Posted",
    "Rolled",
    "beside",
    "drain",
    "kill_one",
    "post_and_hear",
    "redis_or_broker",
    "roll",
    "who_hears",
]
