"""How a server is guarded: who may come in, from which page, and how much anybody may ask for."""

from wslab.net.guarding.bank import DEFENCES, Bank
from wslab.net.guarding.hijack import ALLOWS_THIRD_PARTIES, PLACES, Attack, AttackServer, attack
from wslab.net.guarding.limited_server import Door
from wslab.net.guarding.limits import Attempt, LimitAttack, attack_limits
from wslab.net.guarding.secret_traces import (
    WAYS,
    PageTrace,
    SecretTrace,
    follow_in_page,
    follow_secret,
    nginx_before,
)
from wslab.net.guarding.tickets import Tickets

__all__ = [
    "ALLOWS_THIRD_PARTIES",
    "DEFENCES",
    "PLACES",
    "WAYS",
    "Attack",
    "AttackServer",
    "Attempt",
    "Bank",
    "Door",
    "LimitAttack",
    "PageTrace",
    "SecretTrace",
    "Tickets",
    "attack",
    "attack_limits",
    "follow_in_page",
    "follow_secret",
    "nginx_before",
]
