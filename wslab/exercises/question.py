"""A multiple-choice question, with a reply to each option."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Question:
    """A question. One of `options` is right; `replies` says why each of them is or is not."""

    prompt: str
    options: tuple[str, ...]
    answer: int
    """The index of the right option."""
    replies: tuple[str, ...]
    rfc: str

    def __post_init__(self) -> None:
        if len(self.replies) != len(self.options) or not 0 <= self.answer < len(self.options):
            raise ValueError(f"every option needs a reply, and one must be right: {self.prompt!r}")
