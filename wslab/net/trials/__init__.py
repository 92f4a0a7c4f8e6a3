"""The measurements of single lessons: each sets up peers, lets them talk, and returns a result."""

from wslab.net.trials.cut import CutResult, CutServer, send_through
from wslab.net.trials.fan_out import WAYS, Broadcast, Dropping, InTurn, Queues, Room
from wslab.net.trials.keepalive import KeepaliveResult, measure_keepalive
from wslab.net.trials.leave import LeaveResult, Leaving, measure_leaving
from wslab.net.trials.replay import Replay, replay
from wslab.net.trials.send_in_states import STATES, send_on_websockets, send_on_wslab
from wslab.net.trials.slow_client import FanOutResult, measure_fan_out

__all__ = [
    "STATES",
    "WAYS",
    "Broadcast",
    "CutResult",
    "CutServer",
    "Dropping",
    "FanOutResult",
    "InTurn",
    "KeepaliveResult",
    "LeaveResult",
    "Leaving",
    "Queues",
    "Replay",
    "Room",
    "measure_fan_out",
    "measure_keepalive",
    "measure_leaving",
    "replay",
    "send_on_websockets",
    "send_on_wslab",
    "send_through",
]
