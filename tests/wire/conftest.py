"""On a busy machine a property may take its time: what counts here is what comes out.

Each run here tries other examples; CI's are the same each time, so that it judges the change alone.
"""

import os

from hypothesis import settings

settings.register_profile("wire", deadline=None, derandomize="CI" in os.environ)
settings.load_profile("wire")
