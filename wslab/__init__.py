"""wslab: a laboratory for WebSocket in JupyterLab.

A lesson's cast is one import away::

    from wslab.labs import handshake
    lab = handshake.open()

This module imports nothing itself, so that `wslab.wire` stays usable with nothing but Python
installed and a shell command starts at once.
"""

__version__ = "0.1.0"


def allow_asyncio_run() -> None:
    """Make `asyncio.run(main())` work in a notebook's cell, as it does in a script.

    A notebook has an event loop running already, and Python allows no second one inside it. This
    applies nest_asyncio, which replaces the Task class and the event loop's methods for the whole
    kernel, until it is restarted. Nothing in wslab needs it: `await main()` works in a cell as is.
    """
    import nest_asyncio

    nest_asyncio.apply()


def load_ipython_extension(shell: object) -> None:
    """`%load_ext wslab`: teach `%%browser` to this notebook, as the labs that use it do."""
    from wslab.view.panels.browser_cells import register

    register(shell)
