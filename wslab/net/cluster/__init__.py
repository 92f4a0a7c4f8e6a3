"""Servers that are several processes: over one database, over one channel, behind one nginx."""

from wslab.net.cluster.beside import Beside, Posted, post_and_hear

__all__ = ["Beside", "Posted", "post_and_hear"]
