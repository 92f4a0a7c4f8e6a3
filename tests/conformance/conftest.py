"""Nothing that the suite starts is left behind by any test."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from wslab.net import running


@pytest.fixture(autouse=True)
def nothing_is_left() -> Iterator[None]:
    yield
    assert list(running()) == []
