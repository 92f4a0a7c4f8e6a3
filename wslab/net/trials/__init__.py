"""The measurements of single lessons: each sets up peers, lets them talk, and returns a result."""

from wslab.net.buffers import IS_TOLD
from wslab.net.trials.broadcast_costs import WAYS as BROADCASTS
from wslab.net.trials.broadcast_costs import measure_broadcast
from wslab.net.trials.cut import CutResult, CutServer, send_through
from wslab.net.trials.deflate_costs import (
    WINDOW_BITS,
    DeflateCost,
    measure_deflate,
    measure_memory,
    samples,
)
from wslab.net.trials.fairness import (
    Bucket,
    Reaction,
    TokenBucket,
    WorkingServer,
    measure_fairness,
)
from wslab.net.trials.fan_out import WAYS, Dropping, InTurn
from wslab.net.trials.idle import PROXY, Witness, fall_silent, how_it_ended
from wslab.net.trials.keepalive import KeepaliveResult, measure_keepalive
from wslab.net.trials.leave import Leaving, measure_leaving
from wslab.net.trials.length_leak import SearchServer, Step, attack
from wslab.net.trials.program_ends import PROGRAM_ENDS, EndSeen, ProgramEnd, end_program
from wslab.net.trials.send_in_states import STATES, send_on_websockets, send_on_wslab
from wslab.net.trials.slow_client import measure_fan_out
from wslab.net.trials.slow_reader import (
    MESSAGE_SIZE,
    SENDERS,
    STEADY,
    Sent,
    SlowReader,
    Waiting,
    measure_all,
    measure_sender,
)
from wslab.net.trials.token_traces import PLACES, LoggingServer, send_token
from wslab.net.trials.typed_search import WORDS, SuggestServer, answer, words_that_fit

__all__ = [
    "BROADCASTS",
    "IS_TOLD",
    "MESSAGE_SIZE",
    "PLACES",
    "PROGRAM_ENDS",
    "PROXY",
    "SENDERS",
    "STATES",
    "STEADY",
    "WAYS",
    "WINDOW_BITS",
    "WORDS",
    "Bucket",
    "CutResult",
    "CutServer",
    "DeflateCost",
    "Dropping",
    "EndSeen",
    "InTurn",
    "KeepaliveResult",
    "Leaving",
    "LoggingServer",
    "ProgramEnd",
    "Reaction",
    "SearchServer",
    "Sent",
    "SlowReader",
    "Step",
    "SuggestServer",
    "TokenBucket",
    "Waiting",
    "Witness",
    "WorkingServer",
    "answer",
    "attack",
    "end_program",
    "fall_silent",
    "how_it_ended",
    "measure_all",
    "measure_broadcast",
    "measure_deflate",
    "measure_fairness",
    "measure_fan_out",
    "measure_keepalive",
    "measure_leaving",
    "measure_memory",
    "measure_sender",
    "samples",
    "send_on_websockets",
    "send_on_wslab",
    "send_through",
    "send_token",
    "words_that_fit",
]
