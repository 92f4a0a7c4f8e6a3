"""On a busy machine a property may take its time: what counts here is what comes out."""

from hypothesis import settings

settings.register_profile("wire", deadline=None)
settings.load_profile("wire")
