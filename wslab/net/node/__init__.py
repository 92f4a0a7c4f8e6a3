"""Programs in Node, on its package `ws`: real processes, whose prints and ends can be watched.

Read in this order: `find` (where Node and `ws` are), `program` (JavaScript, run in a process),
`lifeline.js` (what is loaded before it), `recorded` (an earlier run, where Node is missing).
`installer` is for the command `wslab node`.
"""

from wslab.net.node.find import NodeMissing, find_node
from wslab.net.node.installer import InstallFailed, install
from wslab.net.node.program import PROGRAMS, NodeProgram
from wslab.net.node.recorded import RecordedProgram, recorded_run, recorded_wire

__all__ = [
    "PROGRAMS",
    "InstallFailed",
    "NodeMissing",
    "NodeProgram",
    "RecordedProgram",
    "find_node",
    "install",
    "recorded_run",
    "recorded_wire",
]
