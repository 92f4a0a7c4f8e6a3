"""The lab that a test module is about, on real sockets, and nothing left behind by any test."""

from __future__ import annotations

from collections.abc import Iterator
from importlib import import_module

import pytest

from wslab.labs.lesson import Lesson
from wslab.net import loop, running


@pytest.fixture
def lab(request: pytest.FixtureRequest) -> Iterator[Lesson]:
    """That of `test_<topic>.py`, open."""
    topic = request.path.stem.removeprefix("test_")
    with import_module(f"wslab.labs.{topic}").open() as lab:
        yield lab
    assert list(running()) == []
    assert loop.tasks() == []
