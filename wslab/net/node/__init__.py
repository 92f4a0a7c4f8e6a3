"""Programs in Node, on its package `ws`: real processes, whose prints and ends can be watched.

Read in this order: `find` (where Node and `ws` are), `program` (JavaScript, run in a process),
`lifeline.js` (what is loaded before it); `install` is for the command `wslab node`.
"""

from wslab.net.node.find import NodeAndWs, NodeMissing, find_node
from wslab.net.node.install import InstallFailed, install
from wslab.net.node.program import NodeProgram, Printed

__all__ = [
    "InstallFailed",
    "NodeAndWs",
    "NodeMissing",
    "NodeProgram",
    "Printed",
    "find_node",
    "install",
]
