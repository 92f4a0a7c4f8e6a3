"""What other browsers did in the experiments, as recorded: with version and date."""

from __future__ import annotations

import json
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import NamedTuple

from wslab.net.in_page.experiments import EXPERIMENTS
from wslab.net.in_page.server import Answers

RECORDED_FILE = Path(__file__).with_name("recorded.json")
"""Written by tools/record_browsers.py."""


class Recorded(NamedTuple):
    """The answers of one browser."""

    browser: str
    version: str
    date: str
    """The day of the recording, "2026-11-29"."""
    variant: str
    """How it was another one than the browser as it comes; "" for that one."""
    answers: dict[str, Answers]
    """By experiment; of a variant, only those in which it does something else."""

    @property
    def title(self) -> str:
        """Its name and main version, and when it was recorded."""
        return f"{self.browser} {self.version.partition('.')[0]}, recorded {self.date}"


DETAILS = ("MiB sent to it",)
"""Questions with another answer each time, which are not compared."""


@cache
def recorded() -> tuple[Recorded, ...]:
    """All recordings, each browser as it comes before its variants."""
    return tuple(Recorded(**one) for one in json.loads(RECORDED_FILE.read_text("utf-8")))


def known(experiment: str) -> dict[str, Answers]:
    """The recorded answers to an experiment, by browser; what a variant does stands in brackets."""
    found: dict[str, Answers] = {}
    for one in recorded():
        answers = found.setdefault(one.title, {})
        for about, text in one.answers.get(experiment, {}).items():
            if about in DETAILS:
                continue
            if not one.variant:
                answers[about] = text
            elif text != answers.get(about):
                answers[about] = f"{answers.get(about, '')} ({one.variant}: {text})".strip()
    return found


def compared(here: Mapping[str, Answers]) -> tuple[list[str], list[list[str]]]:
    """The headings and rows of a table: each question, this browser's answers, and recorded ones.

    `here` has this browser's answers by experiment, as far as there are any.
    """
    titles = list(dict.fromkeys(one.title for one in recorded()))
    rows = []
    for experiment in EXPERIMENTS:
        there = known(experiment)
        mine = here.get(experiment, {})
        asked = dict.fromkeys(about for answers in (*there.values(), mine) for about in answers)
        for about in asked:
            if about not in DETAILS:
                others = [there[title].get(about, "") for title in titles]
                answer = mine.get(about, "" if mine else "not tried yet")
                rows.append([f"{experiment}: {about}", answer, *others])
    return ["experiment: question", "this browser", *titles], rows
