"""An attack on a secret by the length of compressed messages, as CRIME did it with TLS.

A server answers with a page that holds a secret and, beside it, what the attacker asked for. Nobody
but the two peers can read the page; its *length* is for everybody along the way to see.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable, Iterator
from typing import NamedTuple

from websockets.asyncio.server import ServerConnection

from wslab.net.servers.server import Server
from wslab.wire.protocol import Agreement

DIGITS = "0123456789"
LENGTH = 6
"""Digits of the secret."""

BEFORE = "user=Ada&pin="
"""What stands before the secret in every answer. The attacker knows it: the page is the same for
all users."""

PADDINGS = ("", "!", "!@", "!@#")
"""Each guess is sent once with each of these behind it. DEFLATE counts in bits, the wire in bytes:
what is less than a byte shorter shows with one of them."""


REMEDIES = ("none", "not compressed", "masked")
"""What the server does against the attack. Masked: it writes the PIN as other digits each time."""


class SearchServer(Server):
    """Answers every message with a result that holds its user's PIN, and the message itself.

    `remedy` is one of `REMEDIES`. Raises KeyError for another one.
    """

    def __init__(self, name: str, remedy: str = "none", *, pin: str = "") -> None:
        if remedy not in REMEDIES:
            raise KeyError(f"expected one of {', '.join(REMEDIES)}, got {remedy!r}")
        # Without a context no answer depends on those before it: the attacker measures each alone.
        agreed = Agreement(server_no_context_takeover=True)
        super().__init__(name, compression=None if remedy == "not compressed" else agreed)
        self.remedy = remedy
        self.pin = pin or "".join(secrets.choice(DIGITS) for _ in range(LENGTH))

    async def handle(self, connection: ServerConnection) -> None:
        async for message in connection:
            pin = masked(self.pin) if self.remedy == "masked" else self.pin
            await connection.send(answer(pin, str(message)))


def masked(pin: str) -> str:
    """Random digits, and the PIN with them added: who receives both subtracts them again."""
    key = [secrets.randbelow(10) for _ in pin]
    sums = [(int(digit) + one) % 10 for digit, one in zip(pin, key, strict=True)]
    return "".join(map(str, [*key, *sums]))


def answer(pin: str, search: str) -> str:
    """The server's answer: who is logged in, and what was searched for."""
    return f"{BEFORE}{pin}&found=0&searched={search}"


class Step(NamedTuple):
    """One step of the attack: the lengths for each digit that may come next."""

    known: str
    lengths: dict[str, int]
    """By digit: the bytes of all answers to this guess, one for each of `PADDINGS`."""

    @property
    def shortest(self) -> list[str]:
        """The digits with the shortest answers: more than one where the lengths do not tell."""
        least = min(self.lengths.values())
        return [digit for digit, length in self.lengths.items() if length == least]


def attack(measure: Callable[[list[str]], list[int]]) -> Iterator[Step]:
    """Guess the secret digit by digit. Stops where the lengths do not tell one digit from others.

    `measure` has these texts searched for, and returns the lengths of the answers on the wire.
    """
    known = ""
    while len(known) < LENGTH:
        guesses = [f"{BEFORE}{known}{digit}{more}" for digit in DIGITS for more in PADDINGS]
        sizes = measure(guesses)
        each = len(PADDINGS)
        lengths = {
            digit: sum(sizes[at * each : (at + 1) * each]) for at, digit in enumerate(DIGITS)
        }
        step = Step(known, lengths)
        yield step
        if len(step.shortest) > 1:
            return
        known += step.shortest[0]
