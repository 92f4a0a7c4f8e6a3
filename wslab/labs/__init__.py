"""The labs of the lessons: one module for each notebook, opened with `open()`.

from wslab.labs import handshake
lab = handshake.open()
"""
