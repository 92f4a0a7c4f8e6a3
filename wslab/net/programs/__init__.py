"""Server programs of this machine, started and ended by a lab: nginx and redis-server."""

from wslab.net.programs.nginx import Nginx
from wslab.net.programs.program import Program, ProgramFailed, ProgramMissing
from wslab.net.programs.redis import Redis

__all__ = ["Nginx", "Program", "ProgramFailed", "ProgramMissing", "Redis"]
