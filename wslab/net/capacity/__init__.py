"""What a server can carry: measured on a small scale here, and planned for a large one."""

from wslab.net.capacity.figures import Figures, measure
from wslab.net.capacity.planning import NEEDS, PORTS, Plan, Wanted, plan
from wslab.net.capacity.ports import RanOut, run_out

__all__ = ["NEEDS", "PORTS", "Figures", "Plan", "RanOut", "Wanted", "measure", "plan", "run_out"]
