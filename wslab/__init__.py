"""wslab: a laboratory for WebSocket in JupyterLab.

A lesson's cast is one import away::

    from wslab.labs import handshake
    lab = handshake.open()

This module imports nothing itself, so that `wslab.wire` stays usable with nothing but Python
installed and a shell command starts at once.
"""

__version__ = "0.1.0"
