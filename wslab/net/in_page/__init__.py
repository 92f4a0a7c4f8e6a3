"""Experiments that a page of a real browser carries out: what does this browser do?"""

from wslab.net.in_page.experiments import EXPERIMENTS, InPage, Place, carry_out, code_of
from wslab.net.in_page.recorded import DETAILS, RECORDED_FILE, compared, known, recorded
from wslab.net.in_page.server import COOKIE_PAGES, Answers, PageServer

__all__ = [
    "COOKIE_PAGES",
    "DETAILS",
    "EXPERIMENTS",
    "RECORDED_FILE",
    "Answers",
    "InPage",
    "PageServer",
    "Place",
    "carry_out",
    "code_of",
    "compared",
    "known",
    "recorded",
]
