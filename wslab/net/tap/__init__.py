"""The wire tap and its debugger: they relay and record what crosses, and can stop or change it."""

from wslab.net.tap.debugger import WireDebugger
from wslab.net.tap.in_flight import InFlight
from wslab.net.tap.rules import Rule
from wslab.net.tap.tap import Tap, page_opened

__all__ = ["InFlight", "Rule", "Tap", "WireDebugger", "page_opened"]
