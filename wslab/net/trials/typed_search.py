"""A search box over TLS, and what somebody concludes who sees only how long its answers are.

With each letter a page sends what was typed so far, and the server answers with words that begin
so. TLS hides which words these are, but not how long they are. An attack on real services was like
this one: Chen, Wang, Wang and Zhang, "Side-Channel Leaks in Web Applications" (2010).
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from websockets.asyncio.server import ServerConnection

from wslab.net.servers.server import Server

WORDS = (
    "acne", "allergy", "anemia", "angina", "anxiety", "arthritis", "asthma", "autism", "bronchitis",
    "burnout", "cancer", "cataract", "cold", "colitis", "cough", "dementia", "depression",
    "diabetes", "eczema", "epilepsy", "fever", "flu", "gastritis", "glaucoma", "gout", "hay fever",
    "headache", "hepatitis", "hernia", "insomnia", "leukemia", "measles", "migraine", "obesity",
    "pneumonia", "psoriasis", "rubella", "scoliosis", "stroke", "tetanus", "tinnitus", "vertigo",
)  # fmt: skip
"""What can be searched for. Everybody may know it, as everybody may use the search."""
MOST = 4
"""The most words of an answer."""


def answer(typed: str, size: int = 0) -> str:
    """The words that are suggested for `typed`, as JSON; filled up with spaces to `size` bytes."""
    return json.dumps([word for word in WORDS if word.startswith(typed)][:MOST]).ljust(size)


def words_that_fit(lengths: Sequence[int], size: int = 0) -> list[str]:
    """The words whose first letters are answered with so many bytes, one after the other."""
    return [
        word
        for word in WORDS
        if len(word) >= len(lengths)
        and all(len(answer(word[:end], size)) == it for end, it in enumerate(lengths, 1))
    ]


class SuggestServer(Server):
    """Answers each message with words that begin with it, filled up to `size` bytes."""

    def __init__(self, name: str, *, size: int = 0, **options: Any) -> None:
        super().__init__(name, **options)
        self.size = size

    async def handle(self, connection: ServerConnection) -> None:
        async for typed in connection:
            await connection.send(answer(str(typed), self.size))
