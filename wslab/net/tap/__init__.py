"""The wire tap and its debugger: relay what crosses, record it, stop it, change it."""

from wslab.net.tap.debugger import WireDebugger
from wslab.net.tap.in_flight import InFlight
from wslab.net.tap.rules import Rule
from wslab.net.tap.tap import Tap

__all__ = ["InFlight", "Rule", "Tap", "WireDebugger"]
