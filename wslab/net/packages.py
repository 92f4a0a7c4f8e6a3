"""Python packages that only some lessons need: their import says how to get them."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from wslab.net.errors import PackageMissing


@contextmanager
def extra(name: str) -> Iterator[None]:
    """Around the imports of packages that the extra `name` brings. Raises `PackageMissing`.

    ::

        with extra("production"):
            import trustme
    """
    try:
        yield
    except ModuleNotFoundError as error:
        raise PackageMissing(
            f"the package {error.name} is not installed: pip install 'wslab[{name}]', "
            "then restart the kernel"
        ) from error
