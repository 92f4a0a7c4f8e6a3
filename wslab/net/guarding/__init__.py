"""How a server is guarded: who may come in, from which page, and how much anybody may ask for."""

from wslab.net.guarding.bank import Bank
from wslab.net.guarding.hijack import PLACES, AttackServer, attack
from wslab.net.guarding.limited_server import Door
from wslab.net.guarding.limits import Attempt, attack_limits
from wslab.net.guarding.secret_traces import WAYS, follow_in_page, follow_secret, nginx_before

__all__ = [
    "PLACES",
    "WAYS",
    "AttackServer",
    "Attempt",
    "Bank",
    "Door",
    "attack",
    "attack_limits",
    "follow_in_page",
    "follow_secret",
    "nginx_before",
]
