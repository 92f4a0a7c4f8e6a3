"""A package, so that its fixtures end with it: see `browser` in conftest.py."""
