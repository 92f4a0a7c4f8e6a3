"""wslab: a laboratory for WebSocket in JupyterLab.

A lesson's cast is one import away::

    from wslab.labs import handshake
    lab = handshake.open()

This module imports nothing itself, so that `wslab.wire` needs nothing but Python, and a shell
command starts at once.
"""

__version__ = "0.1.0"


def allow_asyncio_run() -> None:
    """Make `asyncio.run(main())` work in a notebook's cell, as it does in a script.

    A notebook has an event loop running already, and Python allows no second one inside it. This
    applies `nesting_package()`, which replaces the Task class and the event loop's methods for the
    whole kernel, until it is restarted. Nothing in wslab needs it: `await main()` works in a cell
    as is.
    """
    from importlib import import_module

    import_module(nesting_package()).apply()


def nesting_package() -> str:
    """The package that makes nested event loops possible: nest_asyncio, or its maintained fork
    nest_asyncio2 if that is installed, as with ipykernel 7.3 and newer.
    """
    from importlib.util import find_spec

    return "nest_asyncio2" if find_spec("nest_asyncio2") else "nest_asyncio"


def load_ipython_extension(shell: object) -> None:
    """`%load_ext wslab`: teach `%%browser` to this notebook, as the labs that use it do."""
    from wslab.net import page_opened, watch_ports
    from wslab.view import register_browser_cells

    register_browser_cells(shell, watch_ports, page_opened)
