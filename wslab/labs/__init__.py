"""The casts of the lessons: one module per notebook, opened with `open()`.

from wslab.labs import handshake
lab = handshake.open()
"""
