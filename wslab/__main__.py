"""`python -m wslab` is the command `wslab`."""

import sys

from wslab.cli import main

sys.exit(main())
